import type { RuleCode } from '@p2poolv2/consensus'
import type { Height } from '@p2poolv2/primitives'
import { invariant } from '@p2poolv2/primitives'
import { HeightColumn } from '../tree/columns.ts'
import { compareDigests } from '../tree/hash-order.ts'
import { type HeaderIndex, NO_SLOT, type Slot } from '../tree/header-index.ts'
import { isTopValid } from './top.ts'

/** Shares that joined or left the confirmed chain, in the order it happened. */
export interface ConfirmedMove {
  readonly confirmed: readonly Slot[]
  readonly unconfirmed: readonly Slot[]
}

const STILL: ConfirmedMove = Object.freeze({ confirmed: [], unconfirmed: [] })

/**
 * Decides which shares are candidate and which are confirmed (protocol §14).
 *
 * The candidate chain is the ancestry of the heaviest header with nothing invalid in it; of equals the first one seen stays.
 * The confirmed chain follows it as far as bodies are here and valid, and turns to another branch only when the valid
 * part of that branch is strictly heavier. Both begin with the genesis.
 */
export class Organiser {
  readonly #index: HeaderIndex
  /** Shares that are not invalid and have no such child: where a chain could end. And the genesis, the last resort. */
  readonly #heads = new Set<Slot>([0])
  readonly #candidateAt = new HeightColumn()
  readonly #confirmedAt = new HeightColumn()
  /** Shares whose bodies have not come for too long: no candidate chain goes through them. At most one a stall. */
  readonly #withheld = new Set<Slot>()
  #candidateTip: Slot = 0
  #confirmedTip: Slot = 0
  #uncleCount = 0

  /** @param index holds the genesis only */
  constructor(index: HeaderIndex) {
    this.#index = index
    this.#candidateAt.set(0, 0)
    this.#confirmedAt.set(0, 0)
    index.setMembership(0, 'confirmed')
  }

  get candidateTip(): Slot {
    return this.#candidateTip
  }

  get confirmedTip(): Slot {
    return this.#confirmedTip
  }

  /** Uncles named by confirmed shares since the genesis. */
  get uncleCount(): number {
    return this.#uncleCount
  }

  get candidateHeight(): Height {
    return this.#index.height(this.#candidateTip)
  }

  get confirmedHeight(): Height {
    return this.#index.height(this.#confirmedTip)
  }

  /** The candidate chain's share at a height, confirmed ones included; `NO_SLOT` above its tip and where pruned. */
  candidateAt(height: Height): Slot {
    return this.#candidateAt.get(height)
  }

  confirmedAt(height: Height): Slot {
    return this.#confirmedAt.get(height)
  }

  /** Shares that the candidate chain has turned away from, waiting for their bodies. */
  get withheld(): Iterable<Slot> {
    return this.#withheld
  }

