import type { UnixMs } from '@p2poolv2/primitives'
import { unixMs } from '@p2poolv2/primitives'
import type { HeaderIndex, Slot } from '../tree/header-index.ts'
import { NO_SLOT } from '../tree/header-index.ts'
import type { Organiser } from './organise.ts'

/** How long a candidate chain may keep valid work from being confirmed without one more of its own shares becoming valid. */
export const STALL_MS = 60_000

/**
 * Watches for a candidate chain that does not come on: its headers are the heaviest, but the body of its next share does not
 * come, while shares that are valid wait beside it. Nobody may hold up confirmation with headers alone, so after a while the
 * candidate chain turns away from that share; when its body comes, the branch is as good as any.
 */
export class StallWatch {
  readonly #index: HeaderIndex
  readonly #organiser: Organiser
  #blocking: Slot = NO_SLOT
  #sinceMs = 0

  constructor(index: HeaderIndex, organiser: Organiser) {
    this.#index = index
    this.#organiser = organiser
  }

  get nextDeadlineMs(): UnixMs | null {
    return this.#blocking === NO_SLOT ? null : unixMs(this.#sinceMs + STALL_MS)
  }

  /**
   * Follows one change of the chain.
   * @param base the share that is mined on
   * @returns the share to turn away from; `NO_SLOT` mostly
   */
  update(base: Slot, nowMs: UnixMs): Slot {
    const blocking = this.#isKeptWaiting(base) ? this.#organiser.nextUnvalidated() : NO_SLOT
    // A clock that steps back begins anew.
    if (blocking !== this.#blocking || nowMs < this.#sinceMs) this.#sinceMs = nowMs
    this.#blocking = blocking
    if (blocking === NO_SLOT || nowMs < this.#sinceMs + STALL_MS) return NO_SLOT
    this.#blocking = NO_SLOT
    return blocking
  }

  /** A share leaves the index. */
  forget(slot: Slot): void {
    if (slot === this.#blocking) this.#blocking = NO_SLOT
  }

  /** Whether valid shares above the confirmed tip are off the candidate chain. */
  #isKeptWaiting(base: Slot): boolean {
    if (base === this.#organiser.confirmedTip) return false
    return this.#organiser.candidateAt(this.#index.height(base)) !== base
  }
}
