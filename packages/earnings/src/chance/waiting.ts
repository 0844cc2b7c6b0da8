/** How long one waits for what comes by chance at a constant rate. */
import { gammaQuantile } from './gamma.ts'

/** From the first to the second with the chance the name says, the rest shared evenly between below and above. */
export interface Band {
  readonly low: number
  readonly high: number
}

/** A waiting time in seconds: how long on average, and how far single waits spread around it. */
export interface WaitSec {
  readonly meanSec: number
  /** Half of all waits are within it, a quarter are shorter. */
  readonly band50Sec: Band
  /** Nine of ten waits are within it, one of twenty is shorter. */
  readonly band90Sec: Band
}

/** The chances at the ends of the two bands. */
export const BAND_ENDS = { p5: 0.05, p25: 0.25, p75: 0.75, p95: 0.95 } as const

/** Reads the bands of a wait off its quantiles. */
export function waitFromQuantiles(meanSec: number, quantileSec: (chance: number) => number): WaitSec {
  return {
    meanSec,
    band50Sec: { low: quantileSec(BAND_ENDS.p25), high: quantileSec(BAND_ENDS.p75) },
    band90Sec: { low: quantileSec(BAND_ENDS.p5), high: quantileSec(BAND_ENDS.p95) }
  }
}

/**
 * The wait for the next event, exponentially distributed: P(longer than t) = exp(-rate t), so the quantile of a chance p is
 * -ln(1 - p) / rate. It does not depend on how long one has waited already.
 * @returns null for a rate of 0: it never comes
 */
export function waitForNext(ratePerSec: number): WaitSec | null {
  if (!(ratePerSec > 0)) return null
  return waitFromQuantiles(1 / ratePerSec, chance => -Math.log1p(-chance) / ratePerSec)
}

/**
 * The wait until `count` events have come, gamma distributed with that shape: mean count / rate, quantile
 * gammaQuantile(count, p) / rate.
 * @param count a whole number, at least 1
 */
export function waitForCount(count: number, ratePerSec: number): WaitSec | null {
  if (!(ratePerSec > 0)) return null
  return waitFromQuantiles(count / ratePerSec, chance => gammaQuantile(count, chance) / ratePerSec)
}

/** The chance of at least one event within a time: 1 - exp(-rate t). */
export function chanceWithin(ratePerSec: number, sec: number): number {
  return -Math.expm1(-ratePerSec * sec)
}
