import { isRuleCode } from '@p2poolv2/consensus'
import { invariant, type SteadyMs } from '@p2poolv2/primitives'
import type { GossipEffect, GossipFact } from '../contract.ts'
import type { PeerEffect, PeerId, TopicVerdict } from '../network-port.ts'
import { encodeMessage, type PeerMessage } from '../wire/messages.ts'
import { encodeTemplateMessage, type TemplateMessage } from '../wire/template-messages.ts'
import { ANSWER_UNIT_BYTES, type PeerBook } from './peer-book.ts'
import { type Outstanding, type Purpose, RequestBook } from './request-book.ts'
import { UnsentBytes } from './unsent.ts'
import { BAN_MS, DROP_POINTS, type FaultCode, pointsFor, type Route } from './verdicts.ts'

/** A peer has this long to answer (protocol §18.2). */
export const REQUEST_TIMEOUT_MS = 10_000
/** Handshakes, pushes and announcements to one peer without acknowledgement at most; further ones are not sent. */
export const MAX_TOLD = 32

/**
 * Answers that peers have not taken yet: each as much as the rate of answers allows at once, and all together what a small computer can
 * spare. At either bound a peer's questions wait, see `request-queue.ts`.
 */
const UNSENT_ANSWERS = { perPeer: 8 * 1_048_576, inAll: 64 * 1_048_576 }
/**
 * What we tell unasked and peers have not acknowledged: five of the largest shares a peer, hundreds of usual ones. At either bound nothing
 * more is told; the peer finds by headers what it missed.
 */
const UNSENT_TOLD = { perPeer: 1_048_576, inAll: 16 * 1_048_576 }

const NOTHING: readonly GossipEffect[] = Object.freeze([])

/** Where a machine's parts put what they want done, and the book of what they asked peers. */
export class GossipEffects {
  readonly requests = new RequestBook()
  /** Answers on their way, by the network's number of the request. */
  readonly unsent = new UnsentBytes(UNSENT_ANSWERS)
  readonly #told = new UnsentBytes(UNSENT_TOLD)
  readonly #peers: PeerBook
  #effects: GossipEffect[] = []
  /** Peers dropped and not yet told to the other parts. */
  readonly #dropped: PeerId[] = []
  #lastReadId = 0
  /** Bytes answered and not yet counted against the peer's rate. */
  readonly #answeredBytes = new Map<PeerId, number>()

  constructor(peers: PeerBook) {
    this.#peers = peers
  }

  add(effect: GossipEffect): void {
    this.#effects.push(effect)
  }

  report(fact: GossipFact): void {
    this.#effects.push({ type: 'report', fact })
  }

  verdict(from: { readonly peer: PeerId; readonly messageId: string }, verdict: TopicVerdict): void {
    this.add({ type: 'verdict', peer: from.peer, messageId: from.messageId, verdict })
  }

  respond(to: { readonly peer: PeerId; readonly requestId: number }, payload: Uint8Array | null): void {
    this.add({ type: 'respond', peer: to.peer, requestId: to.requestId, payload })
    const peer = this.#peers.get(to.peer)
    if (peer === undefined) return
    peer.answering.delete(to.requestId)
    // A stream that is closed without an answer leaves nothing to be taken.
    if (payload === null) return
    this.unsent.add(to.requestId, to.peer, payload.length)
    this.#answeredBytes.set(to.peer, (this.#answeredBytes.get(to.peer) ?? 0) + payload.length)
  }

  answer(to: { readonly peer: PeerId; readonly requestId: number }, message: PeerMessage): void {
    this.respond(to, encodeMessage(message))
  }

  /** Asks or tells a peer something on the protocol every peer speaks. */
  ask(peer: PeerId, message: PeerMessage, about: { readonly purpose: Purpose; readonly nowMs: SteadyMs }): number {
    return this.#request(peer, { protocol: 'shares', payload: encodeMessage(message) }, about)
  }

  askTemplate(
    peer: PeerId,
    message: TemplateMessage,
    about: { readonly purpose: Purpose; readonly nowMs: SteadyMs }
  ): number {
    return this.#request(peer, { protocol: 'templates', payload: encodeTemplateMessage(message) }, about)
  }

