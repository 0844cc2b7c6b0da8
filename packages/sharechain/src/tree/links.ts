import type { Height, ShareHash } from '@p2poolv2/primitives'
import { invariant } from '@p2poolv2/primitives'
import { HeightColumn, NumberColumn } from './columns.ts'

/** Index into the header columns; valid until the share leaves the index, then given to another one. */
export type Slot = number
export const NO_SLOT: Slot = -1

const NO_SLOTS: readonly Slot[] = Object.freeze([])

/** Where a share hangs. */
export interface LinkedShare {
  readonly hash: ShareHash
  readonly height: Height
  /** `NO_SLOT` where the parent is pruned. */
  readonly prev: Slot
  readonly uncles: readonly ShareHash[]
}

/**
 * How shares hang together: parents and children, neighbours at a height, uncles and nephews. Every step costs O(1), but
 * for the first nephew of a long line of shares.
 */
export class TreeLinks {
  readonly #slotOf: (hash: ShareHash) => Slot
  readonly #prev = new NumberColumn('i32')
  readonly #firstChild = new NumberColumn('i32', NO_SLOT)
  readonly #nextSibling = new NumberColumn('i32', NO_SLOT)
  readonly #prevSibling = new NumberColumn('i32', NO_SLOT)
  readonly #nextAtHeight = new NumberColumn('i32', NO_SLOT)
  readonly #prevAtHeight = new NumberColumn('i32', NO_SLOT)
  readonly #firstAtHeight = new HeightColumn()
  /** Shares that name a hash as their uncle. The uncle itself may not be here (yet). */
  readonly #nephews = new Map<ShareHash, Slot[]>()
  /** How often it is named as an uncle, and one more for each child that is needed. */
  readonly #needs = new NumberColumn('u32')
  readonly #ends = new Set<Slot>()
  #uncleLinks = 0

  /** @param slotOf the slot of a share that is here, `NO_SLOT` for others */
  constructor(slotOf: (hash: ShareHash) => Slot) {
    this.#slotOf = slotOf
  }

  /** Uncles named, each time counted. */
  get uncleLinks(): number {
    return this.#uncleLinks
  }

  /** Shares that nothing here builds on or names, in no particular order. */
  get ends(): ReadonlySet<Slot> {
    return this.#ends
  }

  prev(slot: Slot): Slot {
    return this.#prev.get(slot)
  }

  nephews(hash: ShareHash): readonly Slot[] {
    return this.#nephews.get(hash) ?? NO_SLOTS
  }

  /** Whether it, or one built on it, is named as an uncle. */
  isNeeded(slot: Slot): boolean {
    return this.#needs.get(slot) > 0
  }

  /** The newest child; `NO_SLOT` for none. */
  firstChild(slot: Slot): Slot {
    return this.#firstChild.get(slot)
  }

  /** The sibling that came before. */
  nextSibling(slot: Slot): Slot {
    return this.#nextSibling.get(slot)
  }

  /** The newest share at a height. */
  firstAtHeight(height: Height): Slot {
    return this.#firstAtHeight.get(height)
  }

  /** The share at the same height that came before. */
  nextAtHeight(slot: Slot): Slot {
    return this.#nextAtHeight.get(slot)
  }

