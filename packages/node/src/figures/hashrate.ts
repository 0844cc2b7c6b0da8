import type { SteadyMs } from '@p2poolv2/primitives'

/** Hashes expected for one unit of bitcoin difficulty: 2^32. */
export const HASHES_PER_DIFFICULTY = 4_294_967_296

/** How far back each average looks, in seconds: its weights fall to 1/e over that time. */
export const HASHRATE_WINDOWS_SEC = { m1: 60, m5: 300, h1: 3600, d1: 86_400 } as const

export type HashrateWindow = keyof typeof HASHRATE_WINDOWS_SEC

/** Hashes per second over each window. */
export type Hashrates = Readonly<Record<HashrateWindow, number>>

const WINDOWS = Object.keys(HASHRATE_WINDOWS_SEC) as HashrateWindow[]

/**
 * Hash rate from credited difficulty: exponentially decaying sums, divided by the part of each window that has been
 * observed, so that a miner of two minutes has a right hourly rate. Display only. Every call costs O(1).
 */
export class HashrateMeter {
  readonly #startedAtMs: SteadyMs
  #updatedAtMs: SteadyMs
  readonly #sums: Record<HashrateWindow, number> = { m1: 0, m5: 0, h1: 0, d1: 0 }

  constructor(options: { readonly startedAtMs: SteadyMs }) {
    this.#startedAtMs = options.startedAtMs
    this.#updatedAtMs = options.startedAtMs
  }

  /** @param difficulty credited, relative to bitcoin's difficulty 1 */
  credit(difficulty: number, nowMs: SteadyMs): void {
    const elapsedSec = secondsBetween(this.#updatedAtMs, nowMs)
    for (const window of WINDOWS) {
      this.#sums[window] = this.#sums[window] * Math.exp(-elapsedSec / HASHRATE_WINDOWS_SEC[window]) + difficulty
    }
    this.#updatedAtMs = nowMs
  }

  rates(nowMs: SteadyMs): Hashrates {
    return {
      m1: this.rate('m1', nowMs),
      m5: this.rate('m5', nowMs),
      h1: this.rate('h1', nowMs),
      d1: this.rate('d1', nowMs)
    }
  }

  rate(window: HashrateWindow, nowMs: SteadyMs): number {
    const spanSec = HASHRATE_WINDOWS_SEC[window]
    // A second at least: the first share of a connection says nothing about a rate yet.
    const observedSec = Math.max(1, secondsBetween(this.#startedAtMs, nowMs))
    const sum = this.#sums[window] * Math.exp(-secondsBetween(this.#updatedAtMs, nowMs) / spanSec)
    return (sum * HASHES_PER_DIFFICULTY) / (spanSec * -Math.expm1(-observedSec / spanSec))
  }
}

function secondsBetween(fromMs: SteadyMs, toMs: SteadyMs): number {
  return (toMs - fromMs) / 1000
}
