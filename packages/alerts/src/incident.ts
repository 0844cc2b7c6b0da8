import type { SteadyMs } from '@p2poolv2/primitives'

export interface IncidentTimes {
  /** A trouble that is shorter than this is no incident. */
  readonly afterMs: number
  /** It is over when all has been well for so long. */
  readonly calmMs: number
}

/** What a look at one incident brought. */
export type IncidentTurn = 'begins' | 'ends' | null

/** One thing that may be wrong: told once when it has lasted, and once when it has been well again for a while. */
export class Incident {
  readonly #times: IncidentTimes
  #isOpen = false
  /** Since when it looks otherwise than it was told. */
  #turnedAtMs: SteadyMs | null = null

  constructor(times: IncidentTimes) {
    this.#times = times
  }

  get isOpen(): boolean {
    return this.#isOpen
  }

  look(isWrong: boolean, nowMs: SteadyMs): IncidentTurn {
    if (isWrong === this.#isOpen) {
      this.#turnedAtMs = null
      return null
    }
    this.#turnedAtMs ??= nowMs
    if (nowMs - this.#turnedAtMs < (isWrong ? this.#times.afterMs : this.#times.calmMs)) return null
    this.#isOpen = isWrong
    this.#turnedAtMs = null
    return isWrong ? 'begins' : 'ends'
  }
}
