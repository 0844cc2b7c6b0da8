/** Long polls that wait at once; one more is answered at once, which a client takes for "ask again". */
const MAX_WAITING = 32

/** A waiting call looks at the clock this often, since time alone can change a template too. */
const LOOK_EVERY_MS = 5_000

/** Calls that wait for a new tip. */
export class TipWaiters {
  readonly #waiting = new Set<() => void>()
  #closed = false

  /** Resolves when `isOver` says so, when the caller has gone, or when this is closed. */
  async wait(isOver: () => boolean, signal: AbortSignal): Promise<void> {
    while (!this.#closed && !signal.aborted && !isOver() && this.#waiting.size < MAX_WAITING) await this.#turn(signal)
  }

  /** Everyone looks again. */
  wake(): void {
    for (const look of [...this.#waiting]) look()
  }

  /** Nobody waits any more, for good. */
  close(): void {
    this.#closed = true
    this.wake()
  }

  #turn(signal: AbortSignal): Promise<void> {
    return new Promise(resolve => {
      const look = (): void => {
        clearTimeout(timer)
        signal.removeEventListener('abort', look)
        this.#waiting.delete(look)
        resolve()
      }
      const timer = setTimeout(look, LOOK_EVERY_MS)
      signal.addEventListener('abort', look)
      this.#waiting.add(look)
    })
  }
}
