import type { ChainParams, RuleCode } from '@p2poolv2/consensus'
import type { Height } from '@p2poolv2/primitives'
import { invariant } from '@p2poolv2/primitives'
import { compareDigests } from '../tree/hash-order.ts'
import { type HeaderIndex, NO_SLOT, type Slot } from '../tree/header-index.ts'
import { CandidateChain } from './candidate-chain.ts'
import { ConfirmedChain, type ConfirmedMove } from './confirmed-chain.ts'
import { Heads } from './heads.ts'
import { isTopValid } from './top.ts'
import { pruneHeightOf, zoneHeightOf } from './zones.ts'

/** Shares that became invalid, and what that did to the confirmed chain. */
export type Condemned = ConfirmedMove & { readonly invalidated: readonly Slot[] }

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
  readonly #heads: Heads
  readonly #candidate: CandidateChain
  readonly #confirmed: ConfirmedChain

  /** @param index holds the genesis only */
  constructor(index: HeaderIndex) {
    this.#index = index
    this.#heads = new Heads(index)
    this.#candidate = new CandidateChain(index)
    this.#confirmed = new ConfirmedChain(index, this.#candidate)
  }

  get candidateTip(): Slot {
    return this.#candidate.tip
  }

  get confirmedTip(): Slot {
    return this.#confirmed.tip
  }

  /** Uncles named by confirmed shares since the genesis. */
  get uncleCount(): number {
    return this.#confirmed.uncleCount
  }

  get candidateHeight(): Height {
    return this.#candidate.height
  }

  get confirmedHeight(): Height {
    return this.#confirmed.height
  }

  /** The candidate chain's share at a height, confirmed ones included; `NO_SLOT` above its tip and where pruned. */
  candidateAt(height: Height): Slot {
    return this.#candidate.at(height)
  }

  confirmedAt(height: Height): Slot {
    return this.#confirmed.at(height)
  }

  /** Shares that the candidate chain has turned away from, waiting for their bodies. */
  get withheld(): Iterable<Slot> {
    return this.#candidate.withheld
  }

  /** Height of the last share both chains have. */
  forkHeight(): Height {
    return this.#confirmed.forkHeight()
  }

  /** The height of the tip by which zones are reckoned. */
  zoneHeight(params: ChainParams): Height {
    return zoneHeightOf(params, this.candidateHeight, this.#index.lowestHeight)
  }

  /** From this height on a share needs its body. */
  bodiesFrom(params: ChainParams): Height {
    return pruneHeightOf(params, this.zoneHeight(params))
  }

  /** Height up to which no share of the confirmed chain is dated later. Cost: O(heights kept). */
  timelyHeight(latestSec: number): Height {
    let timely = this.confirmedHeight
    for (let height = timely; height >= this.#index.lowestHeight; height--)
      if (this.#index.timeSec(this.confirmedAt(height)) > latestSec) timely = height - 1
    return timely
  }

  /**
   * The first share of the candidate chain above the confirmed one that is not validated; `NO_SLOT` if all are.
   * @param pruneHeight below it a header is enough
   */
  nextUnvalidated(pruneHeight: Height): Slot {
    let height = Math.max(this.forkHeight() + 1, pruneHeight, this.#index.lowestHeight)
    while (height <= this.candidateHeight && this.#index.validity(this.#candidate.at(height)) === 'blockValid') height++
    return this.#candidate.at(height)
  }

  /** Whether `ancestor` is `slot` or one of its ancestors. Cost: the heights between them. */
  descends(slot: Slot, ancestor: Slot): boolean {
    const height = this.#index.height(ancestor)
    let at = slot
    while (at !== NO_SLOT && this.#index.height(at) > height) at = this.#index.prevSlot(at)
    return at === ancestor
  }

  /** Turns the candidate chain away from a share that is on it and not confirmed, until `release`. */
  withhold(slot: Slot): void {
    this.#candidate.withhold(slot)
    this.#turnToBest(this.candidateTip)
  }

  /** A share that may have been withheld became valid: its branch is as good as any again. */
  release(slot: Slot): void {
    if (this.#candidate.release(slot)) this.#turnIfHeavier()
  }

  /** Lets go of withheld shares that a heavier branch has outgrown by a prune depth: its end does not need their bodies. */
  releaseOutgrown(params: ChainParams): void {
    const index = this.#index
    for (const slot of [...this.withheld]) {
      const isOutgrown = (head: Slot) =>
        index.height(slot) < pruneHeightOf(params, index.height(head)) &&
        index.work(head) > index.work(this.candidateTip) &&
        this.descends(head, slot)
      if (this.#heads.some(isOutgrown)) this.release(slot)
    }
  }

  /** Takes in a header just inserted: invalid when its parent is, else perhaps the new top. Cost: O(depth of re-org). */
  headerAdded(slot: Slot): 'invalid' | 'organised' {
    const index = this.#index
    if (index.validity(index.prevSlot(slot)) === 'invalid') {
      index.condemn(slot, 'share-parent-invalid')
      return 'invalid'
    }
    this.#grew(slot)
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
      this.#grew(member)
      reopened.push(...index.children(member).filter(child => index.verdict(child) === 'share-parent-invalid'))
    }
    return reopened
  }

  /**
   * Marks a share and all its descendants invalid and rebuilds the candidate chain on the heaviest branch left. If the share
   * was confirmed, the confirmed chain falls back to its parent.
   */
  markInvalid(slot: Slot, code: RuleCode): Condemned {
    invariant(!this.#index.isGenesis(slot), 'the genesis is valid by definition')
    return this.#withdraw(this.#condemn(slot, member => (member === slot ? code : 'share-parent-invalid')))
  }

  /**
   * Marks every share that is dated later than `latestSec`, and all that is built on one, as dated ahead, and rebuilds both chains of what
   * is left. Cost: O(shares known).
   */
  markAhead(latestSec: number): Condemned {
    const index = this.#index
    const condemned: Slot[] = []
    for (const slot of index.slots()) {
      if (index.timeSec(slot) <= latestSec || index.isGenesis(slot) || index.validity(slot) === 'invalid') continue
      // More may be built on it than a call takes as arguments.
      for (const member of this.#condemn(slot, () => 'share-time-future')) condemned.push(member)
    }
    return this.#withdraw(condemned)
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
    while (top < this.candidateHeight && this.#qualifies(this.#candidate.at(top + 1), pruneHeight)) top++
    if (top < from) return STILL
    const isOther = fork !== this.confirmedHeight
    if (isOther && index.work(this.#candidate.at(top)) <= index.work(this.confirmedTip)) return STILL
    return this.#confirmed.follow(from, top)
  }

  /** Lets the confirmed chain fall back to the genesis: it ends too far below the heaviest one to be held beside it. */
  abandonConfirmed(): ConfirmedMove {
    return { confirmed: [], unconfirmed: this.#confirmed.fallBackTo(0) }
  }

  /** Lets both chains fall back to the genesis, before everything else is forgotten. */
  beginAnew(): ConfirmedMove {
    const move = this.#confirmed.clear()
    this.#candidate.clear()
    return move
  }

  /** Lets go of a share that is about to be pruned. */
  forget(slot: Slot): void {
    this.#heads.forget(slot)
    this.#confirmed.forget(slot)
    this.#candidate.forget(slot)
  }

  /** Lets go of an end of the tree that is on no chain and about to be evicted. */
  evicted(slot: Slot): void {
    this.#candidate.release(slot)
    this.#heads.evicted(slot)
  }

  /** Takes over both chains as a store knew them, the whole index being filled and its validities set. */
  restore(tips: { readonly confirmed: Slot; readonly candidate: Slot; readonly uncleCount: number }): void {
    this.#heads.restore()
    this.#confirmed.restore(tips.confirmed, tips.uncleCount)
    this.#candidate.restore(tips.candidate)
    // What was invalid, or withheld, when the store was written may not be any more.
    this.#turnIfHeavier()
  }

  checkInvariants(): void {
    const index = this.#index
    const heaviest = index.work(this.candidateTip)
    invariant(
      heaviest >= index.work(this.confirmedTip),
      'the candidate chain is at least as heavy as the confirmed one'
    )
    for (const slot of index.slots()) {
      const isOnChain = this.#candidate.has(slot) || this.#confirmed.has(slot)
      const listed = this.#confirmed.has(slot) ? 'confirmed' : isOnChain ? 'candidate' : 'none'
      invariant(index.membership(slot) === listed, 'membership is as listed')
      if (isOnChain) invariant(index.validity(slot) !== 'invalid', 'nothing invalid is on a chain')
    }
    this.#heads.checkInvariants()
    this.#candidate.checkInvariants()
    this.#confirmed.checkInvariants()
    const isHeavier = (head: Slot) => index.work(head) > heaviest && this.#candidate.canTurn(head)
    invariant(!this.#heads.some(isHeavier), 'no head is heavier')
  }

  #grew(slot: Slot): void {
    this.#heads.grew(slot)
    if (this.#index.work(slot) > this.#index.work(this.candidateTip)) this.#candidate.turn(slot)
  }

  #qualifies(slot: Slot, pruneHeight: Height): boolean {
    const index = this.#index
    if (index.height(slot) < pruneHeight) return true
    if (index.validity(slot) !== 'blockValid' || !index.hasBody(slot)) return false
    return index
      .uncleSlots(slot)
      .every(uncle => uncle === NO_SLOT || index.height(uncle) < pruneHeight || index.hasBody(uncle))
  }

  #turnIfHeavier(): void {
    const heaviest = this.#index.work(this.candidateTip)
    if (this.#heads.some(head => this.#index.work(head) > heaviest)) this.#turnToBest()
  }

  /**
   * After the candidate chain lost its top: turns to the best end that is left.
   * @param stay where it may end as well, if that is better
   */
  #turnToBest(stay = NO_SLOT): void {
    const index = this.#index
    const order = (a: Slot, b: Slot): number => {
      if (index.work(a) !== index.work(b)) return index.work(a) > index.work(b) ? -1 : 1
      // Of equals the confirmed branch, so that nothing confirmed is left behind for no gain; then a fixed order.
      const aHolds = this.descends(a, this.confirmedTip)
      if (aHolds !== this.descends(b, this.confirmedTip)) return aHolds ? -1 : 1
      return compareDigests(index.hash(a), index.hash(b))
    }
    const best = this.#heads.sorted(order)
    const found = best.some(head => (stay !== NO_SLOT && order(stay, head) < 0) || this.#candidate.turn(head))
    invariant(found, 'the confirmed chain at least is a branch to fall back to')
  }

  /** @returns the share and its descendants, which are invalid now; none that were before */
  #condemn(slot: Slot, codeOf: (member: Slot) => RuleCode): readonly Slot[] {
    const condemned = this.#validSubtree(slot)
    for (const member of condemned) {
      this.#candidate.release(member)
      this.#index.condemn(member, codeOf(member))
    }
    this.#heads.condemned(slot, condemned)
    return condemned
  }

  /** Takes shares that became invalid, each with all its descendants, off both chains. */
  #withdraw(invalidated: readonly Slot[]): Condemned {
    const index = this.#index
    const isOnCandidate = invalidated.some(slot => this.#candidate.has(slot))
    const lost = invalidated.filter(slot => this.#confirmed.has(slot)).map(slot => index.height(slot))
    const lowest = lost.reduce((low, height) => Math.min(low, height), Number.POSITIVE_INFINITY)
    const unconfirmed = lost.length === 0 ? [] : this.#confirmed.fallBackTo(lowest - 1)
    if (isOnCandidate) this.#turnToBest()
    return { invalidated, confirmed: [], unconfirmed }
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
}
