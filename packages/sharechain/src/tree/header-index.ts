import type { ChainView, ConsensusAddress, PaddingSource, ShareFacts } from '@p2poolv2/consensus'
import { consensusAddressFromScript } from '@p2poolv2/consensus'
import type { CompactBits, Height, ShareHash, Work } from '@p2poolv2/primitives'
import { invariant, workFromBits, ZERO_SHARE_HASH } from '@p2poolv2/primitives'
import { NumberColumn, ValueColumn } from './columns.ts'
import { type LinkedShare, NO_SLOT, type Slot, TreeLinks } from './links.ts'
import { MinerTable } from './miner-table.ts'
import { ShareMarks } from './share-marks.ts'

export { NO_SLOT, type Slot } from './links.ts'

/** What the index keeps of a share's header. */
export interface HeaderEntry {
  readonly hash: ShareHash
  readonly prevHash: ShareHash
  readonly bits: CompactBits
  readonly timeSec: number
  readonly uncles: readonly ShareHash[]
  readonly miner: Pick<ConsensusAddress, 'addressClass' | 'script'>
}

const NO_UNCLES: readonly ShareHash[] = Object.freeze([])
const NO_SLOTS: readonly Slot[] = Object.freeze([])

/** What a share takes in memory, and besides each uncle it names and each miner paid by one share only; rounded up. */
const SHARE_BYTES = 320
const UNCLE_BYTES = 160
const MINER_BYTES = 768

/**
 * Every share inside the prune depth, in columns that grow by chunks of 4,096: about 270 bytes a share.
 *
 * It knows the tree and the flags and decides nothing. Its size is bounded by who fills it: shares come in through one door,
 * leave below the prune depth, and when there are too many the lightest leave (`eviction.ts`).
 */
export class HeaderIndex extends ShareMarks implements ChainView, PaddingSource {
  readonly #slots = new Map<ShareHash, Slot>()
  readonly #free: Slot[] = []
  #nextSlot = 0

