import { type BlockHash, invariant, type SteadyMs, type Target, type UnixMs, unixMs } from '@p2poolv2/primitives'
import type {
  ExtranonceSpace,
  MinerIdentity,
  SessionDeps,
  SessionEffect,
  SessionEvent,
  SessionOptions,
  SessionRemains
} from '../contract.ts'
import { sessionTarget } from './difficulty.ts'
import { DifficultyControl } from './difficulty-control.ts'
import type { RefusalCode } from './refusals.ts'
import { RejectWatch } from './reject-watch.ts'
import type { Submit } from './submit.ts'
import { type Judged, SubmitDesk, type SubmitMoment } from './submit-desk.ts'
import { isSamePayee, WorkerNames } from './worker-names.ts'

/** Work is asked for when there was none for this long; cgminer gives a pool up after 90 s of silence. */
const KEEPALIVE_MS = 35_000

type WorkEvent = Extract<SessionEvent, { readonly type: 'work' }>

/** What the miner was last sent. */
interface Sent {
  readonly difficulty: number
  readonly target: Target
  readonly prevHash: string
  readonly atMs: SteadyMs
}

/** How a job is to be told to the miner. */
export interface Assignment {
  /** To be said before the job; null when the miner knows it. */
  readonly newDifficulty: number | null
  /** What the job's shares are checked against. */
  readonly difficulty: number
  /** 'clean': the miner drops what it has queued. */
  readonly jobs: 'clean' | 'keep'
}

/**
 * One miner's mining, whatever protocol it speaks: who it is, which jobs it has, what it is asked for and what its submits
 * are worth. Source: stratum §3 to §5.
 */
export class MiningChannel {
  readonly workers = new WorkerNames()
  readonly difficulty: DifficultyControl
  readonly #lastDifficulty: SessionDeps['lastDifficulty']
  readonly #desk: SubmitDesk
  /** Of the connection that this one resumes, until it is known who mines. */
  #remains: SessionRemains | null = null
  readonly #rejects = new RejectWatch()
  readonly #keepaliveMs: ((hashrateHps: number) => number) | null
  /** Null before the first job. */
  #sent: Sent | null = null
  #workAsked = false
  #workDueMs = Number.POSITIVE_INFINITY
  /** The next work repeats the difficulty and is clean. */
  #remind = false
  readonly #toldConflicts = new Set<boolean>()
  #accepted = 0
  #rejected = 0
  #lastAcceptedAtMs = 0
  #bestDifficulty = 0

  /** @param keepaliveMs how long a job is of use to a miner of this hash rate; null: `KEEPALIVE_MS`, whatever it has */
  constructor(
    options: SessionOptions,
    { sha256d, lastDifficulty }: SessionDeps,
    keepaliveMs: ((hashrateHps: number) => number) | null = null
  ) {
    this.#keepaliveMs = keepaliveMs
    this.difficulty = new DifficultyControl(options)
    this.#lastDifficulty = lastDifficulty
    this.#desk = new SubmitDesk(options.extranonce, { workers: this.workers, sha256d })
  }

  /** The first authorised worker, or null. */
  get identity(): MinerIdentity | null {
    return this.workers.identity
  }

  get accepted(): number {
    return this.#accepted
  }

  get rejected(): number {
    return this.#rejected
  }

  /** By the wall clock. */
  get lastAcceptedAtMs(): UnixMs | null {
    return this.#accepted === 0 ? null : unixMs(this.#lastAcceptedAtMs)
  }

  /** Highest difficulty that an accepted share reached; 0 before the first. */
  get bestDifficulty(): number {
    return this.#bestDifficulty
  }

  /** The oldest work a solution may still name, or null. */
  get oldestWorkId(): number | null {
    return this.#desk.jobs.oldestWorkId
  }

