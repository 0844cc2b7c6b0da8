import { invariant, type SteadyMs, steadyMs } from '@p2poolv2/primitives'
import type { PeerEvent, PeerId } from '../network-port.ts'
import { peekMessageType } from '../wire/messages.ts'
import { ANSWER_UNIT_BYTES, type Peer, type PeerBook } from './peer-book.ts'

/** Requests of one peer that wait for its rate limit; an honest one has 100 streams at most. At the cap: no answer. */
export const MAX_QUEUED_PER_PEER = 128
/** Bytes of them; the same happens. */
export const MAX_QUEUED_BYTES_PER_PEER = 2 * 1_048_576

/** What an answer on its way counts until its bytes are known: the largest body, 200 kB. */
const GUESSED_ANSWER_UNITS = Math.ceil(204_800 / ANSWER_UNIT_BYTES)

const ZERO = steadyMs(0)

export type PeerRequest = Extract<PeerEvent, { type: 'peerRequest' }>

interface Queue {
  readonly requests: PeerRequest[]
  bytes: number
}

/** Requests of peers in order of arrival, each peer's no faster than its rate limit allows. */
export class RequestQueue {
  readonly #peers: PeerBook
  readonly #queues = new Map<PeerId, Queue>()

  constructor(peers: PeerBook) {
    this.#peers = peers
  }

  get nextDeadlineMs(): SteadyMs | null {
    let next: SteadyMs | null = null
    for (const [id, { requests }] of this.#queues) {
      const peer = this.#peers.get(id)
      if (peer === undefined) continue
      for (const request of nextOf(requests)) {
        // Asked with time zero, the limit names the time itself.
        const atMs = allowedAtMs(peer, request, ZERO)
        if (next === null || atMs < next) next = atMs
      }
    }
    return next
  }

  /** @returns false if the peer has too many waiting; it is to be told so */
  add(request: PeerRequest): boolean {
    const queue = this.#queues.get(request.peer) ?? { requests: [], bytes: 0 }
    const bytes = queue.bytes + request.payload.length
    if (queue.requests.length >= MAX_QUEUED_PER_PEER || bytes > MAX_QUEUED_BYTES_PER_PEER) return false
    queue.requests.push(request)
    queue.bytes = bytes
    this.#queues.set(request.peer, queue)
    return true
  }

  /** The next request whose time has come, or null. */
  take(nowMs: SteadyMs): PeerRequest | null {
    for (const [id, queue] of this.#queues) {
      const peer = this.#peers.get(id)
      if (peer === undefined) continue
      const request = nextOf(queue.requests).find(candidate => allowedAtMs(peer, candidate, nowMs) <= nowMs)
      if (request === undefined) continue
      peer.requests.spend(costOf(request), nowMs)
      if (asksForMuch(request)) peer.answering.add(request.requestId)
      queue.requests.splice(queue.requests.indexOf(request), 1)
      queue.bytes -= request.payload.length
      if (queue.requests.length === 0) this.#queues.delete(id)
      return request
    }
    return null
  }

  peerGone(peer: PeerId): void {
    this.#queues.delete(peer)
  }

  checkInvariants(): void {
    for (const [peer, { requests, bytes }] of this.#queues) {
      invariant(this.#peers.get(peer) !== undefined, 'only connected peers have requests waiting')
      invariant(requests.length > 0 && requests.length <= MAX_QUEUED_PER_PEER, 'waiting requests are within their cap')
      const counted = requests.reduce((sum, request) => sum + request.payload.length, 0)
      invariant(
        counted === bytes && bytes <= MAX_QUEUED_BYTES_PER_PEER,
        'waiting bytes are counted and within their cap'
      )
    }
  }
}

/** The oldest request, and the oldest that only tells: what is told does not wait behind what is asked for. */
function nextOf(requests: readonly PeerRequest[]): PeerRequest[] {
  const [first] = requests
  if (first === undefined) return []
  const telling = requests.find(request => !asksForMuch(request))
  return telling === undefined || telling === first ? [first] : [first, telling]
}

/** When the request may be taken up: its own cost is paid then, and so are the answers before it, those still to come at a guess. */
function allowedAtMs(peer: Peer, request: PeerRequest, nowMs: SteadyMs): SteadyMs {
  const ownMs = peer.requests.allowedAtMs(costOf(request), nowMs)
  if (!asksForMuch(request)) return ownMs
  return steadyMs(Math.max(ownMs, peer.answers.allowedAtMs(1 + peer.answering.size * GUESSED_ANSWER_UNITS, nowMs)))
}

/** Units of the rate limit: what makes us read or look up much costs more. */
function costOf(request: PeerRequest): number {
  return request.protocol === 'templates' || asksForChain(request) ? 10 : 1
}

function asksForChain({ payload }: PeerRequest): boolean {
  const type = peekMessageType(payload)
  return type === 'getShareHeaders' || type === 'getShareBlocks'
}

function asksForMuch(request: PeerRequest): boolean {
  if (request.protocol === 'templates') return true
  return asksForChain(request) || peekMessageType(request.payload) === 'getData'
}
