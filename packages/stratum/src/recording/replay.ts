import { hexToBytes, type Moment, steadyMs, type Target, targetFromDifficulty, unixMs } from '@p2poolv2/primitives'
import type { MinerIdentity, MinerSays, SessionEvent, SessionRemains } from '../contract.ts'
import { DEFAULT_START_PROFILES } from '../mining/difficulty.ts'
import { settingsOfDoor } from '../mining/door-settings.ts'
import type { V1Session } from '../v1/session.ts'
import { StratumV1 } from '../v1/stratum-v1.ts'
import { type Answer, answerOf, type Difference, differences, type Timed, wireObject } from './answers.ts'
import { jobOfNotify } from './recorded-job.ts'
import type { Recording, RecordingEntry, RecordingHead } from './recording.ts'

/** A line in the order of time: what the miner said, what it was answered in the recording, what it is answered now. */
export interface ReplayedLine {
  readonly at: number
  readonly who: 'miner' | 'recorded' | 'replayed'
  readonly text: string
}

export interface ReplayedConnection {
  /** Its number in the recording. */
  readonly miner: number
  readonly lines: readonly ReplayedLine[]
  /** Answers in the recording that were compared. */
  readonly answers: number
  readonly differences: readonly Difference[]
}

type Entry<K extends string> = Extract<RecordingEntry, { readonly [key in K]: unknown }>

/**
 * Runs the miners of a recording against sessions of this version, under the clock of the recording.
 *
 * What the miners say, when, and what jobs they are given is the recording's; so is whether their names are accepted, since that is
 * the node's to say and addresses may be redacted. Everything else is decided anew: replies, their order, difficulties, what a
 * submit is worth, when to close.
 */
export function replay({ head, entries }: Recording): readonly ReplayedConnection[] {
  const pool = new ReplayPool(head)
  for (const entry of entries) pool.take(entry, entries)
  return pool.finish()
}

class ReplayPool {
  readonly #head: RecordingHead
  readonly #protocol = new StratumV1()
  readonly #live = new Map<number, ReplayConnection>()
  readonly #all: ReplayConnection[] = []
  /** Of connections that ended, by session id; as many as the recording has. */
  readonly #remains = new Map<string, SessionRemains>()
  /** What a name had last, with what its machine said. */
  readonly #difficulties = new Map<string, { readonly difficulty: number; readonly says: MinerSays }>()
  #works = 0

  constructor(head: RecordingHead) {
    this.#head = head
  }

  take(entry: RecordingEntry, entries: readonly RecordingEntry[]): void {
    if ('open' in entry) {
      const own = entries.filter(({ miner }) => miner === entry.miner)
      const connection = new ReplayConnection(entry, own, { head: this.#head, protocol: this.#protocol, pool: this })
      this.#live.set(entry.miner, connection)
      this.#all.push(connection)
      return
    }
    const connection = this.#live.get(entry.miner)
    if (connection === undefined) return
    connection.take(entry)
    if ('gone' in entry) {
      this.#live.delete(entry.miner)
      this.#keep(connection.session)
    }
  }

  finish(): readonly ReplayedConnection[] {
    return this.#all.map(connection => connection.result())
  }

  nextWorkId(): number {
    return ++this.#works
  }

  resume(sessionId: string): SessionRemains | null {
    const remains = this.#remains.get(sessionId) ?? null
    this.#remains.delete(sessionId)
    return remains
  }

  recall(identity: MinerIdentity, says: MinerSays): number | null {
    const last = this.#difficulties.get(nameOf(identity))
    return last?.says.userAgent === says.userAgent ? last.difficulty : null
  }

  #keep(session: V1Session): void {
    const { identity, difficulty, says } = session
    if (identity !== null) this.#difficulties.set(nameOf(identity), { difficulty, says })
    const remains = session.remains()
    if (remains !== null) this.#remains.set(remains.sessionId, remains)
  }
}

/** What the recording says that the replay cannot decide. */
interface Recorded {
  readonly extranonce1: string
  readonly sessionId: string
  /** By id of the request, in order: whether the name was accepted, and the text if it was not. */
  readonly logins: readonly { readonly id: string; readonly refusal: string | null }[]
  /** For how long it was borne after its first refusal; undefined where that cannot be told. */
  readonly patienceMs: number | undefined
}

class ReplayConnection {
  readonly session: V1Session
  readonly #head: RecordingHead
  readonly #pool: ReplayPool
  readonly #miner: number
  readonly #lines: ReplayedLine[] = []
  readonly #recorded: Timed<Answer>[] = []
  readonly #replayed: Timed<Answer>[] = []
  readonly #logins: Recorded['logins'][number][]
  readonly #patienceMs: number | undefined
  #isCompared: boolean
  #isClosed = false
  #shareTarget: Target | null = null
  #limits: Entry<'limits'>['limits'] = { shareDifficulty: null, bitcoinDifficulty: Number.MAX_VALUE }

