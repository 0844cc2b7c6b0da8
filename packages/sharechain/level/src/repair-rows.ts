import { decodeHeaderBatch, decodeShare, RULES_VERSION } from '@p2poolv2/consensus'
import { CodecError, type Height, type ShareHash, type Work, workFromBits } from '@p2poolv2/primitives'
import {
  bodyKey,
  decodeHeaderRecord,
  decodeIndexRow,
  decodeState,
  encodeIndexRow,
  encodeState,
  foundBlockOfRow,
  headerKey,
  type IndexRow,
  indexKey,
  keyRange,
  parseIndexKey,
  type StateRow,
  type StoredRow,
  sealed,
  stateKey,
  unsealed
} from '@p2poolv2/sharechain'
import type { Database } from './database.ts'
import { journalRow, journalStartRow } from './journal.ts'

/** What came of a repair, in shares inside the prune depth. */
export interface RowRepair {
  readonly kept: number
  /** Of these, some whose row was made again from their header: they are judged once more. */
  readonly rebuilt: number
  /** Rows that cannot be read or are built on nothing: fetched from peers again, as far as peers have them. */
  readonly lost: number
  /** Bodies that are not there or are not what their hash says: fetched from peers again. */
  readonly bodiesLost: number
  /** Records of found blocks that cannot be read; no peer has them. */
  readonly blocksLost: number
  readonly confirmedHeight: Height
}

export interface RepairOptions {
  readonly genesisHash: ShareHash
  /** The store's notes say that it had come so far. */
  readonly sequence: number
  /** Told now and then, in shares looked at. */
  readonly onProgress: (done: number, of: number) => void
}

const BATCH_ROWS = 64

/**
 * Makes the rows of a store agree with one another again: what cannot be read, or is built on what is not there, goes; a lost row is made
 * again from its header; bodies are held against their hashes; the two chains end where everything below is there. Nothing but what the
 * store itself proves is taken for true.
 * @returns null if even the genesis is not there: then nothing can be told of what is
 */
export async function repairRows(database: Database, options: RepairOptions): Promise<RowRepair | null> {
  const repair = new Repair(database, options)
  return repair.run()
}

interface Entry {
  readonly hash: ShareHash
  readonly height: Height
  row: IndexRow
  /** Not as it is stored. */
  isChanged: boolean
  /** Judged on what had to be made again. */
  isOpen: boolean
}

class Repair {
  readonly #database: Database
  readonly #options: RepairOptions
  readonly #entries = new Map<ShareHash, Entry>()
  readonly #deletes: Uint8Array[] = []
  #lowest: Height = 0
  #rebuilt = 0
  #lost = 0
  #bodiesLost = 0
  #blocksLost = 0

  constructor(database: Database, options: RepairOptions) {
    this.#database = database
    this.#options = options
  }

