import { EXTRANONCE1_BYTES, type Work } from '@p2poolv2/bitcoin'
import { invariant, type Target, type UnixMs } from '@p2poolv2/primitives'
import type {
  CloseReason,
  MinerIdentity,
  SessionDeps,
  SessionEffect,
  SessionEvent,
  SessionOptions
} from '../contract.ts'
import { difficultyText, sessionTarget } from '../mining/difficulty.ts'
import { DifficultyControl } from '../mining/difficulty-control.ts'
import { RejectWatch } from '../mining/reject-watch.ts'
import { SteadyClock } from '../mining/steady-clock.ts'
import { type Judged, SubmitDesk } from '../mining/submit-desk.ts'
import { difficultyOfSuggestedTarget, suggestedDifficulty } from './difficulty-hints.ts'
import { Login } from './login.ts'
import {
  invalidRequestLine,
  type MinerMessage,
  NOT_JSON_LINE,
  parseMessage,
  REFUSALS,
  refusalLine,
  resultLine,
  setDifficultyLine,
  unknownMethodLine
} from './messages.ts'
import { notifyLine } from './notify-line.ts'
import { Outbox } from './outbox.ts'

/** Work is asked for when there was none for this long; cgminer gives a pool up after 90 s of silence. */
const KEEPALIVE_MS = 35_000
/** What a connection may do wrong before it is closed: this many unknown methods, or a fifth as many wrong requests. */
const MAX_NUISANCE = 100
const INVALID_REQUEST_NUISANCE = 20

/** Answered with silence: cgminer counts an answer it does not expect as a share (stratum §2.17). */
const SILENT_METHODS: ReadonlySet<string> = new Set([
  'mining.multi_version',
  'mining.capabilities',
  'mining.pong',
  'pong'
])

type Request = Extract<MinerMessage, { readonly kind: 'request' }>
type WorkEvent<W extends Work> = Extract<SessionEvent<W>, { readonly type: 'work' }>

/** What the miner was last sent. */
interface Sent {
  readonly difficulty: number
  readonly target: Target
  readonly prevHash: string
  readonly atMs: UnixMs
}

const NOT_SUBSCRIBED: Judged<never> = {
  refusal: REFUSALS.notSubscribed,
  worker: '',
  solution: null,
  shown: 0,
  reached: 0
}

/** One miner's connection. Source: stratum §2 to §5. */
export class Session<W extends Work = Work> {
  readonly remote: string
  readonly #deps: SessionDeps
  readonly #login: Login
  readonly #difficulty: DifficultyControl
  readonly #desk: SubmitDesk<W>
  readonly #clock: SteadyClock
  readonly #rejects = new RejectWatch()
  readonly #out = new Outbox<W>()
  #wallMs: UnixMs
  #isClosed = false
  /** Null before the first job. */
  #sent: Sent | null = null
  #workAsked = false
  #workDueMs = Number.POSITIVE_INFINITY
  /** The next work repeats the difficulty and is clean. */
  #remind = false
  #nuisance = 0
  /** Authorised before subscribing; bounded as worker names are. */
  #unannounced: MinerIdentity[] = []
  #accepted = 0
  #rejected = 0
  #lastAcceptedAtMs: UnixMs | null = null
  #bestDifficulty = 0

  constructor(options: SessionOptions, deps: SessionDeps) {
    invariant(options.extranonce1.length === EXTRANONCE1_BYTES, 'an extranonce1 has 4 bytes')
    this.remote = options.remote
    this.#deps = deps
    this.#login = new Login(options, deps.authorise)
    this.#difficulty = new DifficultyControl(options)
    this.#desk = new SubmitDesk<W>(options.extranonce1, this.#login.workers, deps.sha256d)
    this.#clock = new SteadyClock(options.connectedAtMs)
    this.#wallMs = options.connectedAtMs
  }

  /** The first authorised worker, or null. */
  get identity(): MinerIdentity | null {
    return this.#login.workers.identity
  }

  /** '' before `mining.subscribe` or when it named none. */
  get userAgent(): string {
    return this.#login.userAgent
  }

  /** What the miner is asked for; before its first work what is asked of anybody. */
  get difficulty(): number {
    return this.#difficulty.difficulty
  }

  get subscribed(): boolean {
    return this.#login.subscribed
  }

  get authorised(): boolean {
    return this.#login.authorised
  }

  get accepted(): number {
    return this.#accepted
  }

  get rejected(): number {
    return this.#rejected
  }

