import type { BlockTemplate } from '@p2poolv2/bitcoin'
import type { ArchivedHeight, ChainParams, Share } from '@p2poolv2/consensus'
import type { BlockHash, Height, Rng, Sha256d, ShareHash, SteadyMs } from '@p2poolv2/primitives'
import type { ChainJudgement, ChainPort } from './chain-port.ts'
import type { Dialect, PeerEffect, PeerEvent, PeerId } from './network-port.ts'
import type { SyncProgress } from './progress.ts'

/**
 * The contract of the gossip machine: what it is told (`GossipEvent`), what it asks for (`GossipEffect`) and what it has to
 * say about itself (`GossipFact`, `GossipStatus`). It stands between two ports: the network below it speaks in events and
 * effects (`network-port.ts`), the share chain beside it is asked (`chain-port.ts`).
 */

export type GossipEvent =
  | PeerEvent
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
  | PeerEffect
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
  | { readonly type: 'report'; readonly fact: GossipFact }

/** What happened, for metrics and log. */
export type GossipFact =
  | { readonly type: 'headersTaken'; readonly peer: PeerId; readonly headers: number; readonly height: Height }
  | { readonly type: 'headersFailed'; readonly peer: PeerId; readonly reason: string }
  /** Headers from further ahead than any clock error: our clock is behind, or the peer lies. */
  | { readonly type: 'headersAhead'; readonly peer: PeerId; readonly aheadSec: number }
  /** A peer of our kind judges shares differently; told once a peer. In words, made of what it said: to be shown as text. */
  | { readonly type: 'rulesDiffer'; readonly peer: PeerId; readonly differs: readonly string[] }
  | { readonly type: 'shareRelayed'; readonly hash: ShareHash; readonly published: boolean; readonly pushes: number }
  | { readonly type: 'shareRefused'; readonly peer: PeerId; readonly code: string }
  /** A share of a peer is a bitcoin block. */
  | { readonly type: 'blockSeen'; readonly blockHash: BlockHash; readonly shareHash: ShareHash }
  | { readonly type: 'blockRebuilt'; readonly blockHash: BlockHash; readonly source: 'own-template' | 'book' | 'peers' }
  /** No peer had the transactions in time. */
  | { readonly type: 'blockNotRebuilt'; readonly blockHash: BlockHash; readonly reason: string }
  | { readonly type: 'templateTaken'; readonly peer: PeerId; readonly transactions: number; readonly fetched: number }
  | { readonly type: 'statusChanged'; readonly state: SyncState }

/** `syncing`: shares of others are still being fetched. `alone`: no peer, or none of our rules. `current`: nothing is known to be missing. */
export type SyncState = 'syncing' | 'alone' | 'current'

export interface GossipStatus {
  readonly state: SyncState
  /** Current, but no share was confirmed in the last minutes, and no peer knows of one. */
  readonly quiet: boolean
  readonly peers: readonly PeerStatus[]
  /** Every peer that we dialled has other rules: a chain made here is one that nobody of them follows. */
  readonly isPrivateFork: boolean
  /** While many headers are fetched or compared; else null. */
  readonly headers: SyncProgress | null
  /** While more shares than usual wait to be judged; else null. */
  readonly shares: SyncProgress | null
  /** Bodies known to be missing and asked for next. */
  readonly wantedShares: number
}

/** What is known of a peer's rules: ours, none told, or which values are others, in words. */
export type PeerRules = 'same' | 'unknown' | { readonly differs: readonly string[] }

export interface PeerStatus {
  readonly peer: PeerId
  readonly direction: 'inbound' | 'outbound'
  readonly dialect: Dialect
  readonly connectedAtMs: SteadyMs
  /** Last height the peer told of itself, unchecked; null before its handshake. */
  readonly claimedHeight: Height | null
  /** Of the highest share it announced, brought or had among its headers; null before any that we know. */
  readonly shownHeight: Height | null
  readonly penaltyPoints: number
  /** Of answers that it has not taken yet. */
  readonly unsentBytes: number
  readonly rules: PeerRules
}

export interface GossipOptions {
  readonly params: ChainParams
  /** Peers at most; default `MAX_PEERS`. One more is dropped as it comes. */
  readonly maxPeers?: number
}

export interface GossipDeps {
  readonly chain: ChainPort
  /** Spreads polls in time; nothing else depends on it. */
  readonly rng: Rng
  /** A faster double hash for long inputs; default the pure one. */
  readonly sha256d?: Sha256d
}
