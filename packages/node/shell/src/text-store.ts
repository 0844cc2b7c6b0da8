import { mkdir, readdir } from 'node:fs/promises'
import { innermostReason } from '@p2poolv2/runtime'
import { Level } from 'level'
import { type RowChanges, RowJournal } from './row-journal.ts'

type Database = Level<string, string>

/** What a directory was made for is written under this key. */
const IDENTITY_KEY = 'identity'
/** The number of the last journal entry that is in the rows. */
const SEQUENCE_KEY = 'sequence'
const ROW = 'row '
const ROWS = { gt: ROW, lt: 'row~' }
const READ_BATCH_ROWS = 1_000
/** What was written waits for the platter this often: a power cut costs no more. */
const SYNC_EVERY_MS = 1_000

/** A directory that cannot be used; the message is why. */
export class TextStoreError extends Error {
  readonly code = 'text-store'
}

export interface TextStoreOptions {
  /** Written into a new directory; one with another is refused. */
  readonly identity: string
  /** Told once, when the disk refuses; nothing is written after that. */
  readonly onFailed: (error: TextStoreError) => void
  /** With a journal `keep` hands changes to the system at once. Without one a killed process loses what it had not written yet. */
  readonly journal: 'with' | 'without'
}

/**
 * Rows of text by key on LevelDB, each under `row KEY`. Changes that come while a write is under way go into the next one together, one batch
 * that is written whole or not at all; of one row only the newest is kept, so what waits is never more than the rows that there are.
 */
export class TextStore {
  readonly #database: Database
  readonly #onFailed: TextStoreOptions['onFailed']
  /** By key; null is gone. */
  #waiting = new Map<string, string | null>()
  /** Of them those that are not in the journal yet. */
  #unkept = new Map<string, string | null>()
  readonly #journal: RowJournal | null
  #running: Promise<void> | null = null
  #hasFailed = false
  #syncedAtMs = Number.NEGATIVE_INFINITY

  private constructor(
    database: Database,
    { onFailed, journal }: Pick<TextStoreOptions, 'onFailed'> & { readonly journal: RowJournal | null }
  ) {
    this.#database = database
    this.#onFailed = onFailed
    this.#journal = journal
  }

  /**
   * Opens or makes the store in a directory of its own, and reads all of it.
   * @throws TextStoreError
   */
  static async open(
    directory: string,
    { identity, onFailed, journal }: TextStoreOptions
  ): Promise<{ readonly store: TextStore; readonly rows: readonly (readonly [string, string])[] }> {
    try {
      await mkdir(directory, { recursive: true })
      const names = await readdir(directory)
      // LevelDB would begin anew over the remains.
      if (names.some(name => name.endsWith('.ldb') || name.endsWith('.log')) && !names.includes('CURRENT'))
        throw new TextStoreError('its file CURRENT is missing')
      const database: Database = new Level(directory)
      await database.open()
      try {
        await checkIdentity(database, identity)
        const opened = journal === 'with' ? await openJournal(directory, database) : null
        return { store: new TextStore(database, { onFailed, journal: opened }), rows: await readRows(database) }
      } catch (error) {
        await database.close()
        throw error
      }
    } catch (error) {
      throw storeError(error)
    }
  }

  /** Writes changes, after those given before them. Returns at once. */
  push(puts: Iterable<readonly [string, string]>, deletes: Iterable<string>): void {
    if (this.#hasFailed) return
    for (const [key, value] of puts) this.#change(key, value)
    for (const key of deletes) this.#change(key, null)
    this.#running ??= this.#run()
  }

  /**
   * Hands what was given to the system, so that it is there after this process was killed; to be called before anybody is told of it.
   * Cost: one write if there is anything new.
   * @returns false when the disk refuses: nobody may be told
   */
  keep(): boolean {
    if (this.#journal === null || this.#unkept.size === 0) return !this.#hasFailed
    const changes = this.#unkept
    this.#unkept = new Map()
    try {
      this.#journal.append(changes)
    } catch (error) {
      this.#fail(error)
    }
    return !this.#hasFailed
  }

  /** Resolves when nothing is waiting any more, written or failed. Never rejects. */
  async drained(): Promise<void> {
    while (this.#running !== null) await this.#running
  }

  /** Writes what is waiting and lets go of the directory. */
  async close(): Promise<void> {
    await this.drained()
    if (!this.#hasFailed) this.#journal?.empty()
    this.#journal?.close()
    await this.#database.close()
  }

  #change(key: string, value: string | null): void {
    this.#waiting.set(key, value)
    if (this.#journal !== null) this.#unkept.set(key, value)
  }

  async #run(): Promise<void> {
    // All events of this turn go together, and what they have to say is told first.
    await new Promise(setImmediate)
    try {
      while (this.#waiting.size > 0) {
        // The journal never has less than the rows.
        if (!this.keep()) return
        this.#journal?.writing()
        const sequence = this.#journal?.sequence ?? null
        const changes = [...this.#waiting]
        this.#waiting = new Map()
        const nowMs = performance.now()
        const sync = nowMs - this.#syncedAtMs >= SYNC_EVERY_MS
        if (sync) this.#syncedAtMs = nowMs
        await this.#database.batch(operationsOf(changes, sequence), { sync })
        this.#journal?.written()
      }
    } catch (error) {
      this.#fail(error)
    } finally {
      this.#running = null
    }
  }

  #fail(error: unknown): void {
    if (this.#hasFailed) return
    this.#hasFailed = true
    this.#waiting = new Map()
    this.#unkept = new Map()
    this.#onFailed(storeError(error))
  }
}

function operationsOf(changes: RowChanges, sequence: number | null) {
  const operations: ({ type: 'put'; key: string; value: string } | { type: 'del'; key: string })[] = []
  for (const [key, value] of changes) {
    operations.push(value === null ? { type: 'del', key: ROW + key } : { type: 'put', key: ROW + key, value })
  }
  if (sequence !== null) operations.push({ type: 'put', key: SEQUENCE_KEY, value: String(sequence) })
  return operations
}

/** Writes what a killed process had handed to the system only. */
async function openJournal(directory: string, database: Database): Promise<RowJournal> {
  const { journal, entries } = RowJournal.open(directory, Number((await database.get(SEQUENCE_KEY)) ?? 0))
  const changes = entries.flatMap(entry => entry.changes)
  if (changes.length > 0) await database.batch(operationsOf(new Map(changes), journal.sequence), { sync: true })
  journal.empty()
  return journal
}

async function checkIdentity(database: Database, wanted: string): Promise<void> {
  const found = await database.get(IDENTITY_KEY)
  if (found === undefined) await database.put(IDENTITY_KEY, wanted, { sync: true })
  else if (found !== wanted) throw new TextStoreError(`it is of "${found}", and "${wanted}" is wanted`)
}

async function readRows(database: Database): Promise<[string, string][]> {
  const rows: [string, string][] = []
  const iterator = database.iterator(ROWS)
  try {
    for (;;) {
      const entries = await iterator.nextv(READ_BATCH_ROWS)
      if (entries.length === 0) return rows
      for (const [key, value] of entries) rows.push([key.slice(ROW.length), value])
    }
  } finally {
    await iterator.close()
  }
}

function storeError(error: unknown): TextStoreError {
  return error instanceof TextStoreError ? error : new TextStoreError(innermostReason(error), { cause: error })
}
