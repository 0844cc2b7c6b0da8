/** Which worker has which series. */
import { invariant } from '@p2poolv2/primitives'
import type { Series } from './rows.ts'

/**
 * Names kept. At the cap the one that was silent longest is forgotten: its numbers stay in the sums and under its id, but nothing says
 * any more whose they were.
 */
export const MAX_SERIES = 1024
/** Longer names, in UTF-16 units, have no series of their own: they count in the sums only. */
export const MAX_NAME_LENGTH = 200

export interface WorkerName {
  readonly address: string
  readonly worker: string
}

/** A worker's key; addresses have no dot, so no two workers share one. */
export function nameKey({ address, worker }: WorkerName): string {
  return `${address}.${worker}`
}

export class SeriesBook {
  /** By key, the one that was silent longest first. */
  readonly #byName = new Map<string, Series>()
  #nextId = 1

  constructor(known: readonly Series[]) {
    for (const series of [...known].sort((a, b) => a.lastSec - b.lastSec || a.id - b.id)) {
      this.#byName.set(nameKey(series), series)
      this.#nextId = Math.max(this.#nextId, series.id + 1)
    }
  }

  get all(): readonly Series[] {
    return [...this.#byName.values()].sort((a, b) => a.id - b.id)
  }

  /** The id a worker has without being heard now. */
  idOf(name: WorkerName): number | null {
    return this.#byName.get(nameKey(name))?.id ?? null
  }

  /**
   * A worker is heard from.
   * @returns null for a name that is too long; else its series, whether its row is to be written again, and the id of the one that was
   * forgotten for it
   */
  hear(name: WorkerName, sec: number): { series: Series; isChanged: boolean; forgotten: number | null } | null {
    if (name.address.length > MAX_NAME_LENGTH || name.worker.length > MAX_NAME_LENGTH) return null
    const key = nameKey(name)
    const known = this.#byName.get(key)
    if (known !== undefined) {
      this.#byName.delete(key)
      // To the hour: a row a minute for a time nobody reads to the second would be most of what is written.
      const isChanged = sec - known.lastSec >= 3600
      const series = isChanged ? { ...known, lastSec: sec } : known
      this.#byName.set(key, series)
      return { series, isChanged, forgotten: null }
    }
    const forgotten = this.#byName.size >= MAX_SERIES ? this.#forgetOldest() : null
    const series: Series = {
      id: this.#nextId++,
      address: name.address,
      worker: name.worker,
      firstSec: sec,
      lastSec: sec
    }
    this.#byName.set(key, series)
    return { series, isChanged: true, forgotten }
  }

  checkInvariants(): void {
    invariant(this.#byName.size <= MAX_SERIES, 'names are within their cap')
    invariant(new Set(this.all.map(({ id }) => id)).size === this.#byName.size, 'no two series share an id')
  }

  #forgetOldest(): number | null {
    const oldest = this.#byName.entries().next()
    if (oldest.done === true) return null
    this.#byName.delete(oldest.value[0])
    return oldest.value[1].id
  }
}
