/** History as points of a chart. */
import { invariant } from '@p2poolv2/primitives'
import { type Frame, type GaugeName, LEVELS, type Level, type WorkerMined } from './frame.ts'
import type { TimeRange } from './store.ts'

/** Everything that is charted of a stretch. Null where nothing was measured: a gap, not a zero. */
export interface HistoryPoint {
  readonly startSec: number
  readonly spanSec: number
  /** Part of the span in which the node was watching, from 0 to 1. */
  readonly observed: number
  readonly household: MinedPoint
  readonly gauges: Readonly<Record<GaugeName, GaugePoint | null>>
}

export interface MinedPoint {
  /** Work divided by the time observed; null while none was. */
  readonly hps: number | null
  readonly accepted: number
  readonly rejected: number
  readonly bestDifficulty: number
}

export interface GaugePoint {
  readonly mean: number
  readonly min: number
  readonly max: number
}

export interface WorkerPoint extends MinedPoint {
  readonly startSec: number
  readonly spanSec: number
  /** Part of the time observed in which it was connected, from 0 to 1. */
  readonly online: number
}

/** The finest level that is kept for as long as a range reaches back, with no more points in it than are wanted if one has so few. */
export function levelFor(
  { fromSec, toSec }: TimeRange,
  { nowSec, maxPoints }: { nowSec: number; maxPoints: number }
): Level {
  invariant(maxPoints > 0, 'a chart has points')
  const reaches = (level: Level): boolean => nowSec - fromSec <= LEVELS[level].keepSec
  const isFine = (level: Level): boolean => (toSec - fromSec) / LEVELS[level].spanSec <= maxPoints
  for (const level of ['minute', 'hour'] as const) if (reaches(level) && isFine(level)) return level
  return 'day'
}

export function pointOf({ level, startSec, observedMs, household, gauges }: Frame): HistoryPoint {
  const { spanSec } = LEVELS[level]
  const gaugePoint = (name: GaugeName): GaugePoint | null => {
    const { sum, seenMs, min, max } = gauges[name]
    return seenMs === 0 ? null : { mean: sum / seenMs, min, max }
  }
  const { accepted, rejected, workHashes, bestDifficulty } = household
  return {
    startSec,
    spanSec,
    observed: Math.min(1, observedMs / (spanSec * 1000)),
    household: { hps: rateOf(workHashes, observedMs), accepted, rejected, bestDifficulty },
    gauges: {
      poolHps: gaugePoint('poolHps'),
      peers: gaugePoint('peers'),
      shareDifficulty: gaugePoint('shareDifficulty'),
      bitcoinDifficulty: gaugePoint('bitcoinDifficulty')
    }
  }
}

/**
 * One worker's point: null where it was not among those the stretch kept apart.
 * @param seriesId of the worker
 */
export function workerPointOf({ level, startSec, observedMs, workers }: Frame, seriesId: number): WorkerPoint | null {
  const worker: WorkerMined | undefined = workers.get(seriesId)
  if (worker === undefined) return null
  const { accepted, rejected, workHashes, bestDifficulty, onlineMs } = worker
  return {
    startSec,
    spanSec: LEVELS[level].spanSec,
    online: observedMs === 0 ? 0 : Math.min(1, onlineMs / observedMs),
    hps: rateOf(workHashes, observedMs),
    accepted,
    rejected,
    bestDifficulty
  }
}

function rateOf(workHashes: number, observedMs: number): number | null {
  return observedMs === 0 ? null : workHashes / (observedMs / 1000)
}
