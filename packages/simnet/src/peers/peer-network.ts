import { decodeFrame, encodeFrame, type Protocol, type Topic, type TopicVerdict } from '@p2poolv2/gossip'
import { CodecError, invariant, type SeededRng } from '@p2poolv2/primitives'
import { between } from '../chance.ts'
import { DEFAULT_LINK, type LinkOptions, type SimNet } from '../sim-net.ts'
import type { VirtualClock } from '../virtual-clock.ts'
import { type Endpoint, peerIdOf, type TopicMessage } from './endpoint.ts'
import { TopicFlood } from './topic-flood.ts'
import type { Edge } from './topology.ts'

/** What a topic message costs beside its data: ids, topic name, signature-less envelope, framing. */
const TOPIC_OVERHEAD_BYTES = 120
/** What a request or an answer costs beside its frame: a yamux stream with its protocol name. */
const STREAM_OVERHEAD_BYTES = 80
/** Pings find out within this time that nobody is there any more. */
const PING_TIMEOUT_MS: readonly [number, number] = [20_000, 40_000]
const REDIAL_MS: readonly [number, number] = [2_000, 10_000]
const CLOSE_BYTES = 40
/** Round trips until a connection can be used: TCP, noise, muxer, identify. */
const CONNECT_ROUND_TRIPS = 4

interface Connection {
  readonly edge: Edge
  isOpen: boolean
  /** One end has closed it, or died; the other end has not heard of it and still gets what was under way to it. */
  closing: { readonly by: number; readonly finish: () => void } | null
  /** Raised when both ends know that it is closed: what is under way then never arrives. */
  life: number
  isRedialling: boolean
}

interface OutRequest {
  readonly requester: number
  readonly requestId: number
  readonly responder: number
  readonly connection: Connection
  readonly life: number
  /** The requester has closed the connection: nobody waits for the answer. */
  isAbandoned: boolean
  /** The number the responder knows it by, once it has arrived. */
  inboundId: number | null
}

export interface PeerNetworkParts {
  readonly clock: VirtualClock
  readonly net: SimNet
  readonly rng: SeededRng
  readonly maxNodes: number
}

/**
 * What libp2p is to a node, without it: connections between dialling and listening nodes, topics that reach every
 * subscriber, and requests with answers, all over `SimNet`. Frames on streams are the real ones. A message in a topic waits
 * at each node for its verdict.
 */
export class PeerNetwork {
  readonly #clock: VirtualClock
  readonly #net: SimNet
  readonly #rng: SeededRng
  readonly #flood: TopicFlood
  readonly #endpoints: (Endpoint | null)[] = []
  readonly #connections = new Map<string, Connection>()
  /** Connections by node, open or not. */
  readonly #ofNode: Connection[][] = []
  /** When `node` takes connections from `other` again, by "node:other". */
  readonly #bannedUntilMs = new Map<string, number>()
  readonly #outRequests = new Map<string, OutRequest>()
  readonly #inbound = new Map<number, OutRequest>()
  #nextInboundId = 1

  constructor({ clock, net, rng, maxNodes }: PeerNetworkParts) {
    this.#clock = clock
    this.#net = net
    this.#rng = rng
    this.#flood = new TopicFlood(maxNodes)
  }

  /** Requests that have no answer yet. */
  get openRequests(): number {
    return this.#outRequests.size
  }

  addEdges(edges: readonly Edge[], link: Partial<LinkOptions> = {}): void {
    for (const edge of edges) {
      const { dialer, listener, latencyMs } = edge
      this.#net.link(dialer, listener, { ...DEFAULT_LINK, ...link, medianLatencyMs: latencyMs })
      const connection: Connection = { edge, isOpen: false, closing: null, life: 0, isRedialling: false }
      this.#connections.set(pairName(dialer, listener), connection)
      this.#connectionsOf(dialer).push(connection)
      this.#connectionsOf(listener).push(connection)
      this.#redialLater(connection, between(this.#rng, 0, 1_000))
    }
  }

