/** The share target a parent demands of its children, and the integer difficulty payouts are weighed with. */
import { bigIntFromBits, bitsFromBigInt, type CompactBits, type Height, invariant } from '@p2poolv2/primitives'
import type { ChainParams } from './params.ts'

const FRACTION_BITS = 16n
const FRACTION = 1n << FRACTION_BITS
/** The reference multiplies in 512-bit arithmetic and answers the easiest target where that would overflow, which is above that target anyway. */
const ARITHMETIC_BITS = 512n
const MAX_DIFFICULTY = (1n << 128n) - 1n

/** What the difficulty rule needs besides the anchor; `dtSec` may be negative. */
export interface AsertInput {
  readonly anchorBits: CompactBits
  readonly ceilingBits: CompactBits
  readonly spacingSec: number
  readonly halfLifeSec: number
  /** Parent's share time minus the genesis share's. */
  readonly dtSec: number
  /** Parent's height. */
  readonly dh: number
}

/** The steps of the exponent, named as in protocol §11; exported so that vectors can pin them. */
export interface AsertExponent {
  readonly num: bigint
  readonly ex: bigint
  readonly sh: bigint
  readonly rem: bigint
  readonly f: bigint
}

/** Exponent of the target in 1/65,536 half-lives, and 2^fraction as a cubic in 16-bit fixed point. */
export function asertExponent(input: Omit<AsertInput, 'anchorBits' | 'ceilingBits'>): AsertExponent {
  const num = (BigInt(input.dtSec) - BigInt(input.spacingSec) * BigInt(input.dh + 1)) * FRACTION
  const ex = num / BigInt(input.halfLifeSec) // bigint division truncates towards zero, as the rule demands
  const sh = ex >> FRACTION_BITS // an arithmetic shift: floors
  const rem = ex - (sh << FRACTION_BITS)
  const cubic = 195766423245049n * rem + 971821376n * rem * rem + 5127n * rem * rem * rem
  const f = ((cubic + (1n << 47n)) >> 48n) + FRACTION
  return { num, ex, sh, rem, f }
}

/**
 * The unclamped answer of the difficulty rule, compact. Never zero: the smallest target is 1.
 * Source: protocol §11; the method is Bitcoin Cash's aserti3-2d with another ceiling.
 */
export function asertBits(input: AsertInput): CompactBits {
  const { sh, f } = asertExponent(input)
  if (sh > ARITHMETIC_BITS) return input.ceilingBits
  // Shifted left by a negative number, a bigint is shifted right, and floors.
  const target = (bigIntFromBits(input.anchorBits) * f) << (sh - FRACTION_BITS)
  const ceiling = bigIntFromBits(input.ceilingBits)
  if (target > ceiling) return input.ceilingBits
  return bitsFromBigInt(target === 0n ? 1n : target)
}

/**
 * The bits every child of a parent must carry, exactly.
 * @param parentTimeSec the parent's share time
 * @param parentHeight the parent's height, not the child's
 */
export function requiredBits(params: ChainParams, parentTimeSec: number, parentHeight: Height): CompactBits {
  const bits = asertBits({
    anchorBits: params.anchorBits,
    ceilingBits: params.asertCeilingBits,
    spacingSec: params.spacingSec,
    halfLifeSec: params.halfLifeSec,
    dtSec: parentTimeSec - params.genesisTimeSec,
    dh: parentHeight
  })
  return bigIntFromBits(bits) > bigIntFromBits(params.maxTargetBits) ? params.maxTargetBits : bits
}

/**
 * How many times harder than the chain's easiest bitcoin target a target is, rounded down; at most 2^128 - 1.
 * The header gate refuses targets of zero, so meeting one here is a bug.
 * Source: protocol §11.
 */
export function integerDifficulty(params: ChainParams, bits: CompactBits): bigint {
  const target = bigIntFromBits(bits)
  invariant(target > 0n, 'a target of zero passed the header gate')
  const difficulty = params.maxAttainableTarget / target
  return difficulty > MAX_DIFFICULTY ? MAX_DIFFICULTY : difficulty
}

/** Weight the payout window has to reach: ten times the difficulty of the bitcoin target × the multiplier. */
export function windowThreshold(params: ChainParams, bitcoinBits: CompactBits): bigint {
  const threshold = params.mainWeight * integerDifficulty(params, bitcoinBits) * params.difficultyMultiplier
  return threshold > MAX_DIFFICULTY ? MAX_DIFFICULTY : threshold
}
