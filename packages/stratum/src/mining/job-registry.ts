import type { Job } from '@p2poolv2/bitcoin'
import { type BlockHash, invariant, type SteadyMs, type Target } from '@p2poolv2/primitives'
import { SeenHashes } from './seen-hashes.ts'

/** Jobs of one connection. At the cap the oldest is forgotten: at a job per 10 s that is after ten minutes. */
export const MAX_JOBS = 64
/** A job on the current previous block is known for this long. */
export const JOB_LIFE_MS = 600_000
/** Jobs of a superseded previous block stay known for this long, to be tested as blocks. */
export const OLD_JOB_LIFE_MS = 60_000
/** What was on its way while a new block was announced is still accepted. */
export const STALE_GRACE_MS = 3_000
/**
 * Submits remembered per previous block; at the cap the oldest is forgotten. At two a second, the most that vardiff
 * lets pass for long, that is after half an hour: the job of a forgotten submit is then unknown itself.
 */
export const MAX_SEEN_SUBMITS = 4_096

/** All jobs of one connection that build on the same block. */
class Epoch {
  readonly prevHash: BlockHash
  /** Null while current. */
  superseded: { readonly atMs: SteadyMs; readonly by: BlockHash; staleFromMs: number } | null = null
  jobs = 0
  #seen: SeenHashes | null = null

  constructor(prevHash: BlockHash) {
    this.prevHash = prevHash
  }

  /** Solved or credited headers, so that none counts twice, whatever job it names. Most miners find nothing before the next block. */
  get seen(): SeenHashes {
    this.#seen ??= new SeenHashes(MAX_SEEN_SUBMITS)
    return this.#seen
  }
}

/** A job as sent to this miner. */
export interface KnownJob {
  readonly job: Job
  readonly sentAtMs: SteadyMs
  /** What its shares are checked against and credited with. */
  difficulty: number
  target: Target
  readonly epoch: Epoch
}

/** The jobs one miner may still submit for. Source: stratum §3.4, §3.5, §3.7. */
export class JobRegistry {
  /** In the order sent. They are few, and it is mostly the last one that is looked for. */
  readonly #jobs: KnownJob[] = []
  readonly #epochs = new Map<BlockHash, Epoch>()
  #current: Epoch | null = null
  /** Until then no job's life ends: jobs are added far more often than one is over. */
  #nextEndMs = Number.POSITIVE_INFINITY

  get size(): number {
    return this.#jobs.length
  }

  /** The previous block of current work, or null before any. */
  get prevHash(): BlockHash | null {
    return this.#current?.prevHash ?? null
  }

