import {
  type GossipSub,
  type GossipsubMessage,
  gossipsub,
  type MeshPeer,
  StrictNoSign,
  TopicValidatorResult
} from '@chainsafe/libp2p-gossipsub'
import type { Connection, PeerId as LibPeerId } from '@libp2p/interface'
import {
  MAX_TOPIC_BYTES,
  messageId,
  type NetworkNames,
  type PeerId,
  type Topic,
  type TopicVerdict
} from '@p2poolv2/gossip'
import { bytesToHex, hexToBytes } from '@p2poolv2/primitives'
import { guardedTopics, MAX_PACKET_BYTES, MAX_TOPIC_STREAMS, PACKET_LIMITS } from './guarded-topics.ts'
import { SCORE_THRESHOLDS, scoreParams } from './topic-scores.ts'

/** Messages waiting for a verdict; at a cap the oldest is not passed on. The machine answers at once, unless its disk is behind. */
const MAX_HELD_MESSAGES = 1_024
const MAX_HELD_BYTES = 33_554_432
/** A message that comes again after this is new to gossipsub; the machine knows it still. */
const SEEN_MS = 60_000
/** What a neighbour has not taken; beyond it its stream is reset, which the watchdog mends. Four of the largest shares. */
const MAX_UNSENT_BYTES = 4 * 1_048_576
/** Beats of a second for which a message can still be passed on. */
const HELD_BEATS = 10

const MESH_PREFIX = '/meshsub/'
const TOPICS: readonly Topic[] = ['shares', 'templates']
const RESULTS: Readonly<Record<TopicVerdict, TopicValidatorResult>> = {
  accept: TopicValidatorResult.Accept,
  ignore: TopicValidatorResult.Ignore,
  reject: TopicValidatorResult.Reject
}

/** What gossipsub has at run time and its exported type leaves out; a test looks whether it is so. */
interface GossipSubInternals extends GossipSub {
  readonly streamsOutbound: ReadonlyMap<string, unknown>
  reportMessageValidationResult(messageId: string, source: string, result: TopicValidatorResult): void
  onPeerConnected(peer: LibPeerId, connection: Connection): void
}

/** A message of a topic as it came. */
export interface TopicMessage {
  readonly peer: PeerId
  readonly messageId: string
  readonly topic: Topic
  readonly data: Uint8Array
}

/**
 * gossipsub as the gossip machine wants it: content names a message, nothing is signed, nothing passed on without its verdict.
 * @param ignored a peer sends although it has lost its hearing
 */
export function topicService(names: NetworkNames, ignored: (peer: PeerId) => void): ReturnType<typeof gossipsub> {
  const topicOf = topicsByName(names)
  const service = gossipsub({
    globalSignaturePolicy: StrictNoSign,
    msgIdFn: ({ topic, data }) => hexToBytes(messageId(topicOf.get(topic) ?? 'shares', data)),
    msgIdToStrFn: bytesToHex,
    allowedTopics: Object.values(names.topics),
    asyncValidation: true,
    mcacheLength: HELD_BEATS,
    seenTTL: SEEN_MS,
    // A larger or smaller message than the topic can have is refused before it is named or kept.
    dataTransform: {
      inboundTransform: (topic, data) => {
        if (data.length === 0 || data.length > MAX_TOPIC_BYTES[topicOf.get(topic) ?? 'templates']) {
          throw new RangeError('a topic message of a size that none has')
        }
        return data
      },
      outboundTransform: (_topic, data) => data
    },
    // Ours reach every neighbour at once, also those whom a surrounded mesh would leave out; announcements go no further.
    floodPublish: true,
    batchPublish: true,
    fallbackToFloodsub: false,
    emitSelf: false,
    ignoreDuplicatePublishError: true,
    allowPublishToZeroTopicPeers: true,
    // Whom to connect to is the peering machine's.
    doPX: false,
    tagMeshPeers: false,
    // A share is a megabyte at most, and home lines are slow.
    gossipsubIWantFollowupMs: 10_000,
    maxInboundDataLength: MAX_PACKET_BYTES,
    maxInboundStreams: MAX_TOPIC_STREAMS,
    decodeRpcLimits: PACKET_LIMITS,
    maxOutboundBufferSize: MAX_UNSENT_BYTES,
    // Two topics of a hundred characters; the rest of what a peer says it is in is not kept.
    maxTopicBytesPerPeer: 8_192,
    scoreParams: scoreParams(names),
    scoreThresholds: SCORE_THRESHOLDS
  })
  return guardedTopics(service, ignored)
}

