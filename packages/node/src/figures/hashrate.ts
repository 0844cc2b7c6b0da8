import type { SteadyMs } from '@p2poolv2/primitives'
import { HASHES_PER_DIFFICULTY, steadyMs } from '@p2poolv2/primitives'

/**
 * How far back each average looks, in seconds: its weights fall to 1/e over that time. Spans and decay are those that CKPool's users know;
 * its formula is the same average in the limit of small steps.
 */
export const HASHRATE_WINDOWS_SEC = {
  m1: 60,
  m5: 300,
  m15: 900,
  h1: 3_600,
  h6: 21_600,
  d1: 86_400,
  d7: 604_800
} as const

export type HashrateWindow = keyof typeof HASHRATE_WINDOWS_SEC

/** Hashes per second over each window. */
export type Hashrates = Readonly<Record<HashrateWindow, number>>

const WINDOWS = Object.keys(HASHRATE_WINDOWS_SEC) as HashrateWindow[]
/** The same in the order of `WINDOWS`. */
const SPANS_SEC = Float64Array.from(WINDOWS, window => HASHRATE_WINDOWS_SEC[window])

/** What comes within this time of the last decay waits for the next. */
const STEP_MS = 1_000

/** A meter as it was at some moment. Times are as far back from it as they are. */
export interface HashrateRecord {
  /** Since it began. */
  readonly observedMs: number
  /** Decayed to that moment, in the order of `HASHRATE_WINDOWS_SEC`. */
  readonly sums: readonly number[]
}

/**
 * Hash rate from credited difficulty: exponentially decaying sums, divided by the part of each window that has been
 * observed, so that a miner of two minutes has a right hourly rate. Display only. Every call costs O(1).
 */
export class HashrateMeter {
  #startedAtMs: SteadyMs
  #updatedAtMs: SteadyMs
  /** In the order of `WINDOWS`. */
  readonly #sums = new Float64Array(WINDOWS.length)
  /** Credited since the last decay, and in no sum yet. */
  #pending = 0

  constructor(options: { readonly startedAtMs: SteadyMs }) {
    this.#startedAtMs = options.startedAtMs
    this.#updatedAtMs = options.startedAtMs
  }

  /** @param difficulty credited, relative to bitcoin's difficulty 1 */
  credit(difficulty: number, nowMs: SteadyMs): void {
    this.#pending += difficulty
    if (nowMs - this.#updatedAtMs >= STEP_MS) this.#decayTo(nowMs)
  }

  rates(nowMs: SteadyMs): Hashrates {
    const rate = (window: HashrateWindow): number => this.rate(window, nowMs)
    return {
      m1: rate('m1'),
      m5: rate('m5'),
      m15: rate('m15'),
      h1: rate('h1'),
      h6: rate('h6'),
      d1: rate('d1'),
      d7: rate('d7')
    }
  }

  rate(window: HashrateWindow, nowMs: SteadyMs): number {
    const spanSec = HASHRATE_WINDOWS_SEC[window]
    // A second at least: the first share of a connection says nothing about a rate yet.
    const observedSec = Math.max(1, secondsBetween(this.#startedAtMs, nowMs))
    const sum =
      (this.#sums[WINDOWS.indexOf(window)] as number) * Math.exp(-secondsBetween(this.#updatedAtMs, nowMs) / spanSec) +
      this.#pending
    return (sum * HASHES_PER_DIFFICULTY) / (spanSec * -Math.expm1(-observedSec / spanSec))
  }

  record(nowMs: SteadyMs): HashrateRecord {
    this.#decayTo(nowMs)
    return { observedMs: nowMs - this.#startedAtMs, sums: [...this.#sums] }
  }

  /** Takes up a record made `agoMs` ago: nothing was mined since. */
  restore({ observedMs, sums }: HashrateRecord, agoMs: number, nowMs: SteadyMs): void {
    this.#startedAtMs = steadyMs(nowMs - agoMs - observedMs)
    this.#updatedAtMs = steadyMs(nowMs - agoMs)
    this.#pending = 0
    for (let i = 0; i < this.#sums.length; i++) this.#sums[i] = sums[i] ?? 0
  }

  #decayTo(nowMs: SteadyMs): void {
    const elapsedSec = secondsBetween(this.#updatedAtMs, nowMs)
    for (let i = 0; i < this.#sums.length; i++) {
      const faded = (this.#sums[i] as number) * Math.exp(-elapsedSec / (SPANS_SEC[i] as number))
      this.#sums[i] = faded + this.#pending
    }
    this.#pending = 0
    this.#updatedAtMs = nowMs
  }
}

function secondsBetween(fromMs: SteadyMs, toMs: SteadyMs): number {
  return (toMs - fromMs) / 1000
}
