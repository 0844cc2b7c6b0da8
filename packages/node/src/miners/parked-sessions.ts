import { type BlockHash, BoundedMap, invariant, type SteadyMs } from '@p2poolv2/primitives'
import type { SessionRemains } from '@p2poolv2/stratum'

/** Ended connections kept for who comes back: all of a node that lost its line for a moment. At the cap the oldest goes. */
export const MAX_PARKED_SESSIONS = 2_048
/** Jobs live no longer. */
const KEEP_MS = 600_000

interface Parked {
  readonly remains: SessionRemains
  readonly extranoncePrefix: number
  readonly atMs: SteadyMs
}

/**
 * Connections that ended, by session id, for whoever resumes them: the same extranonce, so that what chips are hashing stays good,
 * and the jobs with what was submitted for them. As long as one is kept its extranonce is given to nobody else.
 */
export class ParkedSessions {
  readonly #byId = new BoundedMap<string, Parked>(MAX_PARKED_SESSIONS)
  readonly #prefixes = new Set<number>()

  /** Whether a connection that may be resumed has this extranonce. */
  hasPrefix(extranoncePrefix: number): boolean {
    return this.#prefixes.has(extranoncePrefix)
  }

  park(remains: SessionRemains, extranoncePrefix: number, nowMs: SteadyMs): void {
    this.#expire(nowMs)
    this.#remove(remains.sessionId)
    const dropped = this.#byId.set(remains.sessionId, { remains, extranoncePrefix, atMs: nowMs })
    if (dropped !== null) this.#prefixes.delete(dropped.value.extranoncePrefix)
    this.#prefixes.add(extranoncePrefix)
  }

  /**
   * Takes a session out, once.
   * @param oldestWorkId jobs of older works are forgotten: who solved one could not be told
   */
  take(sessionId: string, { oldestWorkId, nowMs }: { oldestWorkId: number | null; nowMs: SteadyMs }): Parked | null {
    this.#expire(nowMs)
    const parked = this.#byId.get(sessionId)
    if (parked === undefined) return null
    this.#remove(sessionId)
    const { jobs } = parked.remains
    jobs.expire(nowMs)
    jobs.forgetWorksBefore(oldestWorkId ?? Number.POSITIVE_INFINITY)
    return parked
  }

  /** Bitcoin has a new tip: jobs of parked sessions go stale like all others. */
  newBlock(prevHash: BlockHash, nowMs: SteadyMs): void {
    this.#expire(nowMs)
    for (const { remains } of this.#byId.values()) remains.jobs.newBlock(prevHash, nowMs)
  }

  checkInvariants(): void {
    this.#byId.checkInvariants()
    invariant(this.#prefixes.size === this.#byId.size, 'every parked session has an extranonce of its own')
    for (const { extranoncePrefix, remains } of this.#byId.values()) {
      invariant(this.#prefixes.has(extranoncePrefix), 'the extranonce of a parked session is taken')
      remains.jobs.checkInvariants()
    }
  }

  #expire(nowMs: SteadyMs): void {
    for (const [sessionId, { atMs }] of this.#byId.entries()) {
      if (nowMs - atMs < KEEP_MS) return
      this.#remove(sessionId)
    }
  }

  #remove(sessionId: string): void {
    const parked = this.#byId.get(sessionId)
    if (parked === undefined) return
    this.#byId.delete(sessionId)
    this.#prefixes.delete(parked.extranoncePrefix)
  }
}
