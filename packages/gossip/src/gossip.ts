import { bitcoinHeaderHashWire } from '@p2poolv2/bitcoin'
import { blockHashFromWire, invariant, type SteadyMs, sha256d, steadyMs } from '@p2poolv2/primitives'
import { Answers } from './answers.ts'
import type {
  ChainIndex,
  ChainJudgement,
  GossipDeps,
  GossipEffect,
  GossipEvent,
  GossipOptions,
  GossipStatus,
  PeerId,
  SyncState
} from './contract.ts'
import { isCurrent } from './currentness.ts'
import { HeaderSync } from './headers/sync.ts'
import { Outbox } from './peers/outbox.ts'
import { MAX_PEERS, Peer, PeerBook } from './peers/peer-book.ts'
import { RequestDesk } from './peers/request-desk.ts'
import { MAX_WANTED, ShareFetcher } from './shares/fetcher.ts'
import { Intake } from './shares/intake.ts'
import { RecentShares } from './shares/recent.ts'
import { Relay } from './shares/relay.ts'
import { gossipStatus, syncState } from './status.ts'
import { TemplateAnnouncer } from './templates/announcer.ts'
import { BlockRebuild } from './templates/block-rebuild.ts'
import { TemplateBook } from './templates/book.ts'
import { TemplateExchange } from './templates/exchange.ts'
import { decoded } from './wire/decoded.ts'
import { encodeMessage } from './wire/messages.ts'
import { decodeAnnouncement } from './wire/template-messages.ts'

/** While shares are wanted the chain is asked again this often which, so that none is forgotten. */
const REFRESH_MS = 10_000

/**
 * What to tell and ask peers: one event in, one list of effects out. It never throws for what a peer did, keeps no time of
 * its own, and knows of the share chain what `ChainIndex` tells.
 */
export class Gossip {
  readonly #chain: ChainIndex
  readonly #peers: PeerBook
  readonly #out: Outbox
  readonly #recent = new RecentShares()
  readonly #fetcher = new ShareFetcher()
  readonly #headers: HeaderSync
  readonly #relay: Relay
  readonly #book: TemplateBook
  readonly #announcer: TemplateAnnouncer
  readonly #exchange: TemplateExchange
  readonly #rebuild: BlockRebuild
  readonly #intake: Intake
  readonly #desk: RequestDesk
  readonly #answers: Answers
  /** Set when the chain's wishes may have changed: whom to ask first for new ones. */
  #stale: { readonly preferred: PeerId | null } | null = null
  /** The chain may want more than it was asked to name. */
  #moreWanted = false
  #refreshAtMs: SteadyMs | null = null
  #state: SyncState = 'alone'

