/** A time-out that leaves nothing behind: `signal` is aborted when its time is over, unless it was ended before. */
export interface Deadline {
  readonly signal: AbortSignal
  /** Whether the time ran out. */
  readonly isOver: boolean
  /** Not needed any more. */
  end(): void
}

/** The time-outs of one part, which are all over when it stops. */
export class Deadlines {
  readonly #open = new Set<() => void>()
  #isStopped = false

  get isStopped(): boolean {
    return this.#isStopped
  }

  after(ms: number): Deadline {
    const controller = new AbortController()
    let isOver = false
    const end = (): void => {
      clearTimeout(timer)
      this.#open.delete(giveUp)
    }
    const giveUp = (): void => {
      end()
      controller.abort(new Error('given up'))
    }
    const timer = setTimeout(() => {
      isOver = true
      this.#open.delete(giveUp)
      controller.abort(new Error('out of time'))
    }, ms)
    if (this.#isStopped) giveUp()
    else this.#open.add(giveUp)
    return {
      signal: controller.signal,
      get isOver() {
        return isOver
      },
      end
    }
  }

  stop(): void {
    this.#isStopped = true
    for (const giveUp of [...this.#open]) giveUp()
  }
}
