import type { BlockHash, SteadyMs } from '@p2poolv2/primitives'
import { invariant } from '@p2poolv2/primitives'
import { JOB_LIFE_MS, MAX_JOBS, OLD_JOB_LIFE_MS } from '@p2poolv2/stratum'
import type { WorkTemplate } from './work-template.ts'

/**
 * Works kept. A session gets a job of every renewal and keeps `MAX_JOBS` jobs at most, so none of its jobs is of an older
 * work. At the cap the oldest goes.
 */
export const MAX_WORKS: number = MAX_JOBS
/**
 * Transactions in hex of the templates kept, in characters: 60 to 80 full blocks. Beyond it the oldest works go before
 * their time, but never the newest two. The jobs that name them are forgotten first, and their miners are told so when they
 * submit.
 */
export const MAX_TEMPLATE_CHARS: number = 256 * 1024 * 1024
const MIN_WORKS = 2

interface Kept {
  readonly work: WorkTemplate
  /** When newer work took its place: no job of it was given out after that. Null for the newest. */
  replacedAtMs: SteadyMs | null
}

export interface RecentWorksOptions {
  readonly maxTemplateChars?: number
}

/**
 * The works for which a miner may still hand in a solution, by id: the newest, and older ones for as long as any job of
 * theirs may live.
 *
 * Whoever gives out a job of the newest work tells `oldestId` along with it, to every session that has jobs; sessions
 * forget jobs of works before that. So a job never outlives its work, whatever makes works go.
 */
export class RecentWorks {
  readonly #maxTemplateChars: number
  /** In the order of their ids. */
  readonly #kept = new Map<number, Kept>()
  /** Characters by template and how many works have it. */
  readonly #templates = new Map<object, { readonly chars: number; works: number }>()
  #templateChars = 0
  /** The previous block of the newest work, and since when others are out of date. */
  #prevHash: BlockHash | null = null
  #prevHashSinceMs: SteadyMs | null = null

  constructor(options: RecentWorksOptions = {}) {
    this.#maxTemplateChars = options.maxTemplateChars ?? MAX_TEMPLATE_CHARS
  }

  get size(): number {
    return this.#kept.size
  }

  /** Null before the first. */
  get oldestId(): number | null {
    for (const id of this.#kept.keys()) return id
    return null
  }

  get(id: number): WorkTemplate | null {
    return this.#kept.get(id)?.work ?? null
  }

  /** Takes the newest work, and lets go of what no job can name any more. */
  add(work: WorkTemplate, nowMs: SteadyMs): void {
    const { id, prevHash } = work.mining
    let newest: Kept | null = null
    for (const kept of this.#kept.values()) newest = kept
    invariant(newest === null || newest.work.mining.id < id, 'work ids rise')
    if (newest !== null) newest.replacedAtMs = nowMs
    if (prevHash !== this.#prevHash) {
      this.#prevHash = prevHash
      this.#prevHashSinceMs = nowMs
    }
    this.#kept.set(id, { work, replacedAtMs: null })
    this.#count(work)
    for (const kept of this.#kept.values()) {
      if (!this.#isOver(kept, nowMs)) break
      this.#kept.delete(kept.work.mining.id)
      this.#uncount(kept.work)
    }
  }

  checkInvariants(): void {
    invariant(this.#kept.size <= MAX_WORKS, 'works are within their cap')
    let chars = 0
    let works = 0
    for (const template of this.#templates.values()) {
      chars += template.chars
      works += template.works
    }
    invariant(works === this.#kept.size && chars === this.#templateChars, 'templates of works are counted')
    const fits = this.#templateChars <= this.#maxTemplateChars
    invariant(fits || this.#kept.size <= MIN_WORKS, 'templates of works are within their cap')
  }

  #isOver({ work, replacedAtMs }: Kept, nowMs: SteadyMs): boolean {
    if (replacedAtMs === null) return false
    if (this.#kept.size > MAX_WORKS) return true
    if (this.#kept.size > MIN_WORKS && this.#templateChars > this.#maxTemplateChars) return true
    if (nowMs - replacedAtMs >= JOB_LIFE_MS) return true
    const isOld = work.mining.prevHash !== this.#prevHash
    return isOld && this.#prevHashSinceMs !== null && nowMs - this.#prevHashSinceMs >= OLD_JOB_LIFE_MS
  }

  #count({ template }: WorkTemplate): void {
    const counted = this.#templates.get(keyOf(template))
    if (counted !== undefined) {
      counted.works += 1
      return
    }
    const chars = template.transactions.reduce((sum, { dataHex }) => sum + dataHex.length, 0)
    this.#templates.set(keyOf(template), { chars, works: 1 })
    this.#templateChars += chars
  }

  #uncount({ template }: WorkTemplate): void {
    const counted = this.#templates.get(keyOf(template))
    invariant(counted !== undefined, 'the template of a work is counted')
    counted.works -= 1
    if (counted.works > 0) return
    this.#templates.delete(keyOf(template))
    this.#templateChars -= counted.chars
  }
}

/** A template from which transactions were left out has the rest in common with the whole one, and is no further burden. */
function keyOf(template: WorkTemplate['template']): object {
  return template.transactions[0] ?? template
}
