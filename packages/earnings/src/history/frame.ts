/** What is kept of a stretch of time, and how stretches are put together. */
import { invariant } from '@p2poolv2/primitives'

/** How long a stretch of each level is, and how long it is kept. */
export const LEVELS = {
  minute: { spanSec: 60, keepSec: 2 * 86_400 },
  hour: { spanSec: 3600, keepSec: 366 * 86_400 },
  day: { spanSec: 86_400, keepSec: 3653 * 86_400 }
} as const

export type Level = keyof typeof LEVELS
export const LEVEL_NAMES: readonly Level[] = ['minute', 'hour', 'day']

/**
 * Workers kept apart in one stretch; of more the ones with the most work are, and all count in the household's sum. Sets the size
 * of everything kept: see `docs/earnings.md`.
 */
export const MAX_FRAME_WORKERS = 64
/** Workers added up in memory before a stretch is cut to the bound above, so that one who comes late in a day can still rise. */
const MAX_SUMMED_WORKERS = 4 * MAX_FRAME_WORKERS

/** What miners did in a stretch. */
export interface Mined {
  readonly accepted: number
  readonly rejected: number
  /** Expected hashes of the work that was credited. */
  readonly workHashes: number
  /** The best hash that beat all before it since the node started; 0 if none did. Relative to bitcoin's difficulty 1. */
  readonly bestDifficulty: number
}

export interface WorkerMined extends Mined {
  /** Time it was connected. */
  readonly onlineMs: number
}

/** A value that was looked at again and again: time-weighted sum, smallest and largest. NaN bounds when it never was. */
export interface Gauge {
  /** Σ value × milliseconds it was seen. */
  readonly sum: number
  /** Milliseconds it was known. */
  readonly seenMs: number
  readonly min: number
  readonly max: number
}

export const GAUGES = ['poolHps', 'peers', 'shareDifficulty', 'bitcoinDifficulty'] as const
export type GaugeName = (typeof GAUGES)[number]

/** One stretch of one level. */
export interface Frame {
  readonly level: Level
  /** Unix seconds, a multiple of the level's span. */
  readonly startSec: number
  /** Time the node was watching. A sample counts where it ends, so it may exceed the span by the time between two. */
  readonly observedMs: number
  readonly household: Mined
  readonly gauges: Readonly<Record<GaugeName, Gauge>>
  /** By series id. */
  readonly workers: ReadonlyMap<number, WorkerMined>
}

export const NOTHING_MINED: Mined = { accepted: 0, rejected: 0, workHashes: 0, bestDifficulty: 0 }
export const NOTHING_SEEN: Gauge = { sum: 0, seenMs: 0, min: Number.NaN, max: Number.NaN }

export function startOf(level: Level, sec: number): number {
  const { spanSec } = LEVELS[level]
  return Math.floor(sec / spanSec) * spanSec
}

export function emptyFrame(level: Level, startSec: number): Frame {
  invariant(startOf(level, startSec) === startSec, 'a stretch begins at a multiple of its span')
  const gauges = {
    poolHps: NOTHING_SEEN,
    peers: NOTHING_SEEN,
    shareDifficulty: NOTHING_SEEN,
    bitcoinDifficulty: NOTHING_SEEN
  }
  return { level, startSec, observedMs: 0, household: NOTHING_MINED, gauges, workers: new Map() }
}

/**
 * The whole with a part added to it; both stay as they are. Counts add up, bests and bounds widen, so the order of the parts does not matter
 * as long as no more than `MAX_SUMMED_WORKERS` workers occur; beyond that the ones with the least work are let go.
 */
export function withPart(whole: Frame, part: Frame): Frame {
  const workers = new Map(whole.workers)
  for (const [id, more] of part.workers) {
    const known = workers.get(id)
    workers.set(id, known === undefined ? more : addWorker(known, more))
  }
  return {
    ...whole,
    observedMs: whole.observedMs + part.observedMs,
    household: addMined(whole.household, part.household),
    gauges: {
      poolHps: addGauge(whole.gauges.poolHps, part.gauges.poolHps),
      peers: addGauge(whole.gauges.peers, part.gauges.peers),
      shareDifficulty: addGauge(whole.gauges.shareDifficulty, part.gauges.shareDifficulty),
      bitcoinDifficulty: addGauge(whole.gauges.bitcoinDifficulty, part.gauges.bitcoinDifficulty)
    },
    workers: heaviest(workers, MAX_SUMMED_WORKERS)
  }
}

export function addMined(a: Mined, b: Mined): Mined {
  return {
    accepted: a.accepted + b.accepted,
    rejected: a.rejected + b.rejected,
    workHashes: a.workHashes + b.workHashes,
    bestDifficulty: Math.max(a.bestDifficulty, b.bestDifficulty)
  }
}

export function addWorker(a: WorkerMined, b: WorkerMined): WorkerMined {
  return { ...addMined(a, b), onlineMs: a.onlineMs + b.onlineMs }
}

export function addGauge(a: Gauge, b: Gauge): Gauge {
  if (a.seenMs === 0) return b
  if (b.seenMs === 0) return a
  return {
    sum: a.sum + b.sum,
    seenMs: a.seenMs + b.seenMs,
    min: Math.min(a.min, b.min),
    max: Math.max(a.max, b.max)
  }
}

/** The entries with the most work, at most `limit`; among equals the lowest key. */
export function heaviest<K extends number | string, W extends WorkerMined>(
  workers: ReadonlyMap<K, W>,
  limit: number
): ReadonlyMap<K, W> {
  if (workers.size <= limit) return workers
  const byWork = [...workers].sort(([a, x], [b, y]) => y.workHashes - x.workHashes || (a < b ? -1 : 1))
  return new Map(byWork.slice(0, limit))
}
