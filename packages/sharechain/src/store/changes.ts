import { type ChainVerdict, encodeShare, type HeaderBatchItem, RULES_VERSION, type Share } from '@p2poolv2/consensus'
import type { Height, ShareHash } from '@p2poolv2/primitives'
import type { ConfirmedMove } from '../chains/confirmed-chain.ts'
import type { ChainOutcome } from '../contract.ts'
import type { HeaderIndex, Slot } from '../tree/header-index.ts'
import { bodyKey, confirmedKey, headerKey, indexKey, stateKey } from './keys.ts'
import { encodeArchiveRow, encodeHeaderRecord, encodeState, type StateRow, writeIndexRow } from './records.ts'
import { sealed } from './seal.ts'
import type { ChainDelta, StoredRow } from './share-store.ts'

/** Notes what one call to the share chain changes, and turns it into its outcome and its delta. */
export class Changes {
  readonly #index: HeaderIndex
  readonly #rows = new Set<Slot>()
  readonly #puts: StoredRow[] = []
  readonly #deletes: Uint8Array[] = []
  readonly #confirmed: ShareHash[] = []
  readonly #unconfirmed: ShareHash[] = []
  readonly #wanted = new Set<ShareHash>()
  readonly #validated: ShareHash[] = []
  readonly #invalidated: ShareHash[] = []
  /** Slots of `validated`, for the mining base. */
  readonly validatedSlots: Slot[] = []

  constructor(index: HeaderIndex) {
    this.#index = index
  }

  /** Heights at which shares came in. */
  readonly grownHeights = new Set<Height>()

  /** Whether the share came in or changed in this call. */
  has(slot: Slot): boolean {
    return this.#rows.has(slot)
  }

  /** Whether anything that is stored changed, the tips aside. */
  get touched(): boolean {
    return this.#rows.size > 0 || this.#puts.length > 0 || this.#deletes.length > 0
  }

  /** The share's index row is written at the end of the call. */
  row(slot: Slot): void {
    this.#rows.add(slot)
  }

  /** A share that came in, as far as its header goes. */
  header(slot: Slot, item: HeaderBatchItem): void {
    const height = this.#index.height(slot)
    this.#rows.add(slot)
    this.grownHeights.add(height)
    this.#puts.push({ key: headerKey(this.#index.hash(slot)), value: encodeHeaderRecord(height, item) })
  }

  /** @returns how many bytes it takes */
  body(share: Share): number {
    const value = encodeShare(share)
    this.#puts.push({ key: bodyKey(share.hash), value })
    return value.length
  }

  validated(slot: Slot): void {
    this.#rows.add(slot)
    this.#validated.push(this.#index.hash(slot))
    this.validatedSlots.push(slot)
  }

  invalidated(slots: readonly Slot[]): void {
    for (const slot of slots) {
      this.#rows.add(slot)
      this.#invalidated.push(this.#index.hash(slot))
    }
  }

  moved(move: ConfirmedMove): void {
    for (const slot of move.unconfirmed) this.#unconfirmed.push(this.#index.hash(slot))
    for (const slot of move.confirmed) this.#confirmed.push(this.#index.hash(slot))
  }

  wanted(hashes: readonly ShareHash[]): void {
    for (const hash of hashes) this.#wanted.add(hash)
  }

  /**
   * Every share of the lowest height is about to leave the index. What is on the chain stays in the archive, found by height, and
   * so does what it names as uncles with what those are built on: who syncs from the genesis takes no nephew without its
   * uncle, nor an uncle without its parent (protocol §12.3). Of other shares nothing stays.
   * @param slots the chain's share first
   */
  archived(height: Height, slots: readonly Slot[]): void {
    const [chain, ...others] = slots
    if (chain === undefined) return
    const named = others.filter(slot => this.#index.isNeeded(slot))
    this.#puts.push({
      key: confirmedKey(height),
      value: encodeArchiveRow(
        this.#hash(chain),
        named.map(slot => this.#hash(slot))
      )
    })
    const kept = new Set([chain, ...named])
    for (const slot of slots) {
      const hash = this.#hash(slot)
      this.#rows.delete(slot)
      this.#deletes.push(indexKey(height, hash), bodyKey(hash))
      if (!kept.has(slot)) this.#deletes.push(headerKey(hash))
    }
  }

  /** The share is about to leave the index with everything else but the genesis. */
  discarded(slot: Slot): void {
    const hash = this.#hash(slot)
    this.#rows.delete(slot)
    this.#deletes.push(indexKey(this.#index.height(slot), hash), bodyKey(hash), headerKey(hash))
  }

  /** The share is about to leave the index and nothing of it stays; only for one that did not change in this call. */
  evicted(slot: Slot): void {
    const hash = this.#index.hash(slot)
    this.#deletes.push(indexKey(this.#index.height(slot), hash), bodyKey(hash), headerKey(hash))
  }

  delta(state: StateRow): ChainDelta {
    const puts = [sealed(stateKey(), encodeState(state)), ...this.#puts]
    for (const slot of this.#rows) puts.push(indexPut(this.#index, slot))
    return { sequence: state.sequence, puts, deletes: this.#deletes, durability: 'buffered' }
  }

  #hash(slot: Slot): ShareHash {
    return this.#index.hash(slot)
  }

  outcome(rest: { verdict: ChainVerdict; delta: ChainDelta | null; newBase: boolean }): ChainOutcome {
    return {
      ...rest,
      confirmed: this.#confirmed,
      unconfirmed: this.#unconfirmed,
      wanted: [...this.#wanted],
      validated: this.#validated,
      invalidated: this.#invalidated
    }
  }
}

/** The stored form of a share in the index. */
export function indexPut(index: HeaderIndex, slot: Slot): StoredRow {
  const row = writeIndexRow({
    prevHash: index.prevHash(slot),
    bits: index.bits(slot),
    timeSec: index.timeSec(slot),
    chainWork: index.work(slot),
    miner: index.minerAddress(index.miner(slot)),
    uncles: index.uncles(slot),
    validity: index.validity(slot),
    hasBody: index.hasBody(slot),
    bodyBytes: index.bodyBytes(slot),
    verdict: index.verdict(slot) ?? '',
    rulesVersion: RULES_VERSION,
    contextSkipped: index.contextSkipped(slot),
    scriptsUnchecked: index.scriptsUnchecked(slot),
    padding: index.padding(slot)
  })
  return row.lend(value => sealed(indexKey(index.height(slot), index.hash(slot)), value))
}
