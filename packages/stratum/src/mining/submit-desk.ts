import type { Work } from '@p2poolv2/bitcoin'
import type { Sha256d, UnixMs } from '@p2poolv2/primitives'
import type { SessionEffect } from '../contract.ts'
import { REFUSALS, type Refusal } from '../v1/messages.ts'
import { parseSubmit, type Submit } from '../v1/parse-submit.ts'
import { JobRegistry, type KnownJob } from './job-registry.ts'
import { creditOf, judgeSubmit } from './judge-submit.ts'
import { verifySubmit } from './verify-submit.ts'
import type { WorkerNames } from './worker-names.ts'

/** What one submit came to. */
export interface Judged<W extends Work = Work> {
  /** Null: accepted. */
  readonly refusal: Refusal | null
  /** '' when the submit cannot be put down to anybody. */
  readonly worker: string
  /** To be handed up whatever the refusal; null when there is none or it was handed up before. */
  readonly solution: Extract<SessionEffect<W>, { readonly type: 'solution' }> | null
  /** Work shown, in difficulty: of an accepted submit, and of a stale one that would have been. Else 0. */
  readonly shown: number
  /** The difficulty that the hash of an accepted submit reaches, else 0. */
  readonly reached: number
}

export interface SubmitMoment {
  /** For lives and graces: never steps back. */
  readonly steadyMs: UnixMs
  /** For header times. */
  readonly wallMs: UnixMs
  /** u32: version bits the miner may roll now */
  readonly versionMask: number
}

/** Where the submits of one authorised connection are judged: its jobs and what was submitted for them. */
export class SubmitDesk<W extends Work = Work> {
  readonly jobs = new JobRegistry<W>()
  readonly #extranonce1: Uint8Array
  readonly #sha256d: Sha256d | undefined
  readonly #workers: WorkerNames

  constructor(extranonce1: Uint8Array, workers: WorkerNames, sha256d: Sha256d | undefined) {
    this.#extranonce1 = extranonce1
    this.#workers = workers
    this.#sha256d = sha256d
  }

  /**
   * Judges the parameters of one `mining.submit`. The header of every well-formed submit for a known job is tested for
   * being a block or a share before anything can refuse it.
   */
  judge(params: unknown, moment: SubmitMoment): Judged<W> {
    const { identity } = this.#workers
    if (identity === null) return refused(REFUSALS.unauthorised, '')
    const submit = parseSubmit(params)
    if ('code' in submit) return refused(submit, identity.worker)
    const worker = this.#workers.resolve(submit.name)
    const known = this.jobs.find(submit.jobId)
    if (known === null) return refused(worker === null ? REFUSALS.unauthorised : REFUSALS.jobNotFound, worker ?? '')
    const judged = this.#judgeKnown(known, submit, { ...moment, worker: worker ?? identity.worker })
    return worker === null ? { ...judged, refusal: REFUSALS.unauthorised, worker: '', shown: 0, reached: 0 } : judged
  }

  #judgeKnown(known: KnownJob<W>, submit: Submit, moment: SubmitMoment & { readonly worker: string }): Judged<W> {
    const { worker, versionMask, steadyMs, wallMs } = moment
    const context = { extranonce1: this.#extranonce1, versionMask, sha256d: this.#sha256d }
    const verified = verifySubmit(known, submit, context)
    const { seen } = known.epoch
    const isDuplicate = seen.has(verified.key)
    const isStale = this.jobs.isStale(known, steadyMs)
    const refusal = judgeSubmit({ known, submit, verified, versionMask, isStale, isDuplicate }, wallMs)

    const hasShown = refusal === null || (refusal === REFUSALS.stale && verified.meetsSession && !isDuplicate)
    if (hasShown || verified.solution !== null) seen.add(verified.key)
    return {
      refusal,
      worker,
      solution:
        verified.solution === null || isDuplicate
          ? null
          : { type: 'solution', solution: verified.solution, difficulty: known.difficulty, worker },
      shown: hasShown ? creditOf({ known, verified }) : 0,
      reached: refusal === null ? verified.hashDifficulty : 0
    }
  }
}

function refused(refusal: Refusal, worker: string): Judged<never> {
  return { refusal, worker, solution: null, shown: 0, reached: 0 }
}
