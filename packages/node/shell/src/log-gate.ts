import type { SteadyMs } from '@p2poolv2/primitives'

/** Lines of one kind let through at once; after them one in each gap, so that no miner or peer can fill the log. */
export const LINES_AT_ONCE = 6
export const LINE_GAP_MS = 10_000

interface Kind {
  /** When as many lines as at first may come at once again. */
  restedAtMs: number
  suppressed: number
}

/**
 * Lets a few lines of each kind through and counts the rest. What goes on without end is heard of in every gap: a log that falls
 * silent for the rest of a minute looks like a node that does nothing. Kinds are constants of our own.
 */
export class LogGate {
  readonly #kinds = new Map<string, Kind>()

  /** @returns null to keep the line back; else how many lines of the kind were kept back since the last that passed */
  pass(kind: string, nowMs: SteadyMs): { readonly suppressed: number } | null {
    let state = this.#kinds.get(kind)
    if (state === undefined) {
      state = { restedAtMs: nowMs, suppressed: 0 }
      this.#kinds.set(kind, state)
    }
    if (state.restedAtMs - nowMs > (LINES_AT_ONCE - 1) * LINE_GAP_MS) {
      state.suppressed += 1
      return null
    }
    state.restedAtMs = Math.max(state.restedAtMs, nowMs) + LINE_GAP_MS
    const { suppressed } = state
    state.suppressed = 0
    return { suppressed }
  }
}
