import type { ConnectionGater, PeerId as LibPeerId, MultiaddrConnection } from '@libp2p/interface'
import type { Multiaddr } from '@multiformats/multiaddr'
import {
  type Admission,
  type DialFailure,
  type Direction,
  type PeerAddress,
  type PeerId,
  peerIdBytes
} from '@p2poolv2/gossip'
import type { SteadyMs } from '@p2poolv2/primitives'
import { addressOf, hostOf } from './addresses.ts'

/** Connections of one address that have not said who they are yet; a further one is closed. A quarter of all there may be. */
export const MAX_PENDING_PER_ADDRESS = 32
/**
 * Two peers that dial each other at once both keep the connection of the one with the smaller name. It may replace the other one for
 * so long: longer than two handshakes differ, shorter than anybody has a reason to dial twice.
 */
export const REPLACEABLE_MS = 5_000

/** A dial that was asked for; nothing else is dialled, whatever libp2p's parts would like. */
export interface OrderedDial {
  readonly address: PeerAddress
  readonly peer: PeerId | null
  /** Wants to know only whether the peer is there: it is refused in any case, once that is sure. */
  readonly isProbe?: boolean
  /** Whether it was there. */
  isThere?: boolean
  /** Why the gate refused it, once it did. */
  refusal: Extract<DialFailure, 'wrong-peer' | 'not-admitted' | 'failed'> | null
}

interface Place {
  readonly connection: MultiaddrConnection
  readonly direction: Direction
  readonly sinceMs: SteadyMs
}

export interface GateOptions {
  readonly own: PeerId
  readonly admits: Admission
  readonly now: () => SteadyMs
  /** A peer with a connection made another one: perhaps the first is dead, and nobody has noticed. */
  readonly cameAgain: (peer: PeerId) => void
  readonly refused: (why: {
    readonly address: PeerAddress
    readonly peer: PeerId | null
    readonly reason: string
  }) => void
}

/**
 * Who gets in. A connection beside the one a peer has is refused after Noise and before the muxer: later, and the reference counts it
 * for ever and sends requests into it.
 */
export class Gate {
  readonly #options: GateOptions
  readonly #places = new Map<PeerId, Place>()
  readonly #pending = new Map<string, number>()
  readonly #dials = new Set<OrderedDial>()

  constructor(options: GateOptions) {
    this.#options = options
  }

  /** Lets this dial through until it is `settled`. */
  order(dial: OrderedDial): void {
    this.#dials.add(dial)
  }

  settled(dial: OrderedDial): void {
    this.#dials.delete(dial)
  }

  /** For libp2p. True refuses. */
  readonly gater: ConnectionGater = {
    denyDialPeer: peer => ![...this.#dials].some(dial => dial.peer === peer.toString()),
    denyDialMultiaddr: address => this.#dialOf(address) === undefined,
    denyInboundConnection: connection => this.#refusesInbound(connection),
    denyInboundEncryptedConnection: (peer, connection) => this.#refuses(peer, { connection, direction: 'inbound' }),
    denyOutboundEncryptedConnection: (peer, connection) => {
      const dial = this.#dialOf(connection.remoteAddr)
      const isWrong = dial !== undefined && dial.peer !== null && dial.peer !== peer.toString()
      if (dial?.isProbe === true) {
        dial.isThere = !isWrong
        return true
      }
      const isRefused = isWrong || this.#refuses(peer, { connection, direction: 'outbound' })
      if (isRefused && dial !== undefined) {
        dial.refusal = isWrong ? 'wrong-peer' : peerIdBytes(peer.toString()) === null ? 'failed' : 'not-admitted'
      }
      return isRefused
    },
    filterMultiaddrForPeer: () => true
  }

  #refusesInbound(connection: MultiaddrConnection): boolean {
    const address = addressOf(connection.remoteAddr)
    const reason = this.#options.admits({ direction: 'inbound', address, peer: null })
    if (reason !== null) {
      this.#options.refused({ address, peer: null, reason })
      return true
    }
    return !this.#waits(hostOf(address), connection)
  }

  /** Counts a connection of an address until it is over or known. @returns false if there are too many */
  #waits(host: string, connection: MultiaddrConnection): boolean {
    const pending = this.#pending.get(host) ?? 0
    if (pending >= MAX_PENDING_PER_ADDRESS) return false
    this.#pending.set(host, pending + 1)
    this.#pendingHosts.set(connection, host)
    connection.addEventListener('close', () => this.#isKnown(connection), { once: true })
    return true
  }

  readonly #pendingHosts = new WeakMap<MultiaddrConnection, string>()

  #isKnown(connection: MultiaddrConnection): void {
    const host = this.#pendingHosts.get(connection)
    if (host === undefined) return
    this.#pendingHosts.delete(connection)
    const left = (this.#pending.get(host) ?? 1) - 1
    if (left > 0) this.#pending.set(host, left)
    else this.#pending.delete(host)
  }

  #refuses(lib: LibPeerId, { connection, direction }: Omit<Place, 'sinceMs'>): boolean {
    this.#isKnown(connection)
    const peer = lib.toString()
    const address = addressOf(connection.remoteAddr)
    const place: Place = { connection, direction, sinceMs: this.#options.now() }
    const known = this.#places.get(peer)
    const standing = known?.connection.status === 'open' ? known : null
    const isChange = standing !== null && this.#replaces(peer, place, standing)
    if (standing !== null && !isChange) {
      this.#options.cameAgain(peer)
      return true
    }
    // A name that is the hash of a key, as of RSA, is none that an invite or a ban can hold; the network's nodes have Ed25519.
    const reason = peerIdBytes(peer) === null ? 'identity' : this.#options.admits({ direction, address, peer })
    // What is changed for another takes no place more.
    if (reason !== null && !(isChange && reason === 'full')) {
      this.#options.refused({ address, peer, reason })
      return true
    }
    standing?.connection.abort(new Error('both dialled at once'))
    this.#places.set(peer, place)
    connection.addEventListener(
      'close',
      () => {
        if (this.#places.get(peer) === place) this.#places.delete(peer)
      },
      { once: true }
    )
    return false
  }

  /** Both ends come to the same answer, whichever of the two connections each saw first. */
  #replaces(peer: PeerId, place: Place, standing: Place): boolean {
    if (place.direction === standing.direction) return false
    if (place.sinceMs - standing.sinceMs > REPLACEABLE_MS) return false
    return place.direction === (this.#options.own < peer ? 'outbound' : 'inbound')
  }

  #dialOf(address: Multiaddr): OrderedDial | undefined {
    const wanted = addressOf(address)
    return [...this.#dials].find(dial => dial.address === wanted)
  }
}