  link(slot: Slot, { hash, height, prev, uncles }: LinkedShare): void {
    this.#prev.set(slot, prev)
    for (const column of [this.#firstChild, this.#nextSibling, this.#prevSibling, this.#prevAtHeight]) {
      column.set(slot, NO_SLOT)
    }
    this.#needs.set(slot, 0)
    this.#ends.add(slot)
    if (prev !== NO_SLOT) {
      this.#pushFront(this.#firstChild.get(prev), slot, { next: this.#nextSibling, before: this.#prevSibling })
      this.#firstChild.set(prev, slot)
      this.#ends.delete(prev)
    }
    this.#pushFront(this.#firstAtHeight.get(height), slot, { next: this.#nextAtHeight, before: this.#prevAtHeight })
    this.#firstAtHeight.set(height, slot)
    for (let waiting = this.nephews(hash).length; waiting > 0; waiting--) this.#need(slot)
    for (const uncle of uncles) {
      const nephews = this.#nephews.get(uncle)
      if (nephews === undefined) this.#nephews.set(uncle, [slot])
      else nephews.push(slot)
      const at = this.#slotOf(uncle)
      if (at !== NO_SLOT) this.#need(at)
    }
    this.#uncleLinks += uncles.length
  }

  /** Children stay and have no parent any more. */
  unlink(slot: Slot, { height, uncles }: Pick<LinkedShare, 'height' | 'uncles'>): void {
    for (let child = this.firstChild(slot); child !== NO_SLOT; child = this.nextSibling(child)) {
      this.#prev.set(child, NO_SLOT)
    }
    const prev = this.#prev.get(slot)
    if (prev !== NO_SLOT) {
      if (this.isNeeded(slot)) this.#release(prev)
      const next = this.#takeOut(slot, { next: this.#nextSibling, before: this.#prevSibling })
      if (this.#firstChild.get(prev) === slot) this.#firstChild.set(prev, next)
      this.#weigh(prev)
    }
    const next = this.#takeOut(slot, { next: this.#nextAtHeight, before: this.#prevAtHeight })
    if (this.#firstAtHeight.get(height) === slot) this.#firstAtHeight.set(height, next)
    for (const uncle of uncles) this.#unlinkUncle(uncle, slot)
    this.#uncleLinks -= uncles.length
    this.#ends.delete(slot)
  }

  /** Frees memory of heights below, which the caller has emptied. */
  dropBelow(height: Height): void {
    this.#firstAtHeight.dropBelow(height)
  }

  /** Throws unless everything agrees with what each share says of itself. */
  checkInvariants(shares: ReadonlyMap<Slot, LinkedShare>): void {
    let uncleLinks = 0
    let listed = 0
    for (const [slot, { hash, height, prev, uncles }] of shares) {
      invariant(this.#prev.get(slot) === prev, 'a share knows its parent')
      if (prev !== NO_SLOT) invariant(this.#list(this.firstChild(prev), 'child').includes(slot), 'and its parent it')
      invariant(this.#list(this.firstAtHeight(height), 'height').includes(slot), 'a share is listed at its height')
      for (const uncle of uncles) invariant(this.nephews(uncle).includes(slot), 'an uncle has its nephew')
      uncleLinks += uncles.length
      const children = this.#list(this.firstChild(slot), 'child')
      const needs = children.filter(child => this.isNeeded(child)).length + this.nephews(hash).length
      invariant(this.#needs.get(slot) === needs, 'needs are counted')
      invariant(this.#ends.has(slot) === (children.length === 0 && needs === 0), 'ends are listed')
    }
    for (const nephews of this.#nephews.values()) listed += nephews.length
    invariant(listed === uncleLinks && this.#uncleLinks === listed, 'nobody is a nephew without naming an uncle')
    for (const end of this.#ends) invariant(shares.has(end), 'an end is here')
  }

  #list(first: Slot, kind: 'child' | 'height'): Slot[] {
    const found: Slot[] = []
    const next = kind === 'child' ? this.#nextSibling : this.#nextAtHeight
    for (let slot = first; slot !== NO_SLOT; slot = next.get(slot)) found.push(slot)
    return found
  }

  #pushFront(first: Slot, slot: Slot, list: { next: NumberColumn; before: NumberColumn }): void {
    list.next.set(slot, first)
    if (first !== NO_SLOT) list.before.set(first, slot)
  }

  /** @returns what came after it */
  #takeOut(slot: Slot, list: { next: NumberColumn; before: NumberColumn }): Slot {
    const next = list.next.get(slot)
    const before = list.before.get(slot)
    if (before !== NO_SLOT) list.next.set(before, next)
    if (next !== NO_SLOT) list.before.set(next, before)
    return next
  }

  #unlinkUncle(uncle: ShareHash, nephew: Slot): void {
    const nephews = this.#nephews.get(uncle) ?? []
    // One at a time: a share that names an uncle twice is listed twice.
    nephews.splice(nephews.indexOf(nephew), 1)
    if (nephews.length === 0) this.#nephews.delete(uncle)
    const slot = this.#slotOf(uncle)
    if (slot !== NO_SLOT) this.#release(slot)
  }

  /** One more reason to keep a share; the first is a reason to keep its parent. */
  #need(slot: Slot): void {
    for (let at = slot; at !== NO_SLOT; at = this.#prev.get(at)) {
      const before = this.#needs.get(at)
      this.#needs.set(at, before + 1)
      this.#ends.delete(at)
      if (before > 0) return
    }
  }

  #release(slot: Slot): void {
    for (let at = slot; at !== NO_SLOT; at = this.#prev.get(at)) {
      const left = this.#needs.get(at) - 1
      this.#needs.set(at, left)
      this.#weigh(at)
      if (left > 0) return
    }
  }

  #weigh(slot: Slot): void {
    if (this.#firstChild.get(slot) === NO_SLOT && this.#needs.get(slot) === 0) this.#ends.add(slot)
  }
}
