import type { NodeEvent } from '@p2poolv2/node'
import { asciiToBytes, type BlockHash, invariant, type SeededRng } from '@p2poolv2/primitives'
import type { SessionOutput } from '@p2poolv2/stratum'
import { between } from '../chance.ts'
import type { SimMiner } from '../mining/sim-miner.ts'
import type { VirtualClock } from '../virtual-clock.ts'

/** From a miner to its node and back, on the same local network. */
const LAN_MS: readonly [number, number] = [1, 4]
const RECONNECT_MS: readonly [number, number] = [1_000, 3_000]

/** What a miner's connection does at its node. */
export interface MinerLineEnds {
  /** Hands the node an event; `block`: the lines carry this bitcoin block. @returns false when the node is down */
  post(event: NodeEvent, block: BlockHash | null): boolean
  /** A connection number never used before. */
  nextMinerId(): number
}

/** One miner's connection to its node: dials, carries lines both ways, dials again when it is closed. */
export class MinerLine {
  readonly miner: SimMiner
  readonly #clock: VirtualClock
  readonly #rng: SeededRng
  readonly #ends: MinerLineEnds
  readonly #lanMs: number
  #id: number | null = null

  constructor(miner: SimMiner, parts: { clock: VirtualClock; rng: SeededRng; ends: MinerLineEnds }) {
    this.miner = miner
    this.#clock = parts.clock
    this.#rng = parts.rng
    this.#ends = parts.ends
    this.#lanMs = between(parts.rng, ...LAN_MS)
  }

  /** The connection's number at the node, null while there is none. */
  get id(): number | null {
    return this.#id
  }

  dialLater(): void {
    this.#clock.after(between(this.#rng, ...RECONNECT_MS), () => this.#dial())
  }

  /** What the node sends, under way. */
  carry(text: SessionOutput): void {
    const id = this.#id
    invariant(typeof text === 'string', 'virtual miners speak lines')
    this.#clock.after(this.#lanMs, () => {
      if (id === this.#id) this.miner.received(text)
    })
  }

  /** The node, or the node's process, closed it. */
  closed(): void {
    if (this.#id === null) return
    this.#id = null
    this.miner.disconnected()
    this.dialLater()
  }

  #dial(): void {
    if (this.#id !== null) return
    const id = this.#ends.nextMinerId()
    this.#id = id
    if (!this.#ends.post({ type: 'minerConnected', miner: id, remote: '192.0.2.1:40000' }, null)) {
      this.#id = null
      this.dialLater()
      return
    }
    if (this.#id !== id) return
    this.miner.connected((text, block) => this.#sent(id, text, block))
  }

  #sent(id: number, text: string, block: BlockHash | null): void {
    this.#clock.after(this.#lanMs, () => {
      if (id !== this.#id) return
      const lines = text.trimEnd().split('\n').map(asciiToBytes)
      this.#ends.post({ type: 'minerLines', miner: id, lines }, block)
    })
  }
}
