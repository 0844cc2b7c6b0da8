/** Many exact integer sums in one column, each in three limbs of 51 bits, so that adding allocates nothing. */
import { invariant } from '@p2poolv2/primitives'

const LIMB_BITS = 51n
const LIMB = 2 ** 51
const LIMB_MASK = (1n << LIMB_BITS) - 1n

/** Limbs of one number, lowest first. Two limbs add below 2^52, where doubles are still exact. */
export const LIMBS = 3

/**
 * Non-negative sums by index. The two lower limbs are kept below 2^51 by carrying; the top one is exact up to 2^53, so a sum
 * may reach 2^155. The largest payout weight, 10 × (2^128 - 1), summed over 120,960 shares with three uncles each stays below
 * 2^152.
 */
export class WideSums {
  #limbs = new Float64Array(LIMBS * 8)

  /** Adds the number whose limbs stand in `terms` at `at`. */
  add(index: number, terms: Float64Array, at: number): void {
    const limbs = this.#room(index)
    const base = index * LIMBS
    let low = (limbs[base] as number) + (terms[at] as number)
    let middle = (limbs[base + 1] as number) + (terms[at + 1] as number)
    let high = (limbs[base + 2] as number) + (terms[at + 2] as number)
    if (low >= LIMB) {
      low -= LIMB
      middle += 1
    }
    if (middle >= LIMB) {
      middle -= LIMB
      high += 1
    }
    limbs[base] = low
    limbs[base + 1] = middle
    limbs[base + 2] = high
  }

  /** Takes back what was added before. */
  subtract(index: number, terms: Float64Array, at: number): void {
    const limbs = this.#room(index)
    const base = index * LIMBS
    let low = (limbs[base] as number) - (terms[at] as number)
    let middle = (limbs[base + 1] as number) - (terms[at + 1] as number)
    let high = (limbs[base + 2] as number) - (terms[at + 2] as number)
    if (low < 0) {
      low += LIMB
      middle -= 1
    }
    if (middle < 0) {
      middle += LIMB
      high -= 1
    }
    invariant(high >= 0, 'a payout sum never falls below zero')
    limbs[base] = low
    limbs[base + 1] = middle
    limbs[base + 2] = high
  }

  /** -1, 0 or 1 as the sum at `index` is below, equal to or above the sum at `other`. */
  compare(index: number, other: number): -1 | 0 | 1 {
    const limbs = this.#room(Math.max(index, other))
    for (let limb = LIMBS - 1; limb >= 0; limb--) {
      const difference = (limbs[index * LIMBS + limb] as number) - (limbs[other * LIMBS + limb] as number)
      if (difference !== 0) return difference < 0 ? -1 : 1
    }
    return 0
  }

  set(index: number, value: bigint): void {
    writeLimbs(value, this.#room(index), index * LIMBS)
  }

  copy(from: number, to: number): void {
    this.#room(Math.max(from, to)).copyWithin(to * LIMBS, from * LIMBS, from * LIMBS + LIMBS)
  }

  get(index: number): bigint {
    const limbs = this.#room(index)
    let value = 0n
    for (let limb = LIMBS - 1; limb >= 0; limb--) {
      value = (value << LIMB_BITS) + BigInt(limbs[index * LIMBS + limb] as number)
    }
    return value
  }

  clear(): void {
    this.#limbs.fill(0)
  }

  #room(index: number): Float64Array {
    const needed = (index + 1) * LIMBS
    if (needed > this.#limbs.length) {
      const larger = new Float64Array(Math.max(needed, this.#limbs.length * 2))
      larger.set(this.#limbs)
      this.#limbs = larger
    }
    return this.#limbs
  }
}

/** Writes the limbs of a non-negative number below 2^155. */
export function writeLimbs(value: bigint, limbs: Float64Array, at: number): void {
  limbs[at] = Number(value & LIMB_MASK)
  limbs[at + 1] = Number((value >> LIMB_BITS) & LIMB_MASK)
  limbs[at + 2] = Number(value >> (2n * LIMB_BITS))
}
