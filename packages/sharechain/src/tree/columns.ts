import { invariant } from '@p2poolv2/primitives'

const CHUNK_BITS = 12
/** Entries a column grows by. Small enough that two hundred short chains in one process cost little. */
export const CHUNK_ENTRIES: number = 1 << CHUNK_BITS
const CHUNK_MASK = CHUNK_ENTRIES - 1

type NumberArray = Uint8Array | Int32Array | Uint32Array

/** A column of small integers, one a slot, that grows in chunks and never moves. Reading a slot never set gives `empty`. */
export class NumberColumn {
  readonly #newChunk: () => NumberArray
  readonly #chunks: NumberArray[] = []

  constructor(kind: 'u8' | 'i32' | 'u32', empty = 0) {
    this.#newChunk = () => {
      if (kind === 'u8') return new Uint8Array(CHUNK_ENTRIES).fill(empty)
      return kind === 'i32' ? new Int32Array(CHUNK_ENTRIES).fill(empty) : new Uint32Array(CHUNK_ENTRIES).fill(empty)
    }
  }

  get(slot: number): number {
    const chunk = this.#chunks[slot >>> CHUNK_BITS]
    invariant(chunk !== undefined, 'a column is read only where it was written')
    return chunk[slot & CHUNK_MASK] as number
  }

  set(slot: number, value: number): void {
    const at = slot >>> CHUNK_BITS
    while (this.#chunks.length <= at) this.#chunks.push(this.#newChunk())
    const chunk = this.#chunks[at] as NumberArray
    chunk[slot & CHUNK_MASK] = value
  }
}

/** A column of values that are not small integers: hashes, exact works, lists. */
export class ValueColumn<T> {
  readonly #chunks: T[][] = []
  readonly #empty: T

  /** @param empty what a slot holds before it is set and after it is cleared */
  constructor(empty: T) {
    this.#empty = empty
  }

  get(slot: number): T {
    const chunk = this.#chunks[slot >>> CHUNK_BITS]
    invariant(chunk !== undefined, 'a column is read only where it was written')
    return chunk[slot & CHUNK_MASK] as T
  }

  set(slot: number, value: T): void {
    const at = slot >>> CHUNK_BITS
    while (this.#chunks.length <= at) this.#chunks.push(new Array<T>(CHUNK_ENTRIES).fill(this.#empty))
    const chunk = this.#chunks[at] as T[]
    chunk[slot & CHUNK_MASK] = value
  }

  /** Lets go of the value, so that a freed slot keeps nothing alive. */
  clear(slot: number): void {
    this.set(slot, this.#empty)
  }
}

/** One slot a height, for heights that begin somewhere and move up as old ones are pruned. -1 where there is none. */
export class HeightColumn {
  readonly #chunks = new Map<number, Int32Array>()

  get(height: number): number {
    return this.#chunks.get(height >>> CHUNK_BITS)?.[height & CHUNK_MASK] ?? -1
  }

  set(height: number, slot: number): void {
    const at = height >>> CHUNK_BITS
    let chunk = this.#chunks.get(at)
    if (chunk === undefined) {
      chunk = new Int32Array(CHUNK_ENTRIES).fill(-1)
      this.#chunks.set(at, chunk)
    }
    chunk[height & CHUNK_MASK] = slot
  }

  /** Frees whole chunks below a height, except the first, which holds the genesis. The caller has emptied them. */
  dropBelow(height: number): void {
    const keepFrom = height >>> CHUNK_BITS
    for (const at of [...this.#chunks.keys()]) {
      if (at !== 0 && at < keepFrom) this.#chunks.delete(at)
    }
  }
}
