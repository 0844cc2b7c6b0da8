import { type BacklogNews, CommitBacklog } from '@p2poolv2/node'
import type { ChainDelta, ShareStore } from '@p2poolv2/sharechain'

export interface CommitQueueOptions {
  readonly store: Pick<ShareStore, 'commit'>
  readonly onCommitted: (sequence: number) => void
  /** The disk is too far behind, or no longer is. */
  readonly onBacklog: (news: BacklogNews) => void
  /** The disk refuses. Nothing is written after that; what waited is dropped. */
  readonly onFailed: (error: unknown) => void
  /** Default `MAX_WAITING_DELTAS`. */
  readonly maxWaiting?: number
}

/**
 * Writes deltas one at a time, in the order they were given. It has no cap of its own: the machine, told that the disk is
 * behind, stops giving all but found blocks, their results and what it held back.
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
      for (let delta = this.#waiting[0]; delta !== undefined; delta = this.#waiting[0]) {
        await store.commit(delta)
        this.#waiting.shift()
        this.#tell(this.#backlog.written(delta))
        onCommitted(delta.sequence)
        this.#letRead(delta.sequence)
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
