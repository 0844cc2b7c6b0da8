import type { VirtualClock } from '../virtual-clock.ts'

/** An answer that waits to be read. */
interface Unread {
  /** The number its giver knows it by. */
  readonly id: number
  readonly sizeBytes: number
  /** Runs when its last byte is taken. */
  readonly isRead: () => void
}

/** Takes answers slowly, one after the other whoever they are from, or none at all. */
export class SlowReader {
  readonly #clock: VirtualClock
  readonly #bytesPerSec: number
  /** What has come so far and is not read, the one being read first: as much as givers let wait. */
  readonly #unread: Unread[] = []
  /** Raised when the answer being read is another one. */
  #turn = 0

  /** @param bytesPerSec 0: it never reads */
  constructor(clock: VirtualClock, bytesPerSec: number) {
    this.#clock = clock
    this.#bytesPerSec = bytesPerSec
  }

  comes(answer: Unread): void {
    // Who never reads has it wait in the buffers of a network that is not looked at here.
    if (this.#bytesPerSec > 0 && this.#unread.push(answer) === 1) this.#begin()
  }

  /** Nobody waits for an answer any more: the stream is closed. @returns whether it was not read yet, and is gone */
  givesUp(id: number): boolean {
    const at = this.#unread.findIndex(answer => answer.id === id)
    if (at < 0) return false
    this.#unread.splice(at, 1)
    if (at === 0) this.#begin()
    return true
  }

  /** Takes all that is left at once. */
  readAll(): void {
    this.#turn++
    for (const { isRead } of this.#unread.splice(0)) isRead()
  }

  #begin(): void {
    const turn = ++this.#turn
    const [answer] = this.#unread
    if (answer === undefined) return
    this.#clock.after((answer.sizeBytes / this.#bytesPerSec) * 1_000, () => {
      if (this.#turn !== turn) return
      this.#unread.shift()?.isRead()
      this.#begin()
    })
  }
}
