import { coinbaseOf, type Job, type MiningWork, type Solution } from '@p2poolv2/bitcoin'
import { blockHash, hexToBytes, type Moment, type SteadyMs, steadyMs, unixMs } from '@p2poolv2/primitives'
import type {
  AuthoriseRequest,
  DifficultyLimits,
  MinerIdentity,
  SessionDeps,
  SessionEffect,
  SessionEvent,
  SessionOptions,
  SessionSettings
} from '../contract.ts'
import { DEFAULT_START_PROFILES } from '../mining/difficulty.ts'
import type { V1Session } from '../v1/session.ts'
import { StratumV1 } from '../v1/stratum-v1.ts'
import { jobOf, TEMPLATE_A, workOf } from './vectors.ts'

export const ADDRESS = 'bc1qexampleaddr'
export const OTHER_ADDRESS = 'bc1qotheraddress'
export const SETTINGS: SessionSettings = {
  versionMask: 0x1fffe000,
  vardiff: { retarget: 'off', targetSharesPerSec: 0.3, minDifficulty: 0.0001, maxDifficulty: 1e12, startDifficulty: 1 },
  startProfiles: DEFAULT_START_PROFILES
}
export const NO_LIMITS: DifficultyLimits = { shareDifficulty: null, bitcoinDifficulty: 1e14 }

export type Answer =
  | { readonly ok: true; readonly identity: MinerIdentity }
  | { readonly ok: false; readonly message: string }

/** Knows two addresses; refuses every other by name. */
export function authorise({ user, worker }: AuthoriseRequest): Answer {
  if (user !== ADDRESS && user !== OTHER_ADDRESS) return { ok: false, message: `Not an address: ${user}` }
  return { ok: true, identity: { payoutAddress: user, payoutScript: new Uint8Array(22), worker, shareProgram: null } }
}

export interface RigOptions {
  readonly settings?: SessionSettings
  readonly work?: MiningWork | null
  readonly limits?: DifficultyLimits
  readonly extranonce1?: string
  readonly sessionId?: string
  readonly deps?: SessionDeps
  /** How questions who somebody is are answered; 'later' leaves them open. */
  readonly authorise?: (request: AuthoriseRequest) => Answer | 'later'
  readonly nowMs?: number
}

export type ReplyError = readonly [number, string, null]

export interface SentLine {
  readonly id: unknown
  readonly method?: string
  readonly params?: readonly unknown[]
  readonly result?: unknown
  readonly error?: ReplyError | null
}

/** One call of a session: what it was told, then what was answered to what it asked, and all the text that came of it. */
export interface TranscriptStep {
  readonly events: readonly SessionEvent[]
  readonly now: Moment
  readonly text: string
}

/** All that a session was told, so that it can be told again. */
export interface Transcript {
  readonly options: SessionOptions
  readonly deps: SessionDeps
  readonly steps: TranscriptStep[]
}

/** A session with a node that always has the given work and a clock that stands still until told. */
export class SessionRig {
  /** Where transcripts of rigs go as they are made, while somebody collects them. */
  static opened: Transcript[] | null = null
  readonly session: V1Session
  readonly effects: SessionEffect[] = []
  /** Every write, as text. */
  readonly writes: string[] = []
  work: MiningWork | null
  limits: DifficultyLimits
  nowMs: SteadyMs
  /** How far the wall clock is ahead of the steady one. */
  skewMs = 0
  /** Ids of the jobs sent, in order. */
  readonly jobIds: string[] = []
  /** Questions left open. */
  readonly questions: Extract<SessionEffect, { readonly type: 'authorise' }>[] = []
  /** What the node still has of older works; raised to let go of some. */
  oldestWorkId = 1
  readonly transcript: Transcript
  readonly #authorise: NonNullable<RigOptions['authorise']>
  #jobs = 0

  constructor(options: RigOptions = {}) {
    this.work = options.work === undefined ? workOf(TEMPLATE_A) : options.work
    this.limits = options.limits ?? NO_LIMITS
    this.nowMs = steadyMs(options.nowMs ?? TEMPLATE_A.timeSec * 1000)
    const extranonce1 = hexToBytes(options.extranonce1 ?? '0a000001')
    this.#authorise = options.authorise ?? authorise
    const sessionOptions = {
      ...(options.settings ?? SETTINGS),
      extranonce: { prefix: extranonce1, minerBytes: 12 - extranonce1.length },
      sessionId: options.sessionId ?? options.extranonce1 ?? '0a000001',
      connectedAtMs: this.nowMs,
      remote: '192.0.2.1:50000'
    }
    const deps = options.deps ?? {}
    this.session = new StratumV1().open(sessionOptions, deps)
    this.transcript = { options: sessionOptions, deps, steps: [] }
    SessionRig.opened?.push(this.transcript)
  }

  /** Requests (objects) and raw lines (strings) of one read. @returns the lines sent in answer, work included */
  read(...messages: readonly (object | string)[]): SentLine[] {
    const encoder = new TextEncoder()
    const lines = messages.map(message =>
      encoder.encode(typeof message === 'string' ? message : JSON.stringify(message))
    )
    return this.handle({ type: 'received', messages: lines })
  }

  request(id: unknown, method: string, params: unknown): SentLine[] {
    return this.read({ id, method, params })
  }

