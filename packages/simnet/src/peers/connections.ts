import type { PeerId } from '@p2poolv2/gossip'
import { invariant, type SeededRng } from '@p2poolv2/primitives'
import { between } from '../chance.ts'
import { DEFAULT_LINK, type LinkOptions, type SimNet } from '../sim-net.ts'
import type { VirtualClock } from '../virtual-clock.ts'
import { type Endpoint, peerIdOf } from './endpoint.ts'
import type { Edge } from './topology.ts'

/** Pings find out within this time that nobody is there any more. */
const PING_TIMEOUT_MS: readonly [number, number] = [20_000, 40_000]
const REDIAL_MS: readonly [number, number] = [2_000, 10_000]
const CLOSE_BYTES = 40
/** Round trips until a connection can be used: TCP, noise, muxer, identify. */
const CONNECT_ROUND_TRIPS = 4

export interface Connection {
  readonly edge: Edge
  isOpen: boolean
  /** What each end was called when the connection was made. */
  names: { readonly dialer: PeerId; readonly listener: PeerId }
  /** One end has closed it, or died; the other end has not heard of it and still gets what was under way to it. */
  closing: { readonly by: number; readonly finish: () => void } | null
  /**
   * Nothing gets through any more and nobody has said so: until pings find out, an end that is there takes it for open. `by` is the
   * node that vanished or moved and knows of no connection, null if the way between two that are there is lost.
   */
  severed: { readonly by: number | null } | null
  /** Raised when both ends know that it is closed: what is under way then never arrives. */
  life: number
  isRedialling: boolean
}

/** A connection as it was when something was sent over it. */
export interface Sending {
  readonly connection: Connection
  readonly life: number
}

export interface ConnectionParts {
  readonly clock: VirtualClock
  readonly net: SimNet
  readonly rng: SeededRng
  /** `by` has closed the connection, or `null` when both ends find it dead: requests over it come to nothing. */
  readonly onClose: (connection: Connection, by: number | null) => void
}

/** Which nodes are connected: dials, closes, finds out what is dead, and dials again. */
export class Connections {
  readonly #parts: ConnectionParts
  readonly #endpoints: (Endpoint | null)[] = []
  readonly #byPair = new Map<string, Connection>()
  /** Open or not. */
  readonly #ofNode: Connection[][] = []
  /** How often a node has taken a new identity. */
  readonly #names = new Map<number, number>()
  /** When a node takes connections from another identity again, by "node:identity". */
  readonly #bannedUntilMs = new Map<string, number>()

  constructor(parts: ConnectionParts) {
    this.#parts = parts
  }

