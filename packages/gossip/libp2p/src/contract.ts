import type { PrivateKey } from '@libp2p/interface'
import type { ChainParams } from '@p2poolv2/consensus'
import type {
  Admission,
  ConnectionStatus,
  NetworkNames,
  PeerAddress,
  PeerEffect,
  PeerEvent,
  PeerId,
  PeeringEvent
} from '@p2poolv2/gossip'
import type { Clock, Log } from '@p2poolv2/runtime'
import type { Reachability } from './reachability.ts'
import type { Handler, Outcome } from './requests.ts'

export interface NetworkOptions {
  readonly params: ChainParams
  /** Default: those of the chain. Others for a network of another revision of the protocol. */
  readonly names?: NetworkNames
  /** `/ip4/0.0.0.0/tcp/6884`; port 0 takes any free one. None: only dials. */
  readonly listen: readonly PeerAddress[]
  /** Told to peers beside what is found out: the addresses of a router that forwards to us. */
  readonly announce?: readonly PeerAddress[]
  /** Ed25519; its public half is our name. */
  readonly privateKey: PrivateKey
  /** `p2poolv2-ts/<version>` */
  readonly agent: string
  /** What the gossip machine is told. Never called from within `perform`. */
  readonly tell: (event: PeerEvent) => void
  /** What the peering machine is told. */
  readonly tellPeering: (event: PeeringEvent) => void
  readonly admits: Admission
  readonly clock: Clock
  readonly log: Log
  /**
   * A SOCKS5 proxy: public addresses and onion services are dialled through it, each on a circuit of its own; with `isOnly` everything
   * is, so that nothing is dialled in the clear and no name is looked up.
   */
  readonly proxy?: { readonly host: string; readonly port: number; readonly isOnly: boolean }
  /** Looks for nodes of our chain on the local network, and can be found there. */
  readonly localNetwork?: boolean
  /** Asks the router to forward our port to us. */
  readonly mapsPort?: boolean
  /** 'reference' speaks the protocol of all nodes alone: no topics, no templates. Default 'ours'. */
  readonly dialect?: 'ours' | 'reference'
}

/** A connection with its figures of this moment. */
export interface LiveConnection extends ConnectionStatus {
  /** Round trip of the last ping; null before the first. */
  readonly latencyMs: number | null
  readonly bytesIn: number
  readonly bytesOut: number
}

/** The network on libp2p: `network-port.ts` for the gossip machine, the connections of `peering/contract.ts` for the other. */
export interface Network {
  readonly peer: PeerId
  /** Where we say that we are: dialable, and fit to be told (`tellable`). */
  addresses(): PeerAddress[]
  /** The TCP port that we listen on; null when we do not listen. */
  readonly port: number | null
  perform(effect: PeerEffect): void
  /** Told as `connected` or `dialFailed`, of which one has been when it resolves. Never rejects. */
  connect(address: PeerAddress, peer: PeerId | null): Promise<void>
  close(peer: PeerId, reason: string): void
  connections(): LiveConnection[]
  readonly reachability: Reachability
  /** Asks neighbours anew whether they can reach us; it is done by itself now and then. Never rejects. */
  checkReachability(): Promise<Reachability>
  /** Serves a further protocol with frames, limits and times of protocol §18. */
  serve(protocol: string, handler: Handler): Promise<void>
  ask(order: {
    readonly peer: PeerId
    readonly protocol: string
    readonly payload: Uint8Array
    readonly timeoutMs: number
  }): Promise<Outcome>
  /** Closes everything. Nothing is told from the call on. */
  stop(): Promise<void>
}
