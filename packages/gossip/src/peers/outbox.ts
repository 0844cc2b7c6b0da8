import type { SteadyMs } from '@p2poolv2/primitives'
import type { GossipEffect, GossipFact } from '../contract.ts'
import type { PeerEffect, PeerId, TopicVerdict } from '../network-port.ts'
import { encodeMessage, type PeerMessage } from '../wire/messages.ts'
import { encodeTemplateMessage, type TemplateMessage } from '../wire/template-messages.ts'
import { ANSWER_UNIT_BYTES, type PeerBook } from './peer-book.ts'
import { type Purpose, RequestBook } from './request-book.ts'
import { BAN_MS, DROP_POINTS, type FaultCode, pointsFor, type Route } from './verdicts.ts'

/** A peer has this long to answer (protocol §18.2). */
export const REQUEST_TIMEOUT_MS = 10_000
/** Handshakes, pushes and announcements to one peer without acknowledgement at most; further ones are not sent. */
export const MAX_TOLD = 32

const NOTHING: readonly GossipEffect[] = Object.freeze([])

/** Where a machine's parts put what they want done, and the book of what they asked peers. */
export class Outbox {
  readonly requests = new RequestBook()
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
    this.#peers.get(to.peer)?.answering.delete(to.requestId)
    if (payload === null) return
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

  /** Tells a peer something whose acknowledgement means nothing; false if it has too much to acknowledge already. */
  tell(peer: PeerId, payload: Uint8Array, nowMs: SteadyMs): boolean {
    if (this.requests.count(peer, 'told') >= MAX_TOLD) return false
    this.#request(peer, { protocol: 'shares', payload }, { purpose: { type: 'told' }, nowMs })
    return true
  }

  /** Holds a breach against the peer it came from, as far as the table says that no honest peer does it. */
  blame(peer: PeerId, fault: { readonly code: FaultCode; readonly route: Route }, nowMs: SteadyMs): void {
    const known = this.#peers.get(peer)
    const points = pointsFor(fault.code, fault.route)
    if (known === undefined || points === 0) return
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
