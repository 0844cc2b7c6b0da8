import type {
  ChainView,
  ConsensusAddress,
  PaddingMark,
  PaddingSource,
  ShareFacts,
  ShareValidity
} from '@p2poolv2/consensus'
import { consensusAddressFromScript, PADDING_MARKS } from '@p2poolv2/consensus'
import type { CompactBits, Height, ShareHash, Work } from '@p2poolv2/primitives'
import { invariant, workFromBits, ZERO_SHARE_HASH } from '@p2poolv2/primitives'
import { HeightColumn, NumberColumn, ValueColumn } from './columns.ts'
import { MinerTable } from './miner-table.ts'

/** Index into the header columns; valid until the share is pruned, then given to another one. */
export type Slot = number
export const NO_SLOT: Slot = -1

/** Which of the two chains a share is on. */
export type Membership = 'none' | 'candidate' | 'confirmed'

/** What the index keeps of a share's header. */
export interface HeaderEntry {
  readonly hash: ShareHash
  readonly prevHash: ShareHash
  readonly bits: CompactBits
  readonly timeSec: number
  readonly uncles: readonly ShareHash[]
  readonly miner: Pick<ConsensusAddress, 'addressClass' | 'script'>
}

const VALIDITIES = ['headerValid', 'invalid', 'blockValid'] as const satisfies readonly ShareValidity[]
const MEMBERSHIPS = ['none', 'candidate', 'confirmed'] as const satisfies readonly Membership[]
const VALIDITY_MASK = 0x03
const MEMBERSHIP_SHIFT = 2
const MEMBERSHIP_MASK = 0x0c
const BODY = 0x10
const CONTEXT_SKIPPED = 0x20

const NO_UNCLES: readonly ShareHash[] = Object.freeze([])
const NO_SLOTS: readonly Slot[] = Object.freeze([])

/**
 * Every share inside the prune depth, in columns that grow by chunks of 4,096: about 250 bytes a share.
 *
 * It knows the tree and the flags and decides nothing. Its size is bounded by who fills it: shares enter only with proof
 * of work, at most a chain's `maxSharesPerHeight` a height beside the heaviest branch, and leave below the prune depth.
 */
