import { invariant } from '@p2poolv2/primitives'
import { compareDigests } from '../tree/hash-order.ts'
import { type HeaderIndex, NO_SLOT, type Slot } from '../tree/header-index.ts'
import type { Organiser } from './organise.ts'

/** A valid share this far above the confirmed tip and off the best line is looked at when the confirmed tip moves. */
const MAX_STEPS = 1024

/**
 * The share to mine on: the heaviest fully valid descendant of the confirmed tip, the smaller digest on ties, the
 * confirmed tip itself if there is none (protocol §15). Kept as shares become valid; searched for only when the confirmed
 * chain turned away from it.
 */
export class MiningBase {
  readonly #index: HeaderIndex
  readonly #organiser: Organiser
  #slot: Slot = 0
  #confirmedTip: Slot = 0

  constructor(index: HeaderIndex, organiser: Organiser) {
    this.#index = index
    this.#organiser = organiser
  }

  get slot(): Slot {
    return this.#slot
  }

  /**
   * Follows one change of the chain.
   * @param validated shares that became fully valid in it
   * Cost: O(validated) and their distance from the confirmed tip, mostly one step.
   */
  update(validated: readonly Slot[]): void {
    const confirmedTip = this.#organiser.confirmedTip
    const moved = confirmedTip !== this.#confirmedTip
    this.#confirmedTip = confirmedTip
    if (
      this.#index.validity(this.#slot) === 'invalid' ||
      (moved && !this.#organiser.descends(this.#slot, confirmedTip))
    ) {
      this.#slot = heaviestValid(this.#index, confirmedTip)
      return
    }
    for (const slot of validated) {
      if (this.#index.validity(slot) !== 'blockValid' || !this.#isReached(slot)) continue
      // Below the prune height a header is enough, so that a share may become valid after its children.
      const best = heaviestValid(this.#index, slot)
      if (isBetter(this.#index, best, this.#slot)) this.#slot = best
    }
  }

  /** Whether valid shares lead to it from the confirmed tip. While many below have headers only, none do, however many are above. */
  #isReached(slot: Slot): boolean {
    const above = this.#index.height(slot) - this.#index.height(this.#confirmedTip)
    let at = this.#index.prevSlot(slot)
    if (above > MAX_STEPS) return at === this.#slot
    for (let steps = 0; steps < MAX_STEPS && at !== NO_SLOT; steps++) {
      if (at === this.#confirmedTip || at === this.#slot) return true
      if (this.#index.validity(at) !== 'blockValid') return false
      at = this.#index.prevSlot(at)
    }
    return false
  }

  /** Lets go of a share that is about to be pruned: there is nothing better than the confirmed tip then. */
  forget(slot: Slot): void {
    if (slot === this.#slot) this.#slot = this.#organiser.confirmedTip
  }

  /** Searches afresh, after a restart. */
  restore(): void {
    this.#confirmedTip = this.#organiser.confirmedTip
    this.#slot = heaviestValid(this.#index, this.#confirmedTip)
  }

  checkInvariants(): void {
    invariant(
      this.#slot === heaviestValid(this.#index, this.#organiser.confirmedTip),
      'the mining base is the heaviest valid descendant of the confirmed tip'
    )
  }
}

/** The plain search: breadth first from a share through fully valid children. */
export function heaviestValid(index: HeaderIndex, from: Slot): Slot {
  let best = from
  const open = [from]
  for (const slot of open) {
    if (isBetter(index, slot, best)) best = slot
    for (const child of index.children(slot)) if (index.validity(child) === 'blockValid') open.push(child)
  }
  return best
}

function isBetter(index: HeaderIndex, a: Slot, b: Slot): boolean {
  const workA = index.work(a)
  const workB = index.work(b)
  if (workA !== workB) return workA > workB
  return compareDigests(index.hash(a), index.hash(b)) < 0
}
