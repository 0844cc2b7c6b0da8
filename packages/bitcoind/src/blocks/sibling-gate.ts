/** Parents remembered; beyond them the oldest that nobody waits for is forgotten, and its next block simply goes. */
export const MAX_PARENTS = 64

/** What to do now: hand one over, and tell others that they will not be. */
export interface GateDecision<T> {
  readonly goes: T | null
  readonly superseded: readonly T[]
}

/** Ours on one parent that a node leaves open, and is asked about again: what one waits for, as the parent itself, all wait for. */
export const MAX_OPEN_SIBLINGS = 4

interface Parent<T> {
  /** One is on its way and no node has said anything to it. */
  isUnheard: boolean
  /** On their way, with a word to each that leaves it open and no other. */
  open: number
  /** The newest that came meanwhile. */
  kept: T | null
  /** The block of ours that a node has on this parent. */
  takenId: string | null
}

/**
 * Which of our blocks with one parent go to bitcoin. Only one of them can ever be in the chain, so:
 *
 * - while no node has said a word to the one that went last, the newest other is kept and the one kept before is given up;
 * - at a word that is not acceptance, or when the one that went has ended without any, the kept one goes, unless several are left open;
 * - once a node has one of them, the others are given up, until a node builds on the parent again.
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
    if (mayGo(place)) {
      place.isUnheard = true
      return { goes: block, superseded: [] }
    }
    const superseded = keptBy(place)
    place.kept = block
    return { goes: null, superseded }
  }

  /** One that may have been handed over before goes whatever there is beside it. */
  again(parent: string, block: T): GateDecision<T> {
    this.#placeOf(parent).isUnheard = true
    return { goes: block, superseded: [] }
  }

  /** The first word to one that went, or its end without any; acceptance is told by `taken` before. Each that went calls this once. */
  heard(parent: string, word: 'open' | 'final'): GateDecision<T> {
    const place = this.#placeOf(parent)
    place.isUnheard = false
    if (word === 'open') place.open += 1
    return next(place)
  }

  /** One that was left open is so no more. */
  closed(parent: string): GateDecision<T> {
    const place = this.#placeOf(parent)
    place.open = Math.max(0, place.open - 1)
    return next(place)
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

  /** A node builds on the parent: what it had of ours is not in its chain. */
  released(parent: string): void {
    const place = this.#parents.get(parent)
    if (place !== undefined) place.takenId = null
  }

  #placeOf(parent: string): Parent<T> {
    const known = this.#parents.get(parent)
    if (known !== undefined) return known
    const place: Parent<T> = { isUnheard: false, open: 0, kept: null, takenId: null }
    this.#parents.set(parent, place)
    if (this.#parents.size > MAX_PARENTS) {
      const idle = [...this.#parents].find(([, other]) => isIdle(other) && other !== place)
      if (idle !== undefined) this.#parents.delete(idle[0])
    }
    return place
  }
}

function mayGo<T>({ isUnheard, open }: Parent<T>): boolean {
  return !isUnheard && open < MAX_OPEN_SIBLINGS
}

function isIdle<T>({ isUnheard, open, kept }: Parent<T>): boolean {
  return !isUnheard && open === 0 && kept === null
}

function next<T>(place: Parent<T>): GateDecision<T> {
  const { kept } = place
  if (kept === null || !mayGo(place)) return { goes: null, superseded: [] }
  place.kept = null
  place.isUnheard = true
  return { goes: kept, superseded: [] }
}

function keptBy<T>({ kept }: Parent<T>): readonly T[] {
  return kept === null ? [] : [kept]
}
