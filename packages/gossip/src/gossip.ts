import { bitcoinHeaderHashWire } from '@p2poolv2/bitcoin'
import { blockHashFromWire, invariant, type SteadyMs, sha256d } from '@p2poolv2/primitives'
import { Answers } from './answers.ts'
import type { ChainPort } from './chain-port.ts'
import type { GossipDeps, GossipEffect, GossipEvent, GossipOptions, GossipStatus, SyncState } from './contract.ts'
import { HeaderSync } from './headers/sync.ts'
import type { PeerId } from './network-port.ts'
import { GossipEffects } from './peers/gossip-effects.ts'
import { MAX_PEERS, Peer, PeerBook } from './peers/peer-book.ts'
import { RequestDesk } from './peers/request-desk.ts'
import { RulesExchange } from './peers/rules.ts'
import { ShareMeter } from './progress.ts'
import { ChainWatch } from './shares/chain-watch.ts'
import { ShareFetcher } from './shares/fetcher.ts'
import { RecentShares } from './shares/recent.ts'
import { Relay } from './shares/relay.ts'
import { ShareDoor } from './shares/share-door.ts'
import { gossipStatus, isBehind, isPrivateFork, syncState } from './status.ts'
import { TemplateAnnouncer } from './templates/announcer.ts'
import { BlockRebuild } from './templates/block-rebuild.ts'
import { TemplateBook } from './templates/book.ts'
import { TemplateExchange } from './templates/exchange.ts'
import { decoded } from './wire/decoded.ts'
import { encodeMessage } from './wire/messages.ts'
import { decodeAnnouncement } from './wire/template-messages.ts'

/**
 * What to tell and ask peers: one event in, one list of effects out. It never throws for what a peer did, keeps no time of
 * its own, and deals with the share chain through its port alone.
 */
export class Gossip {
  readonly #chain: ChainPort
  readonly #peers: PeerBook
  readonly #out: GossipEffects
  readonly #recent = new RecentShares()
  readonly #fetcher = new ShareFetcher()
  readonly #headers: HeaderSync
  readonly #relay: Relay
  readonly #book: TemplateBook
  readonly #announcer: TemplateAnnouncer
  readonly #exchange: TemplateExchange
  readonly #rebuild: BlockRebuild
  readonly #rules: RulesExchange
  readonly #door: ShareDoor
  readonly #watch: ChainWatch
  readonly #desk: RequestDesk
  readonly #answers: Answers
  readonly #shareMeter = new ShareMeter()
  #state: SyncState = 'alone'

