import { BoundedMap } from './bounded-map.ts'

/**
 * A set of at most `cap` values; a new one at the cap drops the oldest. Adding a value again does not make it younger.
 * All operations cost O(1).
 */
export class BoundedSet<T> {
  readonly #members: BoundedMap<T, true>

  /** @param cap a positive integer */
  constructor(cap: number) {
    this.#members = new BoundedMap(cap)
  }

  get cap(): number {
    return this.#members.cap
  }

  get size(): number {
    return this.#members.size
  }

  /** @returns false if it was there already */
  add(value: T): boolean {
    if (this.#members.has(value)) return false
    this.#members.set(value, true)
    return true
  }

  has(value: T): boolean {
    return this.#members.has(value)
  }

  /** @returns whether it was there */
  delete(value: T): boolean {
    return this.#members.delete(value)
  }

  clear(): void {
    this.#members.clear()
  }

  /** Oldest first. */
  values(): IterableIterator<T> {
    return this.#members.keys()
  }

  /** @throws InvariantError if the set contradicts itself. Cost O(size). */
  checkInvariants(): void {
    this.#members.checkInvariants()
  }
}
