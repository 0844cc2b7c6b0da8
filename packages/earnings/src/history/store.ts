/** Where history is kept: the port, and its twin in memory. */
import { bytesToHex, hexToBytes } from '@p2poolv2/primitives'
import type { Frame, Level } from './frame.ts'
import { frameKey, frameOfRow, type HistoryRow, type KeyRange, SERIES_RANGE, type Series, seriesOfRow } from './rows.ts'

/** What one step of the history writes. */
export interface HistoryDelta {
  readonly puts: readonly HistoryRow[]
  /** Rows to let go of, by key. Doing so twice, or later, does no harm. */
  readonly forget: readonly KeyRange[]
}

/** A stretch of time in unix seconds: from the first, before the second. */
export interface TimeRange {
  readonly fromSec: number
  readonly toSec: number
}

/** The puts of a delta are written together or not at all; deltas in the order in which they were given. */
export interface HistoryStore {
  commit(delta: HistoryDelta): Promise<void>
  /** By rising time; damaged ones are left out. At most what is kept of a level: some 9,000. */
  readFrames(level: Level, range: TimeRange): Promise<Frame[]>
  /** By rising id; damaged ones are left out. */
  readSeries(): Promise<Series[]>
  close(): Promise<void>
}

/** Keys of a level's frames that begin in a stretch of time. */
export function framesIn(level: Level, { fromSec, toSec }: TimeRange): KeyRange {
  const u32 = (sec: number): number => Math.min(Math.max(0, Math.ceil(sec)), 0xffff_ffff)
  return { from: frameKey(level, u32(fromSec)), to: frameKey(level, u32(toSec)) }
}

export function framesOfRows(rows: readonly HistoryRow[]): Frame[] {
  return rows.map(frameOfRow).filter(frame => frame !== null)
}

export function seriesOfRows(rows: readonly HistoryRow[]): Series[] {
  return rows.map(seriesOfRow).filter(series => series !== null)
}

/** The store in memory, for tests and simulation: the same keys and values, synchronous and as large as memory. */
export class MemoryHistoryStore {
  /** By key in hex, whose order is the order of the bytes. */
  readonly #values = new Map<string, Uint8Array>()

  get bytes(): number {
    let sum = 0
    for (const [key, value] of this.#values) sum += key.length / 2 + value.length
    return sum
  }

  commitNow({ puts, forget }: HistoryDelta): void {
    for (const { key, value } of puts) this.#values.set(bytesToHex(key), value)
    for (const range of forget) for (const { key } of this.#rows(range)) this.#values.delete(bytesToHex(key))
  }

  framesNow(level: Level, range: TimeRange): Frame[] {
    return framesOfRows(this.#rows(framesIn(level, range)))
  }

  seriesNow(): Series[] {
    return seriesOfRows(this.#rows(SERIES_RANGE))
  }

  #rows(range: KeyRange): HistoryRow[] {
    const [from, to] = [bytesToHex(range.from), bytesToHex(range.to)]
    return [...this.#values]
      .filter(([key]) => key >= from && key < to)
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([key, value]) => ({ key: hexToBytes(key), value }))
  }
}
