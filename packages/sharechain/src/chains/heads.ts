import { invariant } from '@p2poolv2/primitives'
import { type HeaderIndex, NO_SLOT, type Slot } from '../tree/header-index.ts'

/** The ends of the tree at which a chain could end: shares that are not invalid and have no such child. And the genesis, the last resort. */
export class Heads {
  readonly #index: HeaderIndex
  readonly #heads = new Set<Slot>([0])

  /** @param index holds the genesis only */
  constructor(index: HeaderIndex) {
    this.#index = index
  }

  /** A share that is not invalid has come in, or is invalid no more. */
  grew(slot: Slot): void {
    const prev = this.#index.prevSlot(slot)
    if (!this.#index.isGenesis(prev)) this.#heads.delete(prev)
    this.#heads.add(slot)
  }

  /** A share became invalid with everything built on it, all of which is invalid by now. */
  condemned(slot: Slot, subtree: readonly Slot[]): void {
    for (const member of subtree) this.#heads.delete(member)
    const prev = this.#index.prevSlot(slot)
    if (prev !== NO_SLOT && this.#isOpen(prev)) this.#heads.add(prev)
  }

  /** An end of the tree is about to leave it. */
  evicted(slot: Slot): void {
    const index = this.#index
    this.#heads.delete(slot)
    const prev = index.prevSlot(slot)
    if (prev === NO_SLOT || index.validity(prev) === 'invalid') return
    if (!index.hasValidChild(prev, slot)) this.#heads.add(prev)
  }

  /** A share is about to be pruned. */
  forget(slot: Slot): void {
    this.#heads.delete(slot)
  }

  /** Finds them in a tree that has been filled since, and its validities set. */
  restore(): void {
    for (const slot of this.#index.slots()) if (this.#isHead(slot)) this.#heads.add(slot)
  }

  some(isWanted: (head: Slot) => boolean): boolean {
    for (const head of this.#heads) if (isWanted(head)) return true
    return false
  }

  sorted(order: (a: Slot, b: Slot) => number): Slot[] {
    return [...this.#heads].sort(order)
  }

  checkInvariants(): void {
    for (const slot of this.#index.slots()) {
      invariant(this.#heads.has(slot) === this.#isHead(slot), 'heads are the valid ends')
    }
  }

  #isHead(slot: Slot): boolean {
    return this.#index.validity(slot) !== 'invalid' && this.#isOpen(slot)
  }

  /** Whether a chain could end at a share that is not invalid itself. */
  #isOpen(slot: Slot): boolean {
    return this.#index.isGenesis(slot) || !this.#index.hasValidChild(slot)
  }
}