  askRules(peer: PeerId, payload: Uint8Array, nowMs: SteadyMs): void {
    this.#request(peer, { protocol: 'rules', payload }, { purpose: { type: 'rules' }, nowMs })
  }

  /** Tells a peer something whose acknowledgement means nothing; false if it has too much to acknowledge already. */
  tell(peer: PeerId, payload: Uint8Array, nowMs: SteadyMs): boolean {
    if (this.#told.count(peer) >= MAX_TOLD || !this.#told.hasRoom(peer, payload.length)) return false
    const requestId = this.#request(peer, { protocol: 'shares', payload }, { purpose: { type: 'told' }, nowMs })
    this.#told.add(requestId, peer, payload.length)
    return true
  }

  /** A request of ours has ended. @returns what it was; undefined if it had ended before */
  ended(requestId: number): Outstanding | undefined {
    this.#told.left(requestId)
    return this.requests.take(requestId)
  }

  /** Ends every request whose time is over, the oldest first. */
  endDue(nowMs: SteadyMs): Outstanding[] {
    const due = this.requests.takeDue(nowMs)
    for (const { requestId } of due) this.#told.left(requestId)
    return due
  }

  /** Nothing is awaited from the peer any more; what it answers after all goes nowhere. */
  awaitNothing(peer: PeerId): void {
    this.requests.takePeer(peer)
    this.#told.peerGone(peer)
  }

  peerGone(peer: PeerId): void {
    this.awaitNothing(peer)
    this.unsent.peerGone(peer)
  }

  checkInvariants(): void {
    this.requests.checkInvariants()
    this.unsent.checkInvariants()
    this.#told.checkInvariants()
    for (const { id } of this.#peers.all()) {
      const told = this.requests.count(id, 'told')
      invariant(told === this.#told.count(id) && told <= MAX_TOLD, 'what is told is a request without answer')
    }
  }

  /** Holds a breach against the peer it came from, as far as the table says that no honest peer does it. */
  blame(peer: PeerId, fault: { readonly code: FaultCode; readonly route: Route }, nowMs: SteadyMs): void {
    const known = this.#peers.get(peer)
    const points = pointsFor(fault.code, fault.route)
    if (known === undefined || points === 0) return
    // By its own rules it may have done right, and it has said which these are.
    if (!known.isOfOurRules && isRuleCode(fault.code)) return
    this.add({ type: 'penalise', peer, points, code: fault.code })
    if (known.penalise(points, nowMs) >= DROP_POINTS) this.drop(peer, fault.code, nowMs)
  }

  /** Parts with a peer at once and for a while. */
  drop(peer: PeerId, reason: string, nowMs: SteadyMs): void {
    if (this.#peers.get(peer) === undefined) return
    this.#peers.ban(peer, nowMs)
    this.#dropped.push(peer)
    this.add({ type: 'dropPeer', peer, reason, banMs: BAN_MS })
  }

  /** Peers dropped since the last call. */
  takeDropped(): PeerId[] {
    return this.#dropped.splice(0)
  }

  /** Counts what was answered since the last call against its askers' rates. */
  countAnswers(nowMs: SteadyMs): void {
    if (this.#answeredBytes.size === 0) return
    for (const [peer, bytes] of this.#answeredBytes) {
      this.#peers.get(peer)?.answers.spend(Math.ceil(bytes / ANSWER_UNIT_BYTES), nowMs)
    }
    this.#answeredBytes.clear()
  }

  nextReadId(): number {
    return ++this.#lastReadId
  }

  /** Everything since the last call, in order. */
  take(): readonly GossipEffect[] {
    if (this.#effects.length === 0) return NOTHING
    const effects = this.#effects
    this.#effects = []
    return effects
  }

  #request(
    peer: PeerId,
    what: Pick<Extract<PeerEffect, { type: 'request' }>, 'protocol' | 'payload'>,
    about: { readonly purpose: Purpose; readonly nowMs: SteadyMs }
  ): number {
    const request = { peer, purpose: about.purpose, sentAtMs: about.nowMs }
    const requestId = this.requests.add(request, REQUEST_TIMEOUT_MS)
    this.add({ type: 'request', peer, requestId, ...what, timeoutMs: REQUEST_TIMEOUT_MS })
    return requestId
  }
}
