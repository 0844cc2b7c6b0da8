import type { SteadyMs } from '@p2poolv2/primitives'

/** Lines of one kind let through in a minute, so that no miner or peer can fill the log. */
export const LINES_PER_MINUTE = 6

const MINUTE_MS = 60_000

interface Minute {
  startedAtMs: SteadyMs
  passed: number
  suppressed: number
}

/** Lets a few lines of each kind through per minute and counts the rest. Kinds are constants of our own. */
export class LogGate {
  readonly #minutes = new Map<string, Minute>()

  /**
   * @returns null to keep the line back; else how many lines of the kind were kept back since the last minute in which
   * one passed
   */
  pass(kind: string, nowMs: SteadyMs): { readonly suppressed: number } | null {
    let minute = this.#minutes.get(kind)
    if (minute === undefined) {
      minute = { startedAtMs: nowMs, passed: 0, suppressed: 0 }
      this.#minutes.set(kind, minute)
    }
    if (nowMs - minute.startedAtMs >= MINUTE_MS) {
      minute.startedAtMs = nowMs
      minute.passed = 0
    }
    if (minute.passed >= LINES_PER_MINUTE) {
      minute.suppressed += 1
      return null
    }
    minute.passed += 1
    const { suppressed } = minute
    minute.suppressed = 0
    return { suppressed }
  }
}
