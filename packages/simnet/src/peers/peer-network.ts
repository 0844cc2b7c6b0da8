import {
  decodeFrame,
  encodeFrame,
  type PeerEffect,
  type PeerId,
  type Protocol,
  type Topic,
  type TopicVerdict
} from '@p2poolv2/gossip'
import { CodecError, invariant, type SeededRng } from '@p2poolv2/primitives'
import type { LinkOptions, SimNet } from '../sim-net.ts'
import type { VirtualClock } from '../virtual-clock.ts'
import { type Connection, Connections, otherEnd, type Sending } from './connections.ts'
import { type Endpoint, nodeOf, type TopicMessage } from './endpoint.ts'
import { SlowReader } from './slow-reader.ts'
import { TopicFlood } from './topic-flood.ts'
import type { Edge } from './topology.ts'

/** What a topic message costs beside its data: ids, topic name, signature-less envelope, framing. */
const TOPIC_OVERHEAD_BYTES = 120
/** What a request or an answer costs beside its frame: a yamux stream with its protocol name. */
const STREAM_OVERHEAD_BYTES = 80

/** Bytes that a cut line holds back are looked after this often. */
const RESEND_MS = 1_000

interface OutRequest extends Sending {
  readonly requester: number
  readonly requestId: number
  readonly responder: number
  /** The requester has closed the connection: nobody waits for the answer. */
  isAbandoned: boolean
  /** The number the responder knows it by, once it has arrived. */
  inboundId: number | null
}

/** What a node asks of another one, with a frame that may be garbage. */
export interface FrameOrder {
  readonly requestId: number
  readonly protocol: Protocol
  readonly frame: Uint8Array
  readonly timeoutMs: number
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
  readonly #flood: TopicFlood
  readonly #connections: Connections
  readonly #outRequests = new Map<string, OutRequest>()
  /** Requests that came to a node and that it has not answered yet, waited for or not. */
  readonly #inbound = new Map<number, OutRequest>()
  /** Answers that have not left yet. */
  readonly #leaving = new Map<number, OutRequest>()
  #idleMs = Number.POSITIVE_INFINITY
  readonly #lastUsedMs = new Map<Connection, number>()
  #forgotten = 0
  readonly #slowReaders = new Map<number, SlowReader>()
  #nextInboundId = 1

  constructor({ clock, net, rng, maxNodes }: PeerNetworkParts) {
    this.#clock = clock
    this.#net = net
    this.#flood = new TopicFlood(maxNodes)
    this.#connections = new Connections({ clock, net, rng, onClose: (connection, by) => this.#closed(connection, by) })
  }

  /** Flows that address translation has forgotten so far. */
  get forgottenFlows(): number {
    return this.#forgotten
  }

  /** Requests that have no answer yet. */
  get openRequests(): number {
    return this.#outRequests.size
  }

  addEdges(edges: readonly Edge[], link: Partial<LinkOptions> = {}): void {
    this.#connections.addEdges(edges, link)
  }

  /** The node is up: it dials and is dialled. */
  up(endpoint: Endpoint): void {
    this.#connections.up(endpoint)
  }

