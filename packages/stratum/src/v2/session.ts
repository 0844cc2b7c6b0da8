import type { MiningWork } from '@p2poolv2/bitcoin'
import {
  bytesEqual,
  CodecError,
  difficultyOfHash,
  hashMeetsTarget,
  invariant,
  type Moment,
  type SteadyMs,
  steadyMs,
  type Target
} from '@p2poolv2/primitives'
import { type Fields, frameOf, type Message, readMessage } from '@p2poolv2/stratum/sv2'
import type {
  CloseReason,
  MinerIdentity,
  MinerSession,
  SessionDeps,
  SessionEffect,
  SessionEvent,
  SessionOptions
} from '../contract.ts'
import { ChannelSession } from '../mining/channel-session.ts'
import { MAX_JOBS } from '../mining/job-registry.ts'
import { MiningChannel } from '../mining/mining-channel.ts'
import type { RefusalCode } from '../mining/refusals.ts'
import { SessionEffects } from '../mining/session-effects.ts'
import type { SizeFit } from '../mining/size-fit.ts'
import type { Judged } from '../mining/submit-desk.ts'
import { REFUSALS, REQUEST_REFUSALS, type V1Refusal } from '../v1/refusals.ts'
import { ChannelJobs } from './channel-jobs.ts'
import { coinbaseSuffixBytes, type ExtendedJobFrames, MAX_COINBASE_PART_BYTES } from './job-frames.ts'
import {
  type ChannelKind,
  type Opening,
  openedFrame,
  openingError,
  openingOf,
  operatorHintsOf,
  targetFor,
  wishError
} from './opening.ts'
import { type ChannelError, SUBMIT_ERRORS } from './refusals.ts'
import { userAgentOf } from './set-up.ts'
import { jobSizeFit } from './size-classes.ts'
import { SuccessBatch } from './success-batch.ts'

/** BIP 323: the bits that every client may roll; there is no message to agree on others. */
const VERSION_MASK = 0x1fff_ffe0
/** Who opened a channel and has no work by then is told that it is open all the same. */
const OPEN_WITHIN_MS = 5_000
/** A standard job holds so many headers for a chip that does not roll the time; it is renewed when half of them may be hashed. */
const STANDARD_JOB_HASHES = 2 ** 48
const STANDARD_JOB_LIFE_MS = 30_000
const SHORTEST_JOB_LIFE_MS = 1_000
const REQUEST_ID = 1

type SubmitFields = Omit<Fields<'SubmitSharesExtended'>, 'channelId'>

/** One channel of a connection that speaks Stratum V2: what a connection is in V1. Source: sv2 §3 to §5. */
export class V2Session extends ChannelSession implements MinerSession {
  readonly #channelId: number
  readonly #channel: MiningChannel
  readonly #jobs: ChannelJobs
  readonly #out = new SessionEffects()
  readonly #successes = new SuccessBatch()
  #setUp: Fields<'SetupConnection'> | null = null
  #opening: Opening | null = null
  /** The miner was told that its channel is open; it has ended. */
  #state: 'new' | 'asking' | 'waiting' | 'open' | 'closed' = 'new'
  #openByMs: SteadyMs | null = null
  /** The target that the client has; null before it was told any. */
  #told: Target | null = null

  constructor(options: SessionOptions, deps: SessionDeps & { readonly jobFrames: ExtendedJobFrames }) {
    invariant(options.channel !== undefined, 'a session of Stratum V2 is a channel')
    const channel = new MiningChannel(options, deps, hashrateHps =>
      this.#opening?.kind === 'standard' ? standardJobLifeMs(hashrateHps) : STANDARD_JOB_LIFE_MS
    )
    super(options.remote, channel)
    this.#channel = channel
    this.#channelId = options.channel
    const { jobFrames, sha256d } = deps
    this.#jobs = new ChannelJobs(options.channel, { jobFrames, sha256d })
  }

  get userAgent(): string {
    return this.#setUp === null ? '' : userAgentOf(this.#setUp)
  }