  /** Subscribe and authorise, with all that comes of it. */
  login(password: unknown = 'x', userAgent = ''): SentLine[] {
    return this.read(
      { id: 1, method: 'mining.subscribe', params: userAgent === '' ? [] : [userAgent] },
      { id: 2, method: 'mining.authorize', params: [`${ADDRESS}.w`, password] }
    )
  }

  submit(params: readonly unknown[], options: { jobId?: string; name?: string; id?: unknown } = {}): SentLine[] {
    const { jobId = this.jobId, name = `${ADDRESS}.w`, id = 4 } = options
    return this.request(id, 'mining.submit', [name, jobId, ...params])
  }

  get now(): Moment {
    return { steadyMs: this.nowMs, wallMs: unixMs(this.nowMs + this.skewMs) }
  }

  /** The newest job's id. */
  get jobId(): string {
    return this.jobIds.at(-1) ?? ''
  }

  /** The node renews the work. */
  renew(options: { work?: MiningWork; cleanJobs?: boolean; job?: Job } = {}): SentLine[] {
    this.work = options.work ?? this.work
    const { work } = this
    if (work === null) return []
    const job = options.job ?? jobOf(work, `68a00000${(++this.#jobs).toString(16).padStart(8, '0')}`)
    this.jobIds.push(job.id)
    const cleanJobs = options.cleanJobs ?? false
    return this.handle({ type: 'work', job, oldestWorkId: this.oldestWorkId, cleanJobs, limits: this.limits })
  }

  newBlock(prevHash: string): SentLine[] {
    return this.handle({ type: 'newBlock', prevHash: blockHash(prevHash) })
  }

  /** Lets time pass; the session is called whenever it asked to be. */
  pass(ms: number): SentLine[] {
    const sent: SentLine[] = []
    const untilMs = this.nowMs + ms
    for (let due = this.session.nextDeadlineMs; due !== null && due <= untilMs; due = this.session.nextDeadlineMs) {
      this.nowMs = steadyMs(Math.max(this.nowMs, due))
      sent.push(...this.handle({ type: 'deadline' }))
    }
    this.nowMs = steadyMs(untilMs)
    return sent
  }

  handle(event: SessionEvent): SentLine[] {
    const events = [event]
    let text = ''
    let wantsWork = false
    for (const next of events) {
      const effects = this.session.handle(next, this.now)
      this.session.checkInvariants(this.nowMs)
      this.effects.push(...effects)
      for (const effect of effects) {
        if (effect.type === 'send') text += String(effect.output)
        else if (effect.type === 'wantWork') wantsWork = true
        else if (effect.type === 'authorise') {
          const answer = this.#authorise(effect.request)
          if (answer === 'later') this.questions.push(effect)
          else events.push(answerEvent(effect.requestId, answer))
        }
      }
    }
    this.transcript.steps.push({ events, now: this.now, text })
    if (text !== '') this.writes.push(text)
    const sent = text === '' ? [] : linesOf(text)
    if (wantsWork) sent.push(...this.renew())
    return sent
  }

  /** The node answers a question that was left open. */
  answer(index: number, answer: Answer = authorise(this.#question(index).request)): SentLine[] {
    return this.handle(answerEvent(this.#question(index).requestId, answer))
  }

  /** The coinbase that was hashed, without witness. */
  coinbaseOf({ nsecs, extranonce }: Solution): Uint8Array {
    if (this.work === null) throw new Error('there is no work')
    return coinbaseOf({ work: this.work, nsecs, commitment: null }, extranonce)
  }

  #question(index: number): Extract<SessionEffect, { readonly type: 'authorise' }> {
    const question = this.questions[index]
    if (question === undefined) throw new Error('there is no such question')
    return question
  }

  get closed(): string | null {
    const last = this.effects.at(-1)
    return last?.type === 'close' ? last.reason : null
  }

  get solutions(): readonly Solution[] {
    return this.effects.flatMap(effect => (effect.type === 'solution' ? [effect.solution] : []))
  }

  get credits(): readonly number[] {
    return this.effects.flatMap(effect => (effect.type === 'accepted' ? [effect.creditedDifficulty] : []))
  }
}

function answerEvent(requestId: number, answer: Answer): SessionEvent {
  return answer.ok
    ? { type: 'authorised', requestId, identity: answer.identity }
    : { type: 'refused', requestId, message: answer.message }
}

/** @throws if the text is not whole lines of ASCII JSON */
export function linesOf(text: string): SentLine[] {
  if (!/^([\x20-\x7e]+\n)+$/.test(text)) throw new Error(`not whole ASCII lines: ${JSON.stringify(text)}`)
  return text
    .trimEnd()
    .split('\n')
    .map(line => JSON.parse(line) as SentLine)
}

/** What lines are about: reply ids, or method names without `mining.`. */
export function kindsOf(lines: readonly SentLine[]): unknown[] {
  return lines.map(line => line.method?.replace('mining.', '') ?? line.id)
}

export function difficultyIn(lines: readonly SentLine[]): number | null {
  const line = lines.findLast(({ method }) => method === 'mining.set_difficulty')
  return line === undefined ? null : (line.params?.[0] as number)
}

export function notifyIn(lines: readonly SentLine[]): readonly unknown[] | null {
  return lines.findLast(({ method }) => method === 'mining.notify')?.params ?? null
}
