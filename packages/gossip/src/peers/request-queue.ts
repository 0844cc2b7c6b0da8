import { invariant, type SteadyMs, steadyMs } from '@p2poolv2/primitives'
import type { PeerEvent, PeerId } from '../network-port.ts'
import { peekMessageType } from '../wire/messages.ts'
import type { PeerBook } from './peer-book.ts'

/** Requests of one peer that wait for its rate limit; an honest one has 100 streams at most. At the cap: no answer. */
export const MAX_QUEUED_PER_PEER = 128
/** Bytes of them; the same happens. */
export const MAX_QUEUED_BYTES_PER_PEER = 2 * 1_048_576

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
      const [first] = requests
      const peer = this.#peers.get(id)
      if (first === undefined || peer === undefined) continue
      // Asked with time zero, the limit names the time itself.
      const atMs = peer.requests.allowedAtMs(costOf(first), ZERO)
      if (next === null || atMs < next) next = atMs
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
      const [first] = queue.requests
      if (first === undefined || this.#peers.get(id)?.requests.take(costOf(first), nowMs) !== true) continue
      queue.requests.shift()
      queue.bytes -= first.payload.length
      if (queue.requests.length === 0) this.#queues.delete(id)
      return first
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

/** Units of the rate limit: what makes us read or send much costs more. */
function costOf({ protocol, payload }: PeerRequest): number {
  if (protocol === 'templates') return 10
  const type = peekMessageType(payload)
  return type === 'getShareHeaders' || type === 'getShareBlocks' ? 10 : 1
}
