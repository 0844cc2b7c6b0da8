/** Parents remembered; beyond them the oldest that nobody waits for is forgotten, and its next block simply goes. */
export const MAX_PARENTS = 64

/** What to do now: hand one over, and tell others that they will not be. */
export interface GateDecision<T> {
  readonly goes: T | null
  readonly superseded: readonly T[]
}

interface Parent<T> {
  /** One is on its way and no node has said anything to it. */
  isUnheard: boolean
  /** The newest that came meanwhile. */
  kept: T | null
  /** The block of ours that a node has on this parent. */
  takenId: string | null
}

/**
 * Which of our blocks with one parent go to bitcoin. Only one of them can ever be in the chain, so:
 *
 * - while no node has said a word to the one that went last, the newest other is kept and the one kept before is given up;
 * - at a word that is not acceptance, or when the one that went has ended without any, the kept one goes;
 * - once a node has one of them, the others are given up.
 *
 * On a real chain this delays a second block by the time bitcoind takes to judge the first, and gives up what could not
 * earn anything any more; a third within that time is not to be expected. On a chain where hashes come faster than
 * bitcoind answers, it leaves of thousands of blocks two at a time.
 */
export class SiblingGate<T> {
  readonly #parents = new Map<string, Parent<T>>()

  /**
   * @param parent any name of the parent block
   * @param id of the block: one that was taken already may go again
   */
  offer(parent: string, id: string, block: T): GateDecision<T> {
    const place = this.#placeOf(parent)
    if (place.takenId === id) return { goes: block, superseded: [] }
    if (place.takenId !== null) return { goes: null, superseded: [block] }
    if (!place.isUnheard) {
      place.isUnheard = true
      return { goes: block, superseded: [] }
    }
    const superseded = keptBy(place)
    place.kept = block
    return { goes: null, superseded }
  }

  /** A word to the one that went last, other than acceptance, or its end. Each that went calls this once at most. */
  heard(parent: string): GateDecision<T> {
    const place = this.#placeOf(parent)
    const goes = place.kept
    place.kept = null
    place.isUnheard = goes !== null
    return { goes, superseded: [] }
  }

  /** A node has this one. */
  taken(parent: string, id: string): GateDecision<T> {
    const place = this.#placeOf(parent)
    const superseded = keptBy(place)
    place.takenId = id
    place.isUnheard = false
    place.kept = null
    return { goes: null, superseded }
  }

  #placeOf(parent: string): Parent<T> {
    const known = this.#parents.get(parent)
    if (known !== undefined) return known
    const place: Parent<T> = { isUnheard: false, kept: null, takenId: null }
    this.#parents.set(parent, place)
    if (this.#parents.size > MAX_PARENTS) {
      const idle = [...this.#parents].find(([, other]) => !other.isUnheard && other !== place)
      if (idle !== undefined) this.#parents.delete(idle[0])
    }
    return place
  }
}

function keptBy<T>({ kept }: Parent<T>): readonly T[] {
  return kept === null ? [] : [kept]
}
