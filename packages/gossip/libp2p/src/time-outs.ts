/** A time-out that leaves nothing behind: `signal` is aborted when its time is over, unless it was ended before. */
export interface TimeOut {
  readonly signal: AbortSignal
  /** Whether the time ran out. */
  readonly isOver: boolean
  /** Not needed any more. */
  end(): void
}

/** The time-outs of one part, which are all over when it stops. */
export class TimeOuts {
  readonly #open = new Set<() => void>()
  #isStopped = false

  get isStopped(): boolean {
    return this.#isStopped
  }

  after(ms: number): TimeOut {
    const controller = new AbortController()
    let isOver = false
    const end = this.call(ms, why => {
      isOver = why === 'out of time'
      controller.abort(new Error(why))
    })
    return {
      signal: controller.signal,
      get isOver() {
        return isOver
      },
      end
    }
  }

  /**
   * The time-out of what needs no signal, which costs more than the time-out.
   * @param over called once: when the time is over or its part stops, unless it was ended before
   * @returns ends it
   */
  call(ms: number, over: (why: 'out of time' | 'given up') => void): () => void {
    const end = (): void => {
      clearTimeout(timer)
      this.#open.delete(giveUp)
    }
    const giveUp = (): void => {
      end()
      over('given up')
    }
    const timer = setTimeout(() => {
      end()
      over('out of time')
    }, ms)
    if (this.#isStopped) giveUp()
    else this.#open.add(giveUp)
    return end
  }

  stop(): void {
    this.#isStopped = true
    for (const giveUp of [...this.#open]) giveUp()
  }
}
