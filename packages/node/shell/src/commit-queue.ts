import type { ChainDelta, ShareStore } from '@p2poolv2/sharechain'

/**
 * Deltas that may wait for the disk. Past this many the shell takes no more miner lines until half have been written:
 * the disk is far slower than the chain, and memory must not run ahead of it without end.
 */
export const MAX_QUEUED_COMMITS = 1024

export interface CommitQueueOptions {
  readonly store: Pick<ShareStore, 'commit'>
  readonly onCommitted: (sequence: number) => void
  /** The disk refuses. Nothing is written after that; what waited is dropped. */
  readonly onFailed: (error: unknown) => void
  /** Default `MAX_QUEUED_COMMITS`. */
  readonly maxQueued?: number
}

/** Writes deltas one at a time, in the order they were given. */
export class CommitQueue {
  readonly #options: CommitQueueOptions
  readonly #maxQueued: number
  #waiting: ChainDelta[] = []
  #running: Promise<void> | null = null
  #failed = false

  constructor(options: CommitQueueOptions) {
    this.#options = options
    this.#maxQueued = options.maxQueued ?? MAX_QUEUED_COMMITS
  }

  /** Deltas given and not yet written. */
  get size(): number {
    return this.#waiting.length
  }

  get isFull(): boolean {
    return this.#waiting.length >= this.#maxQueued
  }

  get isHalfEmpty(): boolean {
    return this.#waiting.length <= this.#maxQueued / 2
  }

  push(delta: ChainDelta): void {
    if (this.#failed) return
    this.#waiting.push(delta)
    this.#running ??= this.#run()
  }

  /** Resolves when nothing is waiting any more, written or failed. Never rejects. */
  async drained(): Promise<void> {
    while (this.#running !== null) await this.#running
  }

  async #run(): Promise<void> {
    try {
      for (let delta = this.#waiting[0]; delta !== undefined; delta = this.#waiting[0]) {
        await this.#options.store.commit(delta)
        this.#waiting.shift()
        this.#options.onCommitted(delta.sequence)
      }
    } catch (error) {
      this.#failed = true
      this.#waiting = []
      this.#options.onFailed(error)
    } finally {
      this.#running = null
    }
  }
}