export class HeaderIndex implements ChainView, PaddingSource {
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
  readonly #flags = new NumberColumn('u8')
  readonly #padding = new NumberColumn('u8')
  readonly #prev = new NumberColumn('i32')
  readonly #firstChild = new NumberColumn('i32', NO_SLOT)
  readonly #nextSibling = new NumberColumn('i32', NO_SLOT)
  readonly #nextAtHeight = new NumberColumn('i32', NO_SLOT)
  readonly #firstAtHeight = new HeightColumn()
  /** Shares that name a hash as their uncle. The uncle itself may not be here (yet). */
  readonly #nephews = new Map<ShareHash, Slot[]>()
  readonly #miners = new MinerTable((addressClass, script) => {
    const address = consensusAddressFromScript(addressClass, script)
    invariant(address !== null, 'a share in the index pays to an address')
    return address
  })
  #lowest = 1
  #highest = 0
  #workOfBits = { bits: 0, work: workFromBits(0) }

  constructor(genesis: HeaderEntry) {
    this.#fill(genesis, { height: 0, work: workFromBits(genesis.bits), prev: NO_SLOT })
    this.setValidity(0, 'blockValid')
    this.setBody(0)
  }

  /** Shares known, the genesis included. */
  get size(): number {
    return this.#slots.size
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
    return this.#prev.get(slot)
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
    return this.#nephews.get(hash) ?? NO_SLOTS
  }

  /**
   * Whether a share that is not invalid names this one, or one built on it, as an uncle: it then is needed to learn of that
   * nephew, however invalid it is. Cost: O(its descendants); meant for invalid shares, which have few.
   */
  isNamed(slot: Slot): boolean {
    const open = [slot]
    for (const at of open) {
      if (this.nephews(this.hash(at)).some(nephew => this.validity(nephew) !== 'invalid')) return true
      open.push(...this.children(at))
    }
    return false
  }

  /** Children, the newest first. */
  children(slot: Slot): Slot[] {
    const found: Slot[] = []
    for (let child = this.#firstChild.get(slot); child !== NO_SLOT; child = this.#nextSibling.get(child)) {
      found.push(child)
    }
    return found
  }

  /** All shares at a height, the newest first. */
  slotsAtHeight(height: Height): Slot[] {
    const found: Slot[] = []
    for (let slot = this.#firstAtHeight.get(height); slot !== NO_SLOT; slot = this.#nextAtHeight.get(slot)) {
      found.push(slot)
    }
    return found
  }

  validity(slot: Slot): ShareValidity {
    return VALIDITIES[this.#flags.get(slot) & VALIDITY_MASK] as ShareValidity
  }

  setValidity(slot: Slot, validity: ShareValidity): void {
    this.#flags.set(slot, (this.#flags.get(slot) & ~VALIDITY_MASK) | VALIDITIES.indexOf(validity))
  }

  membership(slot: Slot): Membership {
    return MEMBERSHIPS[(this.#flags.get(slot) & MEMBERSHIP_MASK) >>> MEMBERSHIP_SHIFT] as Membership
  }

  setMembership(slot: Slot, membership: Membership): void {
    const bits = MEMBERSHIPS.indexOf(membership) << MEMBERSHIP_SHIFT
    this.#flags.set(slot, (this.#flags.get(slot) & ~MEMBERSHIP_MASK) | bits)
  }

  hasBody(slot: Slot): boolean {
    return (this.#flags.get(slot) & BODY) !== 0
  }

  setBody(slot: Slot): void {
    this.#flags.set(slot, this.#flags.get(slot) | BODY)
  }

  clearBody(slot: Slot): void {
    this.#flags.set(slot, this.#flags.get(slot) & ~BODY)
  }

  /** What the share's body says about the form of the padding; known as long as the share is, once its body was here. */
  padding(slot: Slot): PaddingMark {
    return PADDING_MARKS[this.#padding.get(slot)] as PaddingMark
  }

  setPadding(slot: Slot, mark: PaddingMark): void {
    this.#padding.set(slot, PADDING_MARKS.indexOf(mark))
  }

  /** Whether the share was taken as valid without its time and payouts being looked at, being below the payout zone. */
  contextSkipped(slot: Slot): boolean {
    return (this.#flags.get(slot) & CONTEXT_SKIPPED) !== 0
  }

  setContextSkipped(slot: Slot, state: 'skipped' | 'checked'): void {
    const flags = this.#flags.get(slot)
    this.#flags.set(slot, state === 'skipped' ? flags | CONTEXT_SKIPPED : flags & ~CONTEXT_SKIPPED)
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

  /** Class and script of a share's miner, as stored. */
  minerOf(slot: Slot): ConsensusAddress {
    return this.#miners.address(this.#miner.get(slot))
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
    invariant(this.#lowest < this.#highest, 'the highest share is never pruned')
    for (const slot of this.slotsAtHeight(this.#lowest)) {
      gone(slot)
      this.#remove(slot)
    }
    this.#firstAtHeight.set(this.#lowest, NO_SLOT)
    this.#lowest++
    this.#firstAtHeight.dropBelow(this.#lowest)
  }

  /** Every slot in use, in no particular order. */
  slots(): IterableIterator<Slot> {
    return this.#slots.values()
  }

  checkInvariants(): void {
    const uses = new Map<number, number>()
    let nephewLinks = 0
    for (const [hash, slot] of this.#slots) {
      invariant(this.#hash.get(slot) === hash, 'hash and slot belong together')
      invariant(this.slotsAtHeight(this.height(slot)).includes(slot), 'a share is listed at its height')
      const prev = this.prevSlot(slot)
      if (prev === NO_SLOT) {
        invariant(slot === 0 || this.height(slot) === this.#lowest, 'only the lowest shares have no parent')
      } else {
        invariant(this.hash(prev) === this.prevHash(slot), 'parent and hash of the parent belong together')
        invariant(this.height(prev) + 1 === this.height(slot), 'a share is one above its parent')
        invariant(this.work(prev) + this.workOf(this.bits(slot)) === this.work(slot), 'work adds up')
        invariant(this.children(prev).includes(slot), 'a parent knows its children')
      }
      for (const uncle of this.uncles(slot)) invariant(this.nephews(uncle).includes(slot), 'an uncle has its nephew')
      nephewLinks += this.uncles(slot).length
      uses.set(this.miner(slot), (uses.get(this.miner(slot)) ?? 0) + 1)
    }
    let listed = 0
    for (const nephews of this.#nephews.values()) listed += nephews.length
    invariant(listed === nephewLinks, 'nobody is a nephew without naming an uncle')
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
    this.#flags.set(slot, 0)
    this.#padding.set(slot, 0)
    this.#prev.set(slot, place.prev)
    this.#firstChild.set(slot, NO_SLOT)
    this.#nextSibling.set(slot, NO_SLOT)
    if (place.prev !== NO_SLOT) {
      this.#nextSibling.set(slot, this.#firstChild.get(place.prev))
      this.#firstChild.set(place.prev, slot)
    }
    this.#nextAtHeight.set(slot, this.#firstAtHeight.get(place.height))
    this.#firstAtHeight.set(place.height, slot)
    if (place.height > this.#highest) this.#highest = place.height
    for (const uncle of entry.uncles) {
      const nephews = this.#nephews.get(uncle)
      if (nephews === undefined) this.#nephews.set(uncle, [slot])
      else nephews.push(slot)
    }
    return slot
  }

  #remove(slot: Slot): void {
    for (const child of this.children(slot)) this.#prev.set(child, NO_SLOT)
    // Children of the genesis are its only tie: everybody else's parent went with an earlier height.
    const prev = this.#prev.get(slot)
    if (prev !== NO_SLOT) this.#unlinkChild(prev, slot)
    for (const uncle of this.#uncles.get(slot)) {
      const rest = this.nephews(uncle).filter(nephew => nephew !== slot)
      if (rest.length === 0) this.#nephews.delete(uncle)
      else this.#nephews.set(uncle, rest)
    }
    this.#miners.release(this.#miner.get(slot))
    this.#slots.delete(this.#hash.get(slot))
    this.#hash.clear(slot)
    this.#prevHash.clear(slot)
    this.#uncles.clear(slot)
    this.#work.clear(slot)
    this.#free.push(slot)
  }

  #unlinkChild(prev: Slot, slot: Slot): void {
    if (this.#firstChild.get(prev) === slot) {
      this.#firstChild.set(prev, this.#nextSibling.get(slot))
      return
    }
    for (const child of this.children(prev)) {
      if (this.#nextSibling.get(child) === slot) this.#nextSibling.set(child, this.#nextSibling.get(slot))
    }
  }
}
