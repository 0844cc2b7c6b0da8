import type { SteadyMs, UnixMs } from './brand.ts'
import { invariant } from './invariant.ts'

/** A key and when it is due. */
export interface Deadline<K, T extends SteadyMs | UnixMs = SteadyMs> {
  readonly key: K
  readonly atMs: T
}

interface Slot<K, T extends SteadyMs | UnixMs> extends Deadline<K, T> {
  readonly order: number
}

/**
 * What is due when: at most one deadline a key, all by one clock: the steady one, unless what is awaited is a wall time. Those of the same time come in the order in which they were set.
 * `peek` costs O(1), the rest O(log n). It has no cap of its own: the owner's keys come from containers that have one.
 */
export class Deadlines<K, T extends SteadyMs | UnixMs = SteadyMs> {
  /** A binary heap: the slot at i comes before those at 2i+1 and 2i+2. */
  readonly #heap: Slot<K, T>[] = []
  readonly #indexOf = new Map<K, number>()
  #nextOrder = 0

  get size(): number {
    return this.#heap.length
  }

  has(key: K): boolean {
    return this.#indexOf.has(key)
  }

  /** When `key` is due, or null. */
  get(key: K): T | null {
    const index = this.#indexOf.get(key)
    return index === undefined ? null : this.#at(index).atMs
  }

  /** Sets the key's deadline in place of any earlier one. */
  set(key: K, atMs: T): void {
    invariant(Number.isSafeInteger(atMs), 'a deadline is an integer of milliseconds')
    const slot = { key, atMs, order: this.#nextOrder++ }
    const index = this.#indexOf.get(key) ?? this.#heap.length
    this.#place(slot, index)
    this.#restore(index)
  }

  /** @returns whether the key had a deadline */
  delete(key: K): boolean {
    const index = this.#indexOf.get(key)
    if (index === undefined) return false
    this.#indexOf.delete(key)
    const last = this.#heap.pop()
    if (last !== undefined && index < this.#heap.length) {
      this.#place(last, index)
      this.#restore(index)
    }
    return true
  }

  clear(): void {
    this.#heap.length = 0
    this.#indexOf.clear()
  }

  /** The first deadline, or null. */
  peek(): Deadline<K, T> | null {
    const first = this.#heap[0]
    return first === undefined ? null : { key: first.key, atMs: first.atMs }
  }

  /** Removes all deadlines at or before `nowMs` and gives their keys, the first due first. */
  popDue(nowMs: T): K[] {
    const due: K[] = []
    for (let first = this.#heap[0]; first !== undefined && first.atMs <= nowMs; first = this.#heap[0]) {
      due.push(first.key)
      this.delete(first.key)
    }
    return due
  }

  /** @throws InvariantError if heap and index disagree or the heap is out of order. Cost O(n). */
  checkInvariants(): void {
    invariant(this.#indexOf.size === this.#heap.length, 'each deadline is indexed once')
    this.#heap.forEach((slot, index) => {
      invariant(this.#indexOf.get(slot.key) === index, 'the index knows where a deadline is')
      if (index > 0) invariant(isBefore(this.#at(parentOf(index)), slot), 'no deadline is above an earlier one')
    })
  }

  #at(index: number): Slot<K, T> {
    return this.#heap[index] as Slot<K, T>
  }

  #place(slot: Slot<K, T>, index: number): void {
    this.#heap[index] = slot
    this.#indexOf.set(slot.key, index)
  }

  /** Moves the slot at `index`, the only one that may be out of order, to where it belongs. */
  #restore(index: number): void {
    const slot = this.#at(index)
    while (index > 0 && isBefore(slot, this.#at(parentOf(index)))) {
      this.#place(this.#at(parentOf(index)), index)
      index = parentOf(index)
    }
    for (let child = this.#firstChild(index); child !== null; child = this.#firstChild(index)) {
      if (!isBefore(this.#at(child), slot)) break
      this.#place(this.#at(child), index)
      index = child
    }
    this.#place(slot, index)
  }

  /** Of the one or two below `index`, the one that comes first; null if there is none. */
  #firstChild(index: number): number | null {
    const left = 2 * index + 1
    if (left >= this.#heap.length) return null
    const right = left + 1
    return right < this.#heap.length && isBefore(this.#at(right), this.#at(left)) ? right : left
  }
}

type Placed = Pick<Slot<unknown, SteadyMs | UnixMs>, 'atMs' | 'order'>

function parentOf(index: number): number {
  return (index - 1) >>> 1
}

function isBefore(a: Placed, b: Placed): boolean {
  return a.atMs < b.atMs || (a.atMs === b.atMs && a.order < b.order)
}
