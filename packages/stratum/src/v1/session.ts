import type { MiningWork } from '@p2poolv2/bitcoin'
import { invariant, type Moment, type SteadyMs, steadyMs } from '@p2poolv2/primitives'
import type {
  CloseReason,
  MinerIdentity,
  MinerSession,
  SessionDeps,
  SessionEffect,
  SessionEvent,
  SessionOptions,
  SessionRemains
} from '../contract.ts'
import { ChannelSession } from '../mining/channel-session.ts'
import { difficultyText } from '../mining/difficulty.ts'
import { MiningChannel } from '../mining/mining-channel.ts'
import type { RefusalCode } from '../mining/refusals.ts'
import { SessionEffects } from '../mining/session-effects.ts'
import type { SizeFit } from '../mining/size-fit.ts'
import type { Judged } from '../mining/submit-desk.ts'
import { credentialsOf, resumedSessionOf, subscribeResultJson } from './handshake.ts'
import { Login } from './login.ts'
import {
  invalidRequestLine,
  type MinerMessage,
  NOT_JSON_LINE,
  parseMessage,
  RECONNECT_LINE,
  refusalLine,
  resultLine,
  SILENT_METHODS,
  setDifficultyLine,
  unknownMethodLine
} from './messages.ts'
import { type NamedSubmit, parseSubmit } from './parse-submit.ts'
import { REFUSALS, REQUEST_REFUSALS, type V1Refusal } from './refusals.ts'
import { ReplyOrder, type SettledLogin } from './reply-order.ts'
import type { SharedByAll } from './shared-by-all.ts'
import { SubmitReader } from './submit-reader.ts'
import { difficultyOfSuggestedTarget, suggestedDifficulty } from './suggested-difficulty.ts'

/** What a connection may do wrong before it is closed: this many unknown methods, or a fifth as many wrong requests. */
const MAX_NUISANCE = 100
const INVALID_REQUEST_NUISANCE = 20

type Request = Extract<MinerMessage, { readonly kind: 'request' }>

/** One miner's connection that speaks Stratum V1. Source: stratum §2 to §5. */
export class V1Session extends ChannelSession implements MinerSession {
  readonly #submits: SubmitReader
  readonly #shared: SharedByAll
  readonly #channel: MiningChannel
  readonly #login: Login
  readonly #replies = new ReplyOrder()
  readonly #out = new SessionEffects()
  readonly #resume: SessionDeps['resume']
  #sessionId: string
  #hasJoined = false
  #isClosed = false
  #nuisance = 0
  /** Authorised before subscribing; bounded as worker names are. */
  #unannounced: MinerIdentity[] = []

  constructor(options: SessionOptions, deps: SessionDeps & { readonly shared: SharedByAll }) {
    const channel = new MiningChannel(options, deps)
    super(options.remote, channel)
    this.#channel = channel
    this.#submits = new SubmitReader(options.extranonce.minerBytes)
    this.#shared = deps.shared
    this.#sessionId = options.sessionId
    this.#resume = deps.resume
    this.#login = new Login(options, this.#channel.workers)
  }

  get userAgent(): string {
    return this.#login.userAgent
  }

