import { compareDigests } from './hash-order.ts'
import type { HeaderIndex, Slot } from './header-index.ts'

/** Shares by height, of one height by digest. Finding a place costs O(log n), making room there the move of a few bytes a share. */
export class SlotsInOrder {
  readonly #index: HeaderIndex
  readonly #slots: Slot[] = []

  constructor(index: HeaderIndex) {
    this.#index = index
  }

  get size(): number {
    return this.#slots.length
  }

  add(slot: Slot): void {
    const at = this.#placeOf(slot)
    if (this.#slots[at] !== slot) this.#slots.splice(at, 0, slot)
  }

  /** While the share still can be read. */
  delete(slot: Slot): void {
    const at = this.#placeOf(slot)
    if (this.#slots[at] === slot) this.#slots.splice(at, 1)
  }

  [Symbol.iterator](): IterableIterator<Slot> {
    return this.#slots.values()
  }

  #placeOf(slot: Slot): number {
    let [from, to] = [0, this.#slots.length]
    while (from < to) {
      const middle = (from + to) >>> 1
      if (this.#isBefore(this.#slots[middle] as Slot, slot)) from = middle + 1
      else to = middle
    }
    return from
  }

  #isBefore(a: Slot, b: Slot): boolean {
    const index = this.#index
    const rise = index.height(a) - index.height(b)
    return rise === 0 ? compareDigests(index.hash(a), index.hash(b)) < 0 : rise < 0
  }
}