  get nextDeadlineMs(): number {
    return Math.min(this.difficulty.nextDeadlineMs ?? Number.POSITIVE_INFINITY, this.#workDueMs)
  }

  get extranonce(): ExtranonceSpace {
    return this.#desk.extranonce
  }

  /** Goes on where another connection ended. Before the first work. */
  resume(remains: SessionRemains): void {
    this.#desk.takeExtranonce(remains.extranonce)
    this.#remains = remains
    this.identified()
  }

  /** To be called when somebody was authorised: what is resumed goes to the same payee only. */
  identified(): void {
    const { identity } = this
    const remains = this.#remains
    if (remains === null || identity === null) return
    this.#remains = null
    if (isSamePayee(remains.identity, identity)) this.#desk.takeJobs(remains.jobs)
  }

  /** For a connection that resumes this one, which has ended; null when there is nothing that a submit could name. */
  remains(): Omit<SessionRemains, 'sessionId'> | null {
    const { identity, extranonce } = this
    const { jobs } = this.#desk
    // Nobody said who he is: the next one may.
    if (this.#remains !== null) return this.#remains
    return identity === null || jobs.size === 0 ? null : { extranonce, identity, jobs }
  }

  /** Judges a submit and puts it down. One that is refused is to be given to `reject` as well. */
  submit(submit: Submit, name: string, moment: SubmitMoment): Judged {
    const judged = this.#desk.judge(submit, name, moment)
    const { refusal, shown, reached } = judged
    if (shown > 0) this.difficulty.credit(shown, moment.steadyMs)
    if (refusal === null) {
      this.#accepted += 1
      this.#lastAcceptedAtMs = moment.wallMs
      this.#bestDifficulty = Math.max(this.#bestDifficulty, reached)
      this.#rejects.accepted()
    }
    return judged
  }

  /**
   * Puts down a submit that was refused, or could not be read.
   * @returns 'give-up': nothing will come of this connection any more
   */
  reject(code: RefusalCode | 'malformed', nowMs: SteadyMs): 'bear' | 'give-up' {
    this.#rejected += 1
    const advice = code === 'stale' ? this.#rejects.stale(nowMs) : this.#rejects.rejected(nowMs)
    if (advice === 'remind') this.#remind = true
    return advice === 'give-up' ? 'give-up' : 'bear'
  }

  /** Bitcoin has a new tip. */
  newBlock(prevHash: BlockHash, nowMs: SteadyMs): void {
    this.#desk.jobs.newBlock(prevHash, nowMs)
  }

  forgetWorksBefore(workId: number): void {
    this.#desk.jobs.forgetWorksBefore(workId)
  }

  /** Takes work for a miner that is known; from now on it may submit for it. */
  assign(event: WorkEvent, nowMs: SteadyMs): Assignment {
    const { job, limits } = event
    const { identity } = this
    invariant(identity !== null, 'work goes to whom it can be credited')
    if (this.difficulty.isStarted) this.difficulty.setLimits(limits, nowMs)
    else this.difficulty.start(limits, { last: this.#recall(identity), nowMs })

    const before = this.#sent
    const { difficulty } = this.difficulty
    const isSame = before?.difficulty === difficulty
    const target = isSame ? before.target : sessionTarget(difficulty)
    const { jobs } = this.#desk
    if (before !== null && difficulty < before.difficulty) jobs.regrade(difficulty, target)
    const isClean = event.cleanJobs || this.#remind || before?.prevHash !== job.work.prevHash
    jobs.forgetWorksBefore(event.oldestWorkId)
    jobs.add(job, { difficulty, target, nowMs })
    const newDifficulty = !isSame || this.#remind ? difficulty : null
    this.#sent = { difficulty, target, prevHash: job.work.prevHash, atMs: nowMs }
    this.#remind = false
    this.#workAsked = false
    this.#workDueMs = nowMs + (this.#keepaliveMs?.(this.difficulty.hashrateHps(nowMs)) ?? KEEPALIVE_MS)
    return { newDifficulty, difficulty, jobs: isClean ? 'clean' : 'keep' }
  }

  /** How a wish disagrees with what is useful, if that was not told before; of granted and refused wishes once each. */
  takeConflict(): Extract<SessionEffect, { readonly type: 'difficultyConflict' }> | null {
    const { conflict } = this.difficulty
    if (conflict === null || this.#toldConflicts.has(conflict.isGranted)) return null
    const { wanted: wantedDifficulty, useful: usefulDifficulty, isGranted } = conflict
    this.#toldConflicts.add(isGranted)
    return { type: 'difficultyConflict', wantedDifficulty, usefulDifficulty, isGranted }
  }

  handleDeadline(nowMs: SteadyMs): void {
    this.#desk.jobs.expire(nowMs)
    if (this.#sent !== null) this.difficulty.handleDeadline(nowMs, this.#sent.atMs)
  }

  /** Whether to ask for work now: once per need, and again when it was not met for the length of a keepalive. */
  takeNeed(nowMs: SteadyMs): boolean {
    const isNeeded = this.#remind || this.#sent?.difficulty !== this.difficulty.difficulty
    if (nowMs < this.#workDueMs && (this.#workAsked || !isNeeded)) return false
    this.#workAsked = true
    this.#workDueMs = nowMs + KEEPALIVE_MS
    return true
  }

  checkInvariants(nowMs: SteadyMs): void {
    this.#desk.jobs.checkInvariants()
    this.workers.checkInvariants()
    this.difficulty.checkInvariants(nowMs)
    invariant(this.#sent === null || this.identity !== null, 'work goes to whom it can be credited')
    invariant((this.#sent !== null) === this.difficulty.isStarted, 'the first work sets the first difficulty')
  }

  #recall(identity: MinerIdentity): number | null {
    return this.#lastDifficulty?.(identity, this.difficulty.says) ?? null
  }
}