  constructor(options: GossipOptions, deps: GossipDeps) {
    const { params } = options
    const { chain, rng } = deps
    const hash = deps.sha256d ?? sha256d
    const peers = new PeerBook(options.maxPeers ?? MAX_PEERS)
    const out = new Outbox(peers)
    const book = new TemplateBook({ sha256d: hash })
    this.#chain = chain
    this.#peers = peers
    this.#out = out
    this.#book = book
    const shared = { chain, peers, out, recent: this.#recent, fetcher: this.#fetcher }
    this.#relay = new Relay(shared)
    this.#announcer = new TemplateAnnouncer({ book, peers, out })
    this.#exchange = new TemplateExchange({ book, peers, out, sha256d: hash })
    this.#rebuild = new BlockRebuild(params, { chain, book, out, exchange: this.#exchange })
    this.#headers = new HeaderSync(params, { ...shared, rng })
    this.#intake = new Intake(params, { ...shared, headers: this.#headers, blocks: this.#rebuild })
    const behind = { ...shared, headers: this.#headers, intake: this.#intake }
    this.#desk = new RequestDesk(params, { ...behind, book })
    this.#answers = new Answers({ ...behind, exchange: this.#exchange })
  }

  /** When to send `deadline`; null when nothing is awaited. */
  get nextDeadlineMs(): SteadyMs | null {
    let next = this.#refreshAtMs
    const parts = [this.#out.requests, this.#desk, this.#headers, this.#fetcher, this.#exchange, this.#announcer]
    for (const { nextDeadlineMs } of parts) {
      if (nextDeadlineMs !== null && (next === null || nextDeadlineMs < next)) next = nextDeadlineMs
    }
    return next
  }

  handle(event: GossipEvent, nowMs: SteadyMs): readonly GossipEffect[] {
    this.#route(event, nowMs)
    this.#work(nowMs)
    return this.#out.take()
  }

  /** For people: where we stand and with whom. */
  status(nowMs: SteadyMs): GossipStatus {
    return gossipStatus(this.#statusParts(), nowMs)
  }

  /** Between turns only. */
  checkInvariants(): void {
    const parts = [this.#peers, this.#out.requests, this.#recent, this.#desk, this.#headers, this.#fetcher]
    for (const part of [...parts, this.#book, this.#exchange, this.#rebuild, this.#intake]) part.checkInvariants()
    for (const { id } of this.#peers.all()) {
      const asked = this.#out.requests.count(id, 'body')
      invariant(asked === this.#fetcher.inFlight(id), 'every body asked for is a request without answer')
    }
  }

  #route(event: GossipEvent, nowMs: SteadyMs): void {
    switch (event.type) {
      case 'peerConnected':
        this.#connect(event, nowMs)
        break
      case 'peerGone':
        this.#peers.remove(event.peer)
        this.#forget(event.peer)
        break
      case 'gossip':
        this.#topicMessage(event, nowMs)
        break
      case 'peerRequest':
        this.#desk.take(event, nowMs)
        break
      case 'peerResponse':
        this.#ended(event.requestId, { payload: event.payload, malformed: false }, nowMs)
        break
      case 'requestFailed':
        this.#ended(event.requestId, { payload: null, malformed: event.reason === 'malformed' }, nowMs)
        break
      case 'shareJudged':
        this.#intake.judged(event, nowMs)
        this.#chainMoved(event.outcome, nowMs)
        break
      case 'headersJudged':
        this.#headersJudged(event, nowMs)
        break
      case 'ownShare':
        this.#ownShare(event, nowMs)
        break
      case 'chainChanged':
        this.#stale ??= { preferred: null }
        this.#chainMoved(event.outcome, nowMs)
        break
      case 'ownTemplate':
        this.#announcer.own(event.template)
        this.#rebuild.ownTemplate(event.template)
        break
      case 'blockSubmitted':
        this.#rebuild.settle(event.blockHash)
        break
      case 'sharesRead':
        this.#desk.sharesRead(event.requestId, event.shares)
        break
      case 'headersRead':
        this.#desk.headersRead(event.requestId, event.batches)
        break
      case 'archiveRead':
        this.#desk.archiveRead(event.requestId, event.heights)
        break
      case 'deadline':
        break
      default:
        event satisfies never
    }
  }

  /** Everything that the event or the time has made due. */
  #work(nowMs: SteadyMs): void {
    for (const request of this.#out.requests.takeDue(nowMs)) this.#answers.take(request, null, nowMs)
    this.#desk.work(nowMs)
    this.#forgetDropped()
    this.#announcer.work(nowMs)
    this.#exchange.work(nowMs)
    this.#rebuild.takeArrivals(this.#exchange.takeArrivals())
    this.#headers.work(nowMs)
    this.#refreshWanted(nowMs)
    for (let order = this.#fetcher.next(nowMs); order !== null; order = this.#fetcher.next(nowMs)) {
      const { hash, peer } = order
      this.#out.ask(peer, { type: 'getData', kind: 'share', hash }, { purpose: { type: 'body', hash }, nowMs })
    }
    const state = syncState(this.#statusParts())
    if (state !== this.#state) this.#out.report({ type: 'statusChanged', state })
    this.#state = state
  }

  // Peers

  #connect(event: Extract<GossipEvent, { type: 'peerConnected' }>, nowMs: SteadyMs): void {
    const { peer: id, direction, dialect } = event
    if (this.#peers.get(id) !== undefined) this.#forget(id)
    const refusal = this.#peers.add(new Peer(id, { direction, dialect, connectedAtMs: nowMs }), nowMs)
    if (refusal !== null) {
      this.#out.add({ type: 'dropPeer', peer: id, reason: refusal, banMs: 0 })
      return
    }
    const { height, hash } = this.#chain.confirmedTip()
    this.#out.tell(id, encodeMessage({ type: 'handshake', tipHeight: height, tipHash: hash }), nowMs)
    this.#headers.peerConnected(nowMs)
    this.#exchange.peerConnected(id, nowMs)
    if (dialect === 'ours') this.#announcer.peerCame()
  }

  #forgetDropped(): void {
    for (const peer of this.#out.takeDropped()) this.#forget(peer)
  }

  /** Lets go of everything about a peer that is no longer in the book. */
  #forget(peer: PeerId): void {
    this.#out.requests.takePeer(peer)
    this.#desk.peerGone(peer)
    this.#fetcher.removeSource(peer)
    this.#exchange.peerGone(peer)
    this.#headers.peerGone(peer)
  }

  // What peers send and answer

  #topicMessage(event: Extract<GossipEvent, { type: 'gossip' }>, nowMs: SteadyMs): void {
    const { peer, messageId, topic, data } = event
    if (this.#peers.get(peer)?.topicMessages.take(1, nowMs) !== true) {
      this.#out.verdict(event, 'ignore')
    } else if (topic === 'shares') {
      this.#intake.take(data, { via: 'topic', peer, messageId }, nowMs)
    } else {
      const announcement = decoded(() => decodeAnnouncement(data))
      // Announcements go one hop, so that whoever hears one has it from the node that holds the template.
      this.#out.verdict(event, announcement === null ? 'reject' : 'ignore')
      if (announcement !== null) this.#exchange.announced(peer, announcement)
      else this.#out.blame(peer, { code: 'malformed-message', route: 'topic' }, nowMs)
    }
  }

  #ended(
    requestId: number,
    answer: { readonly payload: Uint8Array | null; readonly malformed: boolean },
    nowMs: SteadyMs
  ): void {
    const request = this.#out.requests.take(requestId)
    if (request === undefined) return
    if (answer.malformed) this.#out.blame(request.peer, { code: 'malformed-answer', route: 'stream' }, nowMs)
    this.#answers.take(request, answer.payload, nowMs)
  }

  // What the chain says

  #headersJudged(event: Extract<GossipEvent, { type: 'headersJudged' }>, nowMs: SteadyMs): void {
    const { deliveryId, outcome } = event
    const peer = this.#headers.judged(deliveryId, outcome, nowMs)
    if (peer !== null) {
      this.#fetcher.addSource(peer)
      this.#stale = { preferred: isCurrent(this.#chain) ? peer : null }
    }
    this.#chainMoved(outcome, nowMs)
  }

  #ownShare(event: Extract<GossipEvent, { type: 'ownShare' }>, nowMs: SteadyMs): void {
    const { share, outcome } = event
    // A block of ours is on its way to bitcoin already.
    this.#rebuild.settle(blockHashFromWire(bitcoinHeaderHashWire(share.header.bitcoinHeader)))
    this.#relay.own(this.#recent.add(share, 'own'), nowMs)
    this.#chainMoved(outcome, nowMs)
  }

  #chainMoved(outcome: ChainJudgement, nowMs: SteadyMs): void {
    for (const hash of outcome.validated) {
      this.#relay.validated(hash, nowMs)
      // Those that had waited for this one wait no more.
      this.#fetcher.arrived(hash, 'done', nowMs)
    }
    if (outcome.invalidated.length > 0) this.#stale ??= { preferred: null }
  }

  #refreshWanted(nowMs: SteadyMs): void {
    const isDue = this.#refreshAtMs !== null && this.#refreshAtMs <= nowMs
    if (this.#stale === null && !isDue && !(this.#moreWanted && this.#fetcher.isLow)) return
    const wanted = this.#chain.wantedBodies(MAX_WANTED)
    this.#fetcher.setWanted(wanted, this.#stale?.preferred ?? null, nowMs)
    this.#stale = null
    this.#moreWanted = wanted.length >= MAX_WANTED
    this.#refreshAtMs = wanted.length > 0 ? steadyMs(nowMs + REFRESH_MS) : null
  }

  #statusParts() {
    return { chain: this.#chain, peers: this.#peers, headers: this.#headers, fetcher: this.#fetcher }
  }
}
