import type { SteadyMs, UnixMs } from '@p2poolv2/primitives'
import type { Dialect, PeerId } from '../network-port.ts'

/**
 * The port between the peering machine, which is pure and decides whom to dial, keep and refuse, and the network's connections.
 * It stands beside the gossip machine: that one knows peers by what they say, this one by where they are.
 */

/**
 * A multiaddr with an IP literal, `/ip4/192.0.2.1/tcp/6884` (or `/onion3/…`), without `/p2p/…` behind it. Any way to write it will do
 * in an event; in effects and status it has one form (`net-address.ts`).
 */
export type PeerAddress = string

export type Direction = 'inbound' | 'outbound'

/** Where an address was heard of. What a stranger told counts least. */
export type AddressSource = 'config' | 'invite' | 'command' | 'mdns' | 'kademlia' | 'identify'

/**
 * Why a dial came to nothing. `network`: Noise failed, so the other is not of our share chain (protocol §18.1). `self`: it is this
 * node. `not-admitted`: we refused it ourselves, which says nothing against the address but that it has to wait.
 */
export type DialFailure =
  | 'refused'
  | 'timeout'
  | 'unreachable'
  | 'network'
  | 'wrong-peer'
  | 'self'
  | 'not-admitted'
  | 'failed'

export type PeeringEvent =
  /** The peer is authenticated and the connection stands. */
  | {
      readonly type: 'connected'
      readonly peer: PeerId
      readonly address: PeerAddress
      readonly direction: Direction
    }
  /** What the peer says of itself; perhaps never, perhaps again. */
  | {
      readonly type: 'identified'
      readonly peer: PeerId
      readonly agent: string
      readonly dialect: Dialect
      /** Where it says that it listens. */
      readonly addresses: readonly PeerAddress[]
      /** From where it sees us. */
      readonly observed: PeerAddress | null
    }
  /** Its connection is gone. */
  | { readonly type: 'closed'; readonly peer: PeerId }
  | { readonly type: 'dialFailed'; readonly address: PeerAddress; readonly reason: DialFailure }
  | {
      readonly type: 'learned'
      readonly source: AddressSource
      /** Who is said to be there; null when any peer will do. */
      readonly peer: PeerId | null
      readonly addresses: readonly PeerAddress[]
      /** The connected peer that told it, of Kademlia's answers. */
      readonly teller?: PeerId
    }
  /** Where this node listens now, all of it; never dialled. */
  | { readonly type: 'listening'; readonly addresses: readonly PeerAddress[] }
  /** The peer was the first to bring something of worth: a share or a block. */
  | { readonly type: 'useful'; readonly peer: PeerId }
  /** The peer broke a rule: points of the gossip machine's score, of which `DROP_POINTS` are the end. */
  | { readonly type: 'penalised'; readonly peer: PeerId; readonly points: number }
  /** The peer follows other rules. */
  | { readonly type: 'otherRules'; readonly peer: PeerId }
  /** The gossip machine dropped a peer (`dropPeer`). */
  | { readonly type: 'dropped'; readonly peer: PeerId; readonly reason: string; readonly banMs: number }
  /** The operator bans a peer or a host, or ends a ban; `key` as in a record (`banKeyOf` reads what people write). */
  | { readonly type: 'ban'; readonly key: string; readonly reason: string; readonly banMs: number }
  | { readonly type: 'unban'; readonly key: string }
  /** The operator no longer wants this address. Its connection stays. */
  | { readonly type: 'unwanted'; readonly address: PeerAddress }
  /** The time named by `nextDeadlineMs` has come. */
  | { readonly type: 'deadline' }

export type PeeringEffect =
  /** Answered with `connected` or `dialFailed`. */
  | { readonly type: 'dial'; readonly address: PeerAddress; readonly peer: PeerId | null }
  /** Close the peer's connection; answered with `closed`. */
  | { readonly type: 'close'; readonly peer: PeerId; readonly reason: string }
  /** Keep or forget a record (`peer-store`). */
  | { readonly type: 'keep'; readonly record: PeerRecord }
  | { readonly type: 'forget'; readonly key: string }

/** What is kept over a restart: an address that was good once or is wanted, or a ban. Times are of the wall clock. */
export type PeerRecord =
  | {
      readonly type: 'address'
      /** The address itself. */
      readonly key: string
      readonly peer: PeerId | null
      readonly source: AddressSource
      /** When a connection to it stood last; null: never yet, it is wanted. */
      readonly lastGoodMs: UnixMs | null
      /** How long connections to it stood in all. */
      readonly goodForMs: number
    }
  | {
      readonly type: 'ban'
      /** `peer:<id>` or `ip:<address>`; of IPv6 the /64, `ip:2001:db8:1:2::/64`. */
      readonly key: string
      readonly reason: string
      readonly cause: BanCause
      readonly untilMs: UnixMs
      /** How long it was meant to be: no wrong clock makes it longer. */
      readonly banMs: number
    }

/**
 * Asked before Noise with the address alone, and again after it with the peer. Null: let it in; else why not. Asking changes
 * nothing: what was let in counts from `connected` on. That a peer has one connection at a time is up to the network.
 */
export type Admission = (asked: {
  readonly direction: Direction
  readonly address: PeerAddress
  readonly peer: PeerId | null
}) => string | null

/** A connection as status and API show it. */
export interface ConnectionStatus {
  readonly peer: PeerId
  readonly address: PeerAddress
  readonly direction: Direction
  readonly connectedAtMs: SteadyMs
  readonly agent: string | null
  readonly dialect: Dialect | null
}

/** Whose word a ban is: the operator's, who means everybody, or a breach's, which says nothing of those the operator wants. */
export type BanCause = 'operator' | 'breach'

export interface BanStatus {
  readonly key: string
  readonly reason: string
  readonly cause: BanCause
  readonly untilMs: SteadyMs
}

export interface AddressStatus {
  readonly address: PeerAddress
  readonly source: AddressSource
  /** Dialled until it answers, whoever else is connected. */
  readonly isWanted: boolean
  readonly peer: PeerId | null
  readonly lastResult: DialFailure | 'connected' | null
  /** Dials that failed, one after another, up to the last. */
  readonly failures: number
  readonly lastGoodMs: UnixMs | null
  /** Not dialled before; null while it is connected. */
  readonly nextTryMs: SteadyMs | null
}

export interface PeeringStatus {
  readonly connections: readonly ConnectionStatus[]
  readonly dialling: readonly PeerAddress[]
  readonly bans: readonly BanStatus[]
  /** Wanted ones first, then those that were good, then those only heard of. */
  readonly addresses: readonly AddressStatus[]
  /** When somebody last reached this node from the internet; null: nobody yet, which is no proof that nobody can. */
  readonly reachedFromOutsideMs: SteadyMs | null
}
