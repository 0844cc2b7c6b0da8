/** What mining here brings in the long run, and how unevenly it comes. */
import type { Pace } from './pool.ts'

export const DAY_SEC = 86_400
export const YEAR_SEC = 365.25 * DAY_SEC

export interface Income {
  /** On average, whatever the pool's size: our part of all hashes × blocks × reward. */
  readonly satsPerDay: number
  readonly payoutsPerYear: number
  /** Of one payout, on average over payouts. Null if there are none. */
  readonly satsPerPayout: number | null
  /** Of our shares, how many leave the window before any block came: those that are paid make up for it. */
  readonly unpaidPart: number
  /** Standard deviation of what comes in the time, in units of its mean. Null if nothing comes. */
  readonly spread30d: number | null
  readonly spreadYear: number | null
}

/**
 * Shares of ours are found at a rate p and stay for L, blocks come at a rate q, each pays c for every share of ours in the window.
 * Let m = p L.
 *
 * - mean: q c m a second
 * - payouts: a block pays if the window holds one of ours, 1 - exp(-m); so q (1 - exp(-m)) a second
 * - one payout: c m / (1 - exp(-m))
 * - unpaid: exp(-q L)
 * - variance of the sum over t: two blocks closer than L pay the same shares, so with M = min(L, t)
 *   c² ( q t (m + m²) + 2 q² p (t L M - (t + L) M²/2 + M³/3) )
 */
export function incomeOf(pace: Pace): Income {
  const { blocksPerSec: q, ownSharesInWindow: m, satsPerShareAndBlock: c, windowSec } = pace
  const isPaid = -Math.expm1(-m)
  return {
    satsPerDay: q * c * m * DAY_SEC,
    payoutsPerYear: q * isPaid * YEAR_SEC,
    satsPerPayout: q > 0 && m > 0 ? (c * m) / isPaid : null,
    unpaidPart: q > 0 ? Math.exp(-q * windowSec) : 1,
    spread30d: incomeSpread(pace, 30 * DAY_SEC),
    spreadYear: incomeSpread(pace, YEAR_SEC)
  }
}

/** Standard deviation of the income in a time, in units of its mean: the root of the variance above without c², over q t m. */
export function incomeSpread(pace: Pace, sec: number): number | null {
  const { blocksPerSec: q, sharesPerSec: p, ownSharesInWindow: m, windowSec } = pace
  if (!(q > 0 && m > 0)) return null
  const reach = Math.min(windowSec, sec)
  const shared = sec * windowSec * reach - ((sec + windowSec) * reach ** 2) / 2 + reach ** 3 / 3
  const variance = q * sec * (m + m * m) + 2 * q * q * p * shared
  return Math.sqrt(variance) / (q * sec * m)
}
