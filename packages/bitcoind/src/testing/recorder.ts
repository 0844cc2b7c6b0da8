/** Keeps what was reported and lets a test wait for it; a test that waits in vain runs into its own time limit. */
export class Recorder<T> {
  readonly seen: T[] = []
  readonly #waiting = new Set<() => void>()

  readonly add = (value: T): void => {
    this.seen.push(value)
    for (const look of [...this.#waiting]) look()
  }

  /** The first value, from position `from` on, that fits; at once if it was reported already. */
  async first(fits: (value: T, index: number) => boolean, from = 0): Promise<T> {
    for (;;) {
      const found = this.seen.slice(from).find(fits)
      if (found !== undefined) return found
      await new Promise<void>(resolve => {
        const look = (): void => {
          this.#waiting.delete(look)
          resolve()
        }
        this.#waiting.add(look)
      })
    }
  }
}
