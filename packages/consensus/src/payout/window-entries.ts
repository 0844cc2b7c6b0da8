/** The shares of the payout window in columns: a ring that grows at both ends. */
import type { CompactBits } from '@p2poolv2/primitives'
import { invariant } from '@p2poolv2/primitives'
import type { WindowSource } from './window-source.ts'

const FIRST_CAPACITY = 1_024

/**
 * Entries are numbered by a sequence that rises towards the newest share. Each keeps what it added to the sums, so that
 * taking it back needs nothing from the source.
 *
 * Bounded by the caller: the payout window never holds more than `windowMaxShares` entries. `#seqOfSlot` is as long as the
 * source's highest slot.
 */
export class WindowEntries {
  readonly #lanes: number
  #mask = FIRST_CAPACITY - 1
  #slots = new Int32Array(FIRST_CAPACITY)
  #lanesUsed = new Uint8Array(FIRST_CAPACITY)
  /** Per entry one lane for the share itself and one per uncle. */
  #bits: Uint32Array
  #miners: Int32Array
  #oldest = 0
  #end = 0
  /** Sequence last given to a slot; stale values are told apart by looking at the entry itself. */
  #seqOfSlot = new Int32Array(FIRST_CAPACITY)

  constructor(maxUncles: number) {
    this.#lanes = 1 + maxUncles
    this.#bits = new Uint32Array(FIRST_CAPACITY * this.#lanes)
    this.#miners = new Int32Array(FIRST_CAPACITY * this.#lanes)
  }

  get length(): number {
    return this.#end - this.#oldest
  }

  get oldest(): number {
    return this.#oldest
  }

  get newest(): number {
    return this.#end - 1
  }

  slot(seq: number): number {
    return this.#slots[seq & this.#mask] as number
  }

  /** 1 for the share itself, plus its uncles. */
  lanes(seq: number): number {
    return this.#lanesUsed[seq & this.#mask] as number
  }

  /** Target of the share (lane 0) or of one of its uncles. */
  bits(seq: number, lane: number): CompactBits {
    return this.#bits[(seq & this.#mask) * this.#lanes + lane] as number
  }

  miner(seq: number, lane: number): number {
    return this.#miners[(seq & this.#mask) * this.#lanes + lane] as number
  }

  /** Sequence of the entry for a slot; null if it is not here. */
  find(slot: number): number | null {
    if (slot >= this.#seqOfSlot.length) return null
    const seq = this.#seqOfSlot[slot] as number
    return seq >= this.#oldest && seq < this.#end && this.slot(seq) === slot ? seq : null
  }

  /** Reads a share from the source and adds it at one end; false if one of its uncles is no longer held. */
  push(end: 'newest' | 'oldest', slot: number, source: WindowSource): boolean {
    const uncles = source.uncleSlots(slot)
    invariant(uncles.length < this.#lanes, 'a share in the payout window has at most three uncles')
    if (uncles.includes(-1)) return false
    this.#makeRoom(slot)
    const seq = end === 'newest' ? this.#end++ : --this.#oldest
    const row = seq & this.#mask
    this.#slots[row] = slot
    this.#lanesUsed[row] = 1 + uncles.length
    this.#seqOfSlot[slot] = seq
    const lane = row * this.#lanes
    this.#bits[lane] = source.bits(slot)
    this.#miners[lane] = source.miner(slot)
    for (let i = 0; i < uncles.length; i++) {
      const uncle = uncles[i] as number
      this.#bits[lane + 1 + i] = source.bits(uncle)
      this.#miners[lane + 1 + i] = source.miner(uncle)
    }
    return true
  }

  drop(end: 'newest' | 'oldest'): void {
    invariant(this.length > 0, 'an empty payout window drops nothing')
    if (end === 'newest') this.#end--
    else this.#oldest++
  }

  clear(): void {
    this.#oldest = 0
    this.#end = 0
  }

  #makeRoom(slot: number): void {
    invariant(Number.isSafeInteger(slot) && slot >= 0, 'a slot is a non-negative integer')
    if (slot >= this.#seqOfSlot.length) {
      const larger = new Int32Array(Math.max(slot + 1, this.#seqOfSlot.length * 2))
      larger.set(this.#seqOfSlot)
      this.#seqOfSlot = larger
    }
    if (this.length > this.#mask) this.#grow()
  }

  /** Doubles the ring. A row is its sequence modulo the capacity, so every entry may move. */
  #grow(): void {
    const from = { mask: this.#mask, slots: this.#slots, used: this.#lanesUsed, bits: this.#bits, miners: this.#miners }
    const capacity = (from.mask + 1) * 2
    const lanes = this.#lanes
    this.#mask = capacity - 1
    this.#slots = new Int32Array(capacity)
    this.#lanesUsed = new Uint8Array(capacity)
    this.#bits = new Uint32Array(capacity * lanes)
    this.#miners = new Int32Array(capacity * lanes)
    for (let seq = this.#oldest; seq < this.#end; seq++) {
      const oldRow = seq & from.mask
      const row = seq & this.#mask
      this.#slots[row] = from.slots[oldRow] as number
      this.#lanesUsed[row] = from.used[oldRow] as number
      this.#bits.set(from.bits.subarray(oldRow * lanes, (oldRow + 1) * lanes), row * lanes)
      this.#miners.set(from.miners.subarray(oldRow * lanes, (oldRow + 1) * lanes), row * lanes)
    }
  }
}
