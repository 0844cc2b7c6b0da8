import type { ArchivedHeight, ChainParams } from '@p2poolv2/consensus'
import type { ShareHash, SteadyMs } from '@p2poolv2/primitives'
import type { ChainIndex } from '../chain-port.ts'
import { isCurrent } from '../currentness.ts'
import type { HeaderSync } from '../headers/sync.ts'
import type { PeerId } from '../network-port.ts'
import type { ShareFetcher } from '../shares/fetcher.ts'
import type { RecentShares } from '../shares/recent.ts'
import type { ShareDoor } from '../shares/share-door.ts'
import type { TemplateBook } from '../templates/book.ts'
import { templateAnswer } from '../templates/serving.ts'
import { decoded } from '../wire/decoded.ts'
import { type DecodedMessage, decodeMessage, peekMessageType } from '../wire/messages.ts'
import { decodeTemplateMessage, encodeTemplateMessage } from '../wire/template-messages.ts'
import type { GossipEffects } from './gossip-effects.ts'
import type { PeerBook } from './peer-book.ts'
import { type PeerRequest, RequestQueue } from './request-queue.ts'
import type { RulesExchange } from './rules.ts'
import { Serving } from './serving.ts'

/** Unknown shares of one inventory that are asked for one by one; more are a gap that headers show better. */
const MAX_INVENTORY_FETCHES = 8

interface Parts {
  readonly chain: ChainIndex
  readonly peers: PeerBook
  readonly recent: RecentShares
  readonly fetcher: ShareFetcher
  readonly headers: HeaderSync
  readonly door: ShareDoor
  readonly book: TemplateBook
  readonly rules: RulesExchange
  readonly out: GossipEffects
}

/** Requests of peers: each peer's in its turn, each answered once, and what they tell on the way (protocol §18.4, §19). */
export class RequestDesk {
  readonly #parts: Parts
  readonly #queue: RequestQueue
  readonly #serving: Serving

  constructor(params: ChainParams, parts: Parts) {
    this.#parts = parts
    this.#queue = new RequestQueue(parts.peers, parts.out.unsent)
    this.#serving = new Serving(params, parts)
  }

  get nextDeadlineMs(): SteadyMs | null {
    return this.#queue.nextDeadlineMs
  }

  take(request: PeerRequest, nowMs: SteadyMs): void {
    const { out, peers } = this.#parts
    if (peers.get(request.peer) === undefined) {
      out.respond(request, null)
    } else if (request.protocol === 'rules') {
      // Out of turn: what is asked before depends on it on the other side.
      this.#parts.rules.serve(request, nowMs)
    } else if (!this.#queue.add(request, nowMs)) {
      out.respond(request, null)
      out.blame(request.peer, { code: 'request-flood', route: 'stream' }, nowMs)
    }
  }

  sharesRead(requestId: number, shares: readonly (Uint8Array | null)[]): void {
    this.#serving.sharesRead(requestId, shares)
  }

  headersRead(requestId: number, batches: readonly (Uint8Array | null)[]): void {
    this.#serving.headersRead(requestId, batches)
  }

  archiveRead(requestId: number, heights: readonly ArchivedHeight[]): void {
    this.#serving.archiveRead(requestId, heights)
  }