  constructor(
    { at, miner, open }: Entry<'open'>,
    entries: readonly RecordingEntry[],
    deps: { readonly head: RecordingHead; readonly protocol: StratumV1; readonly pool: ReplayPool }
  ) {
    const { head, protocol, pool } = deps
    const recorded = recordedOf(entries)
    this.#head = head
    this.#pool = pool
    this.#miner = miner
    this.#logins = [...recorded.logins]
    this.#patienceMs = recorded.patienceMs
    this.#isCompared = open.carried === undefined
    const { startDifficulty, carried } = open
    const { versionMask, vardiff } = head
    this.session = protocol.open(
      {
        ...settingsOfDoor({ versionMask, vardiff, startProfiles: DEFAULT_START_PROFILES }, startDifficulty),
        extranonce: { prefix: hexToBytes(recorded.extranonce1), minerBytes: 12 - recorded.extranonce1.length / 2 },
        sessionId: recorded.sessionId,
        connectedAtMs: this.#momentAt(at).steadyMs,
        remote: 'replay'
      },
      {
        resume: sessionId => pool.resume(sessionId),
        lastDifficulty: (identity, says) => carried?.difficulty ?? pool.recall(identity, says)
      }
    )
  }

  take(entry: RecordingEntry): void {
    this.#passTo(entry.at)
    if ('in' in entry) {
      for (const text of entry.in) this.#line({ at: entry.at, who: 'miner', text })
      const messages = entry.in.map(line => Uint8Array.from(line, character => character.charCodeAt(0)))
      this.#tell(entry.at, { type: 'received', messages })
    } else if ('out' in entry) {
      for (const text of entry.out) this.#was(entry.at, text)
    } else if ('limits' in entry) {
      this.#limits = entry.limits
      const { shareDifficulty } = entry.limits
      this.#shareTarget = shareDifficulty === null ? null : targetFromDifficulty(shareDifficulty)
    } else if ('close' in entry) {
      if (this.#isCompared && isOwnReason(entry.close))
        this.#recorded.push({ at: entry.at, item: closing(entry.close) })
    } else if ('begins' in entry) this.#isCompared = true
  }

  result(): ReplayedConnection {
    return {
      miner: this.#miner,
      lines: this.#lines,
      answers: this.#recorded.length,
      differences: differences(this.#recorded, this.#replayed)
    }
  }

  /** What the node wrote then: to be compared, and its jobs are what the session is given. */
  #was(at: number, text: string): void {
    const answer = answerOf(text)
    this.#line({ at, who: 'recorded', text })
    if (this.#isCompared) this.#recorded.push({ at, item: answer })
    // That the node stops, and when, is as little the session's to say as what work there is.
    if (answer.kind === 'client.reconnect') this.#tell(at, { type: 'stopping' })
    if (!answer.kind.startsWith('notify')) return
    const { params } = JSON.parse(text) as { readonly params: unknown }
    const told = jobOfNotify(params, { workId: this.#pool.nextWorkId(), shareTarget: this.#shareTarget })
    if (told === null) return
    const { job, jobs } = told
    this.#tell(at, { type: 'work', job, oldestWorkId: 1, cleanJobs: jobs === 'clean', limits: this.#limits })
  }

  /** Lets the session do what is due by then. */
  #passTo(at: number): void {
    const untilMs = this.#momentAt(at).steadyMs
    for (let due = this.session.nextDeadlineMs; due !== null && due <= untilMs; due = this.session.nextDeadlineMs) {
      this.#tell(due - this.#head.startedAtMs, { type: 'deadline' })
      if (this.session.nextDeadlineMs === due) return
    }
  }

  #tell(at: number, event: SessionEvent): void {
    const events = [event]
    for (const next of events) {
      for (const effect of this.session.handle(next, this.#momentAt(at))) {
        if (effect.type === 'send') for (const text of String(effect.output).trimEnd().split('\n')) this.#is(at, text)
        else if (effect.type === 'authorise') events.push(this.#answerTo(effect.requestId, effect.request))
        else if (effect.type === 'close' && !this.#isClosed) {
          this.#isClosed = true
          if (this.#isCompared) this.#replayed.push({ at, item: closing(effect.reason) })
        }
      }
    }
  }

  #is(at: number, text: string): void {
    this.#line({ at, who: 'replayed', text })
    if (this.#isCompared) this.#replayed.push({ at, item: answerOf(text) })
  }

  /** As it was answered then, in the order of the requests. */
  #answerTo(requestId: number, request: { readonly user: string; readonly worker: string }): SessionEvent {
    const refusal = this.#logins.shift()?.refusal ?? null
    if (refusal !== null) {
      const patienceMs = this.#patienceMs
      return { type: 'refused', requestId, message: refusal, ...(patienceMs !== undefined && { patienceMs }) }
    }
    const { user, worker } = request
    const identity = { payoutAddress: user, payoutScript: scriptOf(user), worker, shareProgram: null }
    return { type: 'authorised', requestId, identity }
  }

  #line(line: ReplayedLine): void {
    this.#lines.push(line)
  }

  #momentAt(at: number): Moment {
    const ms = this.#head.startedAtMs + at
    return { steadyMs: steadyMs(ms), wallMs: unixMs(ms) }
  }
}

/** The node stops, or has no room: nothing that a session decides. */
const NODE_REASONS: ReadonlySet<string> = new Set(['stopping', 'too-many-miners', 'made-room', 'coinbase-too-large'])

function isOwnReason(reason: string): boolean {
  return !NODE_REASONS.has(reason)
}

function closing(reason: string): Answer {
  return { kind: `closed: ${reason}`, difficulty: null }
}

function nameOf({ payoutAddress, worker }: MinerIdentity): string {
  return `${payoutAddress}.${worker}`
}

/** Something to pay that is the same for the same name: payees are only told apart here. */
function scriptOf(user: string): Uint8Array {
  const script = new Uint8Array(22)
  for (let at = 0; at < user.length; at++) {
    const place = at % script.length
    script[place] = ((script[place] ?? 0) * 31 + user.charCodeAt(at)) & 0xff
  }
  return script
}

/** The node bears with a wrong name for a multiple of this. */
const PATIENCE_STEP_MS = 10_000

function recordedOf(entries: readonly RecordingEntry[]): Recorded {
  const asked = new Set<string>()
  const logins: Recorded['logins'][number][] = []
  let extranonce1 = '00000000'
  let sessionId = '0000000000000000'
  let refusedAt: number | null = null
  let patienceMs: number | undefined
  for (const entry of entries) {
    if ('close' in entry && entry.close === 'refused' && refusedAt !== null && entry.at - refusedAt >= PATIENCE_STEP_MS)
      patienceMs = Math.floor((entry.at - refusedAt) / PATIENCE_STEP_MS) * PATIENCE_STEP_MS
    for (const line of 'in' in entry ? entry.in : []) {
      const { id, method } = wireObject(line) ?? {}
      if (method === 'mining.authorize') asked.add(JSON.stringify(id ?? null))
    }
    for (const line of 'out' in entry ? entry.out : []) {
      const { id, method, result, error } = wireObject(line) ?? {}
      if (method !== undefined) continue
      if (Array.isArray(result) && result.length === 3 && typeof result[1] === 'string') {
        if (/^([0-9a-f]{2}){1,11}$/.test(result[1])) extranonce1 = result[1]
        const [subscriptions] = result as [unknown]
        const sid: unknown = Array.isArray(subscriptions) ? (subscriptions[0] as unknown[])?.[1] : null
        if (typeof sid === 'string') sessionId = sid
      } else if (asked.has(JSON.stringify(id ?? null))) {
        const text: unknown = Array.isArray(error) ? error[1] : null
        logins.push({ id: JSON.stringify(id ?? null), refusal: result === true ? null : String(text) })
        if (result !== true) refusedAt ??= entry.at
        asked.delete(JSON.stringify(id ?? null))
      }
    }
  }
  return { extranonce1, sessionId, logins, patienceMs }
}