  async run(): Promise<RowRepair | null> {
    const { from, to } = keyRange('index')
    for await (const [key, value] of this.#database.iterator({ gte: from, lt: to })) await this.#take({ key, value })
    const genesis = this.#entries.get(this.#options.genesisHash)
    if (genesis === undefined) return null
    await this.#checkBodies()
    await this.#checkBlocks()
    const state = await this.#state()
    const confirmed = this.#confirmedTip(genesis, state)
    await this.#write(this.#newState(state, confirmed, genesis))
    return {
      kept: this.#entries.size - 1,
      rebuilt: this.#rebuilt,
      lost: this.#lost,
      bodiesLost: this.#bodiesLost,
      blocksLost: this.#blocksLost,
      confirmedHeight: confirmed.height
    }
  }

  async #take(stored: StoredRow): Promise<void> {
    const at = parseIndexKey(stored.key)
    const row = tried(() => decodeIndexRow(unsealed(stored)))
    if (at === null) {
      this.#deletes.push(stored.key)
      return
    }
    const { hash, height } = at
    if (this.#entries.has(hash)) return
    if (height === 0) {
      if (hash === this.#options.genesisHash && row !== null) this.#put({ hash, height, row })
      return
    }
    if (this.#lowest === 0) this.#lowest = height
    const isRoot = height === this.#lowest && height > 1
    const isWhole = row !== null && (isRoot || (await this.#ensure(row.prevHash)))
    if (isWhole && this.#fits(row, height, isRoot)) this.#put({ hash, height, row })
    else if (!(await this.#ensure(hash))) this.#drop(hash, stored.key)
  }

  /** Whether a share is kept; from the headers, if its row is not there. */
  async #ensure(hash: ShareHash): Promise<boolean> {
    const missing: { readonly hash: ShareHash; readonly height: Height; readonly row: Omit<IndexRow, 'chainWork'> }[] =
      []
    for (let at = hash; !this.#entries.has(at); ) {
      const found = await this.#fromHeader(at)
      if (found === null || found.height < this.#lowest) return false
      missing.push(found)
      at = found.row.prevHash
    }
    for (const { hash: made, height, row } of missing.reverse()) {
      const parent = this.#entries.get(row.prevHash)
      if (parent === undefined || parent.height !== height - 1) return false
      this.#put(
        { hash: made, height, row: { ...row, chainWork: parent.row.chainWork + workFromBits(row.bits) } },
        'made'
      )
      this.#rebuilt++
    }
    return true
  }

  async #fromHeader(hash: ShareHash) {
    const stored = await read(this.#database, headerKey(hash))
    return tried(() => {
      if (stored === null) return null
      const { height, batch } = decodeHeaderRecord(stored)
      const [item] = decodeHeaderBatch(batch)
      if (item?.hash !== hash) return null
      const { header } = item
      const row: Omit<IndexRow, 'chainWork'> = {
        prevHash: header.prevShareHash,
        bits: header.bits,
        timeSec: header.timeSec,
        miner: header.minerBitcoinAddress,
        uncles: header.uncles,
        validity: 'headerValid',
        // Whether it is there is looked at with all others.
        hasBody: true,
        bodyBytes: 0,
        verdict: '',
        rulesVersion: RULES_VERSION,
        contextSkipped: false,
        scriptsUnchecked: false,
        padding: 'unseen'
      }
      return { hash, height, row }
    })
  }

  #fits(row: IndexRow, height: Height, isRoot: boolean): boolean {
    const parent = this.#entries.get(row.prevHash)
    if (parent === undefined) return isRoot
    return parent.height === height - 1 && row.chainWork === parent.row.chainWork + workFromBits(row.bits)
  }

  #put(entry: Pick<Entry, 'hash' | 'height' | 'row'>, how: 'kept' | 'made' = 'kept'): void {
    const isOpen = how === 'made' || this.#entries.get(entry.row.prevHash)?.isOpen === true
    const isJudgedAnew = isOpen && entry.row.validity === 'blockValid'
    const row: IndexRow = isJudgedAnew ? { ...entry.row, validity: 'headerValid', contextSkipped: false } : entry.row
    this.#entries.set(entry.hash, { ...entry, row, isOpen, isChanged: how === 'made' || isJudgedAnew })
  }

  #drop(hash: ShareHash, key: Uint8Array): void {
    this.#lost++
    this.#deletes.push(key, headerKey(hash), bodyKey(hash))
  }

  async #checkBodies(): Promise<void> {
    const entries = [...this.#entries.values()].filter(({ row, height }) => row.hasBody && height > 0)
    for (let at = 0; at < entries.length; at += BATCH_ROWS) {
      if (at % 4_096 === 0) this.#options.onProgress(at, entries.length)
      await Promise.all(entries.slice(at, at + BATCH_ROWS).map(entry => this.#checkBody(entry)))
    }
  }

  async #checkBody(entry: Entry): Promise<void> {
    const body = await read(this.#database, bodyKey(entry.hash))
    const isGood = body !== null && tried(() => decodeShare(body))?.hash === entry.hash
    const bodyBytes = isGood ? body.length : 0
    if (isGood && entry.row.bodyBytes === bodyBytes) return
    if (!isGood) {
      this.#bodiesLost++
      this.#deletes.push(bodyKey(entry.hash))
    }
    entry.row = { ...entry.row, hasBody: isGood, bodyBytes }
    entry.isChanged = true
  }

  async #checkBlocks(): Promise<void> {
    const { from, to } = keyRange('block')
    for await (const [key, value] of this.#database.iterator({ gte: from, lt: to })) {
      if (tried(() => foundBlockOfRow({ key, value })) !== null) continue
      this.#blocksLost++
      this.#deletes.push(key)
    }
  }

  async #state(): Promise<StateRow | null> {
    const value = await read(this.#database, stateKey())
    return value === null ? null : tried(() => decodeState(unsealed({ key: stateKey(), value })))
  }

  /** Where it was, if all below it is there; else the heaviest of the shares that are known to be valid. */
  #confirmedTip(genesis: Entry, state: StateRow | null): Entry {
    const before = state === null ? undefined : this.#entries.get(state.confirmedTip)
    if (before !== undefined && (before === genesis || before.row.validity === 'blockValid')) return before
    return this.#heaviest(genesis, ({ row }) => row.validity === 'blockValid')
  }

  #newState(state: StateRow | null, confirmed: Entry, genesis: Entry): StateRow {
    const before = state === null ? undefined : this.#entries.get(state.candidateTip)
    const isGood =
      before !== undefined && before.row.validity !== 'invalid' && before.row.chainWork >= confirmed.row.chainWork
    const candidate = isGood ? before : this.#heaviest(confirmed, ({ row }) => row.validity !== 'invalid')
    return {
      sequence: Math.max(state?.sequence ?? 0, this.#options.sequence) + 1,
      confirmedTip: confirmed.hash,
      candidateTip: candidate.hash,
      uncleCount: this.#unclesBelow(confirmed, genesis, state)
    }
  }

  /** Of the archive nobody counts them again. */
  #unclesBelow(tip: Entry, genesis: Entry, state: StateRow | null): number {
    if (state?.confirmedTip === tip.hash) return state.uncleCount
    let uncles = 0
    for (let at: Entry | undefined = tip; at !== undefined && at !== genesis; at = this.#entries.get(at.row.prevHash)) {
      uncles += at.row.uncles.length
    }
    return this.#lowest > 1 ? Math.max(uncles, state?.uncleCount ?? 0) : uncles
  }

  #heaviest(from: Entry, counts: (entry: Entry) => boolean): Entry {
    let best = from
    let work: Work = from.row.chainWork
    for (const entry of this.#entries.values()) {
      if (!counts(entry) || entry.row.chainWork <= work) continue
      best = entry
      work = entry.row.chainWork
    }
    return best
  }

  async #write(state: StateRow): Promise<void> {
    const { sequence } = state
    const rows = [sealed(stateKey(), encodeState(state)), journalRow(sequence), journalStartRow(sequence)]
    for (const { hash, height, row, isChanged } of this.#entries.values()) {
      if (isChanged) rows.push(sealed(indexKey(height, hash), encodeIndexRow(row)))
    }
    await this.#database.batch(
      [
        ...this.#deletes.map(key => ({ type: 'del' as const, key })),
        ...rows.map(({ key, value }) => ({ type: 'put' as const, key, value }))
      ],
      { sync: true }
    )
  }
}

/** Null for what is not there, and for what LevelDB finds damaged. */
async function read(database: Database, key: Uint8Array): Promise<Uint8Array | null> {
  try {
    return (await database.get(key)) ?? null
  } catch {
    return null
  }
}

function tried<T>(decode: () => T): T | null {
  try {
    return decode()
  } catch (error) {
    if (error instanceof CodecError) return null
    throw error
  }
}