  /** The node is up: it dials and is dialled. */
  up(endpoint: Endpoint): void {
    this.#endpoints[endpoint.node] = endpoint
    for (const connection of this.#connectionsOf(endpoint.node)) {
      this.#redialLater(connection, between(this.#rng, 100, 2_000))
    }
  }

  /** The node's process has died: its sockets close behind what it has sent. */
  down(node: number): void {
    this.#endpoints[node] = null
    for (const connection of this.#connectionsOf(node)) {
      connection.closing?.finish()
      if (connection.isOpen) this.#closeBy(node, connection)
    }
  }

  partition(parts: readonly (readonly number[])[]): void {
    this.#net.partition(parts)
    for (const connection of this.#connections.values()) this.#closeIfCut(connection)
  }

  heal(): void {
    this.#net.heal()
  }

  /** Open connections of a node: the other ends in ascending order. */
  peersOf(node: number): number[] {
    return this.#connectionsOf(node)
      .filter(connection => connection.isOpen)
      .map(connection => otherEnd(connection, node))
      .sort((a, b) => a - b)
  }

  isConnected(a: number, b: number): boolean {
    return this.#connections.get(pairName(a, b))?.isOpen === true
  }

  /** To everybody in the topic. */
  publish(node: number, topic: Topic, data: Uint8Array): void {
    const message = this.#flood.message(topic, data, { node, nowMs: this.#clock.nowMs })
    // What went by already is not sent again, as gossipsub does.
    if (this.#flood.see(message.id, node)) this.#forward(message, node, null)
  }

  /** As `publish`, to some peers only: what no honest node does. */
  publishTo(node: number, peers: readonly number[], { topic, data }: { topic: Topic; data: Uint8Array }): void {
    const message = this.#flood.message(topic, data, { node, nowMs: this.#clock.nowMs })
    this.#flood.see(message.id, node)
    for (const peer of peers) this.#sendTopic(message, node, peer)
  }

  /** @returns the message judged, or null if the node holds none of that id */
  verdict(node: number, id: string, verdict: TopicVerdict): TopicMessage | null {
    const released = this.#flood.release(id, node)
    if (released === undefined) return null
    if (verdict === 'accept') this.#forward(released.message, node, released.from)
    return released.message
  }

  request(
    from: number,
    to: number,
    request: { requestId: number; protocol: Protocol; payload: Uint8Array; timeoutMs: number }
  ): void {
    const frame = encodeFrame(request.payload)
    this.requestFrame(from, to, { ...request, frame })
  }

  /** As `request`, with a frame that may be garbage. */
  requestFrame(
    from: number,
    to: number,
    request: { requestId: number; protocol: Protocol; frame: Uint8Array; timeoutMs: number }
  ): void {
    const { requestId, protocol, frame, timeoutMs } = request
    const connection = this.#connections.get(pairName(from, to))
    if (connection?.isOpen !== true) return
    const key = requestKey(from, requestId)
    invariant(!this.#outRequests.has(key), 'a request id is used once')
    const { life } = connection
    const out: OutRequest = {
      requester: from,
      requestId,
      responder: to,
      connection,
      life,
      isAbandoned: false,
      inboundId: null
    }
    this.#outRequests.set(key, out)
    this.#clock.after(timeoutMs, () => {
      if (this.#settle(out) && !out.isAbandoned) this.#endpoints[from]?.requestFailed(requestId, 'timeout')
    })
    this.#net.send(from, to, {
      sizeBytes: frame.length + STREAM_OVERHEAD_BYTES,
      arrives: () => this.#requestArrives(out, protocol, frame)
    })
  }

  /** Answers a request that arrived; null closes the stream without data. A late answer goes nowhere. */
  respond(node: number, inboundId: number, payload: Uint8Array | null): void {
    this.respondFrame(node, inboundId, payload === null ? null : encodeFrame(payload))
  }

