import { type SteadyMs, steadyMs } from './brand.ts'

export interface RateLimitOptions {
  /** Milliseconds that one unit takes, an integer. */
  readonly unitMs: number
  /** Units that may be taken at once after a pause. */
  readonly burst: number
}

/**
 * The generic cell rate algorithm: so many units a second on average, and a burst after a pause. One number of state, no
 * timer, exact in integers.
 */
export class RateLimit {
  readonly #unitMs: number
  readonly #burstMs: number
  /** When everything taken so far would be paid off. */
  #paidAtMs = 0

  constructor({ unitMs, burst }: RateLimitOptions) {
    this.#unitMs = unitMs
    this.#burstMs = unitMs * burst
  }

  /** When `units` may be taken at the earliest; `nowMs` if at once. More units than the burst are treated as the burst. */
  allowedAtMs(units: number, nowMs: SteadyMs): SteadyMs {
    const costMs = Math.min(units * this.#unitMs, this.#burstMs)
    return steadyMs(Math.max(nowMs, this.#paidAtMs + costMs - this.#burstMs))
  }

  /** Takes the units if they are allowed now. */
  take(units: number, nowMs: SteadyMs): boolean {
    if (this.allowedAtMs(units, nowMs) > nowMs) return false
    this.spend(units, nowMs)
    return true
  }

  /** Takes the units in any case; who comes later waits longer. */
  spend(units: number, nowMs: SteadyMs): void {
    this.#paidAtMs = Math.max(this.#paidAtMs, nowMs) + units * this.#unitMs
  }
}
