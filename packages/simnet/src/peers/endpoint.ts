import type { Dialect, PeerId, Protocol, Topic } from '@p2poolv2/gossip'

/** A node, or something that pretends to be one, as the network sees it. */
export interface Endpoint {
  readonly node: number
  /** In our topics or not. A connection is of our dialect if both ends are. */
  readonly dialect: Dialect
  peerConnected(peer: PeerId, connection: { direction: 'inbound' | 'outbound'; dialect: Dialect }): void
  peerGone(peer: PeerId): void
  /** Answered with a verdict sooner or later. */
  gossip(peer: PeerId, message: TopicMessage): void
  /** Answered with `respond` sooner, later or never. */
  peerRequest(peer: PeerId, request: { requestId: number; protocol: Protocol; payload: Uint8Array }): void
  peerResponse(requestId: number, payload: Uint8Array | null): void
  requestFailed(requestId: number, reason: 'timeout' | 'closed' | 'malformed'): void
}

/** What a topic carries: named by its content, so that the same data is the same message whoever publishes it. */
export interface TopicMessage {
  readonly id: string
  readonly topic: Topic
  readonly data: Uint8Array
  readonly origin: number
  readonly publishedAtMs: number
}

export function peerIdOf(node: number): PeerId {
  return `n${node}`
}

export function nodeOf(peer: PeerId): number {
  return Number(peer.slice(1))
}
