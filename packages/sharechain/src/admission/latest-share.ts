import type { ShareHash } from '@p2poolv2/primitives'
import { type HeaderIndex, NO_SLOT, type Slot } from '../tree/header-index.ts'

/** Which share that is not invalid is dated latest: worked out only when somebody asks who is behind it, and not again while it is there. */
export class LatestShare {
  readonly #index: Pick<HeaderIndex, 'slots' | 'slotOf' | 'validity' | 'timeSec' | 'hash'>
  /** None is dated later, unix seconds. */
  #sec = Number.POSITIVE_INFINITY
  #hash: ShareHash | null = null

  constructor(index: Pick<HeaderIndex, 'slots' | 'slotOf' | 'validity' | 'timeSec' | 'hash'>) {
    this.#index = index
  }

  /** A share has come in, or is invalid no more. */
  grew(slot: Slot): void {
    if (this.#index.timeSec(slot) > this.#sec) this.#take(slot)
  }

  /** Cost: O(shares known) where it might be, and the latest one known is gone. */
  isAfter(sec: number): boolean {
    if (this.#sec > sec && !this.#isThere()) this.#look()
    return this.#sec > sec
  }

  #isThere(): boolean {
    const slot = this.#hash === null ? NO_SLOT : this.#index.slotOf(this.#hash)
    return slot !== NO_SLOT && this.#index.validity(slot) !== 'invalid'
  }

  #look(): void {
    this.#sec = 0
    for (const slot of this.#index.slots()) if (this.#index.validity(slot) !== 'invalid') this.grew(slot)
  }

  #take(slot: Slot): void {
    this.#sec = this.#index.timeSec(slot)
    this.#hash = this.#index.hash(slot)
  }
}
