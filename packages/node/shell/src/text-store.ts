import { mkdir, readdir } from 'node:fs/promises'
import { Level } from 'level'

type Database = Level<string, string>

/** What a directory was made for is written under this key. */
const IDENTITY_KEY = 'identity'
const ROW = 'row '
const ROWS = { gt: ROW, lt: 'row~' }
const READ_BATCH_ROWS = 1_000
/** What was written waits for the platter this often: a power cut costs no more. A killed process loses what it had not written yet. */
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
  #running: Promise<void> | null = null
  #hasFailed = false
  #syncedAtMs = Number.NEGATIVE_INFINITY

  private constructor(database: Database, onFailed: TextStoreOptions['onFailed']) {
    this.#database = database
    this.#onFailed = onFailed
  }

  /**
   * Opens or makes the store in a directory of its own, and reads all of it.
   * @throws TextStoreError
   */
  static async open(
    directory: string,
    { identity, onFailed }: TextStoreOptions
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
        return { store: new TextStore(database, onFailed), rows: await readRows(database) }
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
    for (const [key, value] of puts) this.#waiting.set(key, value)
    for (const key of deletes) this.#waiting.set(key, null)
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
            value === null ? { type: 'del' as const, key: ROW + key } : { type: 'put' as const, key: ROW + key, value }
          ),
          { sync }
        )
      }
    } catch (error) {
      this.#hasFailed = true
      this.#waiting = new Map()
      this.#onFailed(storeError(error))
    } finally {
      this.#running = null
    }
  }
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
  return error instanceof TextStoreError ? error : new TextStoreError(reasonOf(error), { cause: error })
}

/** What LevelDB or the system said; the innermost cause knows best. */
function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error)
  return error.cause === undefined ? error.message : reasonOf(error.cause)
}
