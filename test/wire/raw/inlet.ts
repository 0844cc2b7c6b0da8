/** How a flow of bytes ended: `fin` after its last byte, `rst` or `closed` (its connection is gone) at any place. */
export class EndOfBytes extends Error {
  readonly how: 'fin' | 'rst' | 'closed'

  constructor(how: EndOfBytes['how']) {
    super(`the bytes ended by ${how}`)
    this.how = how
  }
}

interface Waiter {
  readonly bytes: number
  readonly resolve: (taken: Buffer) => void
  readonly reject: (reason: Error) => void
}

/** Bytes as they come in, to be taken in pieces of a wanted length, in turn. */
export class Inlet {
  #held = Buffer.alloc(0)
  #end: Error | null = null
  #waiters: Waiter[] = []
  readonly #onEnd: (() => void)[] = []

  push(chunk: Uint8Array): void {
    if (this.#end !== null) return
    this.#held = Buffer.concat([this.#held, chunk])
    this.#serve()
  }

  /** Nothing comes any more; what is held can still be taken. */
  end(reason: Error): void {
    if (this.#end !== null) return
    this.#end = reason
    this.#serve()
    for (const tell of this.#onEnd) tell()
  }

  /** @throws what the flow ended with, if it ended before so many bytes */
  take(bytes: number): Promise<Buffer> {
    return new Promise((resolve, reject) => {
      this.#waiters.push({ bytes, resolve, reject })
      this.#serve()
    })
  }

  /** Everything up to the end, and how it ended. */
  async rest(): Promise<{ readonly bytes: Buffer; readonly end: Error }> {
    const end = await new Promise<Error>(resolve => {
      const tell = (): void => {
        if (this.#end !== null) resolve(this.#end)
      }
      this.#onEnd.push(tell)
      tell()
    })
    return { bytes: this.#held, end }
  }

  #serve(): void {
    for (let [next] = this.#waiters; next !== undefined; [next] = this.#waiters) {
      if (this.#held.length >= next.bytes) {
        this.#waiters.shift()
        next.resolve(this.#held.subarray(0, next.bytes))
        this.#held = this.#held.subarray(next.bytes)
      } else if (this.#end !== null) {
        this.#waiters.shift()
        next.reject(this.#end)
      } else return
    }
  }
}

/** Two flows of bytes, one each way. */
export interface Pipe {
  take(bytes: number): Promise<Buffer>
  write(bytes: Uint8Array): void
}
