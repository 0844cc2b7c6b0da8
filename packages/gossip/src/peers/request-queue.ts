import { invariant, type SteadyMs, steadyMs } from '@p2poolv2/primitives'
import type { PeerEvent, PeerId } from '../network-port.ts'
import { peekMessageType } from '../wire/messages.ts'
import { MAX_PAYLOAD_BYTES } from '../wire/protocols.ts'
import { ANSWER_UNIT_BYTES, type Peer, type PeerBook } from './peer-book.ts'
import type { UnsentBytes } from './unsent.ts'

/** Requests of one peer that wait for its rate limit; an honest one has 100 streams at most. At the cap: no answer. */
export const MAX_QUEUED_PER_PEER = 128
/** Bytes of them; the same happens. */
export const MAX_QUEUED_BYTES_PER_PEER = 2 * 1_048_576

/** Answers a peer has not taken yet, of any size: as many as it has streams. At the cap what it asks for waits. */
export const MAX_UNSENT_ANSWERS = 100
/** With those to what it tells us: that need not wait for what it asked for. At the cap all of it waits. */
export const MAX_UNSENT_ACKS = 200
/** A request that has waited this long is given no answer: nobody waits for one any more (protocol §18.2). */
export const MAX_WAIT_MS = 10_000

/** What an answer counts until its bytes are known: the largest body, 200 kB, and a full message. */
const GUESSED_BODY_BYTES = 204_800
const GUESSED_MESSAGE_BYTES = MAX_PAYLOAD_BYTES

const ZERO = steadyMs(0)

export type PeerRequest = Extract<PeerEvent, { type: 'peerRequest' }>

/** A request, and when nobody waits for its answer any more. */
interface Waiting {
  readonly request: PeerRequest
  readonly expiresAtMs: SteadyMs
}

interface Queue {
  readonly waiting: Waiting[]
  bytes: number
}

/**
 * Requests of peers in order of arrival, each peer's no faster than its rate limit allows and than it takes its answers: who reads
 * slowly is served slowly, and no memory is spent on it.
 */
export class RequestQueue {
  readonly #peers: PeerBook
  readonly #unsent: UnsentBytes
  readonly #queues = new Map<PeerId, Queue>()

  constructor(peers: PeerBook, unsent: UnsentBytes) {
    this.#peers = peers
    this.#unsent = unsent
  }