  /** The node's process has died: its sockets close behind what it has sent. */
  down(node: number): void {
    for (const [id, { responder }] of this.#leaving) if (responder === node) this.#leaving.delete(id)
    this.#connections.down(node)
  }

  /** The node's power is gone: its sockets say nothing, and others find out by their pings. */
  vanish(node: number): void {
    for (const [id, { responder }] of this.#leaving) if (responder === node) this.#leaving.delete(id)
    this.#connections.vanish(node)
  }

  /** The node is down, and comes back under another peer id. */
  rename(node: number): void {
    this.#connections.rename(node)
  }

  /** The node closes this connection for no reason of the machine's, and dials again. */
  interrupt(node: number, peer: number): void {
    const connection = this.#connections.between(node, peer)
    if (connection !== undefined) this.#connections.interrupt(node, connection)
  }

  /** Address translation forgets a flow over which nothing went for so long; nobody is told. */
  forgetIdleFlows(idleMs: number): void {
    this.#idleMs = idleMs
  }

  partition(parts: readonly (readonly number[])[]): void {
    this.#connections.partition(parts)
  }

  heal(): void {
    this.#net.heal()
  }

  /** From now on the node takes so much of its answers, and leaves the rest to whoever gave them; its connections stand. */
  readSlowly(node: number, bytesPerSec: number): void {
    this.#slowReaders.set(node, new SlowReader(this.#clock, bytesPerSec))
  }

  /** The node takes its answers as they come again. */
  readAtOnce(node: number): void {
    const reader = this.#slowReaders.get(node)
    this.#slowReaders.delete(node)
    reader?.readAll()
  }

  /** All connections of the node are lost: it is somewhere else, and only it knows. */
  changeAddress(node: number): void {
    this.#connections.changeAddress(node)
  }

  /** Does what a node wants of the network. */
  perform(node: number, effect: PeerEffect): void {
    switch (effect.type) {
      case 'publish':
        if (this.#connections.endpoint(node)?.dialect === 'ours') this.publish(node, effect.topic, effect.data)
        break
      case 'verdict':
        this.verdict(node, effect.messageId, effect.verdict)
        break
      case 'request':
        if (!this.#isCalled(effect.peer)) break
        this.requestFrame(node, nodeOf(effect.peer), { ...effect, frame: encodeFrame(effect.payload) })
        break
      case 'respond':
        this.respondFrame(node, effect.requestId, effect.payload === null ? null : encodeFrame(effect.payload))
        break
      case 'penalise':
      case 'otherRules':
        // For the record here: the score is kept in the machine, and who is dialled is settled.
        break
      case 'dropPeer':
        if (this.#isCalled(effect.peer)) this.drop(node, nodeOf(effect.peer), effect.banMs)
        break
      default:
        effect satisfies never
    }
  }

  /** `node` closes its connection to a peer and refuses it for a while. */
  drop(node: number, peer: number, banMs: number): void {
    this.#connections.drop(node, peer, banMs)
  }

  /** Open connections of a node: the other ends in ascending order. */
  peersOf(node: number): number[] {
    const open = this.#connections.of(node).filter(({ isOpen }) => isOpen)
    return open.map(connection => otherEnd(connection, node)).sort((a, b) => a - b)
  }

  // Topics

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
    for (const peer of peers) this.#sendTopic(message, node, this.#connections.between(node, peer))
  }

  /** @returns the message judged, or null if the node holds none of that id */
  verdict(node: number, id: string, verdict: TopicVerdict): TopicMessage | null {
    const released = this.#flood.release(id, node)
    if (released === undefined) return null
    if (verdict === 'accept') this.#forward(released.message, node, released.from)
    return released.message
  }

  #forward(message: TopicMessage, node: number, from: number | null): void {
    for (const connection of this.#connections.of(node)) {
      const peer = otherEnd(connection, node)
      if (peer !== from && peer !== message.origin) this.#sendTopic(message, node, connection)
    }
  }

  #sendTopic(message: TopicMessage, node: number, connection: Connection | undefined): void {
    if (connection?.isOpen !== true || this.#connections.dialectOf(connection) !== 'ours') return
    const peer = otherEnd(connection, node)
    this.#uses(connection)
    const sending = { connection, life: connection.life }
    this.#net.send(node, peer, {
      sizeBytes: message.data.length + TOPIC_OVERHEAD_BYTES,
      arrives: () => {
        if (!this.#connections.reaches(peer, sending) || !this.#flood.see(message.id, peer)) return
        this.#flood.hold(message.id, peer, node)
        const { id: messageId, topic, data } = message
        this.#connections
          .endpoint(peer)
          ?.tell({ type: 'gossip', peer: this.#connections.idOf(node), messageId, topic, data })
      }
    })
  }

  /** Something is sent: over a flow that was idle for too long it goes nowhere, and so does all that follows. */
  #uses(connection: Connection): void {
    if (this.#idleMs === Number.POSITIVE_INFINITY) return
    const { nowMs } = this.#clock
    const lastMs = this.#lastUsedMs.get(connection) ?? nowMs
    this.#lastUsedMs.set(connection, nowMs)
    if (nowMs - lastMs <= this.#idleMs || connection.severed !== null) return
    this.#forgotten += 1
    this.#connections.sever(connection, null)
  }

  /** Whether that is still somebody's name. */
  #isCalled(peer: PeerId): boolean {
    return this.#connections.idOf(nodeOf(peer)) === peer
  }

  // Requests

  /** Asks with a frame that may be garbage. */
  requestFrame(from: number, to: number, { requestId, protocol, frame, timeoutMs }: FrameOrder): void {
    const connection = this.#connections.between(from, to)
    if (connection === undefined) return
    this.#uses(connection)
    const key = requestKey(from, requestId)
    // A new life begins to count anew; what the last one asked may still be under way.
    invariant(this.#outRequests.get(key)?.isAbandoned !== false, 'a request id is used once in a life')
    const out: OutRequest = {
      requester: from,
      requestId,
      responder: to,
      connection,
      life: connection.life,
      isAbandoned: false,
      inboundId: null
    }
    this.#outRequests.set(key, out)
    this.#clock.after(timeoutMs, () => {
      if (!this.#settle(out) || out.isAbandoned) return
      const { inboundId } = out
      if (inboundId !== null && this.#slowReaders.get(from)?.givesUp(inboundId) === true) this.#left(out, inboundId)
      this.#connections.endpoint(from)?.tell({ type: 'requestFailed', requestId, reason: 'timeout' })
    })
    this.#net.send(from, to, {
      sizeBytes: frame.length + STREAM_OVERHEAD_BYTES,
      arrives: () => this.#requestArrives(out, protocol, frame)
    })
  }

  /** Answers a request that arrived, perhaps with garbage; null closes the stream without data. A late answer goes nowhere. */
  respondFrame(node: number, inboundId: number, frame: Uint8Array | null): void {
    const out = this.#inbound.get(inboundId)
    if (out === undefined || out.responder !== node) return
    this.#leaving.set(inboundId, out)
    const leftMs = this.#sendAnswer(out, inboundId, frame)
    if (leftMs !== null) this.#clock.at(leftMs, () => this.#leaves(out, inboundId))
  }

  /** @returns when it has left; null if that is for its receiver to say */
  #sendAnswer(out: OutRequest, inboundId: number, frame: Uint8Array | null): number | null {
    this.#inbound.delete(inboundId)
    if (!this.#isOpen(out)) return this.#clock.nowMs
    const send = (): number => {
      this.#uses(out.connection)
      return this.#net.send(out.responder, out.requester, {
        sizeBytes: (frame?.length ?? 0) + STREAM_OVERHEAD_BYTES,
        arrives: () => this.#responseArrives(out, frame)
      })
    }
    const reader = frame === null ? undefined : this.#slowReaders.get(out.requester)
    if (frame === null || reader === undefined) return send()
    const isRead = (): void => {
      send()
      this.#leaves(out, inboundId)
    }
    reader.comes({ id: inboundId, sizeBytes: frame.length, isRead })
    return null
  }

  /** The line has carried an answer, unless it is cut: then it does when that is over, or the connection ends. */
  #leaves(out: OutRequest, inboundId: number): void {
    if (this.#leaving.get(inboundId) !== out) return
    const getsThrough = out.connection.severed === null && this.#net.samePart(out.requester, out.responder)
    if (getsThrough) this.#left(out, inboundId)
    else this.#clock.after(RESEND_MS, () => this.#leaves(out, inboundId))
  }

  #left(out: OutRequest, requestId: number): void {
    this.#leaving.delete(requestId)
    const peer = this.#connections.idOf(out.requester)
    this.#connections.endpoint(out.responder)?.tell({ type: 'responded', peer, requestId })
  }

