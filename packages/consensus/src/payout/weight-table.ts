/** The three payout weights of a share target, computed once per target. */
import type { CompactBits } from '@p2poolv2/primitives'
import { integerDifficulty } from '../asert.ts'
import type { ChainParams } from '../params.ts'
import { LIMBS, writeLimbs } from './wide-sums.ts'

/** Offsets inside a row. */
export const MAIN_WEIGHT = 0
export const UNCLE_WEIGHT = LIMBS
export const NEPHEW_WEIGHT = 2 * LIMBS
const ROW = 3 * LIMBS

/**
 * Targets remembered; twice the longest window, whose shares may all differ. At the cap all are forgotten and computed again
 * as needed.
 */
const MAX_TARGETS = 262_144

/** Weights as limbs for `WideSums`. */
export class WeightTable {
  readonly #params: ChainParams
  readonly #rowOfBits = new Map<CompactBits, number>()
  #limbs = new Float64Array(ROW * 64)

  constructor(params: ChainParams) {
    this.#params = params
  }

  /** Column of all rows; read it again after each `row` call, which may replace it. */
  get limbs(): Float64Array {
    return this.#limbs
  }

  /** Where the weights of a target begin in `limbs`. */
  row(bits: CompactBits): number {
    return this.#rowOfBits.get(bits) ?? this.#compute(bits)
  }

  #compute(bits: CompactBits): number {
    if (this.#rowOfBits.size >= MAX_TARGETS) this.#rowOfBits.clear()
    const row = this.#rowOfBits.size * ROW
    if (row + ROW > this.#limbs.length) {
      const larger = new Float64Array(this.#limbs.length * 2)
      larger.set(this.#limbs)
      this.#limbs = larger
    }
    const difficulty = integerDifficulty(this.#params, bits)
    writeLimbs(this.#params.mainWeight * difficulty, this.#limbs, row + MAIN_WEIGHT)
    writeLimbs(this.#params.uncleWeight * difficulty, this.#limbs, row + UNCLE_WEIGHT)
    writeLimbs(this.#params.nephewWeight * difficulty, this.#limbs, row + NEPHEW_WEIGHT)
    this.#rowOfBits.set(bits, row)
    return row
  }
}