  constructor(options: GossipOptions, deps: GossipDeps) {
    const { params } = options
    const { chain, rng } = deps
    const hash = deps.sha256d ?? sha256d
    const peers = new PeerBook(options.maxPeers ?? MAX_PEERS)
    const out = new GossipEffects(peers)
    const book = new TemplateBook({ sha256d: hash })
    this.#chain = chain
    this.#peers = peers
    this.#out = out
    this.#book = book
    const shared = { chain, peers, out, recent: this.#recent, fetcher: this.#fetcher }
    this.#relay = new Relay(shared)
    this.#announcer = new TemplateAnnouncer({ book, peers, out })
    this.#exchange = new TemplateExchange({ book, peers, out, sha256d: hash })
    this.#watch = new ChainWatch({ chain, fetcher: this.#fetcher, relay: this.#relay })
    this.#rebuild = new BlockRebuild(params, { chain, book, out, exchange: this.#exchange })
    const watched = { ...shared, watch: this.#watch }
    this.#headers = new HeaderSync(params, { ...watched, rng })
    this.#door = new ShareDoor(params, { ...watched, headers: this.#headers, blocks: this.#rebuild })
    this.#rules = new RulesExchange(params, { peers, out })
    const behind = { ...shared, headers: this.#headers, door: this.#door, rules: this.#rules }
    this.#desk = new RequestDesk(params, { ...behind, book })
    this.#answers = new Answers({ ...behind, exchange: this.#exchange })
  }

  /** When to send `deadline`; null when nothing is awaited. */
  get nextDeadlineMs(): SteadyMs | null {
    let next: SteadyMs | null = null
    const parts = [
      this.#watch,
      this.#out.requests,
      this.#desk,
      this.#headers,
      this.#fetcher,
      this.#exchange,
      this.#announcer
    ]
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

  /** As of the last event. */
  get state(): SyncState {
    return this.#state
  }

  /** Every peer that we dialled follows other rules. */
  get isPrivateFork(): boolean {
    return isPrivateFork(this.#peers)
  }

  /** For people: where we stand and with whom. */
  status(nowMs: SteadyMs): GossipStatus {
    return gossipStatus(this.#statusParts(), nowMs)
  }

  /** Between turns only. */
  checkInvariants(): void {
    const parts = [this.#peers, this.#out, this.#recent, this.#desk, this.#headers, this.#fetcher]
    for (const part of [...parts, this.#book, this.#exchange, this.#rebuild, this.#door]) part.checkInvariants()
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
      case 'ownShare':
        this.#ownShare(event, nowMs)
        break
      case 'chainChanged':
        this.#watch.changed()
        this.#watch.moved(event.outcome, nowMs)
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
      case 'responded':
        this.#out.unsent.left(event.requestId)
        break
      case 'deadline':
        break
      default:
        event satisfies never
    }
  }

  /** Everything that the event or the time has made due. */
  #work(nowMs: SteadyMs): void {
    for (const request of this.#out.endDue(nowMs)) this.#answers.take(request, null, nowMs)
    this.#desk.work(nowMs)
    this.#forgetDropped()
    this.#announcer.work(nowMs)
    this.#exchange.work(nowMs)
    this.#rebuild.takeArrivals(this.#exchange.takeArrivals())
    const isAwaited = this.#fetcher.hasSources && !this.#headers.isTaking
    this.#watch.bodiesAwaited({ isAwaited, isOtherShown: this.#headers.isOtherShown }, nowMs)
    this.#headers.work(nowMs)
    this.#watch.work(nowMs)
    for (let order = this.#fetcher.next(nowMs); order !== null; order = this.#fetcher.next(nowMs)) {
      const { hash, peer } = order
      this.#out.ask(peer, { type: 'getData', kind: 'share', hash }, { purpose: { type: 'body', hash }, nowMs })
    }
    const state = syncState(this.#statusParts())
    if (state !== this.#state) this.#out.report({ type: 'statusChanged', state })
    this.#state = state
    const isCatchingUp = state === 'syncing' && isBehind(this.#chain)
    this.#shareMeter.moved(isCatchingUp ? this.#chain.confirmedTip().height : null, nowMs)
  }

  // Peers

  #connect(event: Extract<GossipEvent, { type: 'peerConnected' }>, nowMs: SteadyMs): void {
    const { peer: id, direction, dialect } = event
    if (this.#peers.get(id) !== undefined) this.#forget(id)
    const peer = new Peer(id, { direction, dialect, connectedAtMs: nowMs })
    const refusal = this.#peers.add(peer, nowMs)
    if (refusal !== null) {
      this.#out.add({ type: 'dropPeer', peer: id, reason: refusal, banMs: 0 })
      return
    }
    const { height, hash } = this.#chain.confirmedTip()
    this.#out.tell(id, encodeMessage({ type: 'handshake', tipHeight: height, tipHash: hash }), nowMs)
    this.#rules.ask(peer, nowMs)
    this.#headers.peerConnected(nowMs)
    this.#exchange.peerConnected(id, nowMs)
    if (dialect === 'ours') this.#announcer.peerCame()
  }

  #forgetDropped(): void {
    for (const peer of this.#out.takeDropped()) this.#forget(peer)
  }

  /** Lets go of everything about a peer that is no longer in the book. */
  #forget(peer: PeerId): void {
    this.#out.peerGone(peer)
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
      this.#door.take(data, { via: 'topic', peer, messageId }, nowMs)
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
    const request = this.#out.ended(requestId)
    if (request === undefined) return
    if (answer.malformed) this.#out.blame(request.peer, { code: 'malformed-answer', route: 'stream' }, nowMs)
    this.#answers.take(request, answer.payload, nowMs)
  }

  // Ours

  #ownShare(event: Extract<GossipEvent, { type: 'ownShare' }>, nowMs: SteadyMs): void {
    const { share, outcome } = event
    // A block of ours is on its way to bitcoin already.
    this.#rebuild.settle(blockHashFromWire(bitcoinHeaderHashWire(share.header.bitcoinHeader)))
    this.#relay.own(this.#recent.add(share, 'own'), nowMs)
    this.#watch.moved(outcome, nowMs)
  }

  #statusParts() {
    return {
      chain: this.#chain,
      peers: this.#peers,
      out: this.#out,
      headers: this.#headers,
      fetcher: this.#fetcher,
      shareMeter: this.#shareMeter
    }
  }
}