  /** What the others call it now. */
  idOf(node: number): PeerId {
    return peerIdOf(node, this.#names.get(node))
  }

  /** Null while the node is down. */
  endpoint(node: number): Endpoint | null {
    return this.#endpoints[node] ?? null
  }

  addEdges(edges: readonly Edge[], link: Partial<LinkOptions>): void {
    for (const edge of edges) {
      const { dialer, listener, latencyMs } = edge
      invariant(!this.#byPair.has(pairName(dialer, listener)), 'two nodes have one connection')
      this.#parts.net.link(dialer, listener, { ...DEFAULT_LINK, ...link, medianLatencyMs: latencyMs })
      const names = { dialer: this.idOf(dialer), listener: this.idOf(listener) }
      const connection: Connection = {
        edge,
        isOpen: false,
        names,
        closing: null,
        severed: null,
        life: 0,
        isRedialling: false
      }
      this.#byPair.set(pairName(dialer, listener), connection)
      this.of(dialer).push(connection)
      this.of(listener).push(connection)
      this.#redialLater(connection, between(this.#parts.rng, 0, 1_000))
    }
  }

  /** The open connection of two nodes; undefined if there is none. */
  between(a: number, b: number): Connection | undefined {
    const connection = this.#byPair.get(pairName(a, b))
    return connection?.isOpen === true ? connection : undefined
  }

  /** All connections of a node, open or not. */
  of(node: number): Connection[] {
    let known = this.#ofNode[node]
    if (known === undefined) {
      known = []
      this.#ofNode[node] = known
    }
    return known
  }

  dialectOf({ edge }: Connection): 'ours' | 'reference' {
    const isOurs = [edge.dialer, edge.listener].every(node => this.endpoint(node)?.dialect === 'ours')
    return isOurs ? 'ours' : 'reference'
  }

  /** Whether what was sent over a connection still gets to this end of it. */
  reaches(node: number, { connection, life }: Sending): boolean {
    if (connection.life !== life || connection.severed !== null || this.endpoint(node) === null) return false
    return connection.isOpen || (connection.closing !== null && connection.closing.by !== node)
  }

  up(endpoint: Endpoint): void {
    this.#endpoints[endpoint.node] = endpoint
    for (const connection of this.of(endpoint.node)) {
      this.#redialLater(connection, between(this.#parts.rng, 100, 2_000))
    }
  }

  down(node: number): void {
    this.#endpoints[node] = null
    for (const connection of this.of(node)) {
      connection.closing?.finish()
      if (connection.isOpen) this.#closeBy(node, connection)
    }
  }

  /** The node is gone from one moment to the next: its sockets say nothing. */
  vanish(node: number): void {
    this.#endpoints[node] = null
    for (const connection of this.of(node)) {
      connection.closing?.finish()
      this.sever(connection, node)
    }
  }

  /** The node is down, and will be another one when it comes back. */
  rename(node: number): void {
    invariant(this.endpoint(node) === null, 'a node takes a new identity while it is down')
    this.#names.set(node, (this.#names.get(node) ?? 0) + 1)
  }

  /** One end closes the connection for no reason and dials again. */
  interrupt(node: number, connection: Connection): void {
    if (connection.isOpen) this.#closeBy(node, connection)
  }

  /** From now on nothing gets through; those who are there find out by their pings. */
  sever(connection: Connection, by: number | null): void {
    if (!connection.isOpen || connection.severed !== null) return
    connection.severed = { by }
    this.#endByPing(connection, () => connection.severed !== null)
  }

  /**
   * The node is at another address from one moment to the next. It knows, and dials those it had dialled before; the others take its
   * connections for open until pings find out.
   */
  changeAddress(node: number): void {
    for (const connection of this.of(node)) {
      if (!connection.isOpen || connection.severed !== null) continue
      this.sever(connection, node)
      this.#parts.onClose(connection, node)
      this.endpoint(node)?.tell({ type: 'peerGone', peer: this.idOf(otherEnd(connection, node)) })
      if (connection.edge.dialer === node) this.#redialLater(connection, between(this.#parts.rng, 100, 2_000))
    }
  }

  /** `node` closes its connection to a peer and refuses it for a while. */
  drop(node: number, peer: number, banMs: number): void {
    this.#bannedUntilMs.set(`${node}:${this.idOf(peer)}`, this.#parts.clock.nowMs + banMs)
    const connection = this.between(node, peer)
    if (connection !== undefined) this.#closeBy(node, connection)
  }

  partition(parts: readonly (readonly number[])[]): void {
    this.#parts.net.partition(parts)
    for (const connection of this.#byPair.values()) this.#endIfCut(connection)
  }

  #redialLater(connection: Connection, delayMs: number): void {
    if ((connection.isOpen && connection.severed === null) || connection.isRedialling) return
    connection.isRedialling = true
    this.#parts.clock.after(delayMs + CONNECT_ROUND_TRIPS * 2 * connection.edge.latencyMs, () => {
      connection.isRedialling = false
      this.#dial(connection)
    })
  }

