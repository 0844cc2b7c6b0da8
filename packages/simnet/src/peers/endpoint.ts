import type { Dialect, PeerEvent, PeerId, Topic } from '@p2poolv2/gossip'

/** A node, or something that pretends to be one, as the network sees it. */
export interface Endpoint {
  readonly node: number
  /** In our topics or not. A connection is of our dialect if both ends are. */
  readonly dialect: Dialect
  tell(event: PeerEvent): void
}

/** What a topic carries: named by its content, so that the same data is the same message whoever publishes it. */
export interface TopicMessage {
  readonly id: string
  readonly topic: Topic
  readonly data: Uint8Array
  readonly origin: number
  readonly publishedAtMs: number
}

/** @param name how often the node has taken a new identity */
export function peerIdOf(node: number, name = 0): PeerId {
  return name === 0 ? `n${node}` : `n${node}~${name}`
}

export function nodeOf(peer: PeerId): number {
  return Number.parseInt(peer.slice(1), 10)
}
