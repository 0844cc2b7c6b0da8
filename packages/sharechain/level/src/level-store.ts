import type { ArchivedHeight } from '@p2poolv2/consensus'
import { CodecError, type Height, type ShareHash } from '@p2poolv2/primitives'
import {
  archiveStart,
  type BlockPlace,
  blockKey,
  bodyKey,
  type ChainDelta,
  confirmedKey,
  decodeArchiveRow,
  decodeHeaderRecord,
  type FoundBlock,
  foundBlockOfRow,
  type HeaderRecord,
  headerKey,
  heightOfConfirmedKey,
  keyRange,
  type ShareStore,
  type StoredRow,
  type StoreIdentity,
  stateKey,
  wholeHeights
} from '@p2poolv2/sharechain'
import { codesOf, type Database, openDatabase, prepareDirectory, storeError } from './database.ts'
import { removeHolder, writeHolder } from './holder.ts'
import { checkIdentity, readSequence } from './identity.ts'
import { journalRow, journalStartRow, missingDeltas } from './journal.ts'
import { changeLayout, clearOtherRows, type LayoutProgress } from './layout.ts'
import { writeOwner } from './owner.ts'
import { ProgressFile, readProgress } from './progress.ts'
import { StoreClosed, StoreSchema, StoreSequence, StoreUnavailable } from './store-errors.ts'
import { syncLogs } from './sync-logs.ts'

/** What a store had and has no longer, as far as its own notes tell. */
export interface LostDeltas {
  /** The newest ones. What is left is a state the chain was in. */
  readonly newest: number
  /** Of those, some that were promised to be on the platter. */
  readonly werePromised: boolean
  /** From between others: what is left contradicts itself, and has to be repaired. */
  readonly between: number
}

export interface LevelStoreOptions {
  /**
   * `flushed-only` (default) waits for the platter where a delta asks for it; `always` with every delta: a power cut then
   * costs no share, at some milliseconds each.
   */
  readonly sync?: 'flushed-only' | 'always'
  readonly signal?: AbortSignal
  /**
   * Told how far it is while a store of an older layout is brought to this one, which can be gone back (`rollbackLayout`). Who does not
   * want to be told does not want the store to be changed: it is refused then.
   */
  readonly onLayoutChange?: (progress: LayoutProgress) => void
}

/** Rows read at once on start; about 0.2 MB. */
const LOAD_BATCH_ROWS = 1024
/**
 * Opens or makes the share store in a directory of its own.
 * @param directory made if it is not there
 * @throws StoreLocked, StoreOfAnotherChain, StoreOfAnotherFingerprint, StoreSchema, StoreDamaged, StoreUnavailable;
 * the signal's reason if aborted. The store is then closed again.
 */
export async function openLevelStore(
  directory: string,
  identity: StoreIdentity,
  options: LevelStoreOptions = {}
): Promise<LevelStore> {
  options.signal?.throwIfAborted()
  await prepareDirectory(directory)
  const database = await openDatabase(directory)
  try {
    options.signal?.throwIfAborted()
    await bringToLayout(database, { directory, identity }, options)
    await checkFoundBlocks(database)
    const sequence = await readSequence(database, directory)
    const lost = await lostDeltas(database, directory, sequence)
    const progress = await Promise.all([writeHolder(directory), writeOwner(directory, identity)])
      .then(() => ProgressFile.open(directory, { sequence, flushed: sequence }))
      .catch(error => {
        throw new StoreUnavailable(directory, error)
      })
    return new LevelStore({ database, directory, sequence, sync: options.sync ?? 'flushed-only', lost, progress })
  } catch (error) {
    await database.close()
    throw storeError(directory, error)
  }
}

async function bringToLayout(
  database: Database,
  { directory, identity }: { readonly directory: string; readonly identity: StoreIdentity },
  { onLayoutChange, signal }: LevelStoreOptions
): Promise<void> {
  const found = await checkIdentity(database, directory, identity)
  if (found.schemaVersion < identity.schemaVersion) {
    if (onLayoutChange === undefined) throw new StoreSchema(directory, found.schemaVersion, identity.schemaVersion)
    for await (const progress of changeLayout(database, { directory, identity: found }, identity.schemaVersion)) {
      onLayoutChange(progress)
      signal?.throwIfAborted()
    }
  }
  await clearOtherRows(database, identity.schemaVersion)
}

