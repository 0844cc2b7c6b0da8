import {
  type ConnectionStatus,
  isPrivate,
  isSameHost,
  type NetAddress,
  type PeerAddress,
  type PeerId,
  parseAddress,
  printAddress
} from '@p2poolv2/gossip'
import { BoundedMap, type SteadyMs } from '@p2poolv2/primitives'
import type { Handler, Outcome } from './requests.ts'

/** Asked again after so long, by whomever; an answer is believed three times as long. */
const ASK_EVERY_MS = 600_000
/** Neighbours asked in one go, one after another: one that reaches us is enough. */
const ASKED_AT_ONCE = 3
/** So many have to say no before it is believed: one may be behind a wall itself. */
const NOES = 2
/** A connection may be exchanged for another of the same peer before it is this old, so it is not probed beside. */
export const SETTLED_MS = 10_000
/** To dial, and for the word to come back. */
const PROBE_WITHIN_MS = 8_000
const ANSWER_WITHIN_MS = 10_000
/** What strangers may have us dial: their own host, once a minute each, and four at a time. */
const PROBES_AT_ONCE = 4
const PROBE_EVERY_MS = 60_000
const MAX_REMEMBERED = 1_024

const REACHED = 1
const NOT_REACHED = 0

/** `outbound-only` is fine: such a node dials others, and takes part in everything. */
export type Reachability = 'reachable' | 'outbound-only' | 'unknown'

export interface ReachabilityOptions {
  readonly now: () => SteadyMs
  readonly connections: () => readonly ConnectionStatus[]
  /** The port at which others would reach us; null when we do not listen. */
  readonly port: () => number | null
  /** From where a peer sees us. */
  readonly observedBy: (peer: PeerId) => PeerAddress | null
  readonly ask: (order: {
    readonly peer: PeerId
    readonly payload: Uint8Array
    readonly timeoutMs: number
  }) => Promise<Outcome>
  /** Connects far enough to know that the peer is there, and no further. */
  readonly probe: (address: PeerAddress, peer: PeerId, withinMs: number) => Promise<boolean>
  /** Whether private addresses are dialled for others: on chains whose nodes are on one computer or in one house. */
  readonly probesPrivate: boolean
  /** A peer reached us there. */
  readonly reached: (address: PeerAddress) => void
  readonly changed: (state: Reachability) => void
}

/**
 * Whether others can dial us, never guessed: neighbours are asked to dial the host from which they see us, at our port. The
 * protocol `…/dialback/1.0.0` carries the port, u16 LE; the answer is one byte, 1 if that worked and 0 if not, or nothing if it was
 * not tried.
 */
export class ReachabilityCheck {
  readonly #options: ReachabilityOptions
  /** Newest word of each neighbour. */
  readonly #words = new BoundedMap<PeerId, { readonly isReached: boolean; readonly atMs: SteadyMs }>(MAX_REMEMBERED)
  readonly #probedAtMs = new BoundedMap<PeerId, SteadyMs>(MAX_REMEMBERED)
  #probes = 0
  #isAsking = false
  #state: Reachability = 'unknown'

  constructor(options: ReachabilityOptions) {
    this.#options = options
  }

  get state(): Reachability {
    return this.#state
  }

  /** Asks neighbours that have not been asked for a while. Never rejects. */
  async ask(): Promise<Reachability> {
    const port = this.#options.port()
    if (port === null || this.#isAsking) return this.#state
    this.#isAsking = true
    try {
      let asked = 0
      for (const { peer } of this.#settled()) {
        if (asked === ASKED_AT_ONCE) break
        const word = await this.#askOne(peer, port)
        if (word === null) continue
        asked++
        if (word) break
      }
    } finally {
      this.#isAsking = false
    }
    return this.#settle()
  }

  /** Serves the question of others. */
  readonly serve: Handler = async ({ peer, payload }) => {
    const connection = this.#options.connections().find(status => status.peer === peer)
    const now = this.#options.now()
    const net = connection === undefined ? null : parseAddress(connection.address)
    const isBusy = this.#probes >= PROBES_AT_ONCE || now - (this.#probedAtMs.get(peer) ?? -Infinity) < PROBE_EVERY_MS
    if (connection === undefined || net === null || net.kind === 'onion3' || isBusy || payload.length !== 2) return null
    // Behind a forwarder (a container's, an onion service's) every stranger comes from our own computer, whose ports are none of theirs.
    if (isPrivate(net) && !this.#options.probesPrivate) return null
    const port = (payload[0] ?? 0) | ((payload[1] ?? 0) << 8)
    if (port === 0 || now - connection.connectedAtMs < SETTLED_MS) return null
    this.#probedAtMs.set(peer, now)
    this.#probes++
    try {
      const isReached = await this.#options.probe(printAddress({ ...net, port }), peer, PROBE_WITHIN_MS)
      return Uint8Array.of(isReached ? REACHED : NOT_REACHED)
    } finally {
      this.#probes--
    }
  }

  /** @returns null if there is no word of it */
  async #askOne(peer: PeerId, port: number): Promise<boolean | null> {
    const payload = Uint8Array.of(port & 0xff, port >>> 8)
    const outcome = await this.#options.ask({ peer, payload, timeoutMs: ANSWER_WITHIN_MS })
    const said = outcome.type === 'answer' && outcome.payload?.length === 1 ? outcome.payload[0] : null
    if (said !== REACHED && said !== NOT_REACHED) return null
    const isReached = said === REACHED
    this.#words.set(peer, { isReached, atMs: this.#options.now() })
    const seen = parseAddress(this.#options.observedBy(peer) ?? '')
    if (isReached && seen !== null && this.#isBelieved(peer, seen))
      this.#options.reached(printAddress({ ...seen, port }))
    return isReached
  }

  /** A stranger alone could have us tell everybody of a host that is not ours; one whom we chose, or two who agree, are believed. */
  #isBelieved(peer: PeerId, seen: NetAddress): boolean {
    return this.#options.connections().some(other => {
      if (other.peer === peer) return other.direction === 'outbound'
      const also = parseAddress(this.#options.observedBy(other.peer) ?? '')
      return also !== null && isSameHost(also, seen)
    })
  }

  /** Neighbours of ours worth asking now, those that we dialled first: they chose neither us nor our address. */
  #settled(): ConnectionStatus[] {
    const now = this.#options.now()
    return this.#options
      .connections()
      .filter(({ peer, dialect, connectedAtMs }) => {
        const word = this.#words.get(peer)
        const isDue = word === undefined || now - word.atMs >= ASK_EVERY_MS
        return dialect === 'ours' && now - connectedAtMs >= SETTLED_MS && isDue
      })
      .sort((a, b) => Number(b.direction === 'outbound') - Number(a.direction === 'outbound'))
  }

  #settle(): Reachability {
    const now = this.#options.now()
    let yes = 0
    let no = 0
    for (const [, word] of this.#words.entries()) {
      if (now - word.atMs >= 3 * ASK_EVERY_MS) continue
      if (word.isReached) yes++
      else no++
    }
    const state = yes > 0 ? 'reachable' : no >= NOES ? 'outbound-only' : 'unknown'
    if (state !== this.#state) {
      this.#state = state
      this.#options.changed(state)
    }
    return state
  }
}