  /** Subscribed and authorised, which is for good. */
  get #isIn(): boolean {
    this.#hasJoined ||= this.#login.subscribed && this.#login.authorised
    return this.#hasJoined
  }

  remains(): SessionRemains | null {
    const remains = this.#channel.remains()
    return remains === null ? null : { ...remains, sessionId: this.#sessionId }
  }

  readonly sizeFit = (work: MiningWork): SizeFit | null => this.#shared.sizeFits.of(this.userAgent, work)

  get nextDeadlineMs(): SteadyMs | null {
    if (this.#isClosed) return null
    const ofLogin = (this.#isIn ? null : this.#login.nextDeadlineMs) ?? Number.POSITIVE_INFINITY
    const ofReplies = this.#replies.nextDeadlineMs ?? Number.POSITIVE_INFINITY
    const next = Math.min(ofLogin, ofReplies, this.#channel.nextDeadlineMs)
    return Number.isFinite(next) ? steadyMs(next) : null
  }

  handle(event: SessionEvent, now: Moment): readonly SessionEffect[] {
    if (this.#isClosed && event.type !== 'received') return this.#out.take()
    const nowMs = now.steadyMs
    switch (event.type) {
      case 'received':
        for (const line of event.messages) {
          if (this.#isClosed) this.#salvage(line, now)
          else {
            this.#handleLine(line, now)
            this.#settleLogins(nowMs)
          }
        }
        break
      case 'authorised':
      case 'refused':
        this.#replies.answer(event.requestId, event)
        this.#settleLogins(nowMs)
        break
      case 'work':
        this.#handleWork(event, nowMs)
        break
      case 'newBlock':
        this.#channel.newBlock(event.prevHash, nowMs)
        break
      case 'stopping':
        if (this.#isIn) this.#out.send(RECONNECT_LINE)
        break
      case 'deadline':
        this.#handleDeadline(nowMs)
        break
      default:
        event satisfies never
    }
    if (!this.#isClosed && this.#isIn && this.#channel.takeNeed(nowMs)) this.#out.wantWork()
    return this.#out.take()
  }

  checkInvariants(nowMs: SteadyMs): void {
    this.#channel.checkInvariants(nowMs)
    this.#replies.checkInvariants()
    invariant(!this.#channel.difficulty.isStarted || this.#isIn, 'work goes to whom it can be credited')
    invariant(this.#nuisance <= MAX_NUISANCE || this.#isClosed, 'a nuisance is closed')
  }

  #handleLine(line: Uint8Array, now: Moment): void {
    const read = this.#submits.read(line)
    if (read !== null) {
      this.#submit(read.idJson, read.submit, now)
      return
    }
    const message = parseMessage(line)
    switch (message.kind) {
      case 'request':
        this.#handleRequest(message, now)
        break
      case 'response':
        break
      case 'invalid-request':
        this.#reply(invalidRequestLine(message.idJson))
        this.#annoy(INVALID_REQUEST_NUISANCE)
        break
      case 'not-json':
        this.#reply(NOT_JSON_LINE)
        this.#close('not-json')
        break
      default:
        message satisfies never
    }
  }

  #handleRequest(request: Request, now: Moment): void {
    const nowMs = now.steadyMs
    const { idJson, method, params } = request
    switch (method) {
      case 'mining.submit':
        this.#submit(idJson, parseSubmit(params, this.#submits.extranonce2Bytes), now)
        break
      case 'mining.subscribe':
        this.#subscribe(request)
        break
      case 'mining.authorize':
        this.#authorise(request, nowMs)
        break
      case 'mining.configure': {
        const { resultJson, minimumDifficulty } = this.#login.configure(params)
        this.#channel.difficulty.setMinimum(minimumDifficulty, nowMs)
        this.#reply(resultLine(idJson, resultJson))
        break
      }
      case 'mining.suggest_difficulty':
        this.#channel.difficulty.suggest(suggestedDifficulty(params), nowMs)
        break
      case 'mining.suggest_target':
        this.#channel.difficulty.suggest(difficultyOfSuggestedTarget(params), nowMs)
        break
      case 'mining.extranonce.subscribe':
        // Nothing follows from it: a connection's extranonce never changes.
        this.#reply(resultLine(idJson, 'true'))
        break
      case 'mining.get_transactions':
      case 'mining.get_txnhashes':
        this.#reply(resultLine(idJson, '[]'))
        break
      case 'mining.ping':
        this.#reply(resultLine(idJson, '"pong"'))
        break
      case 'mining.term':
        this.#close('asked')
        break
      default:
        if (SILENT_METHODS.has(method)) break
        if (idJson !== 'null') this.#reply(unknownMethodLine(idJson))
        this.#annoy(1)
    }
  }

  #subscribe({ idJson, params }: Request): void {
    const wanted = resumedSessionOf(params)
    const remains = this.#login.subscribe(params) && wanted !== null ? this.#resume?.(wanted) : null
    if (remains) {
      this.#sessionId = remains.sessionId
      this.#channel.resume(remains)
    }
    this.#reply(resultLine(idJson, subscribeResultJson(this.#sessionId, this.#channel.extranonce)))
    this.#channel.difficulty.setUserAgent(this.userAgent)
    this.#announce()
  }

  #authorise({ idJson, params }: Request, nowMs: SteadyMs): void {
    const credentials = credentialsOf(params)
    const { user, worker, hints } = credentials
    const requestId = this.#replies.await({ idJson, credentials }, nowMs)
    this.#out.authorise({ type: 'authorise', requestId, request: { user, worker, shareAddress: hints.shareAddress } })
  }

  /** Goes on with what waited for authorisations that are answered now, in the order of the requests. */
  #settleLogins(nowMs: SteadyMs): void {
    while (!this.#isClosed) {
      const settled = this.#replies.takeSettled(nowMs)
      if (settled === null) return
      this.#settleLogin(settled, nowMs)
    }
  }

  #settleLogin({ idJson, credentials, verdict, held }: SettledLogin, nowMs: SteadyMs): void {
    const refused = this.#admit(credentials, verdict)
    this.#out.send((refused === null ? resultLine(idJson, 'true') : refusalLine(idJson, refused)) + held)
    if (refused === null) this.#announce()
    // That nobody answered is not the miner's fault: it may try again for a while.
    else if (verdict.type === 'unanswered') this.#annoy(1)
    else if (this.#login.refused(nowMs, verdict.type === 'refused' ? verdict.patienceMs : undefined) === 'close')
      this.#close('refused')
    else this.#annoy(1)
  }

  /** @returns null: the name counts from now on */
  #admit(credentials: SettledLogin['credentials'], verdict: SettledLogin['verdict']): V1Refusal | null {
    if (verdict.type === 'unanswered') return REQUEST_REFUSALS.unanswered
    if (verdict.type === 'refused') return { code: 24, reason: verdict.message }
    const isFirst = !this.#login.authorised
    const admitted = this.#login.admit(credentials, verdict.identity)
    if (typeof admitted !== 'string') return REFUSALS[admitted.code]
    if (isFirst) {
      this.#channel.difficulty.setOperator(credentials.hints)
      this.#channel.identified()
    }
    if (admitted === 'added') this.#unannounced.push(verdict.identity)
    return null
  }

  /** Only now it is known both who mines and with what. */
  #announce(): void {
    if (!this.#login.subscribed) return
    for (const identity of this.#unannounced) this.#out.fact({ type: 'joined', identity, userAgent: this.userAgent })
    this.#unannounced = []
  }

  #submit(idJson: string, submit: NamedSubmit | V1Refusal, now: Moment): void {
    const { identity } = this
    if (!this.#login.subscribed) {
      this.#reject(idJson, { refusal: REQUEST_REFUSALS.notSubscribed, code: 'malformed', worker: '' }, now.steadyMs)
    } else if (identity === null) {
      this.#reject(idJson, { refusal: REFUSALS.unauthorised, code: 'unauthorised', worker: '' }, now.steadyMs)
    } else if ('code' in submit) {
      this.#reject(idJson, { refusal: submit, code: 'malformed', worker: identity.worker }, now.steadyMs)
    } else {
      const { refusal, worker, shown: creditedDifficulty, reached: hashDifficulty } = this.#judge(submit, now)
      if (refusal === null) {
        this.#reply(resultLine(idJson, 'true'))
        this.#out.fact({ type: 'accepted', creditedDifficulty, hashDifficulty, worker })
      } else this.#reject(idJson, { refusal: REFUSALS[refusal.code], code: refusal.code, worker }, now.steadyMs)
    }
  }

  /** A line that came together with what ended the session: nothing is answered, but it may be a block. */
  #salvage(line: Uint8Array, now: Moment): void {
    const message = parseMessage(line)
    if (message.kind !== 'request' || message.method !== 'mining.submit' || this.identity === null) return
    const submit = parseSubmit(message.params, this.#submits.extranonce2Bytes)
    if (!('code' in submit)) this.#judge(submit, now)
  }

  #judge(submit: NamedSubmit, now: Moment): Judged {
    const moment = { wallMs: now.wallMs, steadyMs: now.steadyMs, versionMask: this.#login.versionMask }
    const judged = this.#channel.submit(submit, submit.name, moment)
    if (judged.solution !== null) this.#out.solution(judged.solution)
    return judged
  }

  #reject(
    idJson: string,
    why: { readonly refusal: V1Refusal; readonly code: RefusalCode | 'malformed'; readonly worker: string },
    nowMs: SteadyMs
  ): void {
    const { code, reason } = why.refusal
    this.#reply(refusalLine(idJson, why.refusal))
    this.#out.fact({ type: 'rejected', code, reason, worker: why.worker })
    if (this.#channel.reject(why.code, nowMs) === 'give-up') this.#close('only-rejects')
  }

  #handleWork(event: Extract<SessionEvent, { readonly type: 'work' }>, nowMs: SteadyMs): void {
    if (!this.#isIn) return
    const { newDifficulty, jobs } = this.#channel.assign(event, nowMs)
    // Not held behind an authorisation: a miner that waits for one takes work all the same, and needs it.
    if (newDifficulty !== null) this.#out.send(setDifficultyLine(difficultyText(newDifficulty)))
    this.#out.send(this.#shared.notifyLines.lineOf(event.job, jobs))
    const conflict = this.#channel.takeConflict()
    if (conflict !== null) this.#out.fact(conflict)
  }

  #handleDeadline(nowMs: SteadyMs): void {
    this.#settleLogins(nowMs)
    const overdue = this.#login.overdue(nowMs)
    if (overdue !== null) this.#close(overdue)
    this.#channel.handleDeadline(nowMs)
  }

  /** @param line complete, with LF */
  #reply(line: string): void {
    if (!this.#replies.hold(line)) this.#out.send(line)
  }

  #annoy(nuisance: number): void {
    this.#nuisance += nuisance
    if (this.#nuisance > MAX_NUISANCE) this.#close('invalid-requests')
  }

  #close(reason: CloseReason): void {
    this.#isClosed = true
    this.#out.close(reason)
    // What was held is said all the same; who is still being asked about is not let in any more.
    for (let left = this.#replies.takeAny(); left !== null; left = this.#replies.takeAny()) {
      this.#out.send(refusalLine(left.idJson, REQUEST_REFUSALS.unanswered) + left.held)
    }
  }
}
