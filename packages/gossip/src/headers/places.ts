import type { SteadyMs } from '@p2poolv2/primitives'
import type { PeerId } from '../network-port.ts'
import type { Pace } from './pace.ts'

/** Peers asked for headers at the same time. */
export const MAX_SESSIONS = 2

interface Occupant {
  readonly peer: PeerId
  readonly pace: Pace
}

/** Who is being asked for headers: one peer, a second when it keeps us waiting, and others in the place of slow ones. */
export class Places<S extends Occupant> {
  readonly #sessions = new Map<PeerId, S>()

  get size(): number {
    return this.#sessions.size
  }

  all(): IterableIterator<S> {
    return this.#sessions.values()
  }

  get(peer: PeerId): S | undefined {
    return this.#sessions.get(peer)
  }

  add(session: S): void {
    this.#sessions.set(session.peer, session)
  }

  delete(peer: PeerId): void {
    this.#sessions.delete(peer)
  }

  /** When there is a place for somebody, if need be by taking it from one that is overdue; perhaps in the past. */
  get freeAtMs(): number {
    const paces = [...this.#sessions.values()].map(({ pace }) => pace)
    if (paces.length === 0) return 0
    return Math.min(...paces.map(pace => (paces.length < MAX_SESSIONS ? pace.companyAtMs : pace.overdueAtMs)))
  }

  /** Who has to give way for one more; undefined if nobody. */
  inTheWay(nowMs: SteadyMs): S | undefined {
    if (this.#sessions.size < MAX_SESSIONS) return undefined
    return [...this.#sessions.values()].find(({ pace }) => pace.overdueAtMs <= nowMs)
  }

  /** Others that keep us waiting, out of patience, for longer than this one's last answer took. */
  slowerThan(session: S, nowMs: SteadyMs): S[] {
    return [...this.#sessions.values()].filter(
      other => other !== session && other.pace.isSlowerThan(session.pace, nowMs)
    )
  }
}
