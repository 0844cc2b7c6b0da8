/** A hash rate that was measured from what was found, and how well it is known. */
import { invariant } from '@p2poolv2/primitives'
import { gammaQuantile } from './gamma.ts'
import type { Band } from './waiting.ts'

/** What one source found in the time of a measurement: the submits of a worker, or the shares of the pool. */
export interface Finds {
  readonly count: number
  /** Expected hashes of all of them together: 2^32 × credited difficulty, or the work of the shares. */
  readonly workHashes: number
}

export interface MeasuredHashrate {
  readonly hps: number
  /** Nine of ten such intervals hold the true rate. `high` is null while nothing was found: then nothing bounds it. */
  readonly interval90Hps: { readonly low: number; readonly high: number | null }
  /** The time it was measured over. */
  readonly windowSec: number
  /** How many finds of equal difficulty would say as much. */
  readonly effectiveFinds: number
}

/**
 * The rate is the work found divided by the time. Its interval is the exact one for a Poisson count n (Garwood): from
 * gammaQuantile(n, 5 %) to gammaQuantile(n + 1, 95 %), in units of n. Sources may find at different difficulties, so n is the
 * number of equal finds with the same relative variance: (Σ workᵢ)² / Σ (workᵢ² / countᵢ). Within one source difficulty is taken
 * as even: after a change of difficulty the interval is a little too narrow until the old finds have left the time of measurement.
 * @param windowSec positive
 */
export function measuredHashrate(finds: readonly Finds[], windowSec: number): MeasuredHashrate {
  invariant(windowSec > 0, 'a rate is measured over some time')
  const found = finds.filter(({ count, workHashes }) => count > 0 && workHashes > 0)
  const workHashes = found.reduce((sum, find) => sum + find.workHashes, 0)
  if (workHashes === 0) {
    return { hps: 0, interval90Hps: { low: 0, high: null }, windowSec, effectiveFinds: 0 }
  }
  const spread = found.reduce((sum, find) => sum + (find.workHashes / workHashes) ** 2 / find.count, 0)
  const effectiveFinds = 1 / spread
  const hps = workHashes / windowSec
  return {
    hps,
    interval90Hps: {
      low: (hps * gammaQuantile(effectiveFinds, 0.05)) / effectiveFinds,
      high: (hps * gammaQuantile(effectiveFinds + 1, 0.95)) / effectiveFinds
    },
    windowSec,
    effectiveFinds
  }
}

/**
 * What the measured rate makes of something: its value at the rate, and the values at the ends of the interval.
 * @param of rising or falling throughout
 */
export function carryInterval(rate: MeasuredHashrate, of: (hps: number) => number): Carried {
  const { low, high } = rate.interval90Hps
  const atLow = of(low)
  const atHigh = high === null ? null : of(high)
  if (atHigh === null) return { value: of(rate.hps), interval90: null }
  return { value: of(rate.hps), interval90: { low: Math.min(atLow, atHigh), high: Math.max(atLow, atHigh) } }
}

/** A value that follows from a measured rate. */
export interface Carried {
  readonly value: number
  /** Where it lies with nine chances of ten, for what the rate is not known better; null while nothing bounds it. */
  readonly interval90: Band | null
}
