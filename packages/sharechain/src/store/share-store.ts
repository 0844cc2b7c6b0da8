import type { ArchivedHeight, ChainName } from '@p2poolv2/consensus'
import type { BlockHash, Height, ShareHash } from '@p2poolv2/primitives'

/**
 * Everything one change of the share chain writes, as data: a store applies it whole or not at all.
 * Deltas are numbered from 1 without gaps; applying all of them in order to an empty store and restoring from it
 * gives a chain equal to the one that made them.
 */
export interface ChainDelta {
  readonly sequence: number
  readonly puts: readonly { readonly key: Uint8Array; readonly value: Uint8Array }[]
  readonly deletes: readonly Uint8Array[]
  /** `flushed`: on the platter before `commit` resolves (found blocks). `buffered`: survives the process, not the power. */
  readonly durability: 'flushed' | 'buffered'
}

/** What a store belongs to. A store of another identity is never opened. */
export interface StoreIdentity {
  readonly schemaVersion: number
  readonly chain: ChainName
  /** 64 hex digits over every consensus value, see `consensusFingerprint`. */
  readonly fingerprint: string
  readonly genesisHash: ShareHash
}

/** A stored key and its value. */
export interface StoredRow {
  readonly key: Uint8Array
  readonly value: Uint8Array
}

/** One payout of a found block. */
export interface FoundBlockOutput {
  readonly address: string
  readonly valueSats: bigint
}

/** A bitcoin block this pool found. Written again under the same block hash when `result` becomes known. */
export interface FoundBlock {
  readonly bitcoinHeight: number
  readonly blockHash: BlockHash
  readonly timeSec: number
  /** The share that is this block, or null when the solution could not become a share. */
  readonly shareHash: ShareHash | null
  readonly outputs: readonly FoundBlockOutput[]
  readonly result: string
}

/** Where a found block stands in the order of the record. */
export type BlockPlace = Pick<FoundBlock, 'bitcoinHeight' | 'blockHash'>

/** What is stored of a share's header. */
export interface HeaderRecord {
  readonly height: Height
  /** A header batch of one item: the header and its merkle branch (protocol §9). */
  readonly batch: Uint8Array
}

/**
 * Where a share chain is kept. Calls to `commit` are made one at a time and in order; a failed commit is fatal for the
 * node, because memory must never run ahead of a disk that refuses.
 */
export interface ShareStore {
  /**
   * All rows a chain is restored from, in bounded batches: the state row, then index rows by rising height, so that a
   * parent always comes before its children. Bodies are not read. An empty store gives no rows.
   */
  load(): AsyncIterable<readonly StoredRow[]>
  /**
   * Applies deltas in order, all or none; flushed if one of them asks for it. Rejects a sequence number other than the next one and leaves
   * the store as it was.
   */
  commit(...deltas: readonly ChainDelta[]): Promise<void>
  /** Encoded shares by hash, in the order asked; null where no body is stored. */
  readShares(hashes: readonly ShareHash[]): Promise<(Uint8Array | null)[]>
  /** Header records by share hash; null where the share is not known. Those of the archive are kept for ever. */
  readHeaders(hashes: readonly ShareHash[]): Promise<(HeaderRecord | null)[]>
  /**
   * The archive from two heights below the first hash of a locator that is on the archived chain (the genesis is): whole
   * heights, rising, until `limit` headers or its end are reached. Empty when no hash is. What the chain holds in memory may
   * be in the archive too, from a time before it began anew: the caller uses what is below `keptFromHeight`.
   */
  readArchive(locator: readonly ShareHash[], limit: number): Promise<ArchivedHeight[]>
  /**
   * Found blocks, highest bitcoin height first, then by hash in wire order.
   * @param below only those that come after this place in that order; null: from the newest on
   */
  readBlocks(limit: number, below?: BlockPlace | null): Promise<FoundBlock[]>
  /** How many found blocks are on record, unconfirmed ones included. */
  countBlocks(): Promise<number>
  /** Waits for commits under way, then lets go of the store. */
  close(): Promise<void>
}
