import type { Height } from '@p2poolv2/primitives'
import { invariant } from '@p2poolv2/primitives'
import { HeightColumn } from '../tree/columns.ts'
import { type HeaderIndex, NO_SLOT, type Slot } from '../tree/header-index.ts'
import { type CandidateChain, checkLinked } from './candidate-chain.ts'

/** Shares that joined or left the confirmed chain, in the order it happened. */
export interface ConfirmedMove {
  readonly confirmed: readonly Slot[]
  readonly unconfirmed: readonly Slot[]
}

/**
 * The confirmed chain: the genesis and one share a height up to its tip, linked by parents, as far down as the tree is kept;
 * and how many uncles its shares have named since the genesis. How far it goes is the organiser's to say.
 */
export class ConfirmedChain {
  readonly #index: HeaderIndex
  readonly #candidate: CandidateChain
  readonly #at = new HeightColumn()
  #tip: Slot = 0
  #uncleCount = 0

  /** @param index holds the genesis only */
  constructor(index: HeaderIndex, candidate: CandidateChain) {
    this.#index = index
    this.#candidate = candidate
    this.#at.set(0, 0)
    index.setMembership(0, 'confirmed')
  }

  get tip(): Slot {
    return this.#tip
  }

  get height(): Height {
    return this.#index.height(this.#tip)
  }

  get uncleCount(): number {
    return this.#uncleCount
  }

  /** `NO_SLOT` above the tip and where pruned. */
  at(height: Height): Slot {
    return this.#at.get(height)
  }

  has(slot: Slot): boolean {
    return this.#at.get(this.#index.height(slot)) === slot
  }

  /** Height of the last share both chains have. */
  forkHeight(): Height {
    let height = Math.min(this.#candidate.height, this.height)
    while (this.#at.get(height) !== this.#candidate.at(height)) height--
    return height
  }

  /**
   * Follows the candidate chain up to a height from the last share in common, letting go of what is above that.
   * @param from the lowest height to take; what lies between it and the last share in common was archived
   */
  follow(from: Height, top: Height): ConfirmedMove {
    const unconfirmed = this.fallBackTo(this.forkHeight())
    const confirmed: Slot[] = []
    for (let height = from; height <= top; height++) {
      const slot = this.#candidate.at(height)
      this.#at.set(height, slot)
      this.#index.setMembership(slot, 'confirmed')
      this.#uncleCount += this.#index.uncles(slot).length
      confirmed.push(slot)
    }
    this.#tip = this.#candidate.at(top)
    return { confirmed, unconfirmed }
  }

  /** Lets go of everything above a height. @returns it, the highest first */
  fallBackTo(height: Height): Slot[] {
    const unconfirmed: Slot[] = []
    const lowest = Math.max(height + 1, this.#index.lowestHeight)
    for (let at = this.height; at >= lowest; at--) {
      const slot = this.#at.get(at)
      this.#at.set(at, NO_SLOT)
      this.#index.setMembership(slot, this.#candidate.has(slot) ? 'candidate' : 'none')
      this.#uncleCount -= this.#index.uncles(slot).length
      unconfirmed.push(slot)
    }
    const tip = this.#at.get(height)
    invariant(tip !== NO_SLOT, 'the confirmed chain never falls back below what is kept')
    this.#tip = tip
    return unconfirmed
  }

  /** Before everything but the genesis is forgotten. */
  clear(): ConfirmedMove {
    const unconfirmed = this.fallBackTo(0)
    this.#uncleCount = 0
    return { confirmed: [], unconfirmed }
  }

  /** Lets go of a share that leaves the index, and of heights below it. An archived candidate's uncles count as if it were on this chain. */
  forget(slot: Slot): void {
    invariant(slot !== this.#tip, 'a tip is never pruned')
    const height = this.#index.height(slot)
    if (this.#index.membership(slot) === 'candidate') this.#uncleCount += this.#index.uncles(slot).length
    if (this.#at.get(height) === slot) this.#at.set(height, NO_SLOT)
    this.#at.dropBelow(height)
  }

  /** Takes over the chain as a store knew it. */
  restore(tip: Slot, uncleCount: number): void {
    const index = this.#index
    for (let at = tip; at > 0; at = index.prevSlot(at)) {
      this.#at.set(index.height(at), at)
      index.setMembership(at, 'confirmed')
    }
    this.#tip = tip
    this.#uncleCount = uncleCount
  }

  checkInvariants(): void {
    checkLinked(this.#index, this.#tip, this.#at)
  }
}