  get nextDeadlineMs(): SteadyMs | null {
    if (this.#state === 'closed') return null
    const next = Math.min(this.#channel.nextDeadlineMs, this.#openByMs ?? Number.POSITIVE_INFINITY)
    return Number.isFinite(next) ? steadyMs(next) : null
  }

  /** Nothing in the protocol resumes a channel. */
  remains(): null {
    return null
  }

  sizeFit(work: MiningWork): SizeFit | null {
    return this.#opening?.kind === 'extended' ? jobSizeFit(this.userAgent, work) : null
  }

  handle(event: SessionEvent, now: Moment): readonly SessionEffect[] {
    if (this.#state === 'closed' && event.type !== 'received') return this.#out.take()
    const nowMs = now.steadyMs
    switch (event.type) {
      case 'received':
        for (const frame of event.messages) this.#handleFrame(frame, now)
        this.#tellSuccesses()
        break
      case 'authorised':
        this.#authorised(event.identity, nowMs)
        break
      case 'refused':
        if (this.#state === 'asking')
          this.#refuse(event.blames === 'share-address' ? 'invalid-user-identity' : 'unknown-user')
        break
      case 'work':
        this.#handleWork(event, nowMs)
        break
      case 'newBlock':
        this.#channel.newBlock(event.prevHash, nowMs)
        break
      case 'stopping':
        // Part of the clients end over a Reconnect, and all come back by themselves when the connection is closed.
        break
      case 'deadline':
        if (this.#openByMs !== null && nowMs >= this.#openByMs) this.#tellOpen(this.difficulty)
        this.#channel.handleDeadline(nowMs)
        break
      default:
        event satisfies never
    }
    if (this.#isIn && this.#channel.takeNeed(nowMs)) this.#out.wantWork()
    return this.#out.take()
  }

  checkInvariants(nowMs: SteadyMs): void {
    this.#channel.checkInvariants(nowMs)
    invariant(!this.#isIn || this.identity !== null, 'a channel that is served belongs to somebody')
    invariant(this.#jobs.size <= MAX_JOBS, 'as many jobs have numbers as are known')
    invariant(this.#successes.isEmpty, 'what was accepted is told in the same event')
    invariant((this.#openByMs !== null) === (this.#state === 'waiting'), 'a channel waits for work for a while')
  }

  /** Known, and to be given work. */
  get #isIn(): boolean {
    return this.#state === 'waiting' || this.#state === 'open'
  }

  #handleFrame(frame: Uint8Array, now: Moment): void {
    const message = this.#read(frame)
    if (message === null) return
    const isClosed = this.#state === 'closed'
    switch (message.name) {
      case 'SetupConnection':
        this.#setUp = message.fields
        break
      case 'OpenStandardMiningChannel':
        if (!isClosed) this.#open(openingOf('standard', message.fields))
        break
      case 'OpenExtendedMiningChannel':
        if (!isClosed) this.#open(openingOf('extended', message.fields))
        break
      case 'UpdateChannel':
        if (!isClosed) this.#update(message.fields, now.steadyMs)
        break
      case 'SubmitSharesStandard':
        this.#submitted('standard', { ...message.fields, extranonce: new Uint8Array(this.#minerBytes) }, now)
        break
      case 'SubmitSharesExtended':
        this.#submitted('extended', message.fields, now)
        break
      default:
        // Whatever else there is is the connection's.
        break
    }
  }

  #read(frame: Uint8Array): Message | null {
    try {
      return readMessage(frame)
    } catch (error) {
      if (!(error instanceof CodecError)) throw error
      this.#close('undecodable')
      return null
    }
  }

  #open(opening: Opening): void {
    const setUp = this.#setUp
    invariant(this.#state === 'new' && setUp !== null, 'a channel is opened once, after the connection is set up')
    this.#opening = opening
    const error = openingError(opening, { setUp, minerBytes: this.#minerBytes })
    if (error !== null) {
      this.#refuse(error)
      return
    }
    this.#state = 'asking'
    const { user, worker, hints } = opening.user
    const request = { user, worker, shareAddress: hints.shareAddress }
    this.#out.authorise({ type: 'authorise', requestId: REQUEST_ID, request })
  }

  #authorised(identity: MinerIdentity, nowMs: SteadyMs): void {
    const opening = this.#opening
    if (this.#state !== 'asking' || opening === null) return
    const { difficulty } = this.#channel
    this.#channel.workers.add(opening.userIdentity, opening.user.user, identity)
    difficulty.setUserAgent(this.userAgent)
    difficulty.setOperator(operatorHintsOf(opening, this.userAgent))
    difficulty.setMinimum(difficultyOfHash(opening.maxTarget), nowMs)
    this.#state = 'waiting'
    this.#openByMs = steadyMs(nowMs + OPEN_WITHIN_MS)
    this.#out.fact({ type: 'joined', identity, userAgent: this.userAgent })
  }

  #update({ nominalHashrateHps, maximumTarget }: Fields<'UpdateChannel'>, nowMs: SteadyMs): void {
    const errorCode = wishError(nominalHashrateHps, maximumTarget)
    if (errorCode !== null) {
      this.#out.sendFrame(frameOf('UpdateChannelError', { channelId: this.#channelId, errorCode }))
      return
    }
    if (this.#opening === null || bytesEqual(this.#opening.maxTarget, maximumTarget)) return
    this.#opening = { ...this.#opening, maxTarget: maximumTarget }
    this.#channel.difficulty.setMinimum(difficultyOfHash(maximumTarget), nowMs)
    // A target a little above the new bound may be that of the same rounded difficulty: it is told anew all the same.
    if (this.#told !== null && !hashMeetsTarget(this.#told, maximumTarget)) this.#out.wantWork()
  }

  #submitted(kind: ChannelKind, submit: SubmitFields, now: Moment): void {
    const { identity } = this
    if (identity === null) return
    const { sequenceNumber, extranonce } = submit
    const isWellFormed = kind === this.#opening?.kind && extranonce.length === this.#minerBytes
    // What came together with what ended the channel is not answered, but it may be a block.
    if (this.#state === 'closed') {
      if (isWellFormed) this.#judge(submit, now)
    } else if (isWellFormed) this.#submit(submit, now)
    else if (kind !== this.#opening?.kind) this.#tellError(sequenceNumber, 'invalid-channel-id')
    else {
      const why = { code: 'malformed', errorCode: 'bad-extranonce-size', worker: identity.worker } as const
      this.#reject(sequenceNumber, why, REQUEST_REFUSALS.invalidExtranonce2, now.steadyMs)
    }
  }

  #submit(submit: SubmitFields, now: Moment): void {
    const { sequenceNumber } = submit
    const { refusal, worker, shown, reached } = this.#judge(submit, now)
    if (refusal === null) {
      this.#successes.add(sequenceNumber, shown)
      this.#out.fact({ type: 'accepted', creditedDifficulty: shown, hashDifficulty: reached, worker })
    } else {
      const { code } = refusal
      this.#reject(sequenceNumber, { code, errorCode: SUBMIT_ERRORS[code], worker }, REFUSALS[code], now.steadyMs)
    }
  }

  #judge(fields: SubmitFields, now: Moment): Judged {
    const { jobId, extranonce, timeSec, nonce, version } = fields
    const submit = { jobId: this.#jobs.idOf(jobId), extranonce, timeSec, nonce, versionBits: null, version }
    const moment = { ...now, versionMask: VERSION_MASK }
    const judged = this.#channel.submit(submit, this.#opening?.userIdentity ?? '', moment)
    if (judged.solution !== null) this.#out.solution(judged.solution)
    return judged
  }

  #reject(
    sequenceNumber: number,
    why: { readonly code: RefusalCode | 'malformed'; readonly errorCode: string; readonly worker: string },
    { code, reason }: V1Refusal,
    nowMs: SteadyMs
  ): void {
    this.#tellError(sequenceNumber, why.errorCode)
    this.#out.fact({ type: 'rejected', code, reason, worker: why.worker })
    if (this.#channel.reject(why.code, nowMs) === 'give-up') this.#close('only-rejects')
  }

  #handleWork(event: Extract<SessionEvent, { readonly type: 'work' }>, nowMs: SteadyMs): void {
    const opening = this.#opening
    if (!this.#isIn || opening === null) return
    const { job } = event
    if (opening.kind === 'extended' && coinbaseSuffixBytes(job.work) > MAX_COINBASE_PART_BYTES) {
      this.#close('job-too-large')
      return
    }
    const { newDifficulty, difficulty, jobs } = this.#channel.assign(event, nowMs)
    if (this.#state === 'waiting') this.#tellOpen(difficulty)
    else this.#tellTarget(targetFor(opening, difficulty), newDifficulty === null ? 'if-new' : 'again')
    const { extranonce } = this.#channel
    const frames = this.#jobs.framesFor(job, jobs === 'clean' ? 'future' : 'active', { kind: opening.kind, extranonce })
    for (const frame of frames) this.#out.sendFrame(frame)
    const conflict = this.#channel.takeConflict()
    if (conflict !== null) this.#out.fact(conflict)
  }

  #tellOpen(difficulty: number): void {
    const opening = this.#opening
    invariant(opening !== null, 'what is opened was asked for')
    this.#state = 'open'
    this.#openByMs = null
    this.#told = targetFor(opening, difficulty)
    const { extranonce } = this.#channel
    this.#out.sendFrame(openedFrame(opening, this.#channelId, { target: this.#told, extranonce }))
  }

  #tellTarget(maximumTarget: Target, how: 'if-new' | 'again'): void {
    if (how === 'if-new' && this.#told !== null && bytesEqual(this.#told, maximumTarget)) return
    this.#told = maximumTarget
    this.#out.sendFrame(frameOf('SetTarget', { channelId: this.#channelId, maximumTarget }))
  }

  #tellSuccesses(): void {
    const frame = this.#successes.take(this.#channelId)
    if (frame !== null) this.#out.sendFrame(frame)
  }

  #tellError(sequenceNumber: number, errorCode: string): void {
    this.#tellSuccesses()
    this.#out.sendFrame(frameOf('SubmitSharesError', { channelId: this.#channelId, sequenceNumber, errorCode }))
  }

  #refuse(errorCode: ChannelError): void {
    const requestId = this.#opening?.requestId ?? 0
    this.#out.sendFrame(frameOf('OpenMiningChannelError', { requestId, errorCode }))
    this.#close('refused')
  }

  #close(reason: CloseReason): void {
    this.#state = 'closed'
    this.#openByMs = null
    this.#out.close(reason)
  }

  get #minerBytes(): number {
    return this.#channel.extranonce.minerBytes
  }
}

function standardJobLifeMs(hashrateHps: number): number {
  if (hashrateHps === 0) return STANDARD_JOB_LIFE_MS
  const halfSearchedMs = (STANDARD_JOB_HASHES / 2 / hashrateHps) * 1000
  return Math.min(STANDARD_JOB_LIFE_MS, Math.max(SHORTEST_JOB_LIFE_MS, halfSearchedMs))
}
