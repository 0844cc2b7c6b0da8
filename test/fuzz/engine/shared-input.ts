/** What a process that fuzzes and the one that watches it have in common: what is being tried, and that it goes on. */
const HEAD_BYTES = 12

export class SharedInput {
  readonly buffer: SharedArrayBuffer
  readonly #head: Int32Array
  readonly #bytes: Uint8Array

  constructor(buffer: SharedArrayBuffer) {
    this.buffer = buffer
    this.#head = new Int32Array(buffer, 0, 3)
    this.#bytes = new Uint8Array(buffer, HEAD_BYTES)
  }

  static for(maxBytes: number): SharedInput {
    return new SharedInput(new SharedArrayBuffer(HEAD_BYTES + maxBytes))
  }

  /** Counts the inputs; goes round. */
  get beat(): number {
    return Atomics.load(this.#head, 0)
  }

  get input(): Uint8Array {
    return this.#bytes.slice(0, Atomics.load(this.#head, 1))
  }

  set input(bytes: Uint8Array) {
    const length = Math.min(bytes.length, this.#bytes.length)
    this.#bytes.set(length === bytes.length ? bytes : bytes.subarray(0, length))
    Atomics.store(this.#head, 1, length)
    Atomics.add(this.#head, 0, 1)
  }

  get isToStop(): boolean {
    return Atomics.load(this.#head, 2) !== 0
  }

  stop(): void {
    Atomics.store(this.#head, 2, 1)
  }
}
