import type { BlockTemplate, MiningWork } from '@p2poolv2/bitcoin'
import { type Moment, type SteadyMs, secFromMs, type UnixMs } from '@p2poolv2/primitives'

/** Less is a slow answer or a clock that drifts a little, and harms nobody. */
const WORTH_SAYING_SEC = 120
/** A clock is believed after it has stood against the share chain for so long with nothing else against it: some jump and are set right. */
export const BELIEVED_AFTER_MS = 60_000

/**
 * Holds our clock against bitcoind's, which stands in its templates: with minutes between them miners' times are judged wrongly, and the
 * shares made here are too late or too early for peers. Which of the two is wrong is not known here.
 */
export class ClockWatch {
  #differenceSec: number | null = null
  #behindSinceMs: SteadyMs | null = null

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

  /**
   * Looks at work just made, and at whether the share chain holds what is dated ahead. If it does, either that or our clock is wrong.
   * @returns whether it is the chain: bitcoind's clock is with ours, the newest bitcoin blocks are not later, and it has been so for a while
   */
  isChainAhead(hasAhead: boolean, { timeSec, minTimeSec }: MiningWork, now: Moment): boolean {
    const wallSec = secFromMs(now.wallMs)
    const isWithUs = timeSec === minTimeSec || Math.abs(wallSec - timeSec) < WORTH_SAYING_SEC
    if (!hasAhead || minTimeSec > wallSec + 1 || !isWithUs) {
      this.#behindSinceMs = null
      return false
    }
    this.#behindSinceMs ??= now.steadyMs
    return now.steadyMs - this.#behindSinceMs >= BELIEVED_AFTER_MS
  }
}
