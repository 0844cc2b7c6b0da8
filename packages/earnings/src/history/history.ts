/** What happened here, minute by minute, hour by hour and day by day. */
import { secFromMs, type UnixMs } from '@p2poolv2/primitives'
import {
  addGauge,
  addMined,
  addWorker,
  emptyFrame,
  type Frame,
  type Gauge,
  type GaugeName,
  heaviest,
  LEVEL_NAMES,
  LEVELS,
  MAX_FRAME_WORKERS,
  type Mined,
  startOf,
  type WorkerMined,
  withPart
} from './frame.ts'
import { frameRow, framesIn, type HistoryRow, type KeyRange, type Series, seriesKey, seriesRow } from './rows.ts'
import { nameKey, SeriesBook, type WorkerName } from './series-book.ts'
import type { HistoryDelta } from './store.ts'

/** What somebody has done: counters that only rise, kept over restarts or not. One that falls began anew. */
export interface Counters {
  readonly accepted: number
  readonly rejected: number
  /** Expected hashes of the credited work. */
  readonly workHashes: number
  /** Best hash so far, relative to bitcoin's difficulty 1. */
  readonly bestDifficulty: number
}

export interface WorkerCounters extends WorkerName, Counters {
  readonly isConnected: boolean
}

/** The node at one moment. */
export interface HistorySample {
  readonly workers: readonly WorkerCounters[]
  readonly household: Counters
  /** Null for what is not known now. */
  readonly gauges: Readonly<Record<GaugeName, number | null>>
}

/** What a history goes on from: the rows a store has for the moment. */
export interface StoredHistory {
  readonly series: readonly Series[]
  /** The stretches that hold the moment, where there are some. */
  readonly frames: readonly Frame[]
}

/** Longer between two samples and the time between counts as not observed: the machine was asleep. */
const MAX_SAMPLE_GAP_MS = 60_000
/** A clock that falls by less waits in the open minute; by more, and what is written replaces what stood there. */
const MAX_WAIT_SEC = 3600
/** Nothing is let go of until the clock has run so long without a jump: one that was set wrong must not cost a year of charts. */
const PRUNE_AFTER_SEC = 6 * 3600
const NO_COUNTERS: Counters = { accepted: 0, rejected: 0, workHashes: 0, bestDifficulty: 0 }
const NOTHING: HistoryDelta = Object.freeze({ puts: [], forget: [] })

/**
 * Takes samples, a few a minute, and says what to write whenever a minute is over: the minute, and the hour and day it belongs to, as
 * far as they have come. A crash costs the open minute; every row stands for itself, and a day needs no hour to be read.
 * Series are bounded (`MAX_FRAME_WORKERS`, `MAX_SERIES`): whoever has no row of his own counts in the household's sum.
 */
export class History {
  readonly #book: SeriesBook
  /** The open hour and day up to the last whole minute. */
  #open: Record<'hour' | 'day', Frame>
  /** The open minute, without its workers, and what an earlier run of the node had written of it. */
  #minute: Frame
  #minuteBefore: Frame | null
  #minuteWorkers = new Map<string, WorkerMined & WorkerName>()
  #household: Counters
  #workers: ReadonlyMap<string, Counters>
  #lastMs: number
  #prunedSec = 0
  /** Since when the clock has not jumped. */
  #steadySec: number

