import type { ChainParams, HeaderItem, ShareHeader } from '@p2poolv2/consensus'
import { genesisShare } from '@p2poolv2/consensus'
import {
  type Height,
  invariant,
  type Rng,
  type ShareHash,
  type SteadyMs,
  steadyMs,
  ZERO_SHARE_HASH
} from '@p2poolv2/primitives'
import type { ChainIndex, ChainJudgement, PeerId } from '../contract.ts'
import type { Outbox } from '../peers/outbox.ts'
import type { PeerBook } from '../peers/peer-book.ts'
import type { FaultCode } from '../peers/verdicts.ts'
import { mostAtOneHeight } from './answer.ts'
import { FULL_ANSWER_HEADERS } from './full-answer.ts'
import { type NextQuestion, Presync } from './presync.ts'
import { type HeaderProgress, ProgressMeter } from './progress.ts'

/** A peer that has kept us waiting this long gets company: headers are asked of a second peer too. */
export const STALL_MS = 3_000
/** Peers asked at the same time. */
export const MAX_SESSIONS = 2
/** A retry asks from this far below the lowest share it has in common with what it was sent (protocol §12.3). */
const RETRY_DEPTH = 100
/** Retries with a deeper locator before a peer is left alone for a while. */
export const MAX_RETRIES = 3
/** One peer is asked for headers this often at least: a push that got lost is never repeated (protocol §19.5, §19.7). */
export const POLL_MS = 60_000
/** Between two sessions with one peer, so that nobody can make us ask without end. */
const MIN_GAP_MS = 1_000
/** Wait after the first failure of a peer; doubled with each further one. */
const FIRST_BACKOFF_MS = 5_000
const MAX_BACKOFF_MS = 600_000
interface Session {
  readonly peer: PeerId
  sentAtMs: SteadyMs
  /** Height of the last header of the answer before; a continuation has to come further. */
  reached: Height
  depth: Height
  retries: number
  /** Headers taken so far. */
  headers: number
  readonly presync: Presync
  readonly meter: ProgressMeter
}

interface Delivered {
  readonly id: number
  readonly session: Session
  readonly items: readonly HeaderItem[]
}

interface Patience {
  failures: number
  notBeforeMs: SteadyMs
}

interface Parts {
  readonly chain: ChainIndex
  readonly peers: PeerBook
  readonly out: Outbox
  readonly rng: Rng
}

/** Why a session ended without its peer's headers. */
type Failure = { readonly reason: string; readonly code?: FaultCode }

/**
 * Learns headers from peers (protocol §19): one at a time, a second when the first keeps us waiting. A session asks with a
 * locator, follows full answers to their end, and retries deeper when what it was sent does not connect. Each session ends:
 * answers must rise in height and may not lead into the future, retries are counted, and a peer that fails waits its turn
 * for ever longer.
 */
export class HeaderSync {
  readonly #params: ChainParams
  readonly #parts: Parts
  readonly #sessions = new Map<PeerId, Session>()
  /** Peers to ask, in order, and the share that made us want to; null to ask in any case. At most one entry a peer. */
  readonly #wanting = new Map<PeerId, ShareHash | null>()
  /** Of connected peers that have been asked. */
  readonly #patience = new Map<PeerId, Patience>()
  /** Headers given to the chain and not judged yet: only within one turn. */
  #delivered: Delivered | null = null
  #lastDelivery = 0
  #pollAtMs: SteadyMs | null = null
  #lastPolled: PeerId | null = null

  constructor(params: ChainParams, parts: Parts) {
    this.#params = params
    this.#parts = parts
  }

  /** Whether answers with much news are being followed. */
  get isCatchingUp(): boolean {
    for (const { headers, presync } of this.#sessions.values()) {
      if (headers >= FULL_ANSWER_HEADERS || presync.phase !== 'direct') return true
    }
    return false
  }

