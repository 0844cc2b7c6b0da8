import type { Height, ShareHash } from '@p2poolv2/primitives'
import { bytesToHex, hexToBytes, invariant, shareHashFromWire } from '@p2poolv2/primitives'
import { bodyKey, confirmedKey, headerKey, KEY_PREFIX, type KeyKind, stateKey } from './keys.ts'
import { decodeFoundBlock, decodeHeaderRecord } from './records.ts'
import type { ChainDelta, FoundBlock, HeaderRecord, StoredRow, StoreIdentity } from './share-store.ts'

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

  /** Applies one delta. Throws, with nothing changed, unless it is the next one: deltas are ours, so that is a bug. */
  commitNow(delta: ChainDelta): void {
    invariant(delta.sequence === this.#sequence + 1, 'deltas are committed in order and without gaps')
    for (const { key, value } of delta.puts) this.#values.set(bytesToHex(key), value)
    for (const key of delta.deletes) this.#values.delete(bytesToHex(key))
    this.#sequence = delta.sequence
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

  confirmedNow(fromHeight: Height, limit: number): ShareHash[] {
    const from = bytesToHex(confirmedKey(fromHeight))
    const found = this.#range('confirmed').filter(([key]) => key >= from)
    return found.slice(0, limit).map(([, value]) => shareHashFromWire(value))
  }

  blocksNow(limit: number): FoundBlock[] {
    const newestFirst = this.#range('block').reverse().slice(0, limit)
    return newestFirst.map(([, value]) => decodeFoundBlock(value))
  }

  #get(key: Uint8Array): Uint8Array | null {
    return this.#values.get(bytesToHex(key)) ?? null
  }

  #range(kind: KeyKind): [string, Uint8Array][] {
    const prefix = bytesToHex(Uint8Array.of(KEY_PREFIX[kind]))
    return [...this.#values].filter(([key]) => key.startsWith(prefix)).sort(([a], [b]) => (a < b ? -1 : 1))
  }
}