  #requestArrives(out: OutRequest, protocol: Protocol, frame: Uint8Array): void {
    // A duplicate, an answer given up on, or a connection that closed meanwhile.
    if (out.inboundId !== null || !this.#connections.reaches(out.responder, out)) return
    if (!this.#isOpen(out)) return
    const inboundId = this.#nextInboundId++
    out.inboundId = inboundId
    this.#inbound.set(inboundId, out)
    const payload = payloadOf(frame)
    const peer = this.#connections.idOf(out.requester)
    // A stream with a broken frame is closed by the network layer; the node never hears of it.
    if (payload === 'malformed') this.#sendAnswer(out, inboundId, null)
    else {
      const endpoint = this.#connections.endpoint(out.responder)
      endpoint?.tell({ type: 'peerRequest', peer, requestId: inboundId, protocol, payload })
    }
  }

  #responseArrives(out: OutRequest, frame: Uint8Array | null): void {
    const { requester, requestId } = out
    if (!this.#settle(out) || out.isAbandoned || !this.#connections.reaches(requester, out)) return
    const endpoint = this.#connections.endpoint(requester)
    const payload = frame === null ? null : payloadOf(frame)
    if (payload === 'malformed') endpoint?.tell({ type: 'requestFailed', requestId, reason: 'malformed' })
    else endpoint?.tell({ type: 'peerResponse', requestId, payload })
  }

  /** What the end that closes has asked still arrives; what it was asked comes to nothing, and so does all when both know. */
  #closed(connection: Connection, by: number | null): void {
    for (const out of this.#outRequests.values()) {
      if (out.connection !== connection) continue
      if (out.requester === by) out.isAbandoned = true
      else this.#settle(out)
    }
    for (const [id, out] of this.#leaving) {
      if (out.connection !== connection) continue
      // Who closes it has done with it; the other end is told before it hears that the peer is gone.
      if (out.responder === by) this.#leaving.delete(id)
      else if (by === null) this.#left(out, id)
    }
    for (const [id, out] of this.#inbound) {
      if (out.connection === connection && (by === null || out.responder === by)) this.#inbound.delete(id)
    }
  }

  /** @returns false if it is settled already */
  #settle(out: OutRequest): boolean {
    return this.#isOpen(out) && this.#outRequests.delete(requestKey(out.requester, out.requestId))
  }

  #isOpen(out: OutRequest): boolean {
    return this.#outRequests.get(requestKey(out.requester, out.requestId)) === out
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

function requestKey(node: number, requestId: number): string {
  return `${node}:${requestId}`
}
