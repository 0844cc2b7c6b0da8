import type { Height } from '@p2poolv2/primitives'
import { invariant } from '@p2poolv2/primitives'
import { HeightColumn } from '../tree/columns.ts'
import { type HeaderIndex, NO_SLOT, type Slot } from '../tree/header-index.ts'

/**
 * The candidate chain: the genesis and one share a height up to its tip, linked by parents, as far down as the tree is kept.
 * Which tip it should have is the organiser's to say; this keeps the heights and the membership in the index in step with it.
 */
export class CandidateChain {
  readonly #index: HeaderIndex
  readonly #at = new HeightColumn()
  /** Shares whose bodies have not come for too long: the chain does not go through them. At most one a stall. */
  readonly #withheld = new Set<Slot>()
  #tip: Slot = 0

  /** @param index holds the genesis only */
  constructor(index: HeaderIndex) {
    this.#index = index
    this.#at.set(0, 0)
  }

  get tip(): Slot {
    return this.#tip
  }

  get height(): Height {
    return this.#index.height(this.#tip)
  }

  get withheld(): Iterable<Slot> {
    return this.#withheld
  }

  /** `NO_SLOT` above the tip and where pruned. */
  at(height: Height): Slot {
    return this.#at.get(height)
  }

  has(slot: Slot): boolean {
    return this.#at.get(this.#index.height(slot)) === slot
  }

  /** Falls back to the parent of a share that is on the chain, and lets no branch go through it until `release`. */
  withhold(slot: Slot): void {
    this.#withheld.add(slot)
    this.turn(this.#index.prevSlot(slot))
  }

  /** @returns whether the share was withheld */
  release(slot: Slot): boolean {
    return this.#withheld.delete(slot)
  }

  /**
   * Makes `to` the tip; false, with nothing changed, if its branch leaves the chain below what is kept or goes through a
   * share that is withheld. Cost: the heights that differ.
   */
  turn(to: Slot): boolean {
    const index = this.#index
    const branch = this.#branchTo(to)
    if (branch === null) return false
    const lowest = branch.at(-1) ?? NO_SLOT
    this.#cutAbove(lowest === NO_SLOT ? index.height(to) : index.height(lowest) - 1)
    for (const joined of branch) {
      if (index.membership(joined) === 'none') index.setMembership(joined, 'candidate')
      this.#at.set(index.height(joined), joined)
    }
    this.#tip = to
    return true
  }

  /** Whether `turn` would. */
  canTurn(to: Slot): boolean {
    return this.#branchTo(to) !== null
  }

  /** Falls back to the genesis, before everything else is forgotten. */
  clear(): void {
    for (let height = this.height; height >= this.#index.lowestHeight; height--) {
      this.#index.setMembership(this.#at.get(height), 'none')
      this.#at.set(height, NO_SLOT)
    }
    this.#tip = 0
  }

  /** Lets go of a share that leaves the index, and of heights below it. */
  forget(slot: Slot): void {
    invariant(slot !== this.#tip, 'a tip is never pruned')
    const height = this.#index.height(slot)
    this.#withheld.delete(slot)
    if (this.#at.get(height) === slot) this.#at.set(height, NO_SLOT)
    this.#at.dropBelow(height)
  }

  /** Takes over the chain as a store knew it, the confirmed one having been restored. */
  restore(tip: Slot): void {
    const index = this.#index
    for (let at = tip; at > 0; at = index.prevSlot(at)) {
      this.#at.set(index.height(at), at)
      if (index.membership(at) === 'none') index.setMembership(at, 'candidate')
    }
    this.#tip = tip
  }

  checkInvariants(): void {
    checkLinked(this.#index, this.#tip, this.#at)
  }

  /** Shares that lead from the chain to `to`, the highest first; null if none of its ancestors is on it or one is withheld. */
  #branchTo(to: Slot): Slot[] | null {
    const branch: Slot[] = []
    for (let at = to; at === NO_SLOT || !this.has(at); at = this.#index.prevSlot(at)) {
      if (at === NO_SLOT || this.#withheld.has(at)) return null
      branch.push(at)
    }
    return branch
  }

  #cutAbove(height: Height): void {
    for (let above = this.height; above > height; above--) {
      const left = this.#at.get(above)
      if (this.#index.membership(left) === 'candidate') this.#index.setMembership(left, 'none')
      this.#at.set(above, NO_SLOT)
    }
  }
}

/** Breaks unless a chain ends at its tip and is dense and linked by parents below it. */
export function checkLinked(index: HeaderIndex, tip: Slot, at: HeightColumn): void {
  invariant(at.get(index.height(tip) + 1) === NO_SLOT, 'a chain ends at its tip')
  for (let slot = tip; slot !== NO_SLOT; slot = index.prevSlot(slot)) {
    invariant(at.get(index.height(slot)) === slot, 'a chain is dense and linked by parents')
  }
}
