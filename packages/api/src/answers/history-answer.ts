import {
  type HistoryJson,
  historySchema,
  RANGES_SEC,
  type WorkerHistoryJson,
  workerHistorySchema
} from '@p2poolv2/api/schema'
import {
  type Frame,
  type HistoryPoint,
  historyCsv,
  LEVELS,
  type Level,
  levelFor,
  pointOf,
  type WorkerPoint,
  workerPointOf
} from '@p2poolv2/earnings'
import { type Moment, secFromMs } from '@p2poolv2/primitives'
import type { HistoryReads } from '../reads/node-reads.ts'
import { workerId } from './workers-answer.ts'

export interface ChartQuestion<S extends string> {
  readonly series: readonly S[]
  readonly range: keyof typeof RANGES_SEC
  readonly points: number
}

/** The chart of the household and the pool. */
export async function historyJson(
  history: HistoryReads,
  question: ChartQuestion<keyof HistoryJson['series']>,
  now: Moment
): Promise<HistoryJson> {
  const { stretch, frames } = await framesFor(history, question, now, [])
  const points = frames.map(pointOf)
  const columns = question.series.map(name => [name, points.map(COLUMNS[name])] as const)
  return historySchema.encode({ ...stretch, ...times(frames), series: Object.fromEntries(columns) })
}

/** The same as a table, every column. */
export async function historyTable(
  history: HistoryReads,
  question: Omit<ChartQuestion<never>, 'series'>,
  now: Moment
): Promise<string> {
  const { frames } = await framesFor(history, question, now, [])
  return historyCsv(frames.map(pointOf))
}

/** The chart of one worker; empty for one that has no numbers of its own yet. */
export async function workerHistoryJson(
  history: HistoryReads,
  id: string,
  question: ChartQuestion<keyof WorkerHistoryJson['series']>,
  now: Moment
): Promise<WorkerHistoryJson> {
  const series = history.series.find(({ address, worker }) => workerId(address, worker) === id)
  const { stretch, frames: all } = await framesFor(history, question, now, series === undefined ? [] : [series.id])
  const frames = series === undefined ? [] : all
  const points = series === undefined ? [] : frames.map(frame => workerPointOf(frame, series.id))
  const columns = question.series.map(name => [name, points.map(point => workerColumn(name, point))] as const)
  return workerHistorySchema.encode({ id, ...stretch, ...times(frames), series: Object.fromEntries(columns) })
}

const COLUMNS: Readonly<Record<keyof HistoryJson['series'], (point: HistoryPoint) => number | null>> = {
  hashrate: ({ household }) => household.hps,
  accepted: ({ household }) => household.accepted,
  rejected: ({ household }) => household.rejected,
  bestDifficulty: ({ household }) => household.bestDifficulty,
  poolHashrate: ({ gauges }) => gauges.poolHps?.mean ?? null,
  peers: ({ gauges }) => gauges.peers?.mean ?? null,
  shareDifficulty: ({ gauges }) => gauges.shareDifficulty?.mean ?? null,
  bitcoinDifficulty: ({ gauges }) => gauges.bitcoinDifficulty?.mean ?? null
}

function workerColumn(name: keyof WorkerHistoryJson['series'], point: WorkerPoint | null): number | null {
  if (point === null) return null
  return name === 'hashrate' ? point.hps : point[name]
}

async function framesFor(
  history: HistoryReads,
  { range, points }: Omit<ChartQuestion<string>, 'series'>,
  now: Moment,
  workers: readonly number[]
): Promise<{
  readonly stretch: { readonly level: Level; readonly spanSec: number; readonly from: number; readonly to: number }
  readonly frames: readonly Frame[]
}> {
  const nowSec = secFromMs(now.wallMs)
  const span = { fromSec: Math.max(0, nowSec - RANGES_SEC[range]), toSec: nowSec + 1 }
  const level = levelFor(span, { nowSec, maxPoints: points })
  const frames = await history.store.readFrames(level, span, workers)
  const { spanSec } = LEVELS[level]
  return { stretch: { level, spanSec, from: span.fromSec, to: span.toSec }, frames }
}

function times(frames: readonly Frame[]): { time: number[]; observed: number[] } {
  return {
    time: frames.map(({ startSec }) => startSec),
    observed: frames.map(frame => pointOf(frame).observed)
  }
}
