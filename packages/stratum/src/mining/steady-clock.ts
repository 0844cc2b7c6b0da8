import { type UnixMs, unixMs } from '@p2poolv2/primitives'

/**
 * The wall clock without its steps back: a time that never falls and runs on at the usual pace when the wall clock was
 * set back. Rates, grace periods and deadlines of a session are kept in it; what bitcoin judges is not.
 */
export class SteadyClock {
  #shiftMs = 0
  #lastMs: number

  constructor(wallMs: UnixMs) {
    this.#lastMs = wallMs
  }

  /** Takes note of the wall clock and gives the steady time. */
  take(wallMs: UnixMs): UnixMs {
    this.#shiftMs = Math.max(this.#shiftMs, this.#lastMs - wallMs)
    this.#lastMs = wallMs + this.#shiftMs
    return unixMs(this.#lastMs)
  }

  /** The steady time of a moment of the wall clock; takes no note. */
  at(wallMs: UnixMs): UnixMs {
    return unixMs(Math.max(wallMs + this.#shiftMs, this.#lastMs))
  }

  /** When the wall clock will show the given steady time. */
  wallAt(steadyMs: number): UnixMs {
    return unixMs(steadyMs - this.#shiftMs)
  }
}