  /** When a request may be taken up or has waited too long; those that wait for answers to be taken do so for an event. */
  get nextDeadlineMs(): SteadyMs | null {
    let next: SteadyMs | null = null
    for (const [id, { waiting }] of this.#queues) {
      const peer = this.#peers.get(id)
      const [first] = waiting
      if (peer === undefined || first === undefined) continue
      if (next === null || first.expiresAtMs < next) next = first.expiresAtMs
      for (const { request } of nextOf(waiting)) {
        if (!this.#hasRoom(peer, request)) continue
        // Asked with time zero, the limit names the time itself.
        const atMs = allowedAtMs(peer, request, ZERO)
        if (atMs < next) next = atMs
      }
    }
    return next
  }

  /** @returns false if the peer has too many waiting; it is to be told so */
  add(request: PeerRequest, nowMs: SteadyMs): boolean {
    const queue = this.#queues.get(request.peer) ?? { waiting: [], bytes: 0 }
    const bytes = queue.bytes + request.payload.length
    if (queue.waiting.length >= MAX_QUEUED_PER_PEER || bytes > MAX_QUEUED_BYTES_PER_PEER) return false
    queue.waiting.push({ request, expiresAtMs: steadyMs(nowMs + MAX_WAIT_MS) })
    queue.bytes = bytes
    this.#queues.set(request.peer, queue)
    return true
  }

  /** The next request whose time has come, or null. */
  take(nowMs: SteadyMs): PeerRequest | null {
    for (const [id, queue] of this.#queues) {
      const peer = this.#peers.get(id)
      if (peer === undefined) continue
      const next = nextOf(queue.waiting).find(
        ({ request }) => this.#hasRoom(peer, request) && allowedAtMs(peer, request, nowMs) <= nowMs
      )
      if (next === undefined) continue
      const { request } = next
      peer.requests.spend(costOf(request), nowMs)
      if (asksForMuch(request)) peer.answering.set(request.requestId, guessedBytes(request))
      this.#remove(id, queue, queue.waiting.indexOf(next))
      return request
    }
    return null
  }

  /** Requests that have waited too long. */
  takeExpired(nowMs: SteadyMs): PeerRequest[] {
    const expired: PeerRequest[] = []
    for (const [id, queue] of this.#queues) {
      for (let [first] = queue.waiting; first !== undefined && first.expiresAtMs <= nowMs; [first] = queue.waiting) {
        expired.push(first.request)
        this.#remove(id, queue, 0)
      }
    }
    return expired
  }

  peerGone(peer: PeerId): void {
    this.#queues.delete(peer)
  }

  checkInvariants(): void {
    for (const [peer, { waiting, bytes }] of this.#queues) {
      invariant(this.#peers.get(peer) !== undefined, 'only connected peers have requests waiting')
      invariant(waiting.length > 0 && waiting.length <= MAX_QUEUED_PER_PEER, 'waiting requests are within their cap')
      const counted = waiting.reduce((sum, { request }) => sum + request.payload.length, 0)
      invariant(
        counted === bytes && bytes <= MAX_QUEUED_BYTES_PER_PEER,
        'waiting bytes are counted and within their cap'
      )
    }
  }

  /** Whether the peer has taken enough of what it was answered before. */
  #hasRoom(peer: Peer, request: PeerRequest): boolean {
    const answers = this.#unsent.count(peer.id) + peer.answering.size
    if (!asksForMuch(request)) return answers < MAX_UNSENT_ACKS
    if (answers >= MAX_UNSENT_ANSWERS) return false
    return this.#unsent.hasRoom(peer.id, guessedBytes(request), peer.promisedBytes)
  }

  #remove(peer: PeerId, queue: Queue, index: number): void {
    const [removed] = queue.waiting.splice(index, 1)
    queue.bytes -= removed?.request.payload.length ?? 0
    if (queue.waiting.length === 0) this.#queues.delete(peer)
  }
}

/** The oldest request, and the oldest that only tells: what is told does not wait behind what is asked for. */
function nextOf(waiting: readonly Waiting[]): Waiting[] {
  const [first] = waiting
  if (first === undefined) return []
  const telling = waiting.find(({ request }) => !asksForMuch(request))
  return telling === undefined || telling === first ? [first] : [first, telling]
}

/** When the request may be taken up: its own cost is paid then, and so are the answers before it, those still to come at a guess. */
function allowedAtMs(peer: Peer, request: PeerRequest, nowMs: SteadyMs): SteadyMs {
  const ownMs = peer.requests.allowedAtMs(costOf(request), nowMs)
  if (!asksForMuch(request)) return ownMs
  const promised = Math.ceil(peer.promisedBytes / ANSWER_UNIT_BYTES)
  return steadyMs(Math.max(ownMs, peer.answers.allowedAtMs(1 + promised, nowMs)))
}

function guessedBytes(request: PeerRequest): number {
  const isBody = request.protocol === 'shares' && !asksForChain(request)
  return isBody ? GUESSED_BODY_BYTES : GUESSED_MESSAGE_BYTES
}

/** Units of the rate limit: what makes us read or look up much costs more. */
function costOf(request: PeerRequest): number {
  if (asksForChain(request)) return 25
  return request.protocol === 'templates' ? 10 : 1
}

function asksForChain({ payload }: PeerRequest): boolean {
  const type = peekMessageType(payload)
  return type === 'getShareHeaders' || type === 'getShareBlocks'
}

function asksForMuch(request: PeerRequest): boolean {
  if (request.protocol === 'templates') return true
  return asksForChain(request) || peekMessageType(request.payload) === 'getData'
}