  /**
   * @param nowMs by the wall clock: history is compared with other people's times
   * @param counted what counters say of the time before: they may be kept over restarts
   */
  constructor(stored: StoredHistory, nowMs: UnixMs, counted?: Pick<HistorySample, 'household' | 'workers'>) {
    const nowSec = secFromMs(nowMs)
    const storedAt = (level: 'minute' | 'hour' | 'day'): Frame | undefined =>
      stored.frames.find(frame => frame.level === level && frame.startSec === startOf(level, nowSec))
    this.#book = new SeriesBook(stored.series)
    this.#open = {
      hour: storedAt('hour') ?? emptyFrame('hour', startOf('hour', nowSec)),
      day: storedAt('day') ?? emptyFrame('day', startOf('day', nowSec))
    }
    this.#minute = emptyFrame('minute', startOf('minute', nowSec))
    this.#minuteBefore = storedAt('minute') ?? null
    this.#household = counted?.household ?? NO_COUNTERS
    this.#workers = new Map(counted?.workers.map(worker => [nameKey(worker), worker]))
    this.#lastMs = nowMs
    this.#steadySec = nowSec
  }

  get series(): readonly Series[] {
    return this.#book.all
  }

  /** @returns what to write; nothing while the minute goes on */
  sample(sample: HistorySample, nowMs: UnixMs): HistoryDelta {
    const delta = this.#turnTo(secFromMs(nowMs))
    const gapMs = nowMs - this.#lastMs
    this.#lastMs = nowMs
    this.#add(sample, gapMs >= 0 && gapMs <= MAX_SAMPLE_GAP_MS ? gapMs : 0)
    return delta
  }

  /** Ends the open minute before its time: the node stops. */
  close(): HistoryDelta {
    return this.#endMinute()
  }

  checkInvariants(): void {
    this.#book.checkInvariants()
  }

  #turnTo(sec: number): HistoryDelta {
    const startSec = startOf('minute', sec)
    const ahead = startSec - this.#minute.startSec
    if (ahead === 0 || (ahead < 0 && ahead >= -MAX_WAIT_SEC)) return NOTHING
    const delta = this.#endMinute()
    if (Math.abs(ahead) > MAX_WAIT_SEC) this.#steadySec = sec
    this.#minute = emptyFrame('minute', startSec)
    this.#minuteBefore = null
    for (const level of ['hour', 'day'] as const) {
      if (this.#open[level].startSec !== startOf(level, sec)) {
        this.#open = { ...this.#open, [level]: emptyFrame(level, startOf(level, sec)) }
      }
    }
    return delta
  }

  #add({ household, workers, gauges }: HistorySample, elapsedMs: number): void {
    const seen = (name: GaugeName): Gauge => {
      const value = gauges[name]
      if (value === null || elapsedMs === 0) return this.#minute.gauges[name]
      const gauge = { sum: value * elapsedMs, seenMs: elapsedMs, min: value, max: value }
      return addGauge(this.#minute.gauges[name], gauge)
    }
    this.#minute = {
      ...this.#minute,
      observedMs: this.#minute.observedMs + elapsedMs,
      household: addMined(this.#minute.household, since(this.#household, household)),
      gauges: {
        poolHps: seen('poolHps'),
        peers: seen('peers'),
        shareDifficulty: seen('shareDifficulty'),
        bitcoinDifficulty: seen('bitcoinDifficulty')
      }
    }
    const counted = new Map<string, Counters>()
    for (const worker of workers) {
      const key = nameKey(worker)
      const mined = since(this.#workers.get(key) ?? NO_COUNTERS, worker)
      const more: WorkerMined = { ...mined, onlineMs: worker.isConnected ? elapsedMs : 0 }
      counted.set(key, worker)
      if (!worker.isConnected && mined.accepted === 0 && mined.rejected === 0) continue
      const known = this.#minuteWorkers.get(key)
      const sum = known === undefined ? more : addWorker(known, more)
      this.#minuteWorkers.set(key, { ...sum, address: worker.address, worker: worker.worker })
    }
    this.#household = household
    this.#workers = counted
  }

  #endMinute(): HistoryDelta {
    const { startSec, observedMs, household } = this.#minute
    if (observedMs === 0 && household.accepted === 0 && household.rejected === 0) return NOTHING
    const { ids, puts, forgotten } = this.#hear()
    const minute: Frame = { ...this.#minute, workers: ids }
    this.#open = { hour: withPart(this.#open.hour, minute), day: withPart(this.#open.day, minute) }
    // What an earlier run wrote of this minute is in its hour and day already.
    const whole = this.#minuteBefore === null ? minute : withPart(this.#minuteBefore, minute)
    this.#minuteBefore = whole
    this.#minute = emptyFrame('minute', startSec)
    this.#minuteWorkers = new Map()
    return {
      puts: [...puts, frameRow(whole), frameRow(this.#open.hour), frameRow(this.#open.day)],
      forget: [...forgotten, ...this.#outdated(startSec)]
    }
  }

  /** Gives the minute's workers their ids; only those that will be written get one. */
  #hear(): { ids: ReadonlyMap<number, WorkerMined>; puts: HistoryRow[]; forgotten: KeyRange[] } {
    const ids = new Map<number, WorkerMined>()
    const puts: HistoryRow[] = []
    const forgotten: KeyRange[] = []
    for (const { address, worker, ...mined } of heaviest(this.#minuteWorkers, MAX_FRAME_WORKERS).values()) {
      const heard = this.#book.hear({ address, worker }, this.#minute.startSec)
      if (heard === null) continue
      ids.set(heard.series.id, mined)
      if (heard.isChanged) puts.push(seriesRow(heard.series))
      if (heard.forgotten !== null) {
        forgotten.push({ from: seriesKey(heard.forgotten), to: seriesKey(heard.forgotten + 1) })
      }
    }
    return { ids, puts, forgotten }
  }

  /** What is older than it is kept, once an hour. */
  #outdated(sec: number): KeyRange[] {
    const hourSec = startOf('hour', sec)
    if (hourSec === this.#prunedSec || sec - this.#steadySec < PRUNE_AFTER_SEC) return []
    this.#prunedSec = hourSec
    return LEVEL_NAMES.map(level => framesIn(level, 0, sec - LEVELS[level].keepSec))
  }
}

/** What counters gained; all they hold if they began anew. */
function since(before: Counters, now: Counters): Mined {
  const isNew = now.accepted < before.accepted || now.rejected < before.rejected || now.workHashes < before.workHashes
  const from = isNew ? NO_COUNTERS : before
  return {
    accepted: now.accepted - from.accepted,
    rejected: now.rejected - from.rejected,
    workHashes: now.workHashes - from.workHashes,
    bestDifficulty: now.bestDifficulty > from.bestDifficulty ? now.bestDifficulty : 0
  }
}
