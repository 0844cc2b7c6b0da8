import { mkdir, rename, rm } from 'node:fs/promises'
import { type PeerRecord, parseRecord } from '@p2poolv2/gossip'
import { BoundedMap } from '@p2poolv2/primitives'
import { type Log, MESSAGES } from '@p2poolv2/runtime'
import { Level } from 'level'

/** Records read on start; what is beyond is deleted. More than twice what the peering machine holds. */
export const MAX_STORED_RECORDS = 4_096
/** Changes not written yet; at the cap the oldest is lost, which costs an address or a ban and nothing else. */
export const MAX_UNWRITTEN = 4_096
/** A longer value is none of ours. */
const MAX_RECORD_CHARACTERS = 2_048
const VERSION = 1

/** What is kept of peers over a restart. Nothing depends on a write: one that fails is told to the log. */
export interface PeerStore {
  /** What was kept, with null for each that cannot be read; those are deleted. Records of newer versions are left alone. */
  records(): Promise<readonly (PeerRecord | null)[]>
  /** Changes of one turn, and all that come while others are written, are one batch. */
  keep(record: PeerRecord): void
  forget(key: string): void
  /** Resolves when all that was told so far is written, or has failed to be. */
  written(): Promise<void>
  /** Writes what is left and lets go of the folder. */
  close(): Promise<void>
}

type Database = Level<string, string>

/**
 * Opens or makes the store in a folder of its own. One that is damaged is put aside as `<folder>.damaged` and begun anew: it holds
 * nothing that the network does not tell again, save what the operator added, which the log says.
 * @throws what LevelDB says if another process has it, or the folder cannot be written
 */
export async function openPeerStore(folder: string, log: Log): Promise<PeerStore> {
  await mkdir(folder, { recursive: true })
  try {
    return new LevelPeerStore(await openDatabase(folder), log)
  } catch (err) {
    if (!isDamage(err)) throw err
    const aside = `${folder}.damaged`
    await rm(aside, { recursive: true, force: true })
    await rename(folder, aside)
    log.warn(MESSAGES.peerStoreDamaged, { err, aside })
  }
  return new LevelPeerStore(await openDatabase(folder), log)
}

class LevelPeerStore implements PeerStore {
  readonly #database: Database
  readonly #log: Log
  /** Null: to be deleted. */
  #unwritten = new BoundedMap<string, PeerRecord | null>(MAX_UNWRITTEN)
  #writing: Promise<void> | null = null
  #isClosed = false

  constructor(database: Database, log: Log) {
    this.#database = database
    this.#log = log
  }

  async records(): Promise<readonly (PeerRecord | null)[]> {
    const records: (PeerRecord | null)[] = []
    const useless: string[] = []
    try {
      for await (const [key, value] of this.#database.iterator()) {
        const record = records.length < MAX_STORED_RECORDS ? readValue(key, value) : null
        if (record === 'newer') continue
        if (record === null) useless.push(key)
        if (records.length < MAX_STORED_RECORDS) records.push(record)
      }
    } catch (err) {
      // A damaged block hides what is behind it; what came before it is good.
      records.push(null)
      this.#log.warn(MESSAGES.peerStoreUnread, { err, read: records.length })
    }
    // What cannot be deleted now is looked at again at the next start.
    await this.#database.batch(useless.map(key => ({ type: 'del', key }))).catch(err => {
      this.#log.warn(MESSAGES.peerRecordsUseless, { err, useless: useless.length })
    })
    return records
  }

  keep(record: PeerRecord): void {
    this.#change(record.key, record)
  }

  forget(key: string): void {
    this.#change(key, null)
  }

  async written(): Promise<void> {
    while (this.#writing !== null) await this.#writing
  }

  async close(): Promise<void> {
    this.#isClosed = true
    await this.written()
    await this.#database.close()
  }

  #change(key: string, record: PeerRecord | null): void {
    if (this.#isClosed) return
    // The latest change of a key is its youngest.
    this.#unwritten.delete(key)
    this.#unwritten.set(key, record)
    this.#writing ??= this.#write()
  }

  async #write(): Promise<void> {
    // What else happens in this turn goes along.
    await Promise.resolve()
    while (this.#unwritten.size > 0) {
      const changes = [...this.#unwritten.entries()]
      this.#unwritten.clear()
      const batch = changes.map(([key, record]) =>
        record === null
          ? ({ type: 'del', key } as const)
          : ({ type: 'put', key, value: JSON.stringify({ version: VERSION, record }) } as const)
      )
      await this.#database.batch(batch).catch(err => {
        this.#log.warn(MESSAGES.peerStoreUnwritten, { err, changes: batch.length })
      })
    }
    // At once, so that no change falls between the last look and this.
    this.#writing = null
  }
}

/** A record, `newer` for one of a version to come, or null for what is none. */
function readValue(key: string, value: string): PeerRecord | 'newer' | null {
  if (value.length > MAX_RECORD_CHARACTERS) return null
  try {
    const parsed: unknown = JSON.parse(value)
    if (typeof parsed !== 'object' || parsed === null || !('version' in parsed)) return null
    if (typeof parsed.version === 'number' && parsed.version > VERSION) return 'newer'
    const record = parsed.version === VERSION && 'record' in parsed ? parseRecord(parsed.record) : null
    return record?.key === key ? record : null
  } catch {
    // Half a value, or none at all.
    return null
  }
}

async function openDatabase(folder: string): Promise<Database> {
  const database: Database = new Level(folder, { keyEncoding: 'utf8', valueEncoding: 'utf8' })
  await database.open()
  return database
}

/** Whether the files contradict themselves; a lock, a full disk and a missing right are something else. */
function isDamage(error: unknown): boolean {
  for (let one = error; one instanceof Error; one = one.cause) {
    if ('code' in one && one.code === 'LEVEL_CORRUPTION') return true
  }
  return false
}
