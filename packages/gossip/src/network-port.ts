/**
 * The port between the gossip machine, which is pure, and the network below it: what a network tells (`PeerEvent`) and what
 * it is asked for (`PeerEffect`). A network is a set of peers that answer requests, and two topics whose messages reach
 * every subscriber. `testing/network-suite.ts` is what every network has to do.
 */

/** Names one connected peer; opaque text of the network layer, the same again if the peer comes back. */
export type PeerId = string

/** Ours: in our topics and on our own protocols. Reference: request/response protocol only. */
export type Dialect = 'ours' | 'reference'

export type Topic = 'shares' | 'templates'

/**
 * Which request/response protocol a payload belongs to. `shares`: protocol §18, spoken by every peer. `templates` and `rules`: our own
 * beside it, never sent to a reference peer. A peer that does not speak one ends a request with `requestFailed`.
 */
export type Protocol = 'shares' | 'templates' | 'rules'

/** `accept` passes a message on, `ignore` does not, `reject` also counts against the peer it came from. */
export type TopicVerdict = 'accept' | 'ignore' | 'reject'

/** Why a request has no answer and never will. `malformed`: what came is no frame, or one of another payload. */
export type RequestFailure = 'timeout' | 'closed' | 'refused' | 'malformed'

export type PeerEvent =
  /** A connection is ready for requests. A second connection of one peer is not told. */
  | {
      readonly type: 'peerConnected'
      readonly peer: PeerId
      readonly direction: 'inbound' | 'outbound'
      readonly dialect: Dialect
    }
  /** The last connection of a peer is gone. Requests to it need no `requestFailed`. */
  | { readonly type: 'peerGone'; readonly peer: PeerId }
  /** A topic message, its data untouched from now on. Answered with exactly one `verdict` before anything else happens. */
  | {
      readonly type: 'gossip'
      readonly peer: PeerId
      readonly messageId: string
      readonly topic: Topic
      readonly data: Uint8Array
    }
  /** A request; `requestId` is the network's and never used twice, answered with one `respond`, perhaps in a later turn. */
  | {
      readonly type: 'peerRequest'
      readonly peer: PeerId
      readonly requestId: number
      readonly protocol: Protocol
      readonly payload: Uint8Array
    }
  /**
   * The answer we gave has left: the peer has taken all of its bytes, or its stream or connection is over. Once for every `peerRequest` that
   * was answered, null or not, unless `peerGone` says it of all of them; a network gives an answer up in the end that nobody takes.
   */
  | { readonly type: 'responded'; readonly peer: PeerId; readonly requestId: number }
  /** The answer to one of our requests; null when the peer closed the stream without one. */
  | { readonly type: 'peerResponse'; readonly requestId: number; readonly payload: Uint8Array | null }
  /** None of our requests stays without an answer for longer than its time-out, told or not: gossip counts itself. */
  | { readonly type: 'requestFailed'; readonly requestId: number; readonly reason: RequestFailure }

export type PeerEffect =
  /** Send to every peer of a topic. The network never gives the message back to us. */
  | { readonly type: 'publish'; readonly topic: Topic; readonly data: Uint8Array }
  /** What to do with a held topic message: pass it on, drop it, or drop it and hold it against the peer. */
  | {
      readonly type: 'verdict'
      readonly peer: PeerId
      readonly messageId: string
      readonly verdict: TopicVerdict
    }
  /** One request, one answer: `peerResponse` or `requestFailed` with this id. Ids are ours and never used twice. */
  | {
      readonly type: 'request'
      readonly peer: PeerId
      readonly requestId: number
      readonly protocol: Protocol
      readonly payload: Uint8Array
      readonly timeoutMs: number
    }
  /** The answer to a `peerRequest`; null closes its stream without data. */
  | {
      readonly type: 'respond'
      readonly peer: PeerId
      readonly requestId: number
      readonly payload: Uint8Array | null
    }
  /** The peer did what no honest peer does. For the record: the score is kept in the machine. */
  | { readonly type: 'penalise'; readonly peer: PeerId; readonly points: number; readonly code: string }
  /** The peer follows other rules, so that its connection is of no use to us; it has done nothing wrong. */
  | { readonly type: 'otherRules'; readonly peer: PeerId }
  /** Close all connections of the peer; it is forgotten already, and refused for `banMs` if it comes back. */
  | { readonly type: 'dropPeer'; readonly peer: PeerId; readonly reason: string; readonly banMs: number }
