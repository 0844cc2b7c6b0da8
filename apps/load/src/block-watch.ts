import type { BlockSeen } from './crowd-contract.ts'

/** Blocks remembered; at the cap the oldest is forgotten. */
const MAX_BLOCKS = 256
/** Turns closer together than this had no rest between them. */
const REST_MS = 0.2

interface Watched {
  readonly anyJobAtMs: number[]
  readonly fullJobAtMs: number[]
  lagMs: number
}

/**
 * When the miners of one process heard of new blocks. A time is taken before anything else is done with what was read, but
 * what one turn of the event loop brings is read one after the other: a line may have waited for the turn before to end, and
 * for the sockets before it in its own. That is known, and told as the lag.
 */
export class BlockWatch {
  readonly #blocks = new Map<string, Watched>()
  readonly #onTurn: (end: () => void) => void
  readonly #nowMs: () => number
  #turnStartedAtMs: number | null = null
  #lastTurn = { startedAtMs: 0, endedAtMs: 0 }

  /** @param onTurn calls back when the present turn of the event loop has read all there was */
  constructor(deps: { readonly nowMs: () => number; readonly onTurn: (end: () => void) => void }) {
    this.#nowMs = deps.nowMs
    this.#onTurn = deps.onTurn
  }

  /** Something was read. @returns the time */
  stamp(): number {
    const nowMs = this.#nowMs()
    if (this.#turnStartedAtMs === null) {
      this.#turnStartedAtMs = nowMs
      this.#onTurn(this.#endTurn)
    }
    return nowMs
  }

  /** A miner's first job on a block, or its first with transactions. */
  heard(prevHash: string, job: 'any' | 'full', atMs: number): void {
    const block = this.#blockOf(prevHash)
    if (job === 'any') block.anyJobAtMs.push(atMs)
    else block.fullJobAtMs.push(atMs)
    block.lagMs = this.#lagAt(atMs)
  }

  clear(): void {
    this.#blocks.clear()
  }

  seen(): BlockSeen[] {
    return [...this.#blocks].map(([prevHash, { anyJobAtMs, fullJobAtMs, lagMs }]) => ({
      prevHash,
      anyJobAtMs: Float64Array.from(anyJobAtMs),
      fullJobAtMs: Float64Array.from(fullJobAtMs),
      lagMs
    }))
  }

  #blockOf(prevHash: string): Watched {
    const known = this.#blocks.get(prevHash)
    if (known !== undefined) return known
    for (const oldest of this.#blocks.keys()) {
      if (this.#blocks.size < MAX_BLOCKS) break
      this.#blocks.delete(oldest)
    }
    const block = { anyJobAtMs: [], fullJobAtMs: [], lagMs: 0 }
    this.#blocks.set(prevHash, block)
    return block
  }

  #lagAt(atMs: number): number {
    const startedAtMs = this.#turnStartedAtMs ?? atMs
    const { startedAtMs: before, endedAtMs } = this.#lastTurn
    return atMs - (startedAtMs - endedAtMs < REST_MS ? before : startedAtMs)
  }

  readonly #endTurn = (): void => {
    if (this.#turnStartedAtMs !== null)
      this.#lastTurn = { startedAtMs: this.#turnStartedAtMs, endedAtMs: this.#nowMs() }
    this.#turnStartedAtMs = null
  }
}
