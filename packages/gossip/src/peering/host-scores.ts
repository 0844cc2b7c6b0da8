import { BoundedMap, type SteadyMs, steadyMs } from '@p2poolv2/primitives'
import { DROP_POINTS, FORGIVE_MS } from '../peers/verdicts.ts'

/** Hosts with a score; at the cap the one that broke a rule first begins anew. */
export const MAX_SCORED_HOSTS = 1_024

/**
 * What came from a host against the rules, whichever names it had: a name costs nothing, and who goes before it is dropped may come
 * back under another. Points fade one at a time, as those of a peer.
 */
export class HostScores {
  /** When all points of a host will have faded. */
  readonly #fadedAtMs = new BoundedMap<string, SteadyMs>(MAX_SCORED_HOSTS)

  /** @returns whether that is as much as one peer may do; then the host begins anew */
  isEnough(hostKey: string, points: number, nowMs: SteadyMs): boolean {
    const fadedAtMs = steadyMs(Math.max(nowMs, this.#fadedAtMs.get(hostKey) ?? 0) + points * FORGIVE_MS)
    const isEnough = fadedAtMs - nowMs > (DROP_POINTS - 1) * FORGIVE_MS
    if (isEnough) this.#fadedAtMs.delete(hostKey)
    else this.#fadedAtMs.set(hostKey, fadedAtMs)
    return isEnough
  }

  checkInvariants(): void {
    this.#fadedAtMs.checkInvariants()
  }
}
