import { invariant } from '@p2poolv2/primitives'

/** Of a hash in wire order: its first 16 bytes. The other end of one that meets a target is zeros. */
const KEY_WORDS = 4
const MIN_ROOM = 16
const NONE = 0xffff

/**
 * Hashes that were seen, at most `cap` of them; a new one at the cap drops the oldest. Told apart by their first 16 bytes, kept in plain
 * rows of numbers: a server remembers a million of them, and asks for one with each submit.
 */
export class SeenHashes {
  readonly #cap: number
  /** A ring: the oldest is at `#oldest`. */
  #keys: Uint32Array
  /** Open addressing with steps of one, at most half full: places in the ring, or `NONE`. */
  #table: Uint16Array
  #oldest = 0
  #size = 0

  /** @param cap a power of two from 16 to 32,768 */
  constructor(cap: number) {
    invariant(cap >= MIN_ROOM && cap <= 0x8000 && (cap & (cap - 1)) === 0, 'a cap is a power of two')
    this.#cap = cap
    this.#keys = new Uint32Array(MIN_ROOM * KEY_WORDS)
    this.#table = new Uint16Array(2 * MIN_ROOM).fill(NONE)
  }

  get size(): number {
    return this.#size
  }

  /** @param hashWire at least 16 bytes */
  has(hashWire: Uint8Array): boolean {
    return this.#table[this.#slotOf(hashWire)] !== NONE
  }

  /** @returns false if it was there already, and then it gets no younger */
  add(hashWire: Uint8Array): boolean {
    if (this.has(hashWire)) return false
    const room = this.#keys.length / KEY_WORDS
    if (this.#size === this.#cap) this.#dropOldest()
    else if (this.#size === room) this.#grow()
    const place = (this.#oldest + this.#size) % (this.#keys.length / KEY_WORDS)
    for (let i = 0; i < KEY_WORDS; i++) this.#keys[place * KEY_WORDS + i] = wordAt(hashWire, i)
    this.#table[this.#slotOf(hashWire)] = place
    this.#size += 1
    return true
  }

  checkInvariants(): void {
    invariant(
      this.#size <= this.#cap && this.#size <= this.#keys.length / KEY_WORDS,
      'a set of hashes is within its cap'
    )
    let used = 0
    for (const [slot, place] of this.#table.entries()) {
      if (place === NONE) continue
      used += 1
      invariant(this.#slotOfPlace(place) === slot, 'a hash is found where it is')
    }
    invariant(used === this.#size, 'every hash is in the table once')
  }

  /** Where the hash is, or where it would go. */
  #slotOf(hashWire: Uint8Array): number {
    const mask = this.#table.length - 1
    const first = wordAt(hashWire, 0)
    for (let slot = first & mask; ; slot = (slot + 1) & mask) {
      const place = this.#table[slot] as number
      if (place === NONE) return slot
      const at = place * KEY_WORDS
      if (this.#keys[at] !== first) continue
      let same = 1
      while (same < KEY_WORDS && this.#keys[at + same] === wordAt(hashWire, same)) same += 1
      if (same === KEY_WORDS) return slot
    }
  }

  #slotOfPlace(place: number): number {
    const mask = this.#table.length - 1
    let slot = this.#homeOf(place)
    while (this.#table[slot] !== place) slot = (slot + 1) & mask
    return slot
  }

  #homeOf(place: number): number {
    return (this.#keys[place * KEY_WORDS] as number) & (this.#table.length - 1)
  }

  #dropOldest(): void {
    const mask = this.#table.length - 1
    let hole = this.#slotOfPlace(this.#oldest)
    this.#table[hole] = NONE
    // What stepped over the hole on its way moves up into it, so that every search still ends at the first empty slot.
    for (let slot = (hole + 1) & mask; this.#table[slot] !== NONE; slot = (slot + 1) & mask) {
      const home = this.#homeOf(this.#table[slot] as number)
      if (((slot - home) & mask) < ((slot - hole) & mask)) continue
      this.#table[hole] = this.#table[slot] as number
      this.#table[slot] = NONE
      hole = slot
    }
    this.#oldest = (this.#oldest + 1) % (this.#keys.length / KEY_WORDS)
    this.#size -= 1
  }

  /** Only a ring that has never dropped grows, so it begins at 0. */
  #grow(): void {
    const keys = new Uint32Array(2 * this.#keys.length)
    keys.set(this.#keys)
    this.#keys = keys
    this.#table = new Uint16Array(2 * this.#table.length).fill(NONE)
    const mask = this.#table.length - 1
    for (let place = 0; place < this.#size; place++) {
      let slot = this.#homeOf(place)
      while (this.#table[slot] !== NONE) slot = (slot + 1) & mask
      this.#table[slot] = place
    }
  }
}

function wordAt(bytes: Uint8Array, word: number): number {
  const at = 4 * word
  return (
    ((bytes[at] as number) |
      ((bytes[at + 1] as number) << 8) |
      ((bytes[at + 2] as number) << 16) |
      ((bytes[at + 3] as number) << 24)) >>>
    0
  )
}