  get lastAcceptedAtMs(): UnixMs | null {
    return this.#lastAcceptedAtMs
  }

  /** Highest difficulty that an accepted share reached; 0 before the first. */
  get bestDifficulty(): number {
    return this.#bestDifficulty
  }

  /** Hashes per second over about five minutes. */
  hashrateHps(nowMs: UnixMs): number {
    return this.#difficulty.hashrateHps(this.#clock.at(nowMs))
  }

  get nextDeadlineMs(): UnixMs | null {
    if (this.#isClosed) return null
    const next = Math.min(
      this.#login.nextDeadlineMs ?? Number.POSITIVE_INFINITY,
      this.#difficulty.nextDeadlineMs ?? Number.POSITIVE_INFINITY,
      this.#workDueMs
    )
    return Number.isFinite(next) ? this.#clock.wallAt(next) : null
  }

  /** All times inside are steady, except where a header's time is judged. */
  handle(event: SessionEvent<W>, wallMs: UnixMs): readonly SessionEffect<W>[] {
    if (this.#isClosed) return this.#out.take()
    const nowMs = this.#clock.take(wallMs)
    this.#wallMs = wallMs
    switch (event.type) {
      case 'lines':
        for (const line of event.lines) {
          if (this.#isClosed) break
          this.#handleLine(line, nowMs)
        }
        break
      case 'work':
        this.#handleWork(event, nowMs)
        break
      case 'newBlock':
        this.#desk.jobs.newBlock(event.prevHash, nowMs)
        break
      case 'deadline':
        this.#handleDeadline(nowMs)
        break
      default:
        event satisfies never
    }
    this.#askForWork(nowMs)
    return this.#out.take()
  }

  checkInvariants(nowMs: UnixMs): void {
    this.#desk.jobs.checkInvariants()
    this.#login.workers.checkInvariants()
    this.#difficulty.checkInvariants(this.#clock.at(nowMs))
    invariant(this.#sent === null || (this.subscribed && this.authorised), 'work goes to whom it can be credited')
    invariant((this.#sent !== null) === this.#difficulty.isStarted, 'the first work sets the first difficulty')
    invariant(this.#nuisance <= MAX_NUISANCE || this.#isClosed, 'a nuisance is closed')
  }

  #handleLine(line: Uint8Array, nowMs: UnixMs): void {
    const message = parseMessage(line)
    switch (message.kind) {
      case 'request':
        this.#handleRequest(message, nowMs)
        break
      case 'response':
        break
      case 'invalid-request':
        this.#out.send(invalidRequestLine(message.idJson))
        this.#annoy(INVALID_REQUEST_NUISANCE)
        break
      case 'not-json':
        this.#out.send(NOT_JSON_LINE)
        this.#close('not-json')
        break
      default:
        message satisfies never
    }
  }

  #handleRequest(request: Request, nowMs: UnixMs): void {
    const { idJson, method, params } = request
    switch (method) {
      case 'mining.submit':
        this.#submit(request, nowMs)
        break
      case 'mining.subscribe':
        this.#out.send(resultLine(idJson, this.#login.subscribe(params)))
        this.#difficulty.setUserAgent(this.userAgent)
        this.#announce()
        break
      case 'mining.authorize':
        this.#authorise(request, nowMs)
        break
      case 'mining.configure': {
        const { resultJson, minimumDifficulty } = this.#login.configure(params)
        this.#difficulty.setMinimum(minimumDifficulty, nowMs)
        this.#out.send(resultLine(idJson, resultJson))
        break
      }
      case 'mining.suggest_difficulty':
        this.#difficulty.suggest(suggestedDifficulty(params), nowMs)
        break
      case 'mining.suggest_target':
        this.#difficulty.suggest(difficultyOfSuggestedTarget(params), nowMs)
        break
      case 'mining.extranonce.subscribe':
        // Nothing follows from it: a connection's extranonce never changes.
        this.#out.send(resultLine(idJson, 'true'))
        break
      case 'mining.get_transactions':
      case 'mining.get_txnhashes':
        this.#out.send(resultLine(idJson, '[]'))
        break
      case 'mining.ping':
        this.#out.send(resultLine(idJson, '"pong"'))
        break
      case 'mining.term':
        this.#close('asked')
        break
      default:
        if (SILENT_METHODS.has(method)) break
        if (idJson !== 'null') this.#out.send(unknownMethodLine(idJson))
        this.#annoy(1)
    }
  }

  #authorise({ idJson, params }: Request, nowMs: UnixMs): void {
    const isFirst = !this.authorised
    const answer = this.#login.authorise(params, nowMs)
    if (!answer.ok) {
      this.#out.send(refusalLine(idJson, answer.refusal))
      if (answer.isLast) this.#close('refused')
      else this.#annoy(1)
      return
    }
    if (isFirst) this.#difficulty.setPassword(answer.hints)
    this.#out.send(resultLine(idJson, 'true'))
    if (answer.added === 'added') this.#unannounced.push(answer.identity)
    this.#announce()
  }

  /** Only now it is known both who mines and with what. */
  #announce(): void {
    if (!this.subscribed) return
    for (const identity of this.#unannounced) {
      this.#out.fact({ type: 'authorised', identity, userAgent: this.userAgent })
    }
    this.#unannounced = []
  }

  #submit({ idJson, params }: Request, nowMs: UnixMs): void {
    const moment = { steadyMs: nowMs, wallMs: this.#wallMs, versionMask: this.#login.versionMask }
    const judged = this.subscribed ? this.#desk.judge(params, moment) : NOT_SUBSCRIBED
    const { refusal, worker, shown, reached } = judged
    if (judged.solution !== null) this.#out.solution(judged.solution)
    if (shown > 0) this.#difficulty.credit(shown, nowMs)
    if (refusal === null) {
      this.#accepted += 1
      this.#lastAcceptedAtMs = this.#wallMs
      this.#bestDifficulty = Math.max(this.#bestDifficulty, reached)
      this.#rejects.accepted()
      this.#out.send(resultLine(idJson, 'true'))
      this.#out.fact({ type: 'accepted', creditedDifficulty: shown, hashDifficulty: reached, worker })
      return
    }
    const { code, reason } = refusal
    this.#rejected += 1
    this.#out.send(refusalLine(idJson, refusal))
    this.#out.fact({ type: 'rejected', code, reason, worker })
    // Jobs out of date come in bursts after a block and say nothing about the miner.
    const advice = code === REFUSALS.stale.code ? 'bear' : this.#rejects.rejected(nowMs)
    if (advice === 'remind') this.#remind = true
    if (advice === 'give-up') this.#close('only-rejects')
  }

  #handleWork(event: WorkEvent<W>, nowMs: UnixMs): void {
    const { job, limits } = event
    const { identity } = this
    if (!this.subscribed || identity === null) return
    if (this.#difficulty.isStarted) this.#difficulty.setLimits(limits, nowMs)
    else this.#difficulty.start(limits, { last: this.#deps.lastDifficulty?.(identity) ?? null, nowMs })

    const before = this.#sent
    const { difficulty } = this
    const isSame = before?.difficulty === difficulty
    const target = isSame ? before.target : sessionTarget(difficulty)
    if (before !== null && difficulty < before.difficulty) this.#desk.jobs.regrade(difficulty, target)
    if (!isSame || this.#remind) this.#out.send(setDifficultyLine(difficultyText(difficulty)))
    const isClean = event.cleanJobs || this.#remind || before?.prevHash !== job.work.prevHash
    this.#desk.jobs.add(job, { difficulty, target, nowMs })
    this.#out.send(notifyLine(event.notify, job, isClean ? 'clean' : 'keep'))
    this.#sent = { difficulty, target, prevHash: job.work.prevHash, atMs: nowMs }
    this.#remind = false
    this.#workAsked = false
    this.#workDueMs = nowMs + KEEPALIVE_MS
  }

  #handleDeadline(nowMs: UnixMs): void {
    const overdue = this.#login.overdue(nowMs)
    if (overdue !== null) this.#close(overdue)
    this.#desk.jobs.expire(nowMs)
    if (this.#sent !== null) this.#difficulty.handleDeadline(nowMs, this.#sent.atMs)
  }

  /** Once per need, and again when it was not met for the length of a keepalive. */
  #askForWork(nowMs: UnixMs): void {
    if (this.#isClosed || !this.subscribed || !this.authorised) return
    const isNeeded = this.#remind || this.#sent?.difficulty !== this.difficulty
    if (nowMs < this.#workDueMs && (this.#workAsked || !isNeeded)) return
    this.#workAsked = true
    this.#workDueMs = nowMs + KEEPALIVE_MS
    this.#out.wantWork()
  }

  #annoy(nuisance: number): void {
    this.#nuisance += nuisance
    if (this.#nuisance > MAX_NUISANCE) this.#close('invalid-requests')
  }

  #close(reason: CloseReason): void {
    this.#isClosed = true
    this.#out.close(reason)
  }
}