  /** Of the session that has come furthest; null when none has much to tell. */
  progress(nowMs: SteadyMs): HeaderProgress | null {
    let furthest: HeaderProgress | null = null
    if (!this.isCatchingUp) return null
    for (const { meter } of this.#sessions.values()) {
      const read = meter.read(this.#params.spacingSec, { steadyMs: nowMs, wallSec: this.#parts.chain.wallSec() })
      if (read !== null && (furthest === null || read.doneHeights > furthest.doneHeights)) furthest = read
    }
    return furthest
  }

  get sessionCount(): number {
    return this.#sessions.size
  }

  /** When `work` has something to do; may be in the past while peers it needs are missing, so it never is with none. */
  get nextDeadlineMs(): SteadyMs | null {
    let next = this.#pollAtMs
    const sooner = (atMs: number) => {
      if (next === null || atMs < next) next = steadyMs(atMs)
    }
    if (this.#sessions.size >= MAX_SESSIONS) return next
    const [session] = this.#sessions.values()
    if (session !== undefined) {
      // Nobody else to ask: the answer, the time-out or a trigger comes first.
      const readyAtMs = this.#nextReadyAtMs(session)
      if (readyAtMs !== null) sooner(Math.max(session.sentAtMs + STALL_MS, readyAtMs))
      return next
    }
    for (const peer of this.#wanting.keys()) sooner(this.#notBeforeMs(peer))
    return next
  }

  /** Asks this peer as soon as it is its turn; `unknown` is the share it has and we do not, or null to ask in any case. */
  trigger(peer: PeerId, unknown: ShareHash | null): void {
    if (this.#parts.peers.get(peer) === undefined) return
    const before = this.#wanting.get(peer)
    // Two reasons are one too many to remember: ask in any case.
    this.#wanting.set(peer, before === undefined || before === unknown ? unknown : null)
  }

  peerConnected(nowMs: SteadyMs): void {
    if (this.#pollAtMs === null) this.#schedulePoll(nowMs)
  }

  peerGone(peer: PeerId): void {
    this.#sessions.delete(peer)
    this.#wanting.delete(peer)
    this.#patience.delete(peer)
    if (this.#parts.peers.size === 0) this.#pollAtMs = null
  }

  /** Starts what can be started. Called after every event. */
  work(nowMs: SteadyMs): void {
    if (this.#pollAtMs !== null && this.#pollAtMs <= nowMs) this.#poll(nowMs)
    for (const [peer, unknown] of this.#wanting) {
      if (!this.#hasRoom(nowMs)) return
      if (this.#sessions.has(peer) || this.#notBeforeMs(peer) > nowMs) continue
      this.#wanting.delete(peer)
      if (unknown === null || this.#parts.chain.facts(unknown) === undefined) this.#begin(peer, nowMs)
    }
    if (this.#sessions.size === 0 || !this.#hasRoom(nowMs)) return
    const second = this.#nextInRotation(nowMs)
    if (second !== null) this.#begin(second, nowMs)
  }

  /** The answer of a peer we asked for headers; null if it gave none. */
  answered(peer: PeerId, items: readonly HeaderItem[] | null, nowMs: SteadyMs): void {
    const session = this.#sessions.get(peer)
    if (session === undefined) return
    if (items === null) {
      this.#fail(session, { reason: 'no-answer' }, nowMs)
      return
    }
    const [first] = items
    if (first === undefined) {
      this.#finish(session, nowMs)
      return
    }
    if (items.length === 1 && first.header.prevShareHash === ZERO_SHARE_HASH) {
      this.#takeGenesis(session, first.hash, nowMs)
      return
    }
    const { chain, out } = this.#parts
    if (mostAtOneHeight(items, chain) > this.#params.maxSharesPerHeight) {
      this.#fail(session, { reason: 'answer-dense', code: 'answer-dense' }, nowMs)
      return
    }
    const step = session.presync.answered(items)
    if (step.type === 'take') {
      const id = ++this.#lastDelivery
      this.#delivered = { id, session, items }
      out.add({ type: 'deliverHeaders', deliveryId: id, peer, items, provenWork: step.provenWork })
    } else if (step.type === 'ask') {
      if (session.presync.tip !== null) session.meter.moved('comparing', session.presync.tip, nowMs)
      this.#ask(session, step.question, nowMs)
    } else {
      this.#fail(session, step, nowMs)
    }
  }

  /** What the chain made of the headers last delivered. @returns the peer they came from, if they were taken in */
  judged(deliveryId: number, outcome: ChainJudgement, nowMs: SteadyMs): PeerId | null {
    const delivered = this.#delivered
    invariant(delivered?.id === deliveryId, 'headers are judged in the turn they were delivered in')
    this.#delivered = null
    const { session, items } = delivered
    const { verdict } = outcome
    // The peer may have been dropped in the same turn.
    if (this.#sessions.get(session.peer) !== session) return null
    if (verdict.type === 'refused') {
      this.#fail(session, { reason: verdict.code, code: verdict.code }, nowMs)
      return null
    }
    if (verdict.type === 'waiting' && session.presync.phase === 'direct') {
      this.#retry(session, items, nowMs)
      return null
    }
    if (verdict.type === 'waiting') {
      this.#fail(session, { reason: 'does-not-connect' }, nowMs)
      return null
    }
    this.#takeBatch(session, items, nowMs)
    return session.peer
  }

  checkInvariants(): void {
    invariant(this.#sessions.size <= MAX_SESSIONS, 'few peers are asked for headers at a time')
    invariant(this.#delivered === null, 'headers are judged in the turn they were delivered in')
    for (const { presync } of this.#sessions.values()) presync.checkInvariants()
    for (const peers of [this.#sessions, this.#wanting, this.#patience]) {
      for (const peer of peers.keys()) {
        invariant(this.#parts.peers.get(peer) !== undefined, 'header sync knows connected peers only')
      }
    }
    invariant(
      (this.#pollAtMs === null) === (this.#parts.peers.size === 0),
      'somebody is polled while there is somebody'
    )
  }

  #begin(peer: PeerId, nowMs: SteadyMs): void {
    const { chain } = this.#parts
    const presync = new Presync(this.#params, chain)
    const meter = new ProgressMeter()
    const session: Session = { peer, sentAtMs: nowMs, reached: -1, depth: 0, retries: 0, headers: 0, presync, meter }
    this.#sessions.set(peer, session)
    this.#ask(session, { locator: chain.locator(0), stop: ZERO_SHARE_HASH }, nowMs)
  }

  #ask(session: Session, question: NextQuestion, nowMs: SteadyMs): void {
    const message = { type: 'getShareHeaders', ...question } as const
    session.sentAtMs = nowMs
    session.presync.asked(question.locator)
    this.#parts.out.ask(session.peer, message, { purpose: { type: 'headers' }, nowMs })
    this.#schedulePoll(nowMs)
  }

  /** The chain leaves out what is dated ahead of our clock, with what is built on it: it comes with a later answer. */
  #takeBatch(session: Session, answer: readonly HeaderItem[], nowMs: SteadyMs): void {
    const { chain, out } = this.#parts
    const items = answer.filter(({ hash }) => chain.facts(hash) !== undefined)
    const dropped = answer.length - items.length
    const aheadSec = answer.reduce((latest, { header }) => Math.max(latest, header.timeSec), 0) - chain.wallSec()
    if (dropped > 0 && aheadSec > this.#params.futureTimeSec) {
      out.report({ type: 'headersAhead', peer: session.peer, aheadSec })
    }
    const last = items.at(-1)
    if (last === undefined) {
      this.#fail(session, { reason: 'from-the-future' }, nowMs)
      return
    }
    const height = this.#parts.chain.facts(last.hash)?.height ?? 0
    // All of them: with a short prune depth some may be in the archive already.
    session.headers += answer.length
    session.meter.moved('fetching', { height, timeSec: last.header.timeSec }, nowMs)
    this.#parts.out.report({ type: 'headersTaken', peer: session.peer, headers: items.length, height })
    const next = session.presync.taken()
    if (next !== null) {
      this.#ask(session, next, nowMs)
      return
    }
    const hasMore = items.length + dropped >= FULL_ANSWER_HEADERS
    if (hasMore && height <= session.reached && dropped === 0) {
      this.#fail(session, { reason: 'no-progress', code: 'answer-without-progress' }, nowMs)
      return
    }
    if (!hasMore || height <= session.reached) {
      this.#finish(session, nowMs)
      return
    }
    session.reached = height
    session.retries = 0
    this.#ask(session, { locator: [last.hash], stop: ZERO_SHARE_HASH }, nowMs)
  }

  /** The peer knows no share of ours, not even the genesis that every locator ends with. */
  #takeGenesis(session: Session, hash: ShareHash, nowMs: SteadyMs): void {
    if (hash === genesisShare(this.#params).hash) {
      this.#fail(session, { reason: 'nothing-in-common' }, nowMs)
      return
    }
    this.#fail(session, { reason: 'different-genesis', code: 'different-genesis' }, nowMs)
  }

  /** Asks again from below the lowest share that the answer builds on and that we know (protocol §12.3). */
  #retry(session: Session, items: readonly HeaderItem[], nowMs: SteadyMs): void {
    session.retries++
    if (session.retries > MAX_RETRIES) {
      this.#fail(session, { reason: 'does-not-connect' }, nowMs)
      return
    }
    const tip = this.#parts.chain.candidateTip().height
    const anchored = tip - Math.max(0, this.#lowestAnchor(items.map(item => item.header)) - RETRY_DEPTH)
    session.depth = Math.min(tip, Math.max(anchored, session.depth * 2 + RETRY_DEPTH))
    session.reached = -1
    this.#ask(session, { locator: this.#parts.chain.locator(session.depth), stop: ZERO_SHARE_HASH }, nowMs)
  }

  #lowestAnchor(headers: readonly ShareHeader[]): Height {
    let lowest: Height | null = null
    for (const { prevShareHash } of headers) {
      const height = this.#parts.chain.facts(prevShareHash)?.height
      if (height !== undefined && (lowest === null || height < lowest)) lowest = height
    }
    return lowest ?? 0
  }

  #finish(session: Session, nowMs: SteadyMs): void {
    this.#sessions.delete(session.peer)
    this.#patience.set(session.peer, { failures: 0, notBeforeMs: steadyMs(nowMs + MIN_GAP_MS) })
  }

  #fail(session: Session, failure: Failure, nowMs: SteadyMs): void {
    const { out } = this.#parts
    const { peer } = session
    this.#sessions.delete(peer)
    const failures = (this.#patience.get(peer)?.failures ?? 0) + 1
    const backoffMs = Math.min(MAX_BACKOFF_MS, FIRST_BACKOFF_MS * 2 ** Math.min(failures - 1, 10))
    this.#patience.set(peer, { failures, notBeforeMs: steadyMs(nowMs + backoffMs) })
    out.report({ type: 'headersFailed', peer, reason: failure.reason })
    if (failure.code !== undefined) out.blame(peer, { code: failure.code, route: 'headers' }, nowMs)
  }

  #hasRoom(nowMs: SteadyMs): boolean {
    const [first] = this.#sessions.values()
    if (first === undefined) return true
    return this.#sessions.size < MAX_SESSIONS && first.sentAtMs + STALL_MS <= nowMs
  }

  #schedulePoll(nowMs: SteadyMs): void {
    // Spread by a tenth, so that nodes started together do not ask together for ever.
    this.#pollAtMs = steadyMs(nowMs + POLL_MS + (this.#parts.rng.u32() % (POLL_MS / 10)))
  }

  #poll(nowMs: SteadyMs): void {
    this.#schedulePoll(nowMs)
    const peer = this.#nextInRotation(nowMs)
    if (peer !== null) this.trigger(peer, null)
  }

  /** The next peer after the one last polled that may be asked now. */
  #nextInRotation(nowMs: SteadyMs): PeerId | null {
    const ids = [...this.#parts.peers.all()].map(peer => peer.id)
    const start = this.#lastPolled === null ? 0 : ids.indexOf(this.#lastPolled) + 1
    for (const id of [...ids.slice(start), ...ids.slice(0, start)]) {
      if (this.#sessions.has(id) || this.#notBeforeMs(id) > nowMs) continue
      this.#lastPolled = id
      return id
    }
    return null
  }

  /** When a peer other than the one being asked may be asked; null if there is no other. */
  #nextReadyAtMs(session: Session): number | null {
    let ready: number | null = null
    for (const { id } of this.#parts.peers.all()) {
      if (id === session.peer) continue
      const atMs = this.#notBeforeMs(id)
      if (ready === null || atMs < ready) ready = atMs
    }
    return ready
  }

  #notBeforeMs(peer: PeerId): number {
    return this.#patience.get(peer)?.notBeforeMs ?? 0
  }
}
