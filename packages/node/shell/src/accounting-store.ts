import { mkdir, readdir } from 'node:fs/promises'
import type { AccountingDelta, AccountingRow } from '@p2poolv2/node'
import { Level } from 'level'

type Database = Level<string, string>

/** What a directory was made for is written under this key: the version of its layout and the chain. */
const IDENTITY_KEY = 'identity'
const LAYOUT = 1
const ROWS = { gt: 'row ', lt: 'row~' }
const ROW_KEY = /^row ([0-9a-f]{8}) ([a-zA-Z0-9]{14,90})$/
const ROW_VALUE = /^(\d{1,40}) (\d{1,15})$/
const READ_BATCH_ROWS = 1_000
/** What was written waits for the platter this often: a power cut costs no more. A killed process loses what it had not written yet. */
const SYNC_EVERY_MS = 1_000

/** The pool's accounting cannot be kept or read: without it nobody knows whom a block must pay, so the node does not mine. */
export class AccountingUnavailable extends Error {
  readonly code = 'accounting-unavailable'

  constructor(directory: string, why: string, cause?: unknown) {
    super(
      `The pool's accounting in ${directory} cannot be used: ${why}. See that no other node uses the directory, that it is writable and that ` +
        'the disk has space. If it is damaged, restore it from a backup, or move it away: then everybody begins at nothing.',
      { cause }
    )
    this.name = 'AccountingUnavailable'
  }
}

/**
 * The rows of a pool's accounting on LevelDB, in plain text: `row SLICE ADDRESS` (eight hex digits), then expected hashes and submits, both in
 * decimal digits. Changes that come while a write is under way go into the next one together; of one row only the newest is kept, so what
 * waits is never more than the rows that there are.
 */
export class AccountingStore {
  readonly #database: Database
  readonly #directory: string
  readonly #onFailed: (error: unknown) => void
  /** By key; null is gone. */
  #waiting = new Map<string, string | null>()
  #running: Promise<void> | null = null
  #hasFailed = false
  #syncedAtMs = Number.NEGATIVE_INFINITY

  private constructor(database: Database, directory: string, onFailed: (error: unknown) => void) {
    this.#database = database
    this.#directory = directory
    this.#onFailed = onFailed
  }

  /**
   * Opens or makes the accounting in a directory of its own.
   * @param onFailed told once, when the disk refuses; nothing is written after that
   * @throws AccountingUnavailable
   */
  static async open(
    directory: string,
    { chain, onFailed }: { readonly chain: string; readonly onFailed: (error: unknown) => void }
  ): Promise<{ readonly store: AccountingStore; readonly rows: readonly AccountingRow[] }> {
    try {
      await mkdir(directory, { recursive: true })
      const names = await readdir(directory)
      // LevelDB would begin anew over the remains.
      if (names.some(name => name.endsWith('.ldb') || name.endsWith('.log')) && !names.includes('CURRENT'))
        throw new AccountingUnavailable(directory, 'its file CURRENT is missing')
      const database: Database = new Level(directory)
      await database.open()
      try {
        await checkIdentity(database, directory, `${LAYOUT} ${chain}`)
        return { store: new AccountingStore(database, directory, onFailed), rows: await readRows(database, directory) }
      } catch (error) {
        await database.close()
        throw error
      }
    } catch (error) {
      throw error instanceof AccountingUnavailable
        ? error
        : new AccountingUnavailable(directory, reasonOf(error), error)
    }
  }

  /** Writes a change, after those given before it. Returns at once. */
  push({ puts, deletes }: AccountingDelta): void {
    if (this.#hasFailed) return
    for (const { slice, address, workHashes, submits } of puts)
      this.#waiting.set(keyOf(slice, address), `${workHashes} ${submits}`)
    for (const { slice, address } of deletes) this.#waiting.set(keyOf(slice, address), null)
    this.#running ??= this.#run()
  }

  /** Resolves when nothing is waiting any more, written or failed. Never rejects. */
  async drained(): Promise<void> {
    while (this.#running !== null) await this.#running
  }

  /** Writes what is waiting and lets go of the directory. */
  async close(): Promise<void> {
    await this.drained()
    await this.#database.close()
  }

  async #run(): Promise<void> {
    // Whatever else the present event has to say is told first.
    await Promise.resolve()
    try {
      while (this.#waiting.size > 0) {
        const changes = [...this.#waiting]
        this.#waiting = new Map()
        const nowMs = performance.now()
        const sync = nowMs - this.#syncedAtMs >= SYNC_EVERY_MS
        if (sync) this.#syncedAtMs = nowMs
        await this.#database.batch(
          changes.map(([key, value]) =>
            value === null ? { type: 'del' as const, key } : { type: 'put' as const, key, value }
          ),
          { sync }
        )
      }
    } catch (error) {
      this.#hasFailed = true
      this.#waiting = new Map()
      this.#onFailed(new AccountingUnavailable(this.#directory, reasonOf(error), error))
    } finally {
      this.#running = null
    }
  }
}

async function checkIdentity(database: Database, directory: string, wanted: string): Promise<void> {
  const found = await database.get(IDENTITY_KEY)
  if (found === undefined) await database.put(IDENTITY_KEY, wanted, { sync: true })
  else if (found !== wanted)
    throw new AccountingUnavailable(directory, `it is of "${found}", and "${wanted}" is wanted`)
}

async function readRows(database: Database, directory: string): Promise<AccountingRow[]> {
  const rows: AccountingRow[] = []
  const iterator = database.iterator(ROWS)
  try {
    for (;;) {
      const entries = await iterator.nextv(READ_BATCH_ROWS)
      if (entries.length === 0) return rows
      for (const [key, value] of entries) rows.push(rowOf(key, value, directory))
    }
  } finally {
    await iterator.close()
  }
}

function rowOf(key: string, value: string, directory: string): AccountingRow {
  const [, slice, address] = ROW_KEY.exec(key) ?? []
  const [, workHashes, submits] = ROW_VALUE.exec(value) ?? []
  if (slice === undefined || address === undefined || workHashes === undefined || submits === undefined)
    throw new AccountingUnavailable(directory, `it has a row that cannot be read: ${JSON.stringify(key.slice(0, 100))}`)
  return { slice: Number.parseInt(slice, 16), address, workHashes: BigInt(workHashes), submits: Number(submits) }
}

function keyOf(slice: number, address: string): string {
  return `row ${slice.toString(16).padStart(8, '0')} ${address}`
}

/** What LevelDB or the system said; the innermost cause knows best. */
function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error)
  return error.cause === undefined ? error.message : reasonOf(error.cause)
}
