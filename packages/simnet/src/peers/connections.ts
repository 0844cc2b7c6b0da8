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
  /** One end has closed it, or died; the other end has not heard of it and still gets what was under way to it. */
  closing: { readonly by: number; readonly finish: () => void } | null
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
  /** When `node` takes connections from `other` again, by "node:other". */
  readonly #bannedUntilMs = new Map<string, number>()

  constructor(parts: ConnectionParts) {
    this.#parts = parts
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
      const connection: Connection = { edge, isOpen: false, closing: null, life: 0, isRedialling: false }
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
    if (connection.life !== life || this.endpoint(node) === null) return false
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

  /** `node` closes its connection to a peer and refuses it for a while. */
  drop(node: number, peer: number, banMs: number): void {
    this.#bannedUntilMs.set(`${node}:${peer}`, this.#parts.clock.nowMs + banMs)
    const connection = this.between(node, peer)
    if (connection !== undefined) this.#closeBy(node, connection)
  }

  partition(parts: readonly (readonly number[])[]): void {
    this.#parts.net.partition(parts)
    for (const connection of this.#byPair.values()) this.#endIfCut(connection)
  }

  #redialLater(connection: Connection, delayMs: number): void {
    if (connection.isOpen || connection.isRedialling) return
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
    if (dials === null || listens === null || connection.isOpen) return
    if (!net.samePart(dialer, listener) || this.#isBanned(dialer, listener)) {
      this.#redialLater(connection, between(rng, ...REDIAL_MS))
      return
    }
    connection.closing?.finish()
    connection.isOpen = true
    const dialect = this.dialectOf(connection)
    dials.tell({ type: 'peerConnected', peer: peerIdOf(listener), direction: 'outbound', dialect })
    if (!connection.isOpen) return
    listens.tell({ type: 'peerConnected', peer: peerIdOf(dialer), direction: 'inbound', dialect })
  }

  #isBanned(a: number, b: number): boolean {
    const { nowMs } = this.#parts.clock
    return [`${a}:${b}`, `${b}:${a}`].some(key => (this.#bannedUntilMs.get(key) ?? 0) > nowMs)
  }

  /** One end closes: the other hears of it behind everything sent before. */
  #closeBy(node: number, connection: Connection): void {
    const { clock, net, rng, onClose } = this.#parts
    const other = otherEnd(connection, node)
    const endpoint = this.endpoint(other)
    const { life } = connection
    const finish = (): void => {
      if (connection.life !== life) return
      this.#end(connection)
      if (this.endpoint(other) === endpoint) endpoint?.tell({ type: 'peerGone', peer: peerIdOf(node) })
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
    connection.life += 1
    this.#parts.onClose(connection, null)
  }

  #endIfCut(connection: Connection): void {
    const { clock, net, rng } = this.#parts
    const { dialer, listener } = connection.edge
    if (!connection.isOpen || net.samePart(dialer, listener)) return
    const { life } = connection
    clock.after(between(rng, ...PING_TIMEOUT_MS), () => {
      if (connection.life !== life || net.samePart(dialer, listener)) return
      this.#end(connection)
      this.#redialLater(connection, between(rng, ...REDIAL_MS))
      this.endpoint(dialer)?.tell({ type: 'peerGone', peer: peerIdOf(listener) })
      this.endpoint(listener)?.tell({ type: 'peerGone', peer: peerIdOf(dialer) })
    })
  }
}

export function otherEnd({ edge }: Connection, node: number): number {
  return edge.dialer === node ? edge.listener : edge.dialer
}

function pairName(a: number, b: number): string {
  return a < b ? `${a}-${b}` : `${b}-${a}`
}
