import type { BlockTemplate } from '@p2poolv2/bitcoin'
import type { ChainParams, ChainVerdict, HeaderItem, HeaderQuestion, Share, ShareFacts } from '@p2poolv2/consensus'
import type { BlockHash, Height, Rng, Sha256d, ShareHash, SteadyMs, UnixSec, Work } from '@p2poolv2/primitives'
import type { HeaderProgress } from './headers/progress.ts'

/**
 * The contract of the gossip machine: what it is told (`GossipEvent`), what it asks for (`GossipEffect`), what it reads
 * of the share chain (`ChainIndex`) and what it has to say about itself (`GossipFact`, `GossipStatus`).
 *
 * The network below is a set of peers that answer requests and two topics whose messages reach every subscriber. The share
 * chain beside it is somebody else's: shares and headers are handed over with `deliverShare` and `deliverHeaders`, and what
 * became of them comes back as `shareJudged` and `headersJudged` before any other event.
 */

/** Names one connected peer; opaque text of the network layer, the same again if the peer comes back. */
export type PeerId = string

/** Ours: in our topics and on our template protocol. Reference: request/response protocol only. */
export type Dialect = 'ours' | 'reference'

export type Topic = 'shares' | 'templates'

/**
 * Which request/response protocol a payload belongs to. `shares`: protocol §18, spoken by every peer. `templates`: our own
 * beside it, never sent to a reference peer.
 */
export type Protocol = 'shares' | 'templates'

/** Where a share came from. A topic message is held back by the network until its `verdict`. */
export type ShareSource =
  | { readonly via: 'topic'; readonly peer: PeerId; readonly messageId: string }
  | { readonly via: 'push'; readonly peer: PeerId }
  | { readonly via: 'fetch'; readonly peer: PeerId }

/** The part of the share chain's outcome that gossip needs; a `ChainOutcome` is one. */
export interface ChainJudgement {
  readonly verdict: ChainVerdict
  /** Shares that became fully valid, with those that had waited for this one. */
  readonly validated: readonly ShareHash[]
  /** Shares that became invalid. */
  readonly invalidated: readonly ShareHash[]
  /** Shares whose bodies should be fetched. */
  readonly wanted: readonly ShareHash[]
}

/**
 * What gossip reads of the share chain. Read at any time inside `handle`; never kept. Implemented by an adapter over the
 * share chain.
 */
export interface ChainIndex {
  /** The lowest height above the genesis in memory; what is below is in the store's archive. */
  readonly keptFromHeight: Height
  /** Whether a heavier chain is still taken that forks from below that. */
  readonly isUndecided: boolean
  readonly genesisHash: ShareHash
  facts(hash: ShareHash): ShareFacts | undefined
  confirmedTip(): ShareFacts
  candidateTip(): ShareFacts
  /** The candidate chain as a locator that begins `depth` heights below its tip (protocol §19.2). */
  locator(depth: Height): readonly ShareHash[]
  /** Hashes of the headers that answer a question, in the order they are sent (protocol §18.5); whole heights. */
  headerAnswer(question: HeaderQuestion): readonly ShareHash[]
  /** What the wall clock says: times in shares and blocks are compared with it, and gossip itself keeps steady time only. */
  wallSec(): UnixSec
  /** Shares whose bodies are missing, by rising height, uncles before those that name them (protocol §19.4). */
  wantedBodies(limit: number): readonly ShareHash[]
}

/** The shares of a height in the archive. */
export interface ArchivedHeight {
  readonly height: Height
  /** The confirmed share. */
  readonly chain: ShareHash
  /** All of them, by digest. */
  readonly hashes: readonly ShareHash[]
}

export type GossipEvent =
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
  /** A request; `requestId` is the network's, answered with one `respond`, perhaps in a later turn. */
  | {
      readonly type: 'peerRequest'
      readonly peer: PeerId
      readonly requestId: number
      readonly protocol: Protocol
      readonly payload: Uint8Array
    }
  /** The answer to one of our requests; null when the peer closed the stream without one. */
  | { readonly type: 'peerResponse'; readonly requestId: number; readonly payload: Uint8Array | null }
  /** None of our requests stays without an answer for longer than its time-out, told or not: gossip counts itself. */
  | {
      readonly type: 'requestFailed'
      readonly requestId: number
      readonly reason: 'timeout' | 'closed' | 'refused' | 'malformed'
    }
  /** What became of a delivered share, in the same turn. */
  | {
      readonly type: 'shareJudged'
      readonly hash: ShareHash
      readonly from: ShareSource
      readonly outcome: ChainJudgement
    }
  /** What became of delivered headers, in the same turn. */
  | { readonly type: 'headersJudged'; readonly deliveryId: number; readonly outcome: ChainJudgement }
  /** A share of our own, accepted by the chain. */
  | { readonly type: 'ownShare'; readonly share: Share; readonly outcome: ChainJudgement }
  /** The chain changed for another reason: work it had put off, shares read back after a restart. */
  | { readonly type: 'chainChanged'; readonly outcome: ChainJudgement }
  /** The template jobs are made from, after transactions were dropped to make room for the coinbase. */
  | { readonly type: 'ownTemplate'; readonly template: BlockTemplate }
  /** This node hands the block to bitcoin itself; nobody needs to rebuild it. */
  | { readonly type: 'blockSubmitted'; readonly blockHash: BlockHash }
  /** Answer to `readShares`: encoded shares in the order asked, null where nothing is stored. */
  | { readonly type: 'sharesRead'; readonly requestId: number; readonly shares: readonly (Uint8Array | null)[] }
  /** Answer to `readHeaders`: header batches of one header each, in the order asked, null where nothing is stored. */
  | { readonly type: 'headersRead'; readonly requestId: number; readonly batches: readonly (Uint8Array | null)[] }
  /** Answer to `readArchive`. */
  | { readonly type: 'archiveRead'; readonly requestId: number; readonly heights: readonly ArchivedHeight[] }
  /** The time named by `nextDeadlineMs` has come. */
  | { readonly type: 'deadline' }

