import { devnetParams } from '@p2poolv2/consensus'
import { address, Rig } from '@p2poolv2/node/testing'
import { createLog, systemClock } from '@p2poolv2/runtime'
import type { MemoryStore } from '@p2poolv2/sharechain'
import {
  DEFAULT_START_PROFILES,
  DEFAULT_VARDIFF,
  framesIn,
  type SessionOutput,
  type SessionSettings
} from '@p2poolv2/stratum'
import { type Door, Handshakes, NoiseIdentity, StratumServer } from '@p2poolv2/stratum/tcp'
import { AnsweringHere } from '../../packages/stratum/tcp/src/v2/answering.ts'

/** BIP 320's: what the firmware of the tables was written for. */
const VERSION_MASK = 0x1fffe000
const GENESIS_SEC = 1_700_000_000

/**
 * `real`: difficulties as on bitcoin, which nobody here can mine, for what is said about them. `small`: the same server with work of
 * some hundred hashes a share, and a thousand a block.
 */
export type PoolSize = 'real' | 'small'

const SIZES = {
  real: { shareBits: 0x1a00ffff, halfLifeSec: 1_000_000, bitcoinBits: 0x1702a000, minDifficulty: 0.0001 },
  small: { shareBits: 0x2000ffff, halfLifeSec: 60, bitcoinBits: 0x1f3fffff, minDifficulty: 1e-10 }
} as const

/** Whoever is connected to the pool, as it counts what goes over the wire. */
export interface WireEnd {
  /** Characters read and lines written; of a channel of Stratum V2 frames read and written. */
  readonly heard: number
  readonly said: number
  readonly isOpen: boolean
}

/** A node with its real server on a real socket, under a clock that stands still until told. */
export class FirmwarePool {
  readonly #size: PoolSize
  readonly #doors: readonly Omit<Door, 'host' | 'port'>[]
  #rig: Rig
  #server: StratumServer
  #store: MemoryStore | null = null
  #parent = 1
  #nowMs: number | null = null
  /** By connection: characters or frames sent to it, and lines or frames taken of it. */
  readonly #sent = new Map<number, number>()
  readonly #taken = new Map<number, number>()
  /** By the port that a connection comes from. */
  readonly #miners = new Map<number, number>()

  private constructor(size: PoolSize, doors: readonly Omit<Door, 'host' | 'port'>[]) {
    this.#size = size
    this.#doors = doors
    this.#rig = this.#newRig()
    this.#server = this.#newServer()
  }

  /** @param doors beside the first one */
  static async open(size: PoolSize, doors: readonly Omit<Door, 'host' | 'port'>[] = []): Promise<FirmwarePool> {
    const pool = new FirmwarePool(size, doors)
    await pool.#begin()
    return pool
  }

  get rig(): Rig {
    return this.#rig
  }

  get nowMs(): number {
    return this.#rig.nowMs
  }

  /** @param door 0 is the first */
  port(door = 0): number {
    return this.#server.ports[door] ?? 0
  }

  /** A block that somebody else found: all work begins anew on it. */
  newBlock(): void {
    this.#parent += 1
    this.#template()
  }

  /** New transactions: new work on the same block. */
  refresh(): void {
    this.#template()
  }

  /** Nobody can connect, and miners are told to leave. Resolves when all have left, or have been hung up on. */
  drain(drainMs: number): Promise<void> {
    const stopped = this.#server.stop({ drainMs })
    this.#rig.handle({ type: 'drain' })
    return stopped
  }

  async stop(): Promise<void> {
    await this.#server.stop()
  }

  /** The same node again, with what it had on disk and nothing of its connections. */
  async restart(): Promise<void> {
    await this.stop()
    this.#store = this.#rig.store
    this.#nowMs = this.#rig.nowMs
    this.#rig = this.#newRig()
    this.#server = this.#newServer()
    await this.#begin()
  }