export function speaksTopics(protocols: readonly string[]): boolean {
  return protocols.some(protocol => protocol.startsWith(MESH_PREFIX))
}

export interface TopicsOptions {
  readonly names: NetworkNames
  readonly take: (message: TopicMessage) => void
  /** Somebody came into a topic or left one. */
  readonly changed: (peer: PeerId) => void
}

/** The two topics on a running node. */
export class Topics {
  readonly #gossipsub: GossipSubInternals
  readonly #options: TopicsOptions
  readonly #topicOf: ReadonlyMap<string, Topic>
  readonly #held = new Map<string, { readonly peer: PeerId; readonly bytes: number }>()
  #heldBytes = 0

  constructor(service: GossipSub, options: TopicsOptions) {
    this.#gossipsub = service as GossipSubInternals
    this.#options = options
    this.#topicOf = topicsByName(options.names)
    service.addEventListener('gossipsub:message', this.#onMessage)
    service.addEventListener('subscription-change', this.#onSubscription)
    service.addEventListener('gossipsub:graft', this.#onGraft)
    for (const topic of TOPICS) service.subscribe(options.names.topics[topic])
  }

  stop(): void {
    this.#gossipsub.removeEventListener('gossipsub:message', this.#onMessage)
    this.#gossipsub.removeEventListener('subscription-change', this.#onSubscription)
    this.#gossipsub.removeEventListener('gossipsub:graft', this.#onGraft)
    this.#held.clear()
  }

  publish(topic: Topic, data: Uint8Array): Promise<unknown> {
    return this.#gossipsub.publish(this.#options.names.topics[topic], data)
  }

  /** A verdict on a message that is not held, or no longer, changes nothing. */
  judge(id: string, verdict: TopicVerdict): void {
    const held = this.#held.get(id)
    if (held === undefined) return
    this.#held.delete(id)
    this.#heldBytes -= held.bytes
    this.#gossipsub.reportMessageValidationResult(id, held.peer, RESULTS[verdict])
  }

  /** Whether what we publish reaches the peer and we hear it: it is in both topics, and a stream to it stands. */
  reaches(peer: PeerId): boolean {
    if (!this.#gossipsub.streamsOutbound.has(peer)) return false
    return TOPICS.every(topic => {
      const subscribers = this.#gossipsub.getSubscribers(this.#options.names.topics[topic])
      return subscribers.some(subscriber => subscriber.toString() === peer)
    })
  }

  /** First step of mending a connection whose topics are dead: its streams end on both sides. */
  cut(connection: Connection): void {
    for (const stream of connection.streams) {
      if (stream.protocol.startsWith(MESH_PREFIX)) stream.abort(new Error('a silent topic stream'))
    }
  }

  /** Second step, when the first has had its effect: as if the peer had just come. */
  greet(connection: Connection): void {
    this.#gossipsub.onPeerConnected(connection.remotePeer, connection)
  }

  readonly #onMessage = ({ detail }: CustomEvent<GossipsubMessage>): void => {
    const { msgId, msg, propagationSource } = detail
    const topic = this.#topicOf.get(msg.topic)
    if (topic === undefined) return
    const peer = propagationSource.toString()
    this.#hold(msgId, { peer, bytes: msg.data.length })
    // A copy: what came is a view of a whole packet, which would stay in memory with it.
    this.#options.take({ peer, messageId: msgId, topic, data: new Uint8Array(msg.data) })
  }

  #hold(id: string, held: { readonly peer: PeerId; readonly bytes: number }): void {
    this.#held.set(id, held)
    this.#heldBytes += held.bytes
    for (const oldest of this.#held.keys()) {
      if (this.#held.size <= MAX_HELD_MESSAGES && this.#heldBytes <= MAX_HELD_BYTES) break
      this.judge(oldest, 'ignore')
    }
  }

  readonly #onSubscription = ({ detail }: CustomEvent<{ readonly peerId: LibPeerId }>): void => {
    this.#options.changed(detail.peerId.toString())
  }

  /** Our stream to the peer may have come to stand after it was in the topics: that nobody tells, but a neighbour's welcome follows. */
  readonly #onGraft = ({ detail }: CustomEvent<MeshPeer>): void => {
    this.#options.changed(detail.peerId)
  }
}

function topicsByName(names: NetworkNames): ReadonlyMap<string, Topic> {
  return new Map(TOPICS.map(topic => [names.topics[topic], topic]))
}