  /** Takes up every request whose turn has come. Called after every event. */
  work(nowMs: SteadyMs): void {
    for (const request of this.#queue.takeExpired(nowMs)) this.#parts.out.respond(request, null)
    for (;;) {
      // Each answer is paid for before the next request is taken up.
      this.#parts.out.countAnswers(nowMs)
      const request = this.#queue.take(nowMs)
      if (request === null) return
      if (request.protocol === 'templates') this.#serveTemplate(request, nowMs)
      else this.#serve(request, nowMs)
    }
  }

  peerGone(peer: PeerId): void {
    this.#queue.peerGone(peer)
    this.#serving.peerGone(peer)
  }

  checkInvariants(): void {
    this.#queue.checkInvariants()
    this.#serving.checkInvariants()
  }

  #serve(request: PeerRequest, nowMs: SteadyMs): void {
    const { out, door } = this.#parts
    const { peer, payload } = request
    const type = peekMessageType(payload)
    if (type === null) {
      // A later version of the protocol may have more types.
      out.respond(request, null)
    } else if (type === 'shareBlock') {
      // Before anything is done with it: an acknowledgement says that it has come, not that it is good.
      out.answer(request, { type: 'ack' })
      door.take(payload.subarray(1), { via: 'push', peer }, nowMs)
    } else {
      const message = decoded(() => decodeMessage(payload))
      if (message === null) this.#refuse(request, nowMs)
      else this.#answer(request, message, nowMs)
    }
  }

  #answer(request: PeerRequest, message: DecodedMessage, nowMs: SteadyMs): void {
    const { out } = this.#parts
    switch (message.type) {
      case 'handshake':
        out.answer(request, { type: 'ack' })
        this.#handshake(request.peer, message, nowMs)
        break
      case 'inventory':
        out.answer(request, { type: 'ack' })
        if (message.kind === 'share') this.#inventory(request.peer, message.hashes)
        break
      case 'getShareHeaders':
        this.#serving.headers(request, { locator: message.locator, stopHash: message.stop })
        break
      case 'getShareBlocks':
        this.#serving.inventory(request, { locator: message.locator, stopHash: message.stop })
        break
      case 'getData':
        if (message.kind === 'share') this.#serving.body(request, message.hash)
        else out.respond(request, null)
        break
      default:
        // Answers and transactions are no requests (protocol §18.4).
        out.respond(request, null)
    }
  }

  #serveTemplate(request: PeerRequest, nowMs: SteadyMs): void {
    const message = decoded(() => decodeTemplateMessage(request.payload))
    if (message === null) {
      this.#refuse(request, nowMs)
      return
    }
    const answer = templateAnswer(message, this.#parts.book)
    this.#parts.out.respond(request, answer === null ? null : encodeTemplateMessage(answer))
  }

  #refuse(request: PeerRequest, nowMs: SteadyMs): void {
    this.#parts.out.respond(request, null)
    this.#parts.out.blame(request.peer, { code: 'malformed-message', route: 'stream' }, nowMs)
  }

  /** Protocol §19.1: whoever is at a share that we do not know to be good has something to tell. */
  #handshake(peer: PeerId, told: { readonly tipHeight: number; readonly tipHash: ShareHash }, nowMs: SteadyMs): void {
    const { chain, peers, headers, fetcher, out } = this.#parts
    const { tipHeight, tipHash } = told
    if (tipHeight === 0 && tipHash !== chain.genesisHash) {
      out.blame(peer, { code: 'different-genesis', route: 'stream' }, nowMs)
      return
    }
    const known = peers.get(peer)
    if (known === undefined) return
    known.claimedHeight = tipHeight
    if (!known.isOfOurRules) return
    const facts = chain.facts(tipHash)
    known.showed(facts)
    if (facts?.validity === 'blockValid') fetcher.addSource(peer)
    else headers.trigger(peer, facts === undefined ? tipHash : null)
  }

  #inventory(peer: PeerId, hashes: readonly ShareHash[]): void {
    const { chain, peers, headers, fetcher } = this.#parts
    const teller = peers.get(peer)
    for (const hash of hashes) {
      teller?.known.add(hash)
      teller?.showed(chain.facts(hash))
    }
    if (teller?.isOfOurRules !== true) return
    const unknown = hashes.filter(hash => chain.facts(hash) === undefined)
    const [first] = unknown
    if (first === undefined) return
    if (unknown.length > MAX_INVENTORY_FETCHES || !isCurrent(chain)) headers.trigger(peer, first)
    else for (const hash of unknown) fetcher.wantMissing(hash, peer)
  }
}