export type GossipEffect =
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
  /** The peer did what no honest peer does. For the record: the score is kept here. */
  | { readonly type: 'penalise'; readonly peer: PeerId; readonly points: number; readonly code: string }
  /** Close all connections of the peer; it is forgotten already, and refused for `banMs` if it comes back. */
  | { readonly type: 'dropPeer'; readonly peer: PeerId; readonly reason: string; readonly banMs: number }
  /** For the share chain; answered with `shareJudged` in the same turn. */
  | { readonly type: 'deliverShare'; readonly share: Share; readonly from: ShareSource }
  /** For the share chain; answered with `headersJudged` in the same turn. */
  | {
      readonly type: 'deliverHeaders'
      readonly deliveryId: number
      readonly peer: PeerId
      readonly items: readonly HeaderItem[]
      /** Of the chain they belong to, if it has been followed further than them; else 0. */
      readonly provenWork: Work
    }
  /** Encoded shares from the store, answered with `sharesRead`; `requestId` counts up for both kinds of reads. */
  | { readonly type: 'readShares'; readonly requestId: number; readonly hashes: readonly ShareHash[] }
  /** Headers with their branches from the store, answered with `headersRead`; at most `HEADERS_PER_READ` at a time. */
  | { readonly type: 'readHeaders'; readonly requestId: number; readonly hashes: readonly ShareHash[] }
  /**
   * Which headers the store's archive holds for somebody with this locator, answered with `archiveRead`: from two heights below
   * the first of the hashes that is on the archived chain, whole heights, until `limit` headers are reached.
   */
  | {
      readonly type: 'readArchive'
      readonly requestId: number
      readonly locator: readonly ShareHash[]
      readonly limit: number
    }
  /** A whole block put together from a peer's share: to all bitcoin nodes at once. Given once per block. */
  | {
      readonly type: 'submitRebuiltBlock'
      readonly blockHash: BlockHash
      readonly bitcoinHeight: number
      /** The `submitblock` argument. */
      readonly blockHex: string
      readonly share: Share
    }
  | { readonly type: 'report'; readonly fact: GossipFact }

/** `accept` passes a message on, `ignore` does not, `reject` also counts against the peer it came from. */
export type TopicVerdict = 'accept' | 'ignore' | 'reject'

/** What happened, for metrics and log. */
export type GossipFact =
  | { readonly type: 'headersTaken'; readonly peer: PeerId; readonly headers: number; readonly height: Height }
  | { readonly type: 'headersFailed'; readonly peer: PeerId; readonly reason: string }
  /** Headers from further ahead than any clock error: our clock is behind, or the peer lies. */
  | { readonly type: 'headersAhead'; readonly peer: PeerId; readonly aheadSec: number }
  | { readonly type: 'shareRelayed'; readonly hash: ShareHash; readonly published: boolean; readonly pushes: number }
  | { readonly type: 'shareRefused'; readonly peer: PeerId; readonly code: string }
  /** A share of a peer is a bitcoin block. */
  | { readonly type: 'blockSeen'; readonly blockHash: BlockHash; readonly shareHash: ShareHash }
  | { readonly type: 'blockRebuilt'; readonly blockHash: BlockHash; readonly source: 'own-template' | 'book' | 'peers' }
  /** No peer had the transactions in time. */
  | { readonly type: 'blockNotRebuilt'; readonly blockHash: BlockHash; readonly reason: string }
  | { readonly type: 'templateTaken'; readonly peer: PeerId; readonly transactions: number; readonly fetched: number }
  | { readonly type: 'statusChanged'; readonly state: SyncState }

/** `syncing`: shares of others are still being fetched. `alone`: no peer. `current`: nothing is known to be missing. */
export type SyncState = 'syncing' | 'alone' | 'current'

export interface GossipStatus {
  readonly state: SyncState
  /** Current, but no share was confirmed in the last minutes, and no peer knows of one. */
  readonly quiet: boolean
  readonly peers: readonly PeerStatus[]
  /** While many headers are fetched or compared; else null. */
  readonly headers: HeaderProgress | null
  /** Bodies known to be missing and asked for next. */
  readonly wantedShares: number
}

export interface PeerStatus {
  readonly peer: PeerId
  readonly direction: 'inbound' | 'outbound'
  readonly dialect: Dialect
  readonly connectedAtMs: SteadyMs
  /** Last height the peer told of itself, unchecked; null before its handshake. */
  readonly claimedHeight: Height | null
  readonly penaltyPoints: number
}

export interface GossipOptions {
  readonly params: ChainParams
  /** Peers at most; default `MAX_PEERS`. One more is dropped as it comes. */
  readonly maxPeers?: number
}

export interface GossipDeps {
  readonly chain: ChainIndex
  /** Spreads polls in time; nothing else depends on it. */
  readonly rng: Rng
  /** A faster double hash for long inputs; default the pure one. */
  readonly sha256d?: Sha256d
}
