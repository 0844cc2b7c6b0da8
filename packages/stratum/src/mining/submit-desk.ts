import { EXTRANONCE_BYTES } from '@p2poolv2/bitcoin'
import { invariant, type Moment, type Sha256d } from '@p2poolv2/primitives'
import type { ExtranonceSpace, KeptJobs, SessionEffect } from '../contract.ts'
import { JobRegistry, type KnownJob } from './job-registry.ts'
import { creditOf, judgeSubmit } from './judge-submit.ts'
import { type Refusal, refusal } from './refusals.ts'
import type { Submit } from './submit.ts'
import { LastRoot, verifySubmit } from './verify-submit.ts'
import type { WorkerNames } from './worker-names.ts'

/** What one submit came to. */
export interface Judged {
  /** Null: accepted. */
  readonly refusal: Refusal | null
  /** '' when the submit cannot be put down to anybody. */
  readonly worker: string
  /** To be handed up whatever the refusal; null when there is none or it was handed up before. */
  readonly solution: Extract<SessionEffect, { readonly type: 'solution' }> | null
  /** Work shown, in difficulty: of an accepted submit, and of a stale one that would have been. Else 0. */
  readonly shown: number
  /** The difficulty that the hash of an accepted submit reaches, else 0. */
  readonly reached: number
}

/** Lives and graces are judged by the steady clock, header times by the wall's. */
export interface SubmitMoment extends Moment {
  /** u32: version bits the miner may roll now */
  readonly versionMask: number
}

export interface SubmitDeskDeps {
  readonly workers: WorkerNames
  readonly sha256d: Sha256d | undefined
}

/** Where the submits of one authorised connection are judged: its jobs and what was submitted for them. */
export class SubmitDesk {
  #jobs = new JobRegistry()
  #extranonce: ExtranonceSpace
  #lastRoot: LastRoot | null = null
  readonly #deps: SubmitDeskDeps

  constructor(extranonce: ExtranonceSpace, deps: SubmitDeskDeps) {
    checkSpace(extranonce)
    this.#extranonce = extranonce
    this.#deps = deps
  }

  get jobs(): JobRegistry {
    return this.#jobs
  }

  get extranonce(): ExtranonceSpace {
    return this.#extranonce
  }

  /** The connection goes on with the extranonce of another that has ended. Before its first job. */
  takeExtranonce(extranonce: ExtranonceSpace): void {
    invariant(this.#jobs.size === 0, 'an extranonce never changes under jobs')
    checkSpace(extranonce)
    this.#extranonce = extranonce
    this.#lastRoot = null
  }

  /** And with its jobs. Before the first of its own. */
  takeJobs(jobs: KeptJobs): void {
    invariant(jobs instanceof JobRegistry, 'what sessions leave is what sessions take')
    invariant(this.#jobs.size === 0, 'jobs are taken over before there are any')
    this.#jobs = jobs
  }

  /**
   * The header of every submit for a known job is tested for being a block or a share before anything can refuse it.
   * @param submit its extranonce has the length that the session settled
   * @param name the worker's, as sent
   */
  judge(submit: Submit, name: string, moment: SubmitMoment): Judged {
    const { workers } = this.#deps
    const { identity } = workers
    if (identity === null) return refused(refusal('unauthorised'), '')
    const worker = workers.resolve(name)
    const known = this.jobs.find(submit.jobId)
    if (known === null) return refused(refusal(worker === null ? 'unauthorised' : 'job-unknown'), worker ?? '')
    const judged = this.#judgeKnown(known, submit, { worker: worker ?? identity.worker, moment })
    return worker === null ? { ...judged, refusal: refusal('unauthorised'), worker: '', shown: 0, reached: 0 } : judged
  }

  #judgeKnown(
    known: KnownJob,
    submit: Submit,
    { worker, moment }: { readonly worker: string; readonly moment: SubmitMoment }
  ): Judged {
    const { versionMask } = moment
    const { prefix, minerBytes } = this.#extranonce
    this.#lastRoot ??= new LastRoot(minerBytes)
    const context = { extranoncePrefix: prefix, versionMask, lastRoot: this.#lastRoot, sha256d: this.#deps.sha256d }
    const verified = verifySubmit(known, submit, context)
    const { seen } = known.epoch
    const isDuplicate = seen.has(verified.hashWire)
    const isStale = this.jobs.isStale(known, moment.steadyMs)
    const refused = judgeSubmit({ known, submit, verified, versionMask, isStale, isDuplicate }, moment.wallMs)
    const hasShown = refused === null || (refused.code === 'stale' && verified.meetsSession && !isDuplicate)
    if (hasShown || verified.solution !== null) seen.add(verified.hashWire)
    return {
      refusal: refused,
      worker,
      solution:
        verified.solution === null || isDuplicate
          ? null
          : { type: 'solution', solution: verified.solution, difficulty: known.difficulty, worker },
      shown: hasShown ? creditOf({ known, verified }) : 0,
      reached: refused === null ? verified.hashDifficulty : 0
    }
  }
}

function checkSpace({ prefix, minerBytes }: ExtranonceSpace): void {
  invariant(prefix.length + minerBytes === EXTRANONCE_BYTES, "the node's and the miner's part make an extranonce")
}

function refused(why: Refusal, worker: string): Judged {
  return { refusal: why, worker, solution: null, shown: 0, reached: 0 }
}
