import type { ArchivedHeight } from '@p2poolv2/consensus'
import type { Height, ShareHash } from '@p2poolv2/primitives'
import { bytesToHex, hexToBytes, invariant } from '@p2poolv2/primitives'
import { archiveStart, wholeHeights } from './archive.ts'
import { foundBlockOfRow } from './block-rows.ts'
import { blockKey, bodyKey, confirmedKey, headerKey, KEY_PREFIX, type KeyKind, stateKey } from './keys.ts'
import { decodeArchiveRow, decodeHeaderRecord } from './records.ts'
import type { BlockPlace, ChainDelta, FoundBlock, HeaderRecord, StoredRow, StoreIdentity } from './share-store.ts'

/** The share store in memory, for the simulator and tests: the same keys and values, synchronous and as large as memory. */
export class MemoryStore {
  readonly identity: StoreIdentity
  /** By key in hex, whose order is the order of the bytes. */
  readonly #values = new Map<string, Uint8Array>()
  #sequence = 0

  constructor(identity: StoreIdentity) {
    this.identity = identity
  }

  /** Sequence number of the last delta applied; 0 for an empty store. */
  get sequence(): number {
    return this.#sequence
  }

  /** Applies deltas. Throws, with nothing changed, unless they are the next ones: deltas are ours, so that is a bug. */
  commitNow(...deltas: readonly ChainDelta[]): void {
    const isNext = deltas.every(({ sequence }, at) => sequence === this.#sequence + 1 + at)
    invariant(isNext, 'deltas are committed in order and without gaps')
    for (const { puts, deletes } of deltas) {
      for (const { key, value } of puts) this.#values.set(bytesToHex(key), value)
      for (const key of deletes) this.#values.delete(bytesToHex(key))
    }
    this.#sequence += deltas.length
  }

  /** All that is stored; keys in hex. */
  entries(): Iterable<readonly [string, Uint8Array]> {
    return this.#values
  }

  /** The rows a chain is restored from: the state, then shares by rising height. */
  rows(): StoredRow[] {
    const state = this.#get(stateKey())
    const shares = this.#range('index').map(([key, value]) => ({ key: hexToBytes(key), value }))
    return state === null ? shares : [{ key: stateKey(), value: state }, ...shares]
  }

  readNow(hashes: readonly ShareHash[]): (Uint8Array | null)[] {
    return hashes.map(hash => this.#get(bodyKey(hash)))
  }

  readHeadersNow(hashes: readonly ShareHash[]): (HeaderRecord | null)[] {
    return hashes.map(hash => {
      const record = this.#get(headerKey(hash))
      return record === null ? null : decodeHeaderRecord(record)
    })
  }

  /** As `ShareStore.readArchive`. */
  archiveNow(locator: readonly ShareHash[], limit: number): ArchivedHeight[] {
    const match = locator.map(hash => this.#archivedAt(hash)).find(height => height !== null)
    if (match === undefined || match === null) return []
    const rows = (function* (store: MemoryStore, from: Height) {
      for (let height = from; ; height++) {
        const row = store.#archiveRow(height)
        if (row === null) return
        yield row
      }
    })(this, archiveStart(match))
    return wholeHeights(rows, limit)
  }

  /** As `ShareStore.readBlocks`. */
  blocksNow(limit: number, below: BlockPlace | null = null): FoundBlock[] {
    const end = below === null ? null : bytesToHex(blockKey(below.bitcoinHeight, below.blockHash))
    const rows = this.#range('block').filter(([key]) => end === null || key < end)
    return rows
      .reverse()
      .slice(0, limit)
      .map(([key, value]) => foundBlockOfRow({ key: hexToBytes(key), value }))
  }

  blockCountNow(): number {
    return this.#range('block').length
  }

  #archivedAt(hash: ShareHash): Height | null {
    const [record] = this.readHeadersNow([hash])
    if (record === null || record === undefined) return null
    return record.height === 0 || this.#archiveRow(record.height)?.chain === hash ? record.height : null
  }

  #archiveRow(height: Height): ArchivedHeight | null {
    const value = this.#get(confirmedKey(height))
    return value === null ? null : decodeArchiveRow(height, value)
  }

  #get(key: Uint8Array): Uint8Array | null {
    return this.#values.get(bytesToHex(key)) ?? null
  }

  #range(kind: KeyKind): [string, Uint8Array][] {
    const prefix = bytesToHex(Uint8Array.of(KEY_PREFIX[kind]))
    return [...this.#values].filter(([key]) => key.startsWith(prefix)).sort(([a], [b]) => (a < b ? -1 : 1))
  }
}
