import { type BacklogNews, CommitBacklog, deltaBytes } from '@p2poolv2/node'
import type { ChainDelta, ShareStore } from '@p2poolv2/sharechain'

/** Deltas written as one, and bytes of them, if more than one. A write ends in a turn of the event loop, of which a busy node has few. */
export const MAX_BATCH_DELTAS = 64
export const MAX_BATCH_BYTES = 4 * 1_048_576

export interface CommitQueueOptions {
  readonly store: Pick<ShareStore, 'commit'>
  /** All deltas up to this one are written. */
  readonly onCommitted: (sequence: number) => void
  /** The disk is too far behind, or no longer is. */
  readonly onBacklog: (news: BacklogNews) => void
  /** The disk refuses. Nothing is written after that; what waited is dropped. */
  readonly onFailed: (error: unknown) => void
  /** Default `MAX_WAITING_DELTAS`. */
  readonly maxWaiting?: number
}

/**
 * Writes deltas in the order they were given: the first at once, and whatever has gathered meanwhile as one, so that a disk is behind only
 * if it is slow itself. It has no cap of its own: the machine, told that the disk is behind, stops giving all but found
 * blocks, their results and what it held back.
 */
export class CommitQueue {
  readonly #options: CommitQueueOptions
  readonly #backlog: CommitBacklog
  #waiting: ChainDelta[] = []
  #running: Promise<void> | null = null
  #failed = false
  #readers: { readonly sequence: number; readonly go: () => void }[] = []

  constructor(options: CommitQueueOptions) {
    this.#options = options
    this.#backlog = new CommitBacklog(options.maxWaiting === undefined ? {} : { maxDeltas: options.maxWaiting })
  }

  /** Deltas given and not yet written. */
  get size(): number {
    return this.#waiting.length
  }

  push(delta: ChainDelta): void {
    if (this.#failed) return
    this.#waiting.push(delta)
    this.#tell(this.#backlog.given(delta))
    this.#running ??= this.#run()
  }

  /** Resolves when nothing is waiting any more, written or failed. Never rejects. */
  async drained(): Promise<void> {
    while (this.#running !== null) await this.#running
  }

  /**
   * Resolves once no delta up to this sequence waits any more. Never after a failure: nothing that would be read then can
   * be relied on.
   */
  async written(sequence: number): Promise<void> {
    if (this.#failed) return new Promise(() => {})
    const first = this.#waiting[0]
    if (first === undefined || first.sequence > sequence) return
    await new Promise<void>(resolve => this.#readers.push({ sequence, go: resolve }))
  }

  async #run(): Promise<void> {
    const { store, onCommitted, onFailed } = this.#options
    try {
      for (let batch = this.#nextBatch(); batch.length > 0; batch = this.#nextBatch()) {
        await store.commit(...batch)
        this.#waiting.splice(0, batch.length)
        for (const delta of batch) this.#tell(this.#backlog.written(delta))
        const last = batch.at(-1)?.sequence ?? 0
        onCommitted(last)
        this.#letRead(last)
      }
    } catch (error) {
      this.#failed = true
      this.#waiting = []
      this.#readers = []
      onFailed(error)
    } finally {
      this.#running = null
    }
  }

  #nextBatch(): readonly ChainDelta[] {
    let bytes = 0
    const end = this.#waiting.findIndex((delta, at) => {
      bytes += deltaBytes(delta)
      return at > 0 && (at >= MAX_BATCH_DELTAS || bytes > MAX_BATCH_BYTES)
    })
    return this.#waiting.slice(0, end === -1 ? undefined : end)
  }

  #letRead(written: number): void {
    const ready = this.#readers.filter(({ sequence }) => sequence <= written)
    if (ready.length === 0) return
    this.#readers = this.#readers.filter(({ sequence }) => sequence > written)
    for (const { go } of ready) go()
  }

  #tell(news: BacklogNews | null): void {
    if (news !== null) this.#options.onBacklog(news)
  }
}
