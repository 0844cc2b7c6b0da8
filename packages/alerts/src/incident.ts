import type { SteadyMs } from '@p2poolv2/primitives'

export interface IncidentTimes {
  /** A trouble that is shorter than this is no incident. */
  readonly afterMs: number
  /** It is over when all has been well for so long. */
  readonly calmMs: number
}

const CALM_AFTER_START_MS = 300_000

/** What a look at one incident brought. */
export type IncidentTurn = 'begins' | 'ends' | null

/** One thing that may be wrong: told once when it has lasted, and once when it has been well again for a while. */
export class Incident {
  readonly #times: IncidentTimes
  #isOpen: boolean
  #calmMs: number
  /** Since when it looks otherwise than it was told. */
  #turnedAtMs: SteadyMs | null = null

  /** @param stood it was told before this start, and not that it was over: a node that has just started does not know yet what is wrong */
  constructor(times: IncidentTimes, stood = false) {
    this.#times = times
    this.#isOpen = stood
    this.#calmMs = stood ? Math.max(times.calmMs, CALM_AFTER_START_MS) : times.calmMs
  }

  get isOpen(): boolean {
    return this.#isOpen
  }

  look(isWrong: boolean, nowMs: SteadyMs): IncidentTurn {
    if (isWrong) this.#calmMs = this.#times.calmMs
    if (isWrong === this.#isOpen) {
      this.#turnedAtMs = null
      return null
    }
    this.#turnedAtMs ??= nowMs
    if (nowMs - this.#turnedAtMs < (isWrong ? this.#times.afterMs : this.#calmMs)) return null
    this.#isOpen = isWrong
    this.#turnedAtMs = null
    return isWrong ? 'begins' : 'ends'
  }
}
