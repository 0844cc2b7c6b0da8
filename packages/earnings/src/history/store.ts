/** Where history is kept: the port, and its twin in memory. */
import { bytesToHex, hexToBytes } from '@p2poolv2/primitives'
import type { Frame, Level } from './frame.ts'
import { frameOfRow, framesIn, type HistoryRow, type KeyRange, type Series, seriesIn, seriesOfRow } from './rows.ts'

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
  /**
   * By rising time; damaged ones are left out. At most what is kept of a level: some 9,000.
   * @param workers ids of the workers to give with them; all if left out
   */
  readFrames(level: Level, range: TimeRange, workers?: readonly number[]): Promise<Frame[]>
  /** By rising id; damaged ones are left out. */
  readSeries(): Promise<Series[]>
  close(): Promise<void>
}

/** As `HistoryStore.readFrames` gives them. */
export function framesOfRows(rows: readonly HistoryRow[], workers?: readonly number[]): Frame[] {
  const wanted = workers === undefined ? undefined : new Set(workers)
  return rows.map(row => frameOfRow(row, wanted)).filter(frame => frame !== null)
}

export function seriesOfRows(rows: readonly HistoryRow[]): Series[] {
  return rows.map(seriesOfRow).filter(series => series !== null)
}

/** The store in memory: the same keys and values, synchronous and as large as memory. */
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

  framesNow(level: Level, { fromSec, toSec }: TimeRange, workers?: readonly number[]): Frame[] {
    return framesOfRows(this.#rows(framesIn(level, fromSec, toSec)), workers)
  }

  seriesNow(): Series[] {
    return seriesOfRows(this.#rows(seriesIn(0, Number.POSITIVE_INFINITY)))
  }

  #rows(range: KeyRange): HistoryRow[] {
    const [from, to] = [bytesToHex(range.from), bytesToHex(range.to)]
    return [...this.#values]
      .filter(([key]) => key >= from && key < to)
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([key, value]) => ({ key: hexToBytes(key), value }))
  }
}
