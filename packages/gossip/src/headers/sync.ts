import type { ChainParams, HeaderItem } from '@p2poolv2/consensus'
import { genesisShare, MAX_BATCH_HEADERS_PER_HEIGHT } from '@p2poolv2/consensus'
import {
  type Height,
  invariant,
  type Rng,
  type ShareHash,
  type SteadyMs,
  steadyMs,
  ZERO_SHARE_HASH
} from '@p2poolv2/primitives'
import type { ChainPort, PeerHeaders } from '../chain-port.ts'
import type { PeerId } from '../network-port.ts'
import type { GossipEffects } from '../peers/gossip-effects.ts'
import type { PeerBook } from '../peers/peer-book.ts'
import type { Outstanding } from '../peers/request-book.ts'
import type { FaultCode } from '../peers/verdicts.ts'
import { HeaderMeter, type SyncProgress } from '../progress.ts'
import type { ChainWatch } from '../shares/chain-watch.ts'
import { lowestAnchor, mostAtOneHeight } from './answer.ts'
import { FULL_ANSWER_HEADERS } from './full-answer.ts'
import { OtherChains } from './other-chains.ts'
import { GRACE_MS, LEAST_HEIGHTS_PER_SEC, Pace } from './pace.ts'
import { MAX_SESSIONS, Places } from './places.ts'
import { type NextQuestion, noProgress, Presync } from './presync.ts'
import { Turns } from './turns.ts'

/** A retry asks from this far below the lowest share it has in common with what it was sent (protocol §12.3). */
const RETRY_DEPTH = 100
/** Retries with a deeper locator before a peer is left alone for a while. */
export const MAX_RETRIES = 3
/** Times a session begins anew because its peer went over to another chain between two answers, as every honest one does now and then. */
export const MAX_RESTARTS = 2

interface Session {
  readonly peer: PeerId
  readonly beganAtMs: SteadyMs
  readonly pace: Pace
  /** Heights it has risen by in all, following and fetching, and the one it has come to. */
  risen: Height
  at: Height
  /** Of the request whose answer is awaited, and what it named. */
  requestId: number
  asked: readonly ShareHash[]
  /** Height of the last header of the answer before; a continuation has to come further. */
  reached: Height
  depth: Height
  retries: number
  restarts: number
  /** Headers taken so far, and the last of them. */
  headers: number
  last: ShareHash | null
  /** Height of the lowest share of ours that the first answer was built on; null before it. */
  anchor: Height | null
  presync: Presync
  readonly meter: HeaderMeter
}

interface Parts {
  readonly chain: ChainPort
  readonly peers: PeerBook
  readonly out: GossipEffects
  readonly rng: Rng
  readonly watch: ChainWatch
}

const NOTHING_TAKEN = { reached: -1, headers: 0, last: null, anchor: null }

/** Why a session ended without its peer's headers. */
type Failure = { readonly reason: string; readonly code?: FaultCode }
/** Why one ended whose peer may have more to tell soon: when it is quicker, or has found out what it follows. */
const FOR_NOW: ReadonlySet<string> = new Set(['too-slow', 'slower-than-another', 'no-answer', 'refuted-chain'])

/**
 * Learns headers from peers (protocol §19): one at a time, a second when the first keeps us waiting, and of the two
 * the slower one gives way; so does one that is slow by any measure while others can be asked. A session asks with a locator, follows full answers to their end, and retries deeper when what it was sent does not connect. Each session ends:
 * answers must rise in height and may not lead into the future, retries are counted, and a peer that fails waits its turn
 * for ever longer.
 */
export class HeaderSync {
  readonly #params: ChainParams
  readonly #parts: Parts
  readonly #sessions = new Places<Session>()
  readonly #turns: Turns
  readonly #others: OtherChains
  #hasHeard = false
  readonly #isBusy = (peer: PeerId): boolean => this.#sessions.get(peer) !== undefined

  constructor(params: ChainParams, parts: Parts) {
    this.#params = params
    this.#parts = parts
    this.#turns = new Turns(parts)
    this.#others = new OtherChains(parts.chain)
  }

  /** Whether answers with much news are being followed. */
  get isCatchingUp(): boolean {
    for (const { headers, presync } of this.#sessions.all()) {
      if (headers >= FULL_ANSWER_HEADERS || presync.phase !== 'direct') return true
    }
    return false
  }

