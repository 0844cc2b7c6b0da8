import { type SteadyMs, steadyMs } from '@p2poolv2/primitives'

/** A peer that has kept us waiting this long gets company: headers are asked of a second peer too. */
export const STALL_MS = 3_000
/** What each answer may take; what it takes longer comes off `STALL_MS`. */
const ANSWER_MS = 1_000
/** A peer out of patience by this much gives its place to any other one that can be asked. */
const OVERDUE_MS = 3_500
/** A session that has lasted this long has to be worth its turn. */
export const GRACE_MS = 20_000
/**
 * Heights a second then, over the whole session, if others wait for their turn. The fullest honest answers rise by 45 heights, and
 * take a second or two on a slow line; who answers with less is after our time and not after telling us something.
 */
export const LEAST_HEIGHTS_PER_SEC = 20

/**
 * How much patience we have left with a peer. It is counted over all its answers: else one that takes a little less than too long
 * for each of them could keep its place for ever.
 */
export class Pace {
  #patienceMs = STALL_MS
  #askedAtMs: SteadyMs
  /** What its last answer took. */
  #tookMs = 0

  constructor(nowMs: SteadyMs) {
    this.#askedAtMs = nowMs
  }

  /** When it gets company; perhaps in the past. */
  get companyAtMs(): SteadyMs {
    return steadyMs(this.#askedAtMs + this.#patienceMs)
  }

  /** When it loses its place to somebody else; perhaps in the past. */
  get overdueAtMs(): SteadyMs {
    return steadyMs(this.companyAtMs + OVERDUE_MS)
  }

  asked(nowMs: SteadyMs): void {
    this.#askedAtMs = nowMs
  }

  answered(nowMs: SteadyMs): void {
    this.#tookMs = nowMs - this.#askedAtMs
    this.#patienceMs = Math.min(STALL_MS, this.#patienceMs - this.#tookMs + ANSWER_MS)
  }

  /** Whether our patience is over and its answer has been awaited for longer than the other's last one took. */
  isSlowerThan(other: Pace, nowMs: SteadyMs): boolean {
    return this.companyAtMs <= nowMs && nowMs - this.#askedAtMs > other.#tookMs
  }
}
