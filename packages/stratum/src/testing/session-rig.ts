import type { Job, Solution, Work } from '@p2poolv2/bitcoin'
import { blockHash, hexToBytes, type UnixMs, unixMs } from '@p2poolv2/primitives'
import type { DifficultyLimits, SessionDeps, SessionEffect, SessionEvent, SessionSettings } from '../contract.ts'
import { DEFAULT_START_PROFILES } from '../mining/difficulty.ts'
import { notifyParts } from '../v1/notify-line.ts'
import { Session } from '../v1/session.ts'
import { jobOf, TEMPLATE_A, workOf } from './vectors.ts'

export const ADDRESS = 'bc1qexampleaddr'
export const OTHER_ADDRESS = 'bc1qotheraddress'
export const SETTINGS: SessionSettings = {
  versionMask: 0x1fffe000,
  vardiff: { retarget: 'off', targetSharesPerSec: 0.3, minDifficulty: 0.0001, maxDifficulty: 1e12, startDifficulty: 1 },
  startProfiles: DEFAULT_START_PROFILES
}
export const NO_LIMITS: DifficultyLimits = { shareDifficulty: null, bitcoinDifficulty: 1e14 }

/** Knows two addresses; refuses every other by name. */
export const authorise: SessionDeps['authorise'] = ({ user, worker }) =>
  user === ADDRESS || user === OTHER_ADDRESS
    ? { ok: true, identity: { payoutAddress: user, payoutScript: new Uint8Array(22), worker, shareProgram: null } }
    : { ok: false, message: `Not an address: ${user}` }

export interface RigOptions {
  readonly settings?: SessionSettings
  readonly work?: Work | null
  readonly limits?: DifficultyLimits
  readonly extranonce1?: string
  readonly deps?: Partial<SessionDeps>
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

/** A session with a node that always has the given work and a clock that stands still until told. */
export class SessionRig {
  readonly session: Session
  readonly effects: SessionEffect[] = []
  /** Every write, as text. */
  readonly writes: string[] = []
  work: Work | null
  limits: DifficultyLimits
  nowMs: UnixMs
  /** Ids of the jobs sent, in order. */
  readonly jobIds: string[] = []
  #jobs = 0

  constructor(options: RigOptions = {}) {
    this.work = options.work === undefined ? workOf(TEMPLATE_A) : options.work
    this.limits = options.limits ?? NO_LIMITS
    this.nowMs = unixMs(options.nowMs ?? TEMPLATE_A.timeSec * 1000)
    const extranonce1 = hexToBytes(options.extranonce1 ?? '0a000001')
    this.session = new Session(
      { ...(options.settings ?? SETTINGS), extranonce1, connectedAtMs: this.nowMs, remote: '192.0.2.1:50000' },
      { authorise, ...options.deps }
    )
  }

  /** Requests (objects) and raw lines (strings) of one read. @returns the lines sent in answer, work included */
  read(...messages: readonly (object | string)[]): SentLine[] {
    const encoder = new TextEncoder()
    const lines = messages.map(message =>
      encoder.encode(typeof message === 'string' ? message : JSON.stringify(message))
    )
    return this.handle({ type: 'lines', lines })
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

  /** The newest job's id. */
  get jobId(): string {
    return this.jobIds.at(-1) ?? ''
  }

  /** The node renews the work. */
  renew(options: { work?: Work; cleanJobs?: boolean; job?: Job } = {}): SentLine[] {
    this.work = options.work ?? this.work
    const { work } = this
    if (work === null) return []
    const job = options.job ?? jobOf(work, `68a00000${(++this.#jobs).toString(16).padStart(8, '0')}`)
    this.jobIds.push(job.id)
    const cleanJobs = options.cleanJobs ?? false
    return this.handle({ type: 'work', job, notify: notifyParts(work), cleanJobs, limits: this.limits })
  }

  newBlock(prevHash: string): SentLine[] {
    return this.handle({ type: 'newBlock', prevHash: blockHash(prevHash) })
  }

  /** Lets time pass; the session is called whenever it asked to be. */
  pass(ms: number): SentLine[] {
    const sent: SentLine[] = []
    const untilMs = this.nowMs + ms
    for (let due = this.session.nextDeadlineMs; due !== null && due <= untilMs; due = this.session.nextDeadlineMs) {
      this.nowMs = unixMs(Math.max(this.nowMs, due))
      sent.push(...this.handle({ type: 'deadline' }))
    }
    this.nowMs = unixMs(untilMs)
    return sent
  }

  handle(event: SessionEvent): SentLine[] {
    const sent: SentLine[] = []
    const effects = this.session.handle(event, this.nowMs)
    this.session.checkInvariants(this.nowMs)
    this.effects.push(...effects)
    for (const effect of effects) {
      if (effect.type === 'send') {
        this.writes.push(effect.text)
        sent.push(...linesOf(effect.text))
      } else if (effect.type === 'wantWork') {
        sent.push(...this.renew())
      }
    }
    return sent
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
