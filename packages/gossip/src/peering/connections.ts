import { invariant, type SteadyMs } from '@p2poolv2/primitives'
import type { Dialect, PeerId } from '../network-port.ts'
import type { ConnectionStatus, Direction, PeerAddress } from './contract.ts'
import { isSameHost, type NetAddress, parseAddress, printAddress } from './net-address.ts'
import { groupOf } from './network-group.ts'

/** Places where a peer says that it listens; further ones are not read. */
export const MAX_CLAIMS = 8
/** Longer names of programs are cut. */
export const MAX_AGENT_CHARACTERS = 64

/** Why an outbound connection stands: the operator wants it, or we chose it. */
export type DialPurpose = 'wanted' | 'chosen'

/** One connected peer, told once however many connections it has. Only the machine writes to it. */
export class Connection implements ConnectionStatus {
  readonly peer: PeerId
  readonly address: PeerAddress
  /** Null for an address that we cannot read; all such are one group. */
  readonly net: NetAddress | null
  readonly group: string
  readonly direction: Direction
  readonly connectedAtMs: SteadyMs
  /** Null for an inbound one. */
  readonly purpose: DialPurpose | null
  agent: string | null = null
  dialect: Dialect | null = null
  /** Where it says that it listens, as far as that is the host we see: others' addresses prove nothing. */
  claims: readonly PeerAddress[] = []
  usefulAtMs: SteadyMs | null = null
  /** It follows other rules: its place is better given to somebody else. */
  hasOtherRules = false
  /** We asked to close it. */
  isClosing = false

  constructor(about: {
    readonly peer: PeerId
    readonly address: PeerAddress
    readonly direction: Direction
    readonly connectedAtMs: SteadyMs
    readonly purpose: DialPurpose | null
  }) {
    this.net = parseAddress(about.address)
    this.peer = about.peer
    this.address = this.net === null ? about.address : printAddress(this.net)
    this.group = this.net === null ? 'unread' : groupOf(this.net)
    this.direction = about.direction
    this.connectedAtMs = about.connectedAtMs
    this.purpose = about.purpose
  }

  isAtHostOf(net: NetAddress): boolean {
    return this.net !== null && isSameHost(this.net, net)
  }

  get status(): ConnectionStatus {
    const { peer, address, direction, connectedAtMs, agent, dialect } = this
    return { peer, address, direction, connectedAtMs, agent, dialect }
  }
}

/** A dial that was not answered yet. */
export interface Pending {
  readonly address: PeerAddress
  readonly group: string
  readonly peer: PeerId | null
  readonly purpose: DialPurpose
  readonly sinceMs: SteadyMs
}

/** Who is connected and who is being dialled. */
export class Connections {
  readonly #byPeer = new Map<PeerId, Connection>()
  readonly #pending = new Map<PeerAddress, Pending>()

  get(peer: PeerId): Connection | undefined {
    return this.#byPeer.get(peer)
  }

  /** In order of connection, those that are being closed included. */
  all(): IterableIterator<Connection> {
    return this.#byPeer.values()
  }

  add(connection: Connection): void {
    this.#byPeer.set(connection.peer, connection)
  }

  delete(peer: PeerId): void {
    this.#byPeer.delete(peer)
  }

  /** In order of connection, without those that are being closed. */
  inbound(): Connection[] {
    return [...this.#byPeer.values()].filter(({ direction, isClosing }) => direction === 'inbound' && !isClosing)
  }

  /** In order of connection, without those that are being closed. */
  outbound(): Connection[] {
    return [...this.#byPeer.values()].filter(({ direction, isClosing }) => direction === 'outbound' && !isClosing)
  }

  pending(): IterableIterator<Pending> {
    return this.#pending.values()
  }

  get pendingCount(): number {
    return this.#pending.size
  }

  pendingAt(address: PeerAddress): Pending | undefined {
    return this.#pending.get(address)
  }

  /** Where somebody connected is, or listens on the host that we see. */
  addresses(): ReadonlySet<PeerAddress> {
    const addresses = new Set<PeerAddress>()
    for (const { address, claims } of this.#byPeer.values()) for (const one of [address, ...claims]) addresses.add(one)
    return addresses
  }

  startDial(pending: Pending): void {
    invariant(!this.#pending.has(pending.address), 'an address is dialled once at a time')
    this.#pending.set(pending.address, pending)
  }

  /** @returns the dial that has ended; undefined if there was none */
  endDial(address: PeerAddress): Pending | undefined {
    const pending = this.#pending.get(address)
    this.#pending.delete(address)
    return pending
  }
}