  /** The job is being sent to the miner now, and has an id that none before it had. Its previous block becomes the current one. */
  add(job: Job, { difficulty, target, nowMs }: { difficulty: number; target: Target; nowMs: SteadyMs }): void {
    // Not looked for among all: with a job every ten seconds that would be most of what a renewal costs.
    invariant(this.#jobs.at(-1)?.job.id !== job.id, 'every job has a new id')
    this.newBlock(job.work.prevHash, nowMs)
    const epoch = this.#current
    invariant(epoch !== null, 'a new block is current')
    if (epoch.jobs === 0) this.#restartGrace(epoch.prevHash, nowMs)
    this.expire(nowMs)
    this.#dropOldest(this.#jobs.length - MAX_JOBS + 1)
    epoch.jobs += 1
    this.#jobs.push({ job, sentAtMs: nowMs, difficulty, target, epoch })
    this.#nextEndMs = Math.min(this.#nextEndMs, nowMs + JOB_LIFE_MS)
  }

  /** The work of the oldest job, or null without jobs. */
  get oldestWorkId(): number | null {
    return this.#jobs[0]?.job.work.id ?? null
  }

  find(jobId: string): KnownJob | null {
    for (let at = this.#jobs.length - 1; at >= 0; at--) {
      const known = this.#jobs[at] as KnownJob
      if (known.job.id === jobId) return known
    }
    return null
  }

  /** Bitcoin's tip is `prevHash`: what builds on other blocks goes stale after the grace. */
  newBlock(prevHash: BlockHash, nowMs: SteadyMs): void {
    if (this.#current?.prevHash === prevHash) return
    const epoch = this.#epochs.get(prevHash) ?? new Epoch(prevHash)
    this.#epochs.set(prevHash, epoch)
    epoch.superseded = null
    const before = this.#current
    this.#current = epoch
    if (before !== null) {
      before.superseded = { atMs: nowMs, by: prevHash, staleFromMs: nowMs + STALE_GRACE_MS }
      this.#nextEndMs = Math.min(this.#nextEndMs, nowMs + OLD_JOB_LIFE_MS)
      this.#forgetIfUnused(before)
    }
    this.expire(nowMs)
  }

  isStale(known: KnownJob, nowMs: SteadyMs): boolean {
    return known.epoch.superseded !== null && nowMs >= known.epoch.superseded.staleFromMs
  }

  /** Older jobs become as easy as the new difficulty: part of the firmware applies it to them at once. */
  regrade(difficulty: number, target: Target): void {
    for (const known of this.#jobs) {
      if (known.difficulty <= difficulty) continue
      known.difficulty = difficulty
      known.target = target
    }
  }

  /** Works before this one are not kept any longer: who solved a job of theirs could not be told to anybody. */
  forgetWorksBefore(workId: number): void {
    const kept = this.#jobs.findIndex(({ job }) => job.work.id >= workId)
    this.#dropOldest(kept < 0 ? this.#jobs.length : kept)
  }

  /** Forgets jobs past their life, and previous blocks without jobs. */
  expire(nowMs: SteadyMs): void {
    if (nowMs < this.#nextEndMs) return
    this.#nextEndMs = Number.POSITIVE_INFINITY
    let kept = 0
    for (const known of this.#jobs) {
      const endMs = endOf(known)
      if (nowMs >= endMs) this.#forget(known)
      else {
        this.#nextEndMs = Math.min(this.#nextEndMs, endMs)
        this.#jobs[kept++] = known
      }
    }
    this.#jobs.length = kept
  }

  checkInvariants(): void {
    invariant(this.#jobs.length <= MAX_JOBS, 'jobs are within their cap')
    invariant(this.#epochs.size <= MAX_JOBS + 1, 'a previous block is remembered for its jobs')
    let jobs = 0
    let workId = 0
    for (const [prevHash, epoch] of this.#epochs) {
      jobs += epoch.jobs
      invariant(prevHash === epoch.prevHash, 'a previous block is found by its hash')
      invariant((epoch.superseded === null) === (epoch === this.#current), 'one previous block is current')
    }
    invariant(jobs === this.#jobs.length, 'every job belongs to a remembered previous block')
    for (const known of this.#jobs) {
      const { job, epoch, difficulty } = known
      invariant(
        this.find(job.id) === known && this.#epochs.get(job.work.prevHash) === epoch,
        'a job is where it belongs'
      )
      invariant(difficulty > 0, 'a job has a difficulty')
      invariant(job.work.id >= workId, 'jobs come in the order of their works')
      workId = job.work.id
      invariant(endOf(known) >= this.#nextEndMs, 'no job is over unnoticed')
    }
  }

  /** Only now the miner hears of the new block, so only now the grace begins. */
  #restartGrace(current: BlockHash, nowMs: SteadyMs): void {
    for (const { superseded } of this.#epochs.values()) {
      if (superseded?.by === current) superseded.staleFromMs = nowMs + STALE_GRACE_MS
    }
  }

  #dropOldest(count: number): void {
    if (count <= 0) return
    for (let at = 0; at < count; at++) this.#forget(this.#jobs[at] as KnownJob)
    this.#jobs.splice(0, count)
  }

  /** Takes it off its epoch; it is taken off the list by who calls. */
  #forget({ epoch }: KnownJob): void {
    epoch.jobs -= 1
    this.#forgetIfUnused(epoch)
  }

  #forgetIfUnused(epoch: Epoch): void {
    if (epoch.jobs === 0 && epoch !== this.#current) this.#epochs.delete(epoch.prevHash)
  }
}

function endOf({ sentAtMs, epoch }: KnownJob): number {
  const ofAge = sentAtMs + JOB_LIFE_MS
  return epoch.superseded === null ? ofAge : Math.min(ofAge, epoch.superseded.atMs + OLD_JOB_LIFE_MS)
}
