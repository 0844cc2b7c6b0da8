import type { SteadyMs } from '@p2poolv2/primitives'

/** Beyond this many windows exp() is as good as zero. */
const MAX_WINDOWS = 36
/** What came in shorter than this after the last update waits for the next: the formula divides by the time. */
const MIN_STEP_SEC = 0.05
const VANISHING = 2e-16

/**
 * One update of a decayed average (stratum §4.1).
 * @param rate the average so far, per second
 * @param amount what came in during the step
 * @param window the time over which the past fades, in seconds
 */
export function decayed(rate: number, amount: number, { stepSec, windowSec }: Step): number {
  if (stepSec <= 0) return rate
  const fresh = 1 - Math.exp(-Math.min(stepSec / windowSec, MAX_WINDOWS))
  const next = (rate + (amount / stepSec) * fresh) / (1 + fresh)
  return next < VANISHING ? 0 : next
}

export interface Step {
  readonly stepSec: number
  readonly windowSec: number
}

/**
 * Something per second, averaged over a fading window. Young averages are not too low: beside the rate runs the same
 * average of a constant 1, and the quotient of both is given.
 */
export class DecayedRate {
  readonly #windowSec: number
  #rate = 0
  #weight = 0
  #pending = 0
  #updatedAtMs: SteadyMs

  constructor(windowSec: number, startMs: SteadyMs) {
    this.#windowSec = windowSec
    this.#updatedAtMs = startMs
  }

  add(amount: number, nowMs: SteadyMs): void {
    this.#pending += amount
    const stepSec = (nowMs - this.#updatedAtMs) / 1000
    if (stepSec < MIN_STEP_SEC) return
    const step = { stepSec, windowSec: this.#windowSec }
    this.#rate = decayed(this.#rate, this.#pending, step)
    this.#weight = decayed(this.#weight, stepSec, step)
    this.#pending = 0
    this.#updatedAtMs = nowMs
  }

  /** Per second; 0 before there is any time to speak of. */
  perSec(nowMs: SteadyMs): number {
    const stepSec = (nowMs - this.#updatedAtMs) / 1000
    if (stepSec < MIN_STEP_SEC) return this.#weight === 0 ? 0 : this.#rate / this.#weight
    const step = { stepSec, windowSec: this.#windowSec }
    return decayed(this.#rate, this.#pending, step) / decayed(this.#weight, stepSec, step)
  }
}
