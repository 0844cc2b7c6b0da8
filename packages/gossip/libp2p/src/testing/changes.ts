/** Lets a test wait for what it waits for, woken by whatever happens. */
export class Changes {
  readonly #waiting = new Set<() => void>()

  /** Something happened. */
  readonly happened = (): void => {
    for (const wake of [...this.#waiting]) wake()
  }

  /** @throws if it does not come to be so within `patienceMs` */
  async until(holds: () => boolean, patienceMs = 20_000): Promise<void> {
    if (holds()) return
    const done = Promise.withResolvers<void>()
    const timer = setTimeout(() => done.reject(new Error(`it does not come to be so: ${holds}`)), patienceMs)
    const wake = (): void => {
      if (holds()) done.resolve()
    }
    this.#waiting.add(wake)
    try {
      await done.promise
    } finally {
      this.#waiting.delete(wake)
      clearTimeout(timer)
    }
  }
}