  #dial(connection: Connection): void {
    const { net, rng } = this.#parts
    const { dialer, listener } = connection.edge
    const [dials, listens] = [this.endpoint(dialer), this.endpoint(listener)]
    // A node that comes up dials afresh, so there is no need to go on for one that is down.
    if (dials === null || listens === null) return
    // Whoever had vanished is back before the other missed it.
    if (connection.severed !== null) this.#endForBoth(connection)
    if (connection.isOpen) return
    if (!net.samePart(dialer, listener) || this.#isBanned(dialer, listener)) {
      this.#redialLater(connection, between(rng, ...REDIAL_MS))
      return
    }
    connection.closing?.finish()
    connection.isOpen = true
    connection.names = { dialer: this.idOf(dialer), listener: this.idOf(listener) }
    const dialect = this.dialectOf(connection)
    dials.tell({ type: 'peerConnected', peer: this.idOf(listener), direction: 'outbound', dialect })
    if (!connection.isOpen) return
    listens.tell({ type: 'peerConnected', peer: this.idOf(dialer), direction: 'inbound', dialect })
  }

  #isBanned(a: number, b: number): boolean {
    const { nowMs } = this.#parts.clock
    return [`${a}:${this.idOf(b)}`, `${b}:${this.idOf(a)}`].some(key => (this.#bannedUntilMs.get(key) ?? 0) > nowMs)
  }

  /** One end closes: the other hears of it behind everything sent before. */
  #closeBy(node: number, connection: Connection): void {
    const { clock, net, rng, onClose } = this.#parts
    const other = otherEnd(connection, node)
    const endpoint = this.endpoint(other)
    const { life } = connection
    const peer = this.idOf(node)
    // Who moved away does not remember it.
    const knowsOfIt = connection.severed?.by !== other
    const finish = (): void => {
      if (connection.life !== life) return
      this.#end(connection)
      if (knowsOfIt && this.endpoint(other) === endpoint) endpoint?.tell({ type: 'peerGone', peer })
    }
    connection.isOpen = false
    connection.closing = { by: node, finish }
    onClose(connection, node)
    net.send(node, other, { sizeBytes: CLOSE_BYTES, arrives: finish })
    // The word of it may be lost; then pings tell.
    clock.after(between(rng, ...PING_TIMEOUT_MS), finish)
    this.#redialLater(connection, between(rng, ...REDIAL_MS))
  }

  #end(connection: Connection): void {
    connection.isOpen = false
    connection.closing = null
    connection.severed = null
    connection.life += 1
    this.#parts.onClose(connection, null)
  }

  #endIfCut(connection: Connection): void {
    const { net } = this.#parts
    const { dialer, listener } = connection.edge
    if (!connection.isOpen || net.samePart(dialer, listener)) return
    this.#endByPing(connection, () => !net.samePart(dialer, listener))
  }

  /** Both ends give the connection up when their pings have found out that nothing gets through. */
  #endByPing(connection: Connection, isDead: () => boolean): void {
    const { clock, rng } = this.#parts
    const { life } = connection
    clock.after(between(rng, ...PING_TIMEOUT_MS), () => {
      if (connection.life !== life || !isDead()) return
      this.#endForBoth(connection)
      this.#redialLater(connection, between(rng, ...REDIAL_MS))
    })
  }

  #endForBoth(connection: Connection): void {
    const { dialer, listener } = connection.edge
    const gone = connection.severed?.by
    const names = { [dialer]: connection.names.dialer, [listener]: connection.names.listener }
    this.#end(connection)
    for (const [node, other] of [
      [dialer, listener],
      [listener, dialer]
    ] as const) {
      // Who had vanished does not remember it.
      if (node !== gone) this.endpoint(node)?.tell({ type: 'peerGone', peer: names[other] ?? this.idOf(other) })
    }
  }
}

export function otherEnd({ edge }: Connection, node: number): number {
  return edge.dialer === node ? edge.listener : edge.dialer
}

function pairName(a: number, b: number): string {
  return a < b ? `${a}-${b}` : `${b}-${a}`
}
