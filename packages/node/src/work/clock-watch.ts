import type { BlockTemplate } from '@p2poolv2/bitcoin'
import { secFromMs, type UnixMs } from '@p2poolv2/primitives'

/** Less is a slow answer or a clock that drifts a little, and harms nobody. */
const WORTH_SAYING_SEC = 120

/**
 * Holds our clock against bitcoind's, which stands in its templates: with minutes between them miners' times are judged wrongly, and the
 * shares made here are too late or too early for peers. Which of the two is wrong is not known here.
 */
export class ClockWatch {
  #differenceSec: number | null = null

  /** How far our clock is ahead of bitcoind's; null while they agree. */
  get differenceSec(): number | null {
    return this.#differenceSec
  }

  /** @returns the difference when it is worth saying and was not said before */
  compare({ curTimeSec, minTimeSec }: BlockTemplate, wallMs: UnixMs): number | null {
    // Where blocks come by the second a template's time is the least that the chain allows, and no clock's.
    if (curTimeSec === minTimeSec) return null
    const differenceSec = secFromMs(wallMs) - curTimeSec
    const before = this.#differenceSec
    this.#differenceSec = Math.abs(differenceSec) < WORTH_SAYING_SEC ? null : differenceSec
    return before === null ? this.#differenceSec : null
  }
}