  /** The first share of the candidate chain above the confirmed one that is not validated; `NO_SLOT` if all are. */
  nextUnvalidated(): Slot {
    let height = this.forkHeight() + 1
    while (height <= this.candidateHeight && this.#index.validity(this.#candidateAt.get(height)) === 'blockValid')
      height++
    return this.#candidateAt.get(height)
  }

  /** Turns the candidate chain away from a share that is on it and not confirmed, until `release`. */
  withhold(slot: Slot): void {
    this.#withheld.add(slot)
    this.#turnCandidate(this.#index.prevSlot(slot))
    this.#rebuildCandidate()
  }

  /** A share that may have been withheld became valid: its branch is as good as any again. */
  release(slot: Slot): void {
    if (this.#withheld.delete(slot)) this.#turnToHeaviest()
  }

  /** Height of the last share both chains have. */
  forkHeight(): Height {
    let height = Math.min(this.candidateHeight, this.confirmedHeight)
    while (this.#confirmedAt.get(height) !== this.#candidateAt.get(height)) height--
    return height
  }

  /** Takes in a header just inserted: invalid when its parent is, else perhaps the new top. Cost: O(depth of re-org). */
  headerAdded(slot: Slot): 'invalid' | 'organised' {
    const index = this.#index
    const prev = index.prevSlot(slot)
    if (index.validity(prev) === 'invalid') {
      index.condemn(slot, 'share-parent-invalid')
      return 'invalid'
    }
    this.#addHead(slot)
    return 'organised'
  }

  /**
   * Takes an invalid share back whose verdict does not hold any more, and with it those that are invalid only because it was.
   * @returns them, parents first; none if its parent is invalid
   */
  reopen(slot: Slot): readonly Slot[] {
    const index = this.#index
    if (index.validity(slot) !== 'invalid' || index.validity(index.prevSlot(slot)) === 'invalid') return []
    const reopened = [slot]
    for (const member of reopened) {
      index.setValidity(member, 'headerValid')
      this.#addHead(member)
      reopened.push(...index.children(member).filter(child => index.verdict(child) === 'share-parent-invalid'))
    }
    return reopened
  }

  #addHead(slot: Slot): void {
    const index = this.#index
    const prev = index.prevSlot(slot)
    if (!index.isGenesis(prev)) this.#heads.delete(prev)
    this.#heads.add(slot)
    if (index.work(slot) > index.work(this.#candidateTip)) this.#turnCandidate(slot)
  }

  /**
   * Marks a share and all its descendants invalid and rebuilds the candidate chain on the heaviest branch left. If the share
   * was confirmed, the confirmed chain falls back to its parent.
   */
  markInvalid(slot: Slot, code: RuleCode): ConfirmedMove & { readonly invalidated: readonly Slot[] } {
    const index = this.#index
    invariant(!index.isGenesis(slot), 'the genesis is valid by definition')
    const invalidated = this.#validSubtree(slot)
    for (const member of invalidated) {
      this.#withheld.delete(member)
      index.condemn(member, member === slot ? code : 'share-parent-invalid')
      this.#heads.delete(member)
    }
    const prev = index.prevSlot(slot)
    if (prev !== NO_SLOT && this.#isOpen(prev)) this.#heads.add(prev)
    const height = index.height(slot)
    const unconfirmed = this.#confirmedAt.get(height) === slot ? this.#unconfirmDownTo(height - 1) : []
    if (this.#candidateAt.get(height) === slot) this.#rebuildCandidate()
    return { invalidated, confirmed: [], unconfirmed }
  }

  /**
   * Moves the confirmed chain along the candidate chain as far as it qualifies. Headers alone never do: where some are below
   * the prune height, nothing is confirmed until the payout window at the top has been validated, bodies and all.
   * @param pruneHeight below it a header is enough
   */
  promote(pruneHeight: Height): ConfirmedMove {
    const index = this.#index
    const fork = this.forkHeight()
    // What lies between the last share in common and the lowest one kept was archived by its headers.
    const from = Math.max(fork + 1, index.lowestHeight)
    if ((from < pruneHeight || from > fork + 1) && !isTopValid(index, this)) return STILL
    let top = from - 1
    while (top < this.candidateHeight && this.#qualifies(this.#candidateAt.get(top + 1), pruneHeight)) top++
    if (top < from) return STILL
    const last = this.#candidateAt.get(top)
    if (fork !== this.confirmedHeight && index.work(last) <= index.work(this.#confirmedTip)) return STILL
    const unconfirmed = this.#unconfirmDownTo(fork)
    const confirmed: Slot[] = []
    for (let height = from; height <= top; height++) {
      const slot = this.#candidateAt.get(height)
      this.#confirmedAt.set(height, slot)
      index.setMembership(slot, 'confirmed')
      this.#uncleCount += index.uncles(slot).length
      confirmed.push(slot)
    }
    this.#confirmedTip = last
    return { confirmed, unconfirmed }
  }

  /** Whether `ancestor` is `slot` or one of its ancestors. Cost: the heights between them. */
  descends(slot: Slot, ancestor: Slot): boolean {
    const height = this.#index.height(ancestor)
    let at = slot
    while (at !== NO_SLOT && this.#index.height(at) > height) at = this.#index.prevSlot(at)
    return at === ancestor
  }

  /** Lets the confirmed chain fall back to the genesis: it ends too far below the heaviest one to be held beside it. */
  abandonConfirmed(): ConfirmedMove {
    return { confirmed: [], unconfirmed: this.#unconfirmDownTo(0) }
  }

  /** Lets both chains fall back to the genesis, before everything else is forgotten. */
  beginAnew(): ConfirmedMove {
    const move = this.abandonConfirmed()
    for (let height = this.candidateHeight; height >= this.#index.lowestHeight; height--) {
      this.#index.setMembership(this.#candidateAt.get(height), 'none')
      this.#candidateAt.set(height, NO_SLOT)
    }
    this.#candidateTip = 0
    this.#heads.add(0)
    this.#uncleCount = 0
    return move
  }

  /** Lets go of a share that is about to be pruned. Uncles of an archived candidate count as those of the chain it is on. */
  forget(slot: Slot): void {
    const height = this.#index.height(slot)
    invariant(slot !== this.#candidateTip && slot !== this.#confirmedTip, 'a tip is never pruned')
    this.#withheld.delete(slot)
    this.#heads.delete(slot)
    if (this.#index.membership(slot) === 'candidate') this.#uncleCount += this.#index.uncles(slot).length
    if (this.#candidateAt.get(height) === slot) this.#candidateAt.set(height, NO_SLOT)
    if (this.#confirmedAt.get(height) === slot) this.#confirmedAt.set(height, NO_SLOT)
    this.#candidateAt.dropBelow(height)
    this.#confirmedAt.dropBelow(height)
  }

  /** Lets go of an end of the tree that is on no chain and about to be evicted. */
  evicted(slot: Slot): void {
    const index = this.#index
    this.#withheld.delete(slot)
    this.#heads.delete(slot)
    const prev = index.prevSlot(slot)
    if (prev === NO_SLOT || index.validity(slot) === 'invalid' || index.validity(prev) === 'invalid') return
    if (!index.hasValidChild(prev, slot)) this.#heads.add(prev)
  }

  /** Takes over both chains as a store knew them, the whole index being filled and its validities set. */
  restore(tips: { readonly confirmed: Slot; readonly candidate: Slot; readonly uncleCount: number }): void {
    const index = this.#index
    this.#heads.clear()
    for (const slot of index.slots()) {
      if (index.validity(slot) === 'invalid') continue
      if (this.#isOpen(slot)) this.#heads.add(slot)
    }
    for (let at = tips.confirmed; at > 0; at = index.prevSlot(at)) {
      this.#confirmedAt.set(index.height(at), at)
      index.setMembership(at, 'confirmed')
    }
    for (let at = tips.candidate; at > 0; at = index.prevSlot(at)) {
      this.#candidateAt.set(index.height(at), at)
      if (index.membership(at) === 'none') index.setMembership(at, 'candidate')
    }
    this.#confirmedTip = tips.confirmed
    this.#candidateTip = tips.candidate
    this.#uncleCount = tips.uncleCount
    // What was invalid, or withheld, when the store was written may not be any more.
    this.#turnToHeaviest()
  }

  checkInvariants(): void {
    const index = this.#index
    const heaviest = index.work(this.#candidateTip)
    invariant(
      heaviest >= index.work(this.#confirmedTip),
      'the candidate chain is at least as heavy as the confirmed one'
    )
    for (const slot of index.slots()) {
      const height = index.height(slot)
      const membership = index.membership(slot)
      const candidate = this.#candidateAt.get(height) === slot
      const confirmed = this.#confirmedAt.get(height) === slot
      invariant(membership === (confirmed ? 'confirmed' : candidate ? 'candidate' : 'none'), 'membership is as listed')
      const isHead = index.validity(slot) !== 'invalid' && this.#isOpen(slot)
      invariant(this.#heads.has(slot) === isHead, 'heads are the valid ends')
      if (this.#heads.has(slot) && this.#isRooted(slot)) invariant(index.work(slot) <= heaviest, 'no head is heavier')
      if (candidate || confirmed) invariant(index.validity(slot) !== 'invalid', 'nothing invalid is on a chain')
    }
    this.#checkLinked(this.#candidateTip, this.#candidateAt)
    this.#checkLinked(this.#confirmedTip, this.#confirmedAt)
  }

  #checkLinked(tip: Slot, at: HeightColumn): void {
    invariant(at.get(this.#index.height(tip) + 1) === NO_SLOT, 'a chain ends at its tip')
    for (let slot = tip; slot !== NO_SLOT; slot = this.#index.prevSlot(slot)) {
      invariant(at.get(this.#index.height(slot)) === slot, 'a chain is dense and linked by parents')
    }
  }

  #qualifies(slot: Slot, pruneHeight: Height): boolean {
    const index = this.#index
    if (index.height(slot) < pruneHeight) return true
    if (index.validity(slot) !== 'blockValid' || !index.hasBody(slot)) return false
    return index
      .uncleSlots(slot)
      .every(uncle => uncle === NO_SLOT || index.height(uncle) < pruneHeight || index.hasBody(uncle))
  }

  /**
   * Makes `to` the candidate tip; false, with nothing changed, if its branch leaves the chain below what is kept or goes
   * through a share that is withheld.
   */
  #turnCandidate(to: Slot): boolean {
    const index = this.#index
    const branch: Slot[] = []
    let at = to
    while (at !== NO_SLOT && this.#candidateAt.get(index.height(at)) !== at) {
      if (this.#withheld.has(at)) return false
      branch.push(at)
      at = index.prevSlot(at)
    }
    if (at === NO_SLOT) return false
    for (let height = this.candidateHeight; height > index.height(at); height--) {
      const left = this.#candidateAt.get(height)
      if (index.membership(left) === 'candidate') index.setMembership(left, 'none')
      this.#candidateAt.set(height, NO_SLOT)
    }
    for (const joined of branch) {
      if (index.membership(joined) === 'none') index.setMembership(joined, 'candidate')
      this.#candidateAt.set(index.height(joined), joined)
    }
    this.#candidateTip = to
    return true
  }

  #turnToHeaviest(): void {
    const heaviest = this.#index.work(this.#candidateTip)
    for (const head of this.#heads) {
      if (this.#index.work(head) <= heaviest) continue
      this.#rebuildCandidate()
      return
    }
  }

  /** After the candidate chain lost its top: turns to the best end that is left. */
  #rebuildCandidate(): void {
    const index = this.#index
    const best = [...this.#heads].sort((a, b) => {
      if (index.work(a) !== index.work(b)) return index.work(a) > index.work(b) ? -1 : 1
      // Of equals the confirmed branch, so that nothing confirmed is left behind for no gain; then a fixed order.
      const aHolds = this.descends(a, this.#confirmedTip)
      if (aHolds !== this.descends(b, this.#confirmedTip)) return aHolds ? -1 : 1
      return compareDigests(index.hash(a), index.hash(b))
    })
    const found = best.some(head => this.#turnCandidate(head))
    invariant(found, 'the confirmed chain at least is a branch to fall back to')
  }

  #unconfirmDownTo(height: Height): Slot[] {
    const unconfirmed: Slot[] = []
    const lowest = Math.max(height + 1, this.#index.lowestHeight)
    for (let at = this.confirmedHeight; at >= lowest; at--) {
      const slot = this.#confirmedAt.get(at)
      this.#confirmedAt.set(at, NO_SLOT)
      this.#index.setMembership(slot, this.#candidateAt.get(at) === slot ? 'candidate' : 'none')
      this.#uncleCount -= this.#index.uncles(slot).length
      unconfirmed.push(slot)
    }
    const tip = this.#confirmedAt.get(height)
    invariant(tip !== NO_SLOT, 'the confirmed chain never falls back below what is kept')
    this.#confirmedTip = tip
    return unconfirmed
  }

  /** The share and its descendants that are not invalid yet. */
  #validSubtree(root: Slot): Slot[] {
    const found: Slot[] = []
    const open = [root]
    for (let slot = open.pop(); slot !== undefined; slot = open.pop()) {
      if (this.#index.validity(slot) === 'invalid') continue
      found.push(slot)
      open.push(...this.#index.children(slot))
    }
    return found
  }

  /** Whether a chain could end at a share that is not invalid itself. */
  #isOpen(slot: Slot): boolean {
    const index = this.#index
    return index.isGenesis(slot) || !index.hasValidChild(slot)
  }

  #isRooted(slot: Slot): boolean {
    let at = slot
    while (at !== NO_SLOT && this.#candidateAt.get(this.#index.height(at)) !== at) {
      if (this.#withheld.has(at)) return false
      at = this.#index.prevSlot(at)
    }
    return at !== NO_SLOT
  }
}
