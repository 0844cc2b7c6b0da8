import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import type { Rng } from '@p2poolv2/primitives'
import type { Clock, Log } from '@p2poolv2/runtime'
import { AnsweringThread, type Door, Handshakes, NoiseIdentity } from '@p2poolv2/stratum/tcp'
import { openKeyFile } from '../../data/wallet.ts'
import type { Config } from '../../settings.ts'

/** In the data directory. */
const KEY_FILE_NAME = 'stratum-v2.key'
/** From the port of Stratum V1 to that of V2, where none is set. */
const USUAL_DISTANCE = 3
const LAST_PORT = 65_535

/** The door of miners that speak Stratum V2, and who answers their handshakes. */
export interface StratumV2Door {
  readonly door: Door
  readonly handshakes: Handshakes
  /** The end of the address that miners are given: the key by which they know this node. */
  readonly authorityText: string
}

/** @returns null where the configuration wants none */
export function stratumV2Door(
  config: Config,
  deps: { readonly clock: Clock; readonly rng: Rng; readonly log: Log }
): StratumV2Door | null {
  const { hostname: host, port: v1Port, v2_port: set } = config.stratum
  const port = set ?? (v1Port === 0 ? 0 : v1Port + USUAL_DISTANCE)
  if (port === 0 || port > LAST_PORT) return null
  mkdirSync(config.data_dir, { recursive: true })
  const identity = new NoiseIdentity(openKeyFile(join(config.data_dir, KEY_FILE_NAME), () => deps.rng.bytes(32)))
  const { clock, log } = deps
  const handshakes = new Handshakes(identity, { answering: new AnsweringThread(), clock, log })
  const door = { host, port, handshakes, isOptional: set === undefined }
  return { door, handshakes, authorityText: identity.authorityText }
}