  /** Whether the candidate chain is growing by headers: their bodies may be far from complete anywhere. */
  get isTaking(): boolean {
    for (const { headers, presync } of this.#sessions.all()) {
      if (headers >= FULL_ANSWER_HEADERS || presync.phase === 'fetching') return true
    }
    return false
  }

  /** Of the session that has come furthest; null when none has much to tell. */
  progress(nowMs: SteadyMs): SyncProgress | null {
    let furthest: SyncProgress | null = null
    if (!this.isCatchingUp) return null
    for (const { meter } of this.#sessions.all()) {
      const read = meter.read(this.#params.spacingSec, { steadyMs: nowMs, wallSec: this.#parts.chain.wallSec() })
      if (read !== null && (furthest === null || read.doneHeights > furthest.doneHeights)) furthest = read
    }
    return furthest
  }

  /** Whether a peer has told all that it had. */
  get hasHeard(): boolean {
    return this.#hasHeard
  }

  /** Whether a peer has shown another chain, to which ours could turn. */
  get isOtherShown(): boolean {
    return this.#others.isShown
  }

  get sessionCount(): number {
    return this.#sessions.size
  }

  /** When `work` has something to do; may be in the past while peers it needs are missing, so it never is with none. */
  get nextDeadlineMs(): SteadyMs | null {
    const times = [this.#turns.pollAtMs, this.#nextBeginMs()].filter(atMs => atMs !== null)
    return times.length === 0 ? null : steadyMs(Math.min(...times))
  }

  /** Asks this peer as soon as it is its turn; `unknown` is the share it has and we do not, or null to ask in any case. */
  trigger(peer: PeerId, unknown: ShareHash | null): void {
    this.#turns.want(peer, unknown)
  }

  peerConnected(nowMs: SteadyMs): void {
    this.#turns.peerConnected(nowMs)
  }

  peerGone(peer: PeerId): void {
    this.#sessions.delete(peer)
    this.#turns.peerGone(peer)
    this.#others.gone(peer)
  }

  /** Starts what can be started. Called after every event. */
  work(nowMs: SteadyMs): void {
    if (this.#parts.watch.takeFallen()) {
      for (const peer of this.#parts.peers.all()) peer.reconsider(this.#parts.chain)
      this.#turns.fallen(nowMs)
    }
    this.#turns.poll(this.#isBusy, nowMs)
    while (this.#sessions.freeAtMs <= nowMs) {
      const isFirst = this.#sessions.size === 0
      const wanted = this.#turns.nextWanted(this.#isBusy, nowMs)
      // Company for a slow peer is anybody.
      const peer = wanted ?? (isFirst ? null : this.#turns.inRotation(this.#isBusy, nowMs))
      if (peer === null) return
      const slow = this.#sessions.inTheWay(nowMs)
      if (slow !== undefined) this.#fail(slow, { reason: 'too-slow' }, nowMs)
      this.#begin(peer, nowMs)
    }
  }

  /** The answer of a peer we asked for headers; null if it gave none. */
  answered(
    request: Pick<Outstanding, 'peer' | 'requestId'>,
    items: readonly HeaderItem[] | null,
    nowMs: SteadyMs
  ): void {
    const session = this.#sessions.get(request.peer)
    // One that gave way may answer after all, even when its turn has come again.
    if (session === undefined || session.requestId !== request.requestId) return
    session.pace.answered(nowMs)
    if (items === null) {
      this.#fail(session, { reason: 'no-answer' }, nowMs)
      return
    }
    const peer = this.#parts.peers.get(request.peer)
    if (peer !== undefined) peer.hasToldHeaders = true
    const [first] = items
    if (first === undefined) {
      this.#finish(session, nowMs)
      return
    }
    if (items.length === 1 && first.header.prevShareHash === ZERO_SHARE_HASH) {
      this.#takeGenesis(session, first.hash, nowMs)
      return
    }
    if (mostAtOneHeight(items, this.#parts.chain) > MAX_BATCH_HEADERS_PER_HEIGHT) {
      this.#fail(session, { reason: 'answer-dense', code: 'answer-dense' }, nowMs)
      return
    }
    session.anchor ??= lowestAnchor(items, this.#parts.chain)
    const step = session.presync.answered(items)
    if (step.type === 'take') {
      this.#take(session, { items, headers: step }, nowMs)
    } else if (step.type === 'ask') {
      const { tip } = session.presync
      if (tip !== null) {
        session.meter.moved('comparing', tip, nowMs)
        peer?.showed(tip)
      }
      if (tip === null || this.#isWorthItsTurn(session, tip.height, nowMs)) this.#goOn(session, step.question, nowMs)
      else this.#fail(session, { reason: 'too-slow' }, nowMs)
    } else {
      this.#failOrBeginAnew(session, step, nowMs)
    }
  }

  checkInvariants(): void {
    invariant(this.#sessions.size <= MAX_SESSIONS, 'few peers are asked for headers at a time')
    for (const { peer, presync } of this.#sessions.all()) {
      presync.checkInvariants()
      invariant(this.#parts.peers.get(peer) !== undefined, 'connected peers are asked for headers')
    }
    this.#turns.checkInvariants()
  }

  /** When a session could begin; null while something else comes first: an answer, a time-out or a trigger. */
  #nextBeginMs(): number | null {
    if (this.#sessions.size === 0) return this.#turns.wantedAtMs
    const readyAtMs = this.#turns.readyAtMs(this.#isBusy)
    if (readyAtMs === null) return null
    return Math.max(this.#sessions.freeAtMs, readyAtMs)
  }

  #begin(peer: PeerId, nowMs: SteadyMs): void {
    const { chain } = this.#parts
    const presync = new Presync(this.#params, chain)
    const meter = new HeaderMeter()
    const pace = { beganAtMs: nowMs, pace: new Pace(nowMs), risen: 0, at: chain.candidateTip().height }
    const asking = { requestId: 0, asked: [], depth: 0, retries: 0, restarts: 0 }
    const session: Session = { peer, presync, meter, ...pace, ...asking, ...NOTHING_TAKEN }
    this.#sessions.add(session)
    this.#ask(session, { locator: chain.locator(0), stop: ZERO_SHARE_HASH }, nowMs)
  }

  #ask(session: Session, question: NextQuestion, nowMs: SteadyMs): void {
    const message = { type: 'getShareHeaders', ...question } as const
    session.pace.asked(nowMs)
    session.asked = question.locator
    session.presync.asked(question.locator)
    session.requestId = this.#parts.out.ask(session.peer, message, { purpose: { type: 'headers' }, nowMs })
    this.#turns.asked(nowMs)
  }

  /** Asks on after an answer. Others, out of patience and waited for longer than that answer took, give way. */
  #goOn(session: Session, question: NextQuestion, nowMs: SteadyMs): void {
    for (const slower of this.#sessions.slowerThan(session, nowMs)) {
      this.#fail(slower, { reason: 'slower-than-another' }, nowMs)
    }
    this.#ask(session, question, nowMs)
  }

  /** Gives headers to the chain, and goes on with the session as it judges them. */
  #take(
    session: Session,
    {
      items,
      headers
    }: { readonly items: readonly HeaderItem[]; readonly headers: Pick<PeerHeaders, 'items' | 'provenWork'> },
    nowMs: SteadyMs
  ): void {
    const { chain, watch } = this.#parts
    const { peer } = session
    const outcome = chain.takeHeaders({ items: headers.items, provenWork: headers.provenWork, peer })
    const { verdict } = outcome
    if (verdict.type === 'refused') {
      this.#fail(session, { reason: verdict.code, code: verdict.code }, nowMs)
    } else if (verdict.type === 'waiting' && session.presync.phase !== 'direct') {
      this.#fail(session, { reason: 'does-not-connect' }, nowMs)
    } else if (verdict.type === 'waiting') {
      this.#retry(session, items, nowMs)
    } else {
      this.#takeBatch(session, items, nowMs)
      watch.headersTaken(peer)
    }
    watch.moved(outcome, nowMs)
  }

  /** The chain leaves out what is dated ahead of our clock, with what is built on it: it comes with a later answer. */
  #takeBatch(session: Session, answer: readonly HeaderItem[], nowMs: SteadyMs): void {
    const items = answer.filter(({ hash }) => this.#parts.chain.facts(hash) !== undefined)
    const dropped = answer.length - items.length
    const aheadSec =
      answer.reduce((latest, { header }) => Math.max(latest, header.timeSec), 0) - this.#parts.chain.wallSec()
    if (dropped > 0 && aheadSec > this.#params.futureTimeSec) {
      this.#parts.out.report({ type: 'headersAhead', peer: session.peer, aheadSec })
    }
    const last = items.at(-1)
    if (last === undefined) {
      this.#fail(session, { reason: 'from-the-future' }, nowMs)
      return
    }
    const facts = this.#parts.chain.facts(last.hash)
    const height = facts?.height ?? 0
    this.#parts.peers.get(session.peer)?.showed(facts)
    // All of them: with a short prune depth some may be in the archive already.
    session.headers += answer.length
    session.last = last.hash
    session.meter.moved('fetching', { height, timeSec: last.header.timeSec }, nowMs)
    this.#parts.out.report({ type: 'headersTaken', peer: session.peer, headers: items.length, height })
    const next = session.presync.taken()
    if (!this.#isWorthItsTurn(session, height, nowMs)) {
      this.#fail(session, { reason: 'too-slow' }, nowMs)
      return
    }
    if (next !== null) {
      this.#goOn(session, next, nowMs)
      return
    }
    const hasMore = items.length + dropped >= FULL_ANSWER_HEADERS
    if (hasMore && height <= session.reached && dropped === 0) {
      this.#failOrBeginAnew(session, noProgress(session.asked.includes(last.hash)), nowMs)
      return
    }
    if (!hasMore || height <= session.reached) {
      this.#finish(session, nowMs)
      return
    }
    session.reached = height
    session.retries = 0
    this.#goOn(session, { locator: [last.hash], stop: ZERO_SHARE_HASH }, nowMs)
  }

  /** The peer knows no share of ours, not even the genesis that every locator ends with. */
  #takeGenesis(session: Session, hash: ShareHash, nowMs: SteadyMs): void {
    const code = 'different-genesis'
    const isOurs = hash === genesisShare(this.#params).hash
    this.#fail(session, isOurs ? { reason: 'nothing-in-common' } : { reason: code, code }, nowMs)
  }

  /** Asks again from below the lowest share that the answer builds on and that we know (protocol §12.3). */
  #retry(session: Session, items: readonly HeaderItem[], nowMs: SteadyMs): void {
    session.retries++
    if (session.retries > MAX_RETRIES) {
      this.#fail(session, { reason: 'does-not-connect' }, nowMs)
      return
    }
    const tip = this.#parts.chain.candidateTip().height
    const anchored = tip - Math.max(0, lowestAnchor(items, this.#parts.chain) - RETRY_DEPTH)
    session.depth = Math.min(tip, Math.max(anchored, session.depth * 2 + RETRY_DEPTH))
    session.reached = -1
    this.#ask(session, { locator: this.#parts.chain.locator(session.depth), stop: ZERO_SHARE_HASH }, nowMs)
  }

  #finish(session: Session, nowMs: SteadyMs): void {
    this.#hasHeard = true
    this.#others.ended(session.peer, session.last)
    this.#sessions.delete(session.peer)
    this.#turns.finished(session.peer, nowMs)
  }

  #fail({ peer, anchor }: Session, failure: Failure, nowMs: SteadyMs): void {
    const { out, watch } = this.#parts
    this.#sessions.delete(peer)
    if (failure.reason === 'lighter-chain') {
      this.#others.lighter(peer, anchor ?? 0)
      watch.showedLighter(peer)
    }
    this.#turns.failed(peer, { isBlameless: failure.code === undefined, isForNow: FOR_NOW.has(failure.reason) }, nowMs)
    out.report({ type: 'headersFailed', peer, reason: failure.reason })
    if (failure.code !== undefined) out.blame(peer, { code: failure.code, route: 'headers' }, nowMs)
  }

  #failOrBeginAnew(session: Session, failure: Failure & { readonly isElsewhere?: boolean }, nowMs: SteadyMs): void {
    const { chain } = this.#parts
    if (failure.isElsewhere !== true || session.restarts >= MAX_RESTARTS) {
      this.#fail(session, failure, nowMs)
      return
    }
    session.restarts++
    session.presync = new Presync(this.#params, chain)
    Object.assign(session, { reached: -1, depth: 0, anchor: null })
    this.#ask(session, { locator: chain.locator(0), stop: ZERO_SHARE_HASH }, nowMs)
  }

  /** Answers that are quick but bring next to nothing would keep everybody else from being asked. */
  #isWorthItsTurn(session: Session, height: Height, nowMs: SteadyMs): boolean {
    session.risen += Math.max(0, height - session.at)
    session.at = height
    const lastedMs = nowMs - session.beganAtMs
    if (lastedMs < GRACE_MS || session.risen * 1_000 >= LEAST_HEIGHTS_PER_SEC * lastedMs) return true
    const readyAtMs = this.#turns.readyAtMs(this.#isBusy)
    return readyAtMs === null || readyAtMs > nowMs
  }
}