/** They are few, and nobody reads all of them later. @throws CodecError */
async function checkFoundBlocks(database: Database): Promise<void> {
  const { from, to } = keyRange('block')
  for await (const [key, value] of database.iterator({ gte: from, lt: to })) foundBlockOfRow({ key, value })
}

/** Holds the store against its notes, and begins those anew where they cannot tell. */
async function lostDeltas(database: Database, directory: string, sequence: number): Promise<LostDeltas> {
  const noted = await readProgress(directory)
  const between = await missingDeltas(database, sequence)
  if (between === null) {
    const { key, value } = journalStartRow(sequence + 1)
    // On the platter, or a power cut could take this row and not those it is about.
    await database.put(key, value, { sync: true })
  }
  return {
    newest: Math.max(0, (noted?.sequence ?? 0) - sequence),
    werePromised: (noted?.flushed ?? 0) > sequence,
    between: between ?? 0
  }
}

interface OpenStore {
  readonly database: Database
  readonly directory: string
  readonly sequence: number
  readonly sync: 'flushed-only' | 'always'
  readonly lost: LostDeltas
  readonly progress: ProgressFile
}

/** The share store on LevelDB. Made by `openLevelStore`. */
export class LevelStore implements ShareStore {
  readonly #database: Database
  readonly #directory: string
  readonly #sync: 'flushed-only' | 'always'
  readonly #progress: ProgressFile
  /** What was found missing when it was opened. */
  readonly lost: LostDeltas
  /** Last sequence number taken for writing. */
  #sequence: number
  /** Ends with the last commit; rejected for good once one failed, so that nothing is written after a hole. */
  #writing: Promise<void> = Promise.resolve()
  #closing: Promise<void> | null = null

  constructor(store: OpenStore) {
    this.#database = store.database
    this.#directory = store.directory
    this.#sequence = store.sequence
    this.#sync = store.sync
    this.#progress = store.progress
    this.lost = store.lost
  }

  /** Sequence number of the last delta; 0 for a new store. */
  get sequence(): number {
    return this.#sequence
  }

  /** @throws StoreDamaged, StoreClosed */
  async *load(): AsyncGenerator<readonly StoredRow[]> {
    this.#assertOpen()
    const state = await this.#guard(this.#database.get(stateKey()))
    if (state !== undefined) yield [{ key: stateKey(), value: plain(state) }]
    const { from, to } = keyRange('index')
    const iterator = this.#database.iterator({ gte: from, lt: to })
    try {
      for (;;) {
        const entries = await this.#guard(iterator.nextv(LOAD_BATCH_ROWS))
        if (entries.length === 0) return
        yield entries.map(([key, value]) => ({ key: plain(key), value: plain(value) }))
      }
    } finally {
      await iterator.close()
    }
  }

  /**
   * Writes deltas as one batch. Calls may overlap: they are written in order, one at a time.
   * @throws StoreSequence with nothing written; StoreDamaged or StoreUnavailable, after which every later commit fails too
   */
  async commit(...deltas: readonly ChainDelta[]): Promise<void> {
    this.#assertOpen()
    let last = this.#sequence
    for (const { sequence } of deltas) {
      if (sequence !== last + 1) throw new StoreSequence(last, sequence)
      last = sequence
    }
    this.#sequence = last
    this.#writing = this.#writing.then(() => this.#write(deltas))
    await this.#writing
  }

  async readShares(hashes: readonly ShareHash[]): Promise<(Uint8Array | null)[]> {
    return this.#readMany(hashes.map(bodyKey))
  }

  async readHeaders(hashes: readonly ShareHash[]): Promise<(HeaderRecord | null)[]> {
    const records = await this.#readMany(hashes.map(headerKey))
    return records.map(record => (record === null ? null : headerRecordOf(record)))
  }

