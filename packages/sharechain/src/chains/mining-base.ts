import { invariant } from '@p2poolv2/primitives'
import { compareDigests } from '../tree/hash-order.ts'
import type { HeaderIndex, Slot } from '../tree/header-index.ts'
import type { Organiser } from './organise.ts'

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
      const valid = this.#index.validity(slot) === 'blockValid'
      if (valid && isBetter(this.#index, slot, this.#slot) && this.#organiser.descends(slot, confirmedTip)) {
        this.#slot = slot
      }
    }
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
