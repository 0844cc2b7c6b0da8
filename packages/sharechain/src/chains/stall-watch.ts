import type { BodyWait, ChainParams } from '@p2poolv2/consensus'
import type { UnixMs } from '@p2poolv2/primitives'
import { invariant, unixMs } from '@p2poolv2/primitives'
import type { HeaderIndex, Slot } from '../tree/header-index.ts'
import { NO_SLOT } from '../tree/header-index.ts'
import type { Organiser } from './organise.ts'

/** How long a candidate chain may keep valid work from being confirmed without one more of its own shares becoming valid. */
export const STALL_MS = 60_000
/** What each share of it that becomes valid adds, up to that much again: a chain of n shares holds up nobody for longer than n times this. */
export const STALL_MS_A_SHARE = 2_000
/** What the next branch has at least, when nothing valid was beside the one turned away from: more than a peer has to answer. */
export const STALL_NEXT_MS = 15_000
/** While nothing is held up, patience grows back at this part of the time that passes. */
const PATIENCE_BACK = 0.1

/**
 * Watches for a candidate chain that does not come on: its headers are the heaviest, but the bodies of its shares do not come, or
 * hardly, while shares that are valid wait beside it, or while peers are asked for those bodies and nothing else is (`setWait`):
 * beside the heaviest headers others are not even kept, so that a newcomer would know of nothing else. Nobody may hold up confirmation with headers alone, nor with one body now and
 * then, so when patience is over the candidate chain turns away from the share that is missing; when its body comes, the
 * branch is as good as any, and has the time that this body earned.
 */
export class StallWatch {
  readonly #params: ChainParams
  readonly #index: HeaderIndex
  readonly #organiser: Organiser
  #wait: BodyWait = { isAwaited: false, isOtherShown: false }
  #blocking: Slot = NO_SLOT
  /** The one that was waited for last, also if the chain has turned away from it. */
  #last: Slot = NO_SLOT
  #patienceMs = STALL_MS
  #sinceMs = 0

  constructor(params: ChainParams, index: HeaderIndex, organiser: Organiser) {
    this.#params = params
    this.#index = index
    this.#organiser = organiser
  }

  get nextDeadlineMs(): UnixMs | null {
    return this.#blocking === NO_SLOT ? null : unixMs(this.#sinceMs + Math.ceil(this.#patienceMs))
  }

  setWait(wait: BodyWait): void {
    this.#wait = wait
  }

  /**
   * Follows one change of the chain.
   * @param base the share that is mined on
   * @returns the share to turn away from; `NO_SLOT` mostly
   */
  update(base: Slot, nowMs: UnixMs): Slot {
    // A clock that steps back took no time.
    const passedMs = Math.max(0, nowMs - this.#sinceMs)
    this.#sinceMs = nowMs
    this.#addPatience(this.#blocking === NO_SLOT ? passedMs * PATIENCE_BACK : -passedMs)
    const isKeptWaiting = this.#isKeptWaiting(base)
    this.#blocking = isKeptWaiting || this.#mayTurn() ? this.#nextUnvalidated() : NO_SLOT
    if (this.#blocking === NO_SLOT) return NO_SLOT
    this.#addPatience(this.#risenTo(this.#blocking) * STALL_MS_A_SHARE)
    this.#last = this.#blocking
    if (this.#patienceMs > 0) return NO_SLOT
    this.#blocking = NO_SLOT
    // What comes next may have no bodies yet, and is not to blame.
    if (!isKeptWaiting) this.#addPatience(STALL_NEXT_MS)
    return this.#last
  }

  /** A share leaves the index. */
  forget(slot: Slot): void {
    if (slot === this.#blocking) this.#blocking = NO_SLOT
    if (slot === this.#last) this.#last = NO_SLOT
  }

  checkInvariants(): void {
    invariant(this.#patienceMs >= 0 && this.#patienceMs <= STALL_MS, 'patience is neither owed nor saved up')
  }

  #addPatience(ms: number): void {
    this.#patienceMs = Math.min(STALL_MS, Math.max(0, this.#patienceMs + ms))
  }

  /**
   * Whether bodies are awaited, and there is something to turn to: what is confirmed, or for a newcomer to an old network, who keeps
   * nothing of that, another chain that parts from this one among what was validated, or above.
   */
  #mayTurn(): boolean {
    const { isAwaited, isOtherShown } = this.#wait
    if (!isAwaited) return false
    if (this.#organiser.forkHeight() + 1 >= this.#index.lowestHeight) return true
    const slot = this.#nextUnvalidated()
    const below = slot === NO_SLOT ? NO_SLOT : this.#index.prevSlot(slot)
    return isOtherShown && below !== NO_SLOT && this.#index.validity(below) === 'blockValid'
  }

  #nextUnvalidated(): Slot {
    return this.#organiser.nextUnvalidated(this.#organiser.bodiesFrom(this.#params))
  }

  /** How many shares have become valid since another was waited for; 0 if that one has not. */
  #risenTo(slot: Slot): number {
    const index = this.#index
    if (this.#last === NO_SLOT || index.validity(this.#last) !== 'blockValid') return 0
    return Math.max(0, index.height(slot) - index.height(this.#last))
  }

  /** Whether valid shares above the confirmed tip are off the candidate chain. */
  #isKeptWaiting(base: Slot): boolean {
    if (base === this.#organiser.confirmedTip) return false
    return this.#organiser.candidateAt(this.#index.height(base)) !== base
  }
}
