import { invariant } from './invariant.ts'

interface Entry<K, V> {
  readonly key: K
  value: V
  older: Entry<K, V> | null
  newer: Entry<K, V> | null
}

/**
 * A map of at most `cap` entries; a new one at the cap drops the oldest. Age is that of the key's insertion: neither
 * `get` nor setting a key again makes an entry younger. All operations cost O(1).
 *
 * The list of ages is our own, since asking a native Map for its first key steps over all the keys deleted before it.
 */
export class BoundedMap<K, V> {
  readonly cap: number
  readonly #byKey = new Map<K, Entry<K, V>>()
  #oldest: Entry<K, V> | null = null
  #newest: Entry<K, V> | null = null

  /** @param cap a positive integer */
  constructor(cap: number) {
    invariant(Number.isSafeInteger(cap) && cap > 0, 'a cap is a positive integer')
    this.cap = cap
  }

  get size(): number {
    return this.#byKey.size
  }

  has(key: K): boolean {
    return this.#byKey.has(key)
  }

  get(key: K): V | undefined {
    return this.#byKey.get(key)?.value
  }

  /** @returns the entry that was dropped to make room, or null */
  set(key: K, value: V): { readonly key: K; readonly value: V } | null {
    const known = this.#byKey.get(key)
    if (known !== undefined) {
      known.value = value
      return null
    }
    const dropped = this.#byKey.size === this.cap ? this.#oldest : null
    if (dropped !== null) this.#remove(dropped)
    const entry: Entry<K, V> = { key, value, older: this.#newest, newer: null }
    if (this.#newest === null) this.#oldest = entry
    else this.#newest.newer = entry
    this.#newest = entry
    this.#byKey.set(key, entry)
    return dropped === null ? null : { key: dropped.key, value: dropped.value }
  }

  /** @returns whether it was there */
  delete(key: K): boolean {
    const entry = this.#byKey.get(key)
    if (entry === undefined) return false
    this.#remove(entry)
    return true
  }

  clear(): void {
    this.#byKey.clear()
    this.#oldest = null
    this.#newest = null
  }

  /** Oldest first. Entries may be set and deleted meanwhile, as with a native Map. */
  *entries(): IterableIterator<[K, V]> {
    for (const { key, value } of this.#byKey.values()) yield [key, value]
  }

  /** Oldest first. */
  keys(): IterableIterator<K> {
    return this.#byKey.keys()
  }

  /** Oldest first. */
  *values(): IterableIterator<V> {
    for (const { value } of this.#byKey.values()) yield value
  }

  /** @throws InvariantError if the list of ages and the map disagree. Cost O(size). */
  checkInvariants(): void {
    invariant(this.#byKey.size <= this.cap, 'a bounded map is within its cap')
    let older: Entry<K, V> | null = null
    let entry = this.#oldest
    for (const listed of this.#byKey.values()) {
      invariant(listed === entry && listed.older === older, 'a bounded map lists its entries by age')
      older = entry
      entry = listed.newer
    }
    invariant(entry === null && this.#newest === older, 'a bounded map lists no entry that it does not hold')
  }

  #remove(entry: Entry<K, V>): void {
    this.#byKey.delete(entry.key)
    if (entry.older === null) this.#oldest = entry.newer
    else entry.older.newer = entry.newer
    if (entry.newer === null) this.#newest = entry.older
    else entry.newer.older = entry.older
  }
}