  async readArchive(locator: readonly ShareHash[], limit: number): Promise<ArchivedHeight[]> {
    const match = await this.#archivedHeight(locator)
    if (match === null) return []
    const { to } = keyRange('confirmed')
    const range = { gte: confirmedKey(archiveStart(match)), lt: to, limit }
    const entries = await this.#guard(this.#database.iterator(range).all())
    return this.#decode(() =>
      wholeHeights(
        entries.map(([key, value]) => decodeArchiveRow(heightOfConfirmedKey(plain(key)), plain(value))),
        limit
      )
    )
  }

  async readBlocks(limit: number, below: BlockPlace | null = null): Promise<FoundBlock[]> {
    this.#assertOpen()
    const { from, to: end } = keyRange('block')
    const to = below === null ? end : blockKey(below.bitcoinHeight, below.blockHash)
    const rows = await this.#guard(this.#database.iterator({ gte: from, lt: to, limit, reverse: true }).all())
    return this.#decode(() => rows.map(([key, value]) => foundBlockOfRow({ key: plain(key), value: plain(value) })))
  }

  async countBlocks(): Promise<number> {
    this.#assertOpen()
    const { from, to } = keyRange('block')
    const keys = this.#database.keys({ gte: from, lt: to })
    let count = 0
    try {
      for (;;) {
        const read = await this.#guard(keys.nextv(LOAD_BATCH_ROWS))
        if (read.length === 0) return count
        count += read.length
      }
    } finally {
      await keys.close()
    }
  }

  /** Height of the first of these shares that is the archived chain's at its height. */
  async #archivedHeight(hashes: readonly ShareHash[]): Promise<Height | null> {
    const records = await this.readHeaders(hashes)
    const heights = records.map(record => record?.height ?? 0)
    const rows = await this.#readMany(heights.map(confirmedKey))
    return this.#decode(() => {
      const at = records.findIndex((record, i) => {
        if (record === null || record.height === 0) return record !== null
        const row = rows[i] ?? null
        return row !== null && decodeArchiveRow(record.height, row).chain === hashes[i]
      })
      return at === -1 ? null : (heights[at] ?? null)
    })
  }

  /** Waits for commits under way and lets go of the lock. A second call waits for the first. */
  close(): Promise<void> {
    this.#closing ??= this.#drainAndClose()
    return this.#closing
  }

  async #drainAndClose(): Promise<void> {
    // Whoever called `commit` was told of its failure.
    await this.#writing.catch(() => undefined)
    await removeHolder(this.#directory)
    await this.#progress.close()
    await this.#database.close()
  }

  async #write(deltas: readonly ChainDelta[]): Promise<void> {
    const last = deltas.at(-1)
    if (last === undefined) return
    const writes = deltas.flatMap(({ sequence, puts, deletes }) => [
      ...[...puts, journalRow(sequence)].map(({ key, value }) => ({ type: 'put' as const, key, value })),
      ...deletes.map(key => ({ type: 'del' as const, key }))
    ])
    const sync = this.#sync === 'always' || deltas.some(({ durability }) => durability === 'flushed')
    await this.#guard(this.#database.batch(writes, { sync }))
    if (sync) await this.#guard(syncLogs(this.#directory))
    this.#progress.advance(last.sequence, sync ? 'flushed' : 'buffered')
  }

  async #readMany(keys: Uint8Array[]): Promise<(Uint8Array | null)[]> {
    this.#assertOpen()
    try {
      const values = await this.#database.getMany(keys)
      return values.map(value => (value === undefined ? null : plain(value)))
    } catch (error) {
      if (!codesOf(error).includes('LEVEL_CORRUPTION')) throw storeError(this.#directory, error)
      // One damaged block must not hide what is whole, nor end the node: what is null is fetched from peers again.
      return Promise.all(keys.map(key => this.#readUndamaged(key)))
    }
  }

  async #readUndamaged(key: Uint8Array): Promise<Uint8Array | null> {
    try {
      const value = await this.#database.get(key)
      return value === undefined ? null : plain(value)
    } catch (error) {
      if (codesOf(error).includes('LEVEL_CORRUPTION')) return null
      throw storeError(this.#directory, error)
    }
  }

  #decode<T>(decode: () => T): T {
    try {
      return decode()
    } catch (error) {
      throw storeError(this.#directory, error)
    }
  }

  async #guard<T>(operation: Promise<T>): Promise<T> {
    try {
      return await operation
    } catch (error) {
      throw storeError(this.#directory, error)
    }
  }

  #assertOpen(): void {
    if (this.#closing !== null) throw new StoreClosed()
  }
}

/** Null for a record that is damaged. */
function headerRecordOf(record: Uint8Array): HeaderRecord | null {
  try {
    return decodeHeaderRecord(record)
  } catch (error) {
    if (error instanceof CodecError) return null
    throw error
  }
}

/** LevelDB gives Node's Buffer, whose `slice` is a view and not a copy; the core is promised plain bytes. */
function plain(bytes: Uint8Array): Uint8Array {
  return new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.byteLength)
}