  /** Waits until everything that was said has been heard on both sides. */
  async settle(ends: readonly (WireEnd & { readonly localPort: number })[]): Promise<void> {
    for (;;) {
      await new Promise(resolve => setImmediate(resolve))
      if (ends.every(end => !end.isOpen || this.#isHeard(end))) return
    }
  }

  #isHeard({ localPort, heard, said }: WireEnd & { readonly localPort: number }): boolean {
    const miner = this.#miners.get(localPort)
    if (miner === undefined) return false
    return this.#sent.get(miner) === heard && this.#taken.get(miner) === said
  }

  async #begin(): Promise<void> {
    this.#template()
    await this.#server.listen()
  }

  #template(): void {
    this.#rig.template({ parent: this.#parent, height: 100 + this.#parent, bits: SIZES[this.#size].bitcoinBits })
  }

  #newRig(): Rig {
    const { shareBits, halfLifeSec } = SIZES[this.#size]
    const rig = new Rig({
      check: 'never',
      params: devnetParams({
        genesisTimeSec: GENESIS_SEC,
        anchorBits: shareBits,
        maxTargetBits: shareBits,
        halfLifeSec
      }),
      stratum: this.#settings(),
      ...(this.#store === null ? {} : { store: this.#store })
    })
    rig.nowMs = this.#nowMs ?? rig.nowMs
    rig.onEffect = effect => {
      if (effect.type === 'sendMiner') {
        this.#sent.set(effect.miner, (this.#sent.get(effect.miner) ?? 0) + sizeOf(effect.output))
        this.#server.send(effect.miner, effect.output)
      } else if (effect.type === 'closeMiner') this.#server.close(effect.miner, effect.reason)
    }
    return rig
  }

  #settings(): SessionSettings {
    const { minDifficulty } = SIZES[this.#size]
    const small = this.#size === 'small'
    return {
      versionMask: VERSION_MASK,
      vardiff: { ...DEFAULT_VARDIFF, minDifficulty },
      // A floor that somebody demands holds whatever is useful, and nobody here mines at 524,288.
      startProfiles: small
        ? DEFAULT_START_PROFILES.map(profile => ({ ...profile, floorDifficulty: null, isFloorDemanded: false }))
        : DEFAULT_START_PROFILES
    }
  }

  #newServer(): StratumServer {
    const at = { host: '127.0.0.1', port: 0 }
    // Numbers of connections begin anew with the server.
    for (const of of [this.#sent, this.#taken, this.#miners]) of.clear()
    const rig = (): Rig => this.#rig
    return new StratumServer(
      { ...at, moreDoors: this.#doors.map(door => ({ ...at, ...door })) },
      {
        clock: { now: () => rig().now },
        log: createLog({ level: 'silent', format: 'json' }),
        onConnected: (miner, remote, { startDifficulty }, channel) => {
          this.#miners.set(Number(remote.split(':').at(-1)), miner)
          this.#sent.set(miner, 0)
          this.#taken.set(miner, 0)
          const door = {
            ...(startDifficulty !== undefined && { startDifficulty }),
            ...(channel !== undefined && { channel })
          }
          rig().handle({ type: 'minerConnected', miner, remote, ...door })
        },
        onLines: (miner, lines) => {
          rig().handle({ type: 'minerLines', miner, lines })
          this.#taken.set(miner, (this.#taken.get(miner) ?? 0) + lines.length)
        },
        onGone: miner => {
          rig().handle({ type: 'minerGone', miner })
        }
      }
    )
  }
}

/** What a wire end counts as heard. */
function sizeOf(output: SessionOutput): number {
  return typeof output === 'string' ? output.length : [...framesIn(output)].length
}

/** A door for Stratum V2. Handshakes take what time they take: nobody here waits for them by the pool's clock. */
export function sealedDoor(): Pick<Door, 'handshakes'> {
  const log = createLog({ level: 'silent', format: 'json' })
  const identity = new NoiseIdentity(new Uint8Array(32).fill(0x49))
  return { handshakes: new Handshakes(identity, { answering: new AnsweringHere(), clock: systemClock(), log }) }
}

/** An address that this pool pays. */
export const PAYEE: string = address(1)
