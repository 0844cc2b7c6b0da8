import type { TimelineJson } from '@p2poolv2/api/schema'
import type { NodeFact } from '@p2poolv2/node'
import { invariant, type Moment, type ShareHash, secFromMs } from '@p2poolv2/primitives'
import type { Clock } from '@p2poolv2/runtime'
import { type RejectCount, workerId } from '../answers/workers-answer.ts'
import { type Told, toldOf } from './told.ts'

export type TimelineEntry = TimelineJson['entries'][number]

/** Entries kept; at the cap the oldest goes. */
export const MAX_ENTRIES = 500
/** Entries of one kind that one minute adds; what comes beyond is counted and said with the next one. */
export const KIND_PER_MINUTE = 30
/** Reject codes counted apart: stratum has a dozen. Others count under the last. */
const MAX_REJECT_CODES = 32
const MINUTE_MS = 60_000

/** Who wants to hear of what happens, as it happens. */
export interface JournalListener {
  told?(entry: TimelineEntry): void
  confirmed?(share: ShareHash): void
  peer?(peerId: string, status: 'Connected' | 'Disconnected'): void
}

interface Minute {
  startedAtMs: number
  told: number
  left: number
}

/** Remembers what happened of late, in sentences, and why submits were rejected. Bounded; begins anew with each start. */
export class Journal {
  readonly #clock: Clock
  readonly #entries: TimelineEntry[] = []
  readonly #minutes = new Map<string, Minute>()
  readonly #rejects = new Map<number, RejectCount>()
  /** Worker by connection, to say who left. */
  readonly #miners = new Map<number, string>()
  #nextId = 1
  #template: { readonly source: string; readonly sec: number } | null = null
  readonly #listeners: JournalListener[] = []

  constructor(clock: Clock) {
    this.#clock = clock
  }

  /** For as long as the journal lives. */
  listen(listener: JournalListener): void {
    this.#listeners.push(listener)
  }

  /** What the node reports; see `NodeShellOptions`. */
  record(fact: NodeFact): void {
    switch (fact.type) {
      case 'shareRejected':
        this.#countReject(fact)
        return
      case 'shareConfirmed':
        for (const listener of this.#listeners) listener.confirmed?.(fact.shareHash)
        return
      case 'templateTaken':
        this.#template = { source: fact.source, sec: secFromMs(this.#clock.now().wallMs) }
        return
      case 'minerAuthorised':
        this.#miners.set(fact.miner, workerId(fact.payoutAddress, fact.worker))
        break
      case 'peerConnected':
      case 'peerGone': {
        const status = fact.type === 'peerConnected' ? 'Connected' : 'Disconnected'
        for (const listener of this.#listeners) listener.peer?.(fact.peer, status)
        break
      }
      default:
    }
    const told = toldOf(fact, fact.type === 'minerGone' ? (this.#miners.get(fact.miner) ?? null) : null)
    if (fact.type === 'minerGone') this.#miners.delete(fact.miner)
    if (told !== null) this.#tell(told, this.#clock.now())
  }

  /** The newest first. */
  entries({ after, limit }: { readonly after: number; readonly limit: number }): readonly TimelineEntry[] {
    return this.#entries
      .filter(({ id }) => id > after)
      .slice(-limit)
      .reverse()
  }

  /** Why submits were rejected since the start, the most frequent first. */
  get rejects(): readonly RejectCount[] {
    return [...this.#rejects.values()].sort((a, b) => b.count - a.count)
  }

  /** Where the newest template came from, and when. */
  get template(): { readonly source: string; readonly sec: number } | null {
    return this.#template
  }

  checkInvariants(): void {
    invariant(this.#entries.length <= MAX_ENTRIES, 'entries are within their cap')
    invariant(this.#rejects.size <= MAX_REJECT_CODES, 'reject codes are within their cap')
  }

  #tell({ kind, level, text, subject }: Told, { wallMs, steadyMs }: Moment): void {
    const left = this.#leftBefore(kind, steadyMs)
    if (left === null) return
    const more = left === 0 ? '' : ` (and ${left} more like it before)`
    const entry: TimelineEntry = {
      id: this.#nextId++,
      time: secFromMs(wallMs),
      kind,
      level,
      text: text + more,
      subject
    }
    this.#entries.push(entry)
    if (this.#entries.length > MAX_ENTRIES) this.#entries.shift()
    for (const listener of this.#listeners) listener.told?.(entry)
  }

  /** @returns how many of the kind were left out before this one; null to leave it out too */
  #leftBefore(kind: string, nowMs: number): number | null {
    const minute = this.#minutes.get(kind) ?? { startedAtMs: nowMs, told: 0, left: 0 }
    this.#minutes.set(kind, minute)
    if (nowMs - minute.startedAtMs >= MINUTE_MS) Object.assign(minute, { startedAtMs: nowMs, told: 0 })
    if (minute.told >= KIND_PER_MINUTE) {
      minute.left += 1
      return null
    }
    minute.told += 1
    const { left } = minute
    minute.left = 0
    return left
  }

  #countReject({ code, reason }: Extract<NodeFact, { type: 'shareRejected' }>): void {
    const known = this.#rejects.get(code)
    if (known === undefined && this.#rejects.size >= MAX_REJECT_CODES) return
    this.#rejects.set(code, { code, reason: known?.reason ?? reason, count: (known?.count ?? 0) + 1 })
  }
}
