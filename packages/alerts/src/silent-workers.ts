import type { WorkerSight } from './sight.ts'

/** Workers watched. The node remembers at most as many; at the cap the one heard longest ago is let go. */
export const MAX_WATCHED = 20_000

/** Who fell silent and who is back, of one look. */
export interface SilenceTurn {
  readonly silent: readonly string[]
  readonly back: readonly string[]
}

/**
 * Miners that were at work and have had nothing accepted for a while. One that was silent when it was first seen is nobody's news:
 * it is watched from its next submit on.
 */
export class SilentWorkers {
  readonly #silentSec: number
  /** By id; true while it is silent and that has been told. */
  readonly #watched = new Map<string, boolean>()

  /** @param stood ids of those whose silence was told before this start */
  constructor(silentSec: number, stood: readonly string[] = []) {
    this.#silentSec = silentSec
    for (const id of stood) this.#watched.set(id, true)
  }

  /** Ids of those that are silent now. */
  get silent(): readonly string[] {
    return [...this.#watched].flatMap(([id, isTold]) => (isTold ? [id] : []))
  }

  /** @returns names, in the order in which the workers were given */
  look(workers: readonly WorkerSight[], nowSec: number): SilenceTurn {
    const silent: string[] = []
    const back: string[] = []
    const present = new Set<string>()
    for (const { id, name, lastAcceptedSec } of workers) {
      if (lastAcceptedSec === null) continue
      present.add(id)
      const isTold = this.#watched.get(id)
      if (nowSec - lastAcceptedSec < this.#silentSec) {
        this.#watched.delete(id)
        this.#watched.set(id, false)
        if (isTold === true) back.push(name)
      } else if (isTold === false) {
        this.#watched.set(id, true)
        silent.push(name)
      }
    }
    // Who is not listed any more was gone for a week: that was told when it began.
    for (const id of this.#watched.keys()) if (!present.has(id)) this.#watched.delete(id)
    for (const id of this.#watched.keys()) {
      if (this.#watched.size <= MAX_WATCHED) break
      this.#watched.delete(id)
    }
    return { silent, back }
  }
}