  readonly #hash = new ValueColumn<ShareHash>(ZERO_SHARE_HASH)
  readonly #prevHash = new ValueColumn<ShareHash>(ZERO_SHARE_HASH)
  readonly #uncles = new ValueColumn<readonly ShareHash[]>(NO_UNCLES)
  readonly #work = new ValueColumn<Work>(0n)
  readonly #height = new NumberColumn('u32')
  readonly #bits = new NumberColumn('u32')
  readonly #timeSec = new NumberColumn('u32')
  readonly #miner = new NumberColumn('i32')
  readonly #links = new TreeLinks(hash => this.slotOf(hash))
  readonly #miners = new MinerTable((addressClass, script) => {
    const address = consensusAddressFromScript(addressClass, script)
    invariant(address !== null, 'a share in the index pays to an address')
    return address
  })
  #lowest = 1
  #highest = 0
  #workOfBits = { bits: 0, work: workFromBits(0) }

  constructor(genesis: HeaderEntry) {
    super()
    this.#fill(genesis, { height: 0, work: workFromBits(genesis.bits), prev: NO_SLOT })
    this.setValidity(0, 'blockValid')
    this.setBody(0, 0)
  }

  /** Shares known, the genesis included. */
  get size(): number {
    return this.#slots.size
  }

  /** Bytes of memory taken, rounded up. */
  get memoryBytes(): number {
    return this.size * SHARE_BYTES + this.#links.uncleLinks * UNCLE_BYTES + this.#miners.size * MINER_BYTES
  }

  /** Shares that nothing here builds on or names, tips included, in no particular order: who can go first. */
  get ends(): ReadonlySet<Slot> {
    return this.#links.ends
  }

  /** The lowest height above the genesis that is kept. */
  get lowestHeight(): Height {
    return this.#lowest
  }

  get highestHeight(): Height {
    return this.#highest
  }

  slotOf(hash: ShareHash): Slot {
    return this.#slots.get(hash) ?? NO_SLOT
  }

  has(hash: ShareHash): boolean {
    return this.#slots.has(hash)
  }

  hash(slot: Slot): ShareHash {
    return this.#hash.get(slot)
  }

  prevHash(slot: Slot): ShareHash {
    return this.#prevHash.get(slot)
  }

  /** The parent; `NO_SLOT` for the genesis and where the parent is pruned. */
  prevSlot(slot: Slot): Slot {
    return this.#links.prev(slot)
  }

  isGenesis(slot: Slot): boolean {
    return slot === 0
  }

  height(slot: Slot): Height {
    return this.#height.get(slot)
  }

  bits(slot: Slot): CompactBits {
    return this.#bits.get(slot)
  }

  timeSec(slot: Slot): number {
    return this.#timeSec.get(slot)
  }

  /** Exact work of the share and all its ancestors; uncles are not counted. */
  work(slot: Slot): Work {
    return this.#work.get(slot)
  }

  miner(slot: Slot): number {
    return this.#miner.get(slot)
  }

  minerAddress(miner: number): ConsensusAddress {
    return this.#miners.address(miner)
  }

  uncles(slot: Slot): readonly ShareHash[] {
    return this.#uncles.get(slot)
  }

  /** Slots of the named uncles; `NO_SLOT` for one that is pruned or was never here. */
  uncleSlots(slot: Slot): readonly Slot[] {
    const uncles = this.#uncles.get(slot)
    return uncles.length === 0 ? NO_SLOTS : uncles.map(uncle => this.slotOf(uncle))
  }

  /** Shares that name this one as their uncle, in order of arrival. */
  nephews(hash: ShareHash): readonly Slot[] {
    return this.#links.nephews(hash)
  }

  /**
   * Whether a share here names this one, or one built on it, as an uncle: who is to learn of that nephew needs it, however
   * invalid it is (protocol §12.3).
   */
  isNeeded(slot: Slot): boolean {
    return this.#links.isNeeded(slot)
  }

  /** Children, the newest first. */
  children(slot: Slot): Slot[] {
    const found: Slot[] = []
    const links = this.#links
    for (let child = links.firstChild(slot); child !== NO_SLOT; child = links.nextSibling(child)) found.push(child)
    return found
  }

  /** Whether it has a child that is not invalid, `except` that one. */
  hasValidChild(slot: Slot, except: Slot = NO_SLOT): boolean {
    const links = this.#links
    let child = links.firstChild(slot)
    while (child !== NO_SLOT && (child === except || this.validity(child) === 'invalid'))
      child = links.nextSibling(child)
    return child !== NO_SLOT
  }

  /** Shares at a height, the newest first, not more than `limit`. */
  slotsAtHeight(height: Height, limit = Number.POSITIVE_INFINITY): Slot[] {
    const found: Slot[] = []
    const links = this.#links
    let slot = links.firstAtHeight(height)
    for (; slot !== NO_SLOT && found.length < limit; slot = links.nextAtHeight(slot)) found.push(slot)
    return found
  }

  facts(hash: ShareHash): ShareFacts | undefined {
    const slot = this.#slots.get(hash)
    return slot === undefined ? undefined : this.factsOf(slot)
  }

  factsOf(slot: Slot): ShareFacts {
    return {
      hash: this.#hash.get(slot),
      prevHash: this.#prevHash.get(slot),
      height: this.#height.get(slot),
      bits: this.#bits.get(slot),
      timeSec: this.#timeSec.get(slot),
      uncles: this.#uncles.get(slot),
      minerAddress: this.#miners.address(this.#miner.get(slot)).text,
      chainWork: this.#work.get(slot),
      validity: this.validity(slot),
      hasBody: this.hasBody(slot)
    }
  }

  /** Work a share with these bits adds. */
  workOf(bits: CompactBits): Work {
    // Neighbours mostly carry the same bits; the division is the dearest part of an insert.
    if (this.#workOfBits.bits !== bits) this.#workOfBits = { bits, work: workFromBits(bits) }
    return this.#workOfBits.work
  }

  /** Adds a share whose parent is here; header-valid, on no chain, without body. Cost: O(1). */
  insert(entry: HeaderEntry): Slot {
    const prev = this.slotOf(entry.prevHash)
    invariant(prev !== NO_SLOT, 'a share enters the index after its parent')
    return this.#fill(entry, { height: this.height(prev) + 1, work: this.work(prev) + this.workOf(entry.bits), prev })
  }

  /** Adds a share whose parent was pruned: only while a stored chain is read back, and only at its lowest height. */
  insertRoot(entry: HeaderEntry, height: Height, work: Work): Slot {
    invariant(this.size === 1 || height === this.#lowest, 'shares without a parent are all at one height')
    this.#lowest = height
    return this.#fill(entry, { height, work, prev: NO_SLOT })
  }

  /**
   * Forgets every share at the lowest height, which then is one higher. Their children stay and have no parent any more.
   * @param gone called for each share while it still can be read
   */
  dropLowest(gone: (slot: Slot) => void): void {
    for (const slot of this.slotsAtHeight(this.#lowest)) {
      gone(slot)
      this.#remove(slot)
    }
    this.#lowest++
    this.#links.dropBelow(this.#lowest)
  }

  /** Forgets a share that nothing here builds on and that is on no chain. It may come again. */
  dropLeaf(slot: Slot): void {
    invariant(slot !== 0 && this.#links.firstChild(slot) === NO_SLOT, 'only an end of the tree can be let go of')
    invariant(this.membership(slot) === 'none', 'a share on a chain stays')
    const height = this.height(slot)
    this.#remove(slot)
    if (height === this.#highest && this.#links.firstAtHeight(height) === NO_SLOT) this.#highest--
  }

  /** Forgets everything but the genesis. @param gone as for `dropLowest` */
  clear(gone: (slot: Slot) => void): void {
    while (this.#lowest <= this.#highest) this.dropLowest(gone)
    this.#lowest = 1
    this.#highest = 0
  }

  /** Every slot in use, in no particular order. */
  slots(): IterableIterator<Slot> {
    return this.#slots.values()
  }

  checkInvariants(): void {
    const uses = new Map<number, number>()
    const linked = new Map<Slot, LinkedShare>()
    for (const [hash, slot] of this.#slots) {
      invariant(this.#hash.get(slot) === hash, 'hash and slot belong together')
      const prev = this.slotOf(this.prevHash(slot))
      if (this.prevSlot(slot) === NO_SLOT) {
        invariant(slot === 0 || this.height(slot) === this.#lowest, 'only the lowest shares have no parent')
      } else {
        invariant(this.height(prev) + 1 === this.height(slot), 'a share is one above its parent')
        invariant(this.work(prev) + this.workOf(this.bits(slot)) === this.work(slot), 'work adds up')
      }
      linked.set(slot, { hash, height: this.height(slot), prev: this.prevSlot(slot), uncles: this.uncles(slot) })
      uses.set(this.miner(slot), (uses.get(this.miner(slot)) ?? 0) + 1)
    }
    this.#links.checkInvariants(linked)
    this.checkMarks(linked.keys())
    invariant(this.#slots.size + this.#free.length === this.#nextSlot, 'a slot is in use or free')
    this.#miners.checkInvariants(uses)
  }

  #fill(entry: HeaderEntry, place: { height: Height; work: Work; prev: Slot }): Slot {
    invariant(!this.#slots.has(entry.hash), 'a share enters the index once')
    const slot = this.#free.pop() ?? this.#nextSlot++
    this.#slots.set(entry.hash, slot)
    this.#hash.set(slot, entry.hash)
    // The parent's own string, so that each hash is in memory once.
    this.#prevHash.set(slot, place.prev === NO_SLOT ? entry.prevHash : this.#hash.get(place.prev))
    this.#uncles.set(slot, entry.uncles.length === 0 ? NO_UNCLES : entry.uncles)
    this.#work.set(slot, place.work)
    this.#height.set(slot, place.height)
    this.#bits.set(slot, entry.bits)
    this.#timeSec.set(slot, entry.timeSec)
    this.#miner.set(slot, this.#miners.acquire(entry.miner))
    this.newMarks(slot)
    this.#links.link(slot, { hash: entry.hash, height: place.height, prev: place.prev, uncles: entry.uncles })
    if (place.height > this.#highest) this.#highest = place.height
    return slot
  }

  #remove(slot: Slot): void {
    this.clearMarks(slot)
    this.#links.unlink(slot, { height: this.height(slot), uncles: this.uncles(slot) })
    this.#miners.release(this.#miner.get(slot))
    this.#slots.delete(this.#hash.get(slot))
    this.#hash.clear(slot)
    this.#prevHash.clear(slot)
    this.#uncles.clear(slot)
    this.#work.clear(slot)
    this.#free.push(slot)
  }
}
