import type { Connection, IdentifyResult } from '@libp2p/interface'
import type { ConnectionStatus, Dialect, PeerAddress, PeerEvent, PeerId, PeeringEvent } from '@p2poolv2/gossip'
import { RateLimit, type SteadyMs } from '@p2poolv2/primitives'
import { addressOf, MAX_ADDRESSES_PER_PEER } from './addresses.ts'
import type { TopicMessage } from './topics.ts'

/**
 * A peer is told of when it has said what it speaks and, if that is what we speak, is in our topics: so that nothing we publish or
 * push meanwhile misses it. Who has not by then is treated as one that knows the protocol alone, which every peer does.
 */
export const READY_WITHIN_MS = 5_000
/** Topic messages of a peer that is not told of yet; more are not passed on. */
const MAX_EARLY_MESSAGES = 64
const MAX_EARLY_BYTES = 2_097_152

/**
 * New messages of one peer: a hundred a second, and two thousand at once. gossipsub remembers the name of every message there ever
 * was for a while, so a peer far above what the machine reads (`TOPIC_MESSAGES` in peer-book.ts) has to go.
 */
const FLOOD = { unitMs: 10, burst: 2_000 }

interface Member {
  readonly peer: PeerId
  readonly connection: Connection
  readonly status: ConnectionStatus
  readonly early: TopicMessage[]
  readonly topicRate: RateLimit
  readonly ready: PromiseWithResolvers<void>
  readonly timer: NodeJS.Timeout
  /** What it speaks, once it has said so. */
  speaksOurs: boolean | null
  agent: string | null
  dialect: Dialect | null
  observed: PeerAddress | null
}

export interface PeersOptions {
  readonly tell: (event: PeerEvent) => void
  readonly tellPeering: (event: PeeringEvent) => void
  readonly now: () => SteadyMs
  /** Whether these protocols are all that makes a node one of ours. */
  readonly speaksOurs: (protocols: readonly string[]) => boolean
  readonly reachesInTopics: (peer: PeerId) => boolean
  /** A topic message that nobody will hear of. */
  readonly dropped: (message: TopicMessage) => void
  /** A peer sends more in topics than any honest one. */
  readonly flooded: (peer: PeerId) => void
}

/** The connected peers, one connection each, from libp2p's events to what the machines are told. */
export class Peers {
  readonly #options: PeersOptions
  readonly #members = new Map<PeerId, Member>()

  constructor(options: PeersOptions) {
    this.#options = options
  }

  get all(): readonly Connection[] {
    return [...this.#members.values()].map(({ connection }) => connection)
  }

  connectionOf(peer: PeerId): Connection | null {
    return this.#members.get(peer)?.connection ?? null
  }

  dialectOf(peer: PeerId): Dialect | null {
    return this.#members.get(peer)?.dialect ?? null
  }

  /** From where the peer sees us. */
  observedBy(peer: PeerId): PeerAddress | null {
    return this.#members.get(peer)?.observed ?? null
  }

  /** Rejects for a peer that is not connected. */
  async whenReady(peer: PeerId): Promise<void> {
    const member = this.#members.get(peer)
    if (member === undefined) throw new Error('not connected')
    await member.ready.promise
  }

  statuses(): ConnectionStatus[] {
    return [...this.#members.values()].map(({ status, agent, dialect }) => ({ ...status, agent, dialect }))
  }

  opened(connection: Connection): void {
    const peer = connection.remotePeer.toString()
    const former = this.#members.get(peer)
    if (former !== undefined) this.closed(former.connection)
    const { direction } = connection
    const address = addressOf(connection.remoteAddr)
    const ready = Promise.withResolvers<void>()
    // Nobody may be waiting when it is rejected.
    ready.promise.catch(() => undefined)
    const member: Member = {
      peer,
      connection,
      status: { peer, address, direction, connectedAtMs: this.#options.now(), agent: null, dialect: null },
      early: [],
      topicRate: new RateLimit(FLOOD),
      ready,
      timer: setTimeout(() => this.#greet(member, 'reference'), READY_WITHIN_MS),
      speaksOurs: null,
      agent: null,
      dialect: null,
      observed: null
    }
    this.#members.set(peer, member)
    this.#options.tellPeering({ type: 'connected', peer, address, direction })
  }

  identified({ connection, protocols, agentVersion, listenAddrs, observedAddr }: IdentifyResult): void {
    const member = this.#of(connection)
    if (member === null) return
    // People see it in terminals, which do what some characters say.
    member.agent = agentVersion?.slice(0, 128).replace(/[^\x20-\x7e]/g, '?') ?? null
    member.speaksOurs = this.#options.speaksOurs(protocols)
    member.observed = observedAddr === undefined ? null : addressOf(observedAddr)
    this.#options.tellPeering({
      type: 'identified',
      peer: member.peer,
      agent: member.agent ?? '',
      dialect: member.speaksOurs ? 'ours' : 'reference',
      addresses: listenAddrs.slice(0, MAX_ADDRESSES_PER_PEER).map(addressOf),
      observed: member.observed
    })
    this.changed(member.peer)
  }

  /** The peer said what it speaks, or came into a topic. */
  changed(peer: PeerId): void {
    const member = this.#members.get(peer)
    if (member === undefined || member.dialect !== null || member.speaksOurs === null) return
    if (!member.speaksOurs) this.#greet(member, 'reference')
    else if (this.#options.reachesInTopics(peer)) this.#greet(member, 'ours')
  }

  closed(connection: Connection): void {
    const member = this.#of(connection)
    if (member === null) return
    clearTimeout(member.timer)
    this.#members.delete(member.peer)
    member.ready.reject(new Error('the connection is gone'))
    for (const message of member.early) this.#options.dropped(message)
    if (member.dialect !== null) this.#options.tell({ type: 'peerGone', peer: member.peer })
    this.#options.tellPeering({ type: 'closed', peer: member.peer })
  }

  /** A topic message; it waits, in bounds, for a peer that is not told of yet. */
  heard(message: TopicMessage): void {
    const member = this.#members.get(message.peer)
    if (member === undefined) this.#options.dropped(message)
    else if (!member.topicRate.take(1, this.#options.now())) {
      this.#options.dropped(message)
      this.#options.flooded(message.peer)
    } else if (member.dialect !== null) this.#options.tell({ type: 'gossip', ...message })
    else {
      const bytes = member.early.reduce((sum, { data }) => sum + data.length, message.data.length)
      if (member.early.length >= MAX_EARLY_MESSAGES || bytes > MAX_EARLY_BYTES) this.#options.dropped(message)
      else member.early.push(message)
    }
  }

  /** Tells something about a peer, unless it is gone: nothing is told of a peer after that. */
  tellOf(peer: PeerId, event: PeerEvent): void {
    if (this.dialectOf(peer) !== null) this.#options.tell(event)
  }

  stop(): void {
    for (const { timer, ready } of this.#members.values()) {
      clearTimeout(timer)
      ready.reject(new Error('stopped'))
    }
    this.#members.clear()
  }

  #greet(member: Member, dialect: Dialect): void {
    if (member.dialect !== null || this.#members.get(member.peer) !== member) return
    clearTimeout(member.timer)
    member.dialect = dialect
    const { peer } = member
    this.#options.tell({ type: 'peerConnected', peer, direction: member.status.direction, dialect })
    for (const message of member.early.splice(0)) this.#options.tell({ type: 'gossip', ...message })
    member.ready.resolve()
  }

  #of(connection: Connection): Member | null {
    const member = this.#members.get(connection.remotePeer.toString())
    return member?.connection.id === connection.id ? member : null
  }
}
