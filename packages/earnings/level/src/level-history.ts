import { mkdir, readdir } from 'node:fs/promises'
import {
  type Frame,
  framesIn,
  framesOfRows,
  type HistoryDelta,
  type Level as HistoryLevel,
  type HistoryRow,
  type HistoryStore,
  type KeyRange,
  LEVELS,
  type Series,
  seriesIn,
  seriesOfRows,
  type TimeRange
} from '@p2poolv2/earnings'
import { innermostReason } from '@p2poolv2/runtime'
import { Level } from 'level'

type Database = Level<Uint8Array, Uint8Array>

/** Rows read and decoded at once: some milliseconds. */
const READ_BATCH_ROWS = 100

/** History cannot be kept or read. Nothing else depends on it: a node without it mines and pays as ever. */
export class HistoryUnavailable extends Error {
  readonly code = 'history-unavailable'

  constructor(directory: string, cause: unknown) {
    super(
      `The history in ${directory} cannot be used: ${innermostReason(cause)}. Charts of the past are missing; mining and payouts go on. ` +
        'See that no other node uses the directory, that it is writable and that the disk has space. ' +
        'If it is damaged, move it away: a new one is begun.',
      { cause }
    )
    this.name = 'HistoryUnavailable'
  }
}

/**
 * Opens or makes the history in a directory of its own.
 * @param directory made if it is not there
 * @throws HistoryUnavailable
 */
export async function openLevelHistory(directory: string): Promise<HistoryStore> {
  try {
    await mkdir(directory, { recursive: true })
    const names = await readdir(directory)
    // LevelDB would begin anew over the remains.
    if (names.some(name => name.endsWith('.ldb') || name.endsWith('.log')) && !names.includes('CURRENT')) {
      throw new Error('its file CURRENT is missing')
    }
    const database: Database = new Level(directory, { keyEncoding: 'view', valueEncoding: 'view' })
    await database.open()
    return new LevelHistory(database, directory)
  } catch (error) {
    throw new HistoryUnavailable(directory, error)
  }
}

/** One batch a delta, not waited for on the platter: a power cut costs the last minutes, never a row by half. */
class LevelHistory implements HistoryStore {
  readonly #database: Database
  readonly #directory: string
  /** Ends with the last commit, whether it went well or not: each delta stands for itself. */
  #writing: Promise<void> = Promise.resolve()
  #isClosed = false

  constructor(database: Database, directory: string) {
    this.#database = database
    this.#directory = directory
  }

  async commit(delta: HistoryDelta): Promise<void> {
    this.#assertOpen()
    const write = this.#writing.then(() => this.#write(delta))
    this.#writing = write.catch(() => undefined)
    await write
  }

  async readFrames(level: HistoryLevel, { fromSec, toSec }: TimeRange, workers?: readonly number[]): Promise<Frame[]> {
    const read = (from: number, to: number): Promise<Frame[]> =>
      this.#read(framesIn(level, from, to), rows => framesOfRows(rows, workers))
    return this.#around({ from: fromSec, to: toSec, least: LEVELS[level].spanSec }, read)
  }

  async readSeries(): Promise<Series[]> {
    const read = (from: number, to: number): Promise<Series[]> => this.#read(seriesIn(from, to), seriesOfRows)
    return this.#around({ from: 0, to: 2 ** 32 - 1, least: 1 }, read)
  }

  /** Reads a stretch, and where LevelDB finds damage in it its halves: one bad block of 4 kB must not hide a year. */
  async #around<T>(
    { from, to, least }: { from: number; to: number; least: number },
    read: (from: number, to: number) => Promise<T[]>
  ): Promise<T[]> {
    this.#assertOpen()
    try {
      return await read(from, to)
    } catch (error) {
      if (!isDamage(error)) throw new HistoryUnavailable(this.#directory, error)
      if (to - from <= least) return []
      const middle = from + Math.max(least, Math.floor((to - from) / 2 / least) * least)
      const lower = await this.#around({ from, to: middle, least }, read)
      return [...lower, ...(await this.#around({ from: middle, to, least }, read))]
    }
  }

  async close(): Promise<void> {
    this.#isClosed = true
    await this.#writing
    await this.#database.close()
  }

  async #write({ puts, forget }: HistoryDelta): Promise<void> {
    try {
      await this.#database.batch(puts.map(({ key, value }) => ({ type: 'put' as const, key, value })))
      for (const { from, to } of forget) await this.#database.clear({ gte: from, lt: to })
    } catch (error) {
      throw new HistoryUnavailable(this.#directory, error)
    }
  }

  /** Decodes batch by batch, so that a year of hours does not keep the node from its miners. */
  async #read<T>({ from, to }: KeyRange, decode: (rows: HistoryRow[]) => T[]): Promise<T[]> {
    const iterator = this.#database.iterator({ gte: from, lt: to })
    const decoded: T[] = []
    try {
      for (;;) {
        const entries = await iterator.nextv(READ_BATCH_ROWS)
        if (entries.length === 0) return decoded
        decoded.push(...decode(entries.map(([key, value]) => ({ key, value }))))
      }
    } finally {
      await iterator.close()
    }
  }

  #assertOpen(): void {
    if (this.#isClosed) throw new HistoryUnavailable(this.#directory, new Error('it was closed'))
  }
}

function isDamage(error: unknown): boolean {
  if (!(error instanceof Error)) return false
  return ('code' in error && error.code === 'LEVEL_CORRUPTION') || isDamage(error.cause)
}
