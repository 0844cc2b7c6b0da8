import type { SteadyMs, UnixMs } from '@p2poolv2/primitives'
import type { Dialect, PeerId } from '../network-port.ts'

/**
 * The port between the peering machine, which is pure and decides whom to dial, keep and refuse, and the network's connections.
 * It stands beside the gossip machine: that one knows peers by what they say, this one by where they are.
 */

/** A multiaddr with an IP literal, `/ip4/192.0.2.1/tcp/6884` (or `/onion3/…`), without `/p2p/…` behind it. */
export type PeerAddress = string

export type Direction = 'inbound' | 'outbound'

/** Where an address was heard of. What a stranger told counts least. */
export type AddressSource = 'config' | 'invite' | 'command' | 'mdns' | 'kademlia' | 'identify'

/** Why a dial came to nothing. `network`: Noise failed, so the other is not of our share chain (protocol §18.1). */
export type DialFailure = 'refused' | 'timeout' | 'unreachable' | 'network' | 'wrong-peer' | 'not-admitted' | 'failed'

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
    }
  /** The gossip machine dropped a peer (`dropPeer`). */
  | { readonly type: 'dropped'; readonly peer: PeerId; readonly reason: string; readonly banMs: number }
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

/** What is kept over a restart: an address that was good once, or a ban. Times are of the wall clock. */
export type PeerRecord =
  | {
      readonly type: 'address'
      /** The address itself. */
      readonly key: string
      readonly peer: PeerId | null
      readonly source: AddressSource
      readonly lastGoodMs: UnixMs
      /** How long connections to it stood in all. */
      readonly goodForMs: number
    }
  | {
      readonly type: 'ban'
      /** `peer:<id>` or `ip:<address>`. */
      readonly key: string
      readonly reason: string
      readonly untilMs: UnixMs
    }

/** Asked before Noise with the address alone, and again after it with the peer. Null: let it in; else why not. */
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
