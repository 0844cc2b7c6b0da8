import type { Invite } from '@p2poolv2/gossip'
import { NodeCore } from '@p2poolv2/node'
import { type Rng, steadyMs } from '@p2poolv2/primitives'
import { type Clock, nodeSha256d } from '@p2poolv2/runtime'
import type { Config } from '../settings.ts'
import type { KeptData } from './kept-data.ts'
import { configuredOptions } from './node-options.ts'

/**
 * How long a node that is to join others, or was among others before it stopped, waits for the first answer before it makes shares of its
 * own: an answer takes a second, or ten on a slow line and as long for one lost dial. What it found before would be on a fork that dies with
 * the answer. Miners find blocks meanwhile.
 */
const JOIN_WITHIN_MS = 15_000

/** The machine, and what the configuration says of it. */
export interface NodeMachine {
  readonly core: NodeCore
  readonly options: ReturnType<typeof configuredOptions>
}

/** The node machine as it goes on from what was kept. */
export function nodeMachine(
  config: Config,
  kept: KeptData,
  deps: { readonly invite: Invite | null; readonly maxMiners: number; readonly clock: Clock; readonly rng: Rng }
): NodeMachine {
  const { params, wallet, chain, recentBlocks, knownPeers, accounting, figures } = kept
  const { invite, maxMiners, clock, rng } = deps
  const now = clock.now()
  const joins = invite !== null || config.p2p.dial_peers.length > 0 || knownPeers?.wereGood === true
  const options = configuredOptions(config, params)
  const core = new NodeCore(
    {
      ...options,
      ...(joins ? { joinsUntilMs: steadyMs(now.steadyMs + JOIN_WITHIN_MS) } : {}),
      nodeShareProgram: wallet.shareProgram,
      recentBlocks,
      ...(accounting === null ? {} : { accounting: { rows: accounting.rows, windowBlocks: config.hydrapool.window } }),
      startedAtMs: now.steadyMs,
      figures: { rows: figures.rows, now },
      maxMiners
    },
    { rng, sha256d: nodeSha256d, chain }
  )
  return { core, options }
}