  /** As `respond`, with a frame that may be garbage. */
  respondFrame(node: number, inboundId: number, frame: Uint8Array | null): void {
    const out = this.#inbound.get(inboundId)
    if (out === undefined || out.responder !== node) return
    this.#inbound.delete(inboundId)
    out.inboundId = null
    const { requester, requestId } = out
    this.#net.send(node, requester, {
      sizeBytes: (frame?.length ?? 0) + STREAM_OVERHEAD_BYTES,
      arrives: () => {
        if (!this.#settle(out) || out.isAbandoned || !this.#reaches(requester, out)) return
        const payload = frame === null ? null : payloadOf(frame)
        if (payload === 'malformed') this.#endpoints[requester]?.requestFailed(requestId, 'malformed')
        else this.#endpoints[requester]?.peerResponse(requestId, payload)
      }
    })
  }

  /** `node` closes its connection to a peer and refuses it for a while. */
  drop(node: number, peer: number, banMs: number): void {
    this.#bannedUntilMs.set(`${node}:${peer}`, this.#clock.nowMs + banMs)
    const connection = this.#connections.get(pairName(node, peer))
    if (connection?.isOpen === true) this.#closeBy(node, connection)
  }

  #requestArrives(out: OutRequest, protocol: Protocol, frame: Uint8Array): void {
    // A duplicate, an answer given up on, or a connection that closed meanwhile.
    if (out.inboundId !== null || !this.#reaches(out.responder, out)) return
    if (!this.#outRequests.has(requestKey(out.requester, out.requestId))) return
    const inboundId = this.#nextInboundId++
    out.inboundId = inboundId
    this.#inbound.set(inboundId, out)
    const payload = payloadOf(frame)
    const endpoint = this.#endpoints[out.responder]
    // A stream with a broken frame is closed by the network layer; the node never hears of it.
    if (payload === 'malformed') this.respondFrame(out.responder, inboundId, null)
    else endpoint?.peerRequest(peerIdOf(out.requester), { requestId: inboundId, protocol, payload })
  }

  /** @returns false if it is settled already */
  #settle(out: OutRequest): boolean {
    if (out.inboundId !== null) this.#inbound.delete(out.inboundId)
    return this.#outRequests.delete(requestKey(out.requester, out.requestId))
  }

  #forward(message: TopicMessage, node: number, from: number | null): void {
    for (const connection of this.#connectionsOf(node)) {
      const peer = otherEnd(connection, node)
      if (connection.isOpen && peer !== from && peer !== message.origin) this.#sendTopic(message, node, peer)
    }
  }

  #sendTopic(message: TopicMessage, node: number, peer: number): void {
    const connection = this.#connections.get(pairName(node, peer))
    if (connection?.isOpen !== true || this.#dialectOf(connection) !== 'ours') return
    const { life } = connection
    this.#net.send(node, peer, {
      sizeBytes: message.data.length + TOPIC_OVERHEAD_BYTES,
      arrives: () => {
        const endpoint = this.#endpoints[peer]
        if (endpoint === null || endpoint === undefined || !this.#reaches(peer, { connection, life })) return
        if (!this.#flood.see(message.id, peer)) return
        this.#flood.hold(message.id, peer, node)
        endpoint.gossip(peerIdOf(node), message)
      }
    })
  }

  #dialectOf({ edge }: Connection): 'ours' | 'reference' {
    const isOurs = [edge.dialer, edge.listener].every(node => this.#endpoints[node]?.dialect === 'ours')
    return isOurs ? 'ours' : 'reference'
  }

  #redialLater(connection: Connection, delayMs: number): void {
    if (connection.isOpen || connection.isRedialling) return
    connection.isRedialling = true
    this.#clock.after(delayMs + CONNECT_ROUND_TRIPS * 2 * connection.edge.latencyMs, () => {
      connection.isRedialling = false
      this.#dial(connection)
    })
  }

  #dial(connection: Connection): void {
    const { dialer, listener } = connection.edge
    const [dials, listens] = [this.#endpoints[dialer], this.#endpoints[listener]]
    // A node that comes up dials afresh, so there is no need to go on for one that is down.
    if (!dials || !listens || connection.isOpen) return
    if (!this.#net.samePart(dialer, listener) || this.#isBanned(dialer, listener)) {
      this.#redialLater(connection, between(this.#rng, ...REDIAL_MS))
      return
    }
    connection.closing?.finish()
    connection.isOpen = true
    const dialect = this.#dialectOf(connection)
    dials.peerConnected(peerIdOf(listener), { direction: 'outbound', dialect })
    if (connection.isOpen) listens.peerConnected(peerIdOf(dialer), { direction: 'inbound', dialect })
  }

  #isBanned(a: number, b: number): boolean {
    const nowMs = this.#clock.nowMs
    return [`${a}:${b}`, `${b}:${a}`].some(key => (this.#bannedUntilMs.get(key) ?? 0) > nowMs)
  }

  /** Whether what was sent in this life of a connection still gets to this end of it. */
  #reaches(node: number, { connection, life }: { readonly connection: Connection; readonly life: number }): boolean {
    if (connection.life !== life) return false
    return connection.isOpen || (connection.closing !== null && connection.closing.by !== node)
  }

  /** One end closes: the other hears of it behind everything sent before. */
  #closeBy(node: number, connection: Connection): void {
    const other = otherEnd(connection, node)
    const endpoint = this.#endpoints[other]
    const { life } = connection
    const finish = (): void => {
      if (connection.life !== life) return
      this.#end(connection)
      if (this.#endpoints[other] === endpoint) endpoint?.peerGone(peerIdOf(node))
    }
    connection.isOpen = false
    connection.closing = { by: node, finish }
    for (const out of this.#outRequests.values()) {
      if (out.connection !== connection) continue
      if (out.requester === node) out.isAbandoned = true
      else this.#settle(out)
    }
    this.#net.send(node, other, { sizeBytes: CLOSE_BYTES, arrives: finish })
    // The word of it may be lost; then pings tell.
    this.#clock.after(between(this.#rng, ...PING_TIMEOUT_MS), finish)
    this.#redialLater(connection, between(this.#rng, ...REDIAL_MS))
  }

  #end(connection: Connection): void {
    connection.isOpen = false
    connection.closing = null
    connection.life += 1
    for (const out of this.#outRequests.values()) if (out.connection === connection) this.#settle(out)
  }

  #closeIfCut(connection: Connection): void {
    const { dialer, listener } = connection.edge
    if (!connection.isOpen || this.#net.samePart(dialer, listener)) return
    const { life } = connection
    this.#clock.after(between(this.#rng, ...PING_TIMEOUT_MS), () => {
      if (connection.life !== life || this.#net.samePart(dialer, listener)) return
      this.#end(connection)
      this.#redialLater(connection, between(this.#rng, ...REDIAL_MS))
      this.#endpoints[dialer]?.peerGone(peerIdOf(listener))
      this.#endpoints[listener]?.peerGone(peerIdOf(dialer))
    })
  }

  #connectionsOf(node: number): Connection[] {
    let known = this.#ofNode[node]
    if (known === undefined) {
      known = []
      this.#ofNode[node] = known
    }
    return known
  }
}

function payloadOf(frame: Uint8Array): Uint8Array | 'malformed' {
  try {
    return decodeFrame(frame)
  } catch (error) {
    if (error instanceof CodecError) return 'malformed'
    throw error
  }
}

function otherEnd({ edge }: Connection, node: number): number {
  return edge.dialer === node ? edge.listener : edge.dialer
}

function pairName(a: number, b: number): string {
  return a < b ? `${a}-${b}` : `${b}-${a}`
}

function requestKey(node: number, requestId: number): string {
  return `${node}:${requestId}`
}
