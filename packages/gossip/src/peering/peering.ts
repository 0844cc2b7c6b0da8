import { type Moment, type Rng, type SteadyMs, steadyMs } from '@p2poolv2/primitives'
import type { PeerId } from '../network-port.ts'
import { BAN_MS } from '../peers/verdicts.ts'
import { AddressBook, isOperators, type KnownAddress, MAX_FRESH_FAILURES, MAX_GOOD_FAILURES } from './address-book.ts'
import { type AddressFilter, takesAddress } from './address-filter.ts'
import { MAX_IDLE_BACKOFF_MS } from './backoff.ts'
import { Bans, breachKeys, hostBanKey, peerBanKey } from './bans.ts'
import { Connection, Connections, type DialPurpose, MAX_AGENT_CHARACTERS, MAX_CLAIMS } from './connections.ts'
import type { Admission, PeerAddress, PeeringEffect, PeeringEvent, PeeringStatus, PeerRecord } from './contract.ts'
import { type Choice, type DialLimits, DialPolicy } from './dial-policy.ts'
import { chooseEvicted, hasStood } from './eviction.ts'
import { HostScores } from './host-scores.ts'
import { isSameHost, type NetAddress, parseAddress, printAddress } from './net-address.ts'
import { groupOf, reachOf } from './network-group.ts'
import { isShutOut } from './shut-host.ts'
import { peeringStatus } from './status.ts'

/** A dial without an answer for this long has failed, told or not. */
export const DIAL_LIMIT_MS = 60_000
/** Addresses of this node; further ones are not remembered. */
export const MAX_OWN = 64
/** Addresses read of one event; further ones are not. */
export const MAX_TOLD_AT_ONCE = 64

/** Why a connection is not let in. */
export type Refusal = 'self' | 'banned' | 'full'

export interface PeeringOptions extends AddressFilter, DialLimits {
  readonly self: PeerId
  /** Inbound peers at most. They never take places of outbound ones. */
  readonly maxInbound: number
}

const NOTHING: readonly PeeringEffect[] = Object.freeze([])

/**
 * Whom to dial, keep and refuse. A machine: events and time in, effects out. Waits are by the steady clock, so that setting the wall
 * clock changes nothing; records are by the wall clock, since nothing else means something after a restart.
 */
export class Peering {
  readonly #options: PeeringOptions
  readonly #rng: Rng
  readonly #book = new AddressBook()
  readonly #connections = new Connections()
  readonly #bans = new Bans()
  readonly #view = { book: this.#book, connections: this.#connections, bans: this.#bans }
  readonly #hostScores = new HostScores()
  readonly #own = new Set<PeerAddress>()
  readonly #policy: DialPolicy
  #listening: readonly PeerAddress[] = []
  #reachedFromOutsideMs: SteadyMs | null = null
  #nextDeadlineMs: SteadyMs | null = null
  #effects: PeeringEffect[] = []

  constructor(options: PeeringOptions, { rng }: { readonly rng: Rng }) {
    this.#options = options
    this.#rng = rng
    this.#policy = new DialPolicy(options, { ...this.#view, own: this.#own, rng })
  }

  /** When to call with `deadline` at the latest, by the steady clock; null: not before something happens. */
  get nextDeadlineMs(): SteadyMs | null {
    return this.#nextDeadlineMs
  }

  handle(event: PeeringEvent, now: Moment): readonly PeeringEffect[] {
    this.#take(event, now)
    if (event.type !== 'useful') this.#plan(now)
    const effects = this.#effects
    this.#effects = []
    return effects.length === 0 ? NOTHING : effects
  }

  /** Takes up a record of before a restart, before the first event. @returns whether there was room for it */
  load(record: PeerRecord, now: Moment): boolean {
    if (record.type === 'ban') {
      this.#bans.load(record, now)
      return true
    }
    const net = parseAddress(record.key)
    return net !== null && this.#book.load(net, record, now.wallMs)
  }

  /** Of type `Admission`, with the time. */
  admits(asked: Parameters<Admission>[0], nowMs: SteadyMs): Refusal | null {
    const net = parseAddress(asked.address)
    const { peer, direction } = asked
    if (peer === this.#options.self) return 'self'
    if (net !== null && isShutOut({ ...asked, net }, this.#view, nowMs)) return 'banned'
    if (peer !== null && this.#bans.hasPeer(peer, nowMs)) return 'banned'
    // Which of two connections of a peer stays is the network's affair; it takes no second place.
    if (peer !== null && this.#connections.get(peer) !== undefined) return null
    const isFull =
      direction === 'inbound'
        ? this.#isFullFor(net, peer)
        : this.#connections.outbound().length >= this.#options.maxOutbound
    return isFull ? 'full' : null
  }

  status(): PeeringStatus {
    return peeringStatus({ ...this.#view, policy: this.#policy }, this.#reachedFromOutsideMs)
  }

  checkInvariants(): void {
    this.#book.checkInvariants()
    this.#bans.checkInvariants()
    this.#hostScores.checkInvariants()
  }

  #take(event: PeeringEvent, now: Moment): void {
    const nowMs = now.steadyMs
    switch (event.type) {
      case 'connected':
        this.#onConnected(event, now)
        break
      case 'identified':
        this.#onIdentified(event, nowMs)
        break
      case 'closed':
        this.#onClosed(event.peer, now)
        break
      case 'dialFailed':
        this.#onDialFailed(event, nowMs)
        break
      case 'learned':
        this.#onLearned(event, nowMs)
        break
      case 'listening':
        this.#onListening(event.addresses)
        break
      case 'useful': {
        const connection = this.#connections.get(event.peer)
        if (connection !== undefined) connection.usefulAtMs = nowMs
        break
      }
      case 'penalised':
        this.#onPenalised(event, now)
        break
      case 'otherRules': {
        const connection = this.#connections.get(event.peer)
        if (connection !== undefined) connection.hasOtherRules = true
        break
      }
      case 'dropped':
        this.#onDropped(event, now)
        break
      case 'ban':
        this.#ban({ ...event, cause: 'operator' }, now)
        this.#closeAll(event.key)
        break
      case 'unban':
        if (this.#bans.delete(event.key)) this.#effects.push({ type: 'forget', key: event.key })
        break
      case 'unwanted':
        this.#onUnwanted(event.address)
        break
      case 'deadline':
        break
      default:
        event satisfies never
    }
  }

  #onConnected(event: Extract<PeeringEvent, { type: 'connected' }>, now: Moment): void {
    const isOutbound = event.direction === 'outbound'
    const connection = new Connection({
      ...event,
      connectedAtMs: now.steadyMs,
      purpose: isOutbound ? this.#purposeOf(event) : null
    })
    const refusal = this.admits(event, now.steadyMs)
    this.#connections.endDial(connection.address)
    if (refusal === 'self') {
      if (isOutbound) this.#addOwn(connection.address)
      this.#effects.push({ type: 'close', peer: event.peer, reason: refusal })
      return
    }
    if (isOutbound) this.#noteAnswer(connection, { isGood: refusal !== 'banned', now })
    if (this.#connections.get(event.peer) !== undefined) return
    this.#connections.add(connection)
    if (refusal !== null) this.#close(connection, refusal)
    if (refusal !== null || isOutbound) return
    if (connection.net !== null && reachOf(connection.net) === 'public') this.#reachedFromOutsideMs = now.steadyMs
    const others = this.#connections.inbound().filter(other => other !== connection)
    if (others.length < this.#options.maxInbound) return
    const newcomer = this.#isWanted(connection) ? null : connection.group
    this.#close(chooseEvicted(others, newcomer, this.#isWanted) ?? connection, 'full')
  }

  #onIdentified(event: Extract<PeeringEvent, { type: 'identified' }>, nowMs: SteadyMs): void {
    const connection = this.#connections.get(event.peer)
    if (connection === undefined) return
    connection.agent = event.agent.slice(0, MAX_AGENT_CHARACTERS)
    connection.dialect = event.dialect
    const claims: PeerAddress[] = []
    for (const text of event.addresses.slice(0, MAX_CLAIMS)) {
      const net = parseAddress(text)
      if (net === null) continue
      if (connection.isAtHostOf(net)) {
        claims.push(printAddress(net))
        this.#book.remember(printAddress(net))
      }
      if (takesAddress(net, { source: 'identify', teller: connection.net }, this.#options)) {
        this.#book.learn(net, { source: 'identify', teller: connection.group, peer: event.peer, nowMs })
      }
    }
    connection.claims = claims
  }

  #onClosed(peer: PeerId, now: Moment): void {
    const connection = this.#connections.get(peer)
    if (connection === undefined) return
    const met = [...this.#book.in('wanted')].filter(known => this.#policy.isConnected(known))
    this.#connections.delete(peer)
    // Wanted addresses that this connection stood for wait a moment, as the one that it was dialled at.
    for (const known of met) if (!this.#policy.isConnected(known)) known.wait(now.steadyMs, this.#rng)
    const known = this.#book.get(connection.address)
    if (known === undefined || connection.direction === 'inbound') return
    const stood = hasStood(connection, now.steadyMs)
    if (stood) {
      known.failures = 0
      known.goodForMs += now.steadyMs - connection.connectedAtMs
      known.lastGoodMs = now.wallMs
      this.#keep(known)
    } else if (!connection.isClosing) {
      known.failures++
    }
    known.wait(now.steadyMs, this.#rng)
    // Whatever it follows then, it is asked once an hour.
    if (connection.hasOtherRules) known.notBeforeMs = steadyMs(now.steadyMs + MAX_IDLE_BACKOFF_MS)
  }

  #onDialFailed({ address, reason }: Extract<PeeringEvent, { type: 'dialFailed' }>, nowMs: SteadyMs): void {
    const net = parseAddress(address)
    const canonical = net === null ? address : printAddress(net)
    this.#connections.endDial(canonical)
    if (reason === 'self') this.#addOwn(canonical)
    const known = this.#book.get(canonical)
    if (known === undefined) return
    known.lastResult = reason
    known.failures++
    // Whoever was said to be there is not.
    if (reason === 'wrong-peer' && known.expected === null) {
      known.peer = null
      known.isPeerProven = false
    }
    known.wait(nowMs, this.#rng)
    const isUseless = reason === 'self' || (reason !== 'not-admitted' && known.failures >= MAX_FRESH_FAILURES)
    // Without any connection it may be us who cannot be reached.
    const isOnline = this.#connections.all().next().done !== true
    if (known.table === 'fresh' && isUseless && (isOnline || reason !== 'unreachable')) this.#forget(known, nowMs)
    if (known.table === 'good' && known.failures >= MAX_GOOD_FAILURES && isOnline) this.#forget(known, nowMs)
  }

  #onLearned(event: Extract<PeeringEvent, { type: 'learned' }>, nowMs: SteadyMs): void {
    const { source, peer, addresses } = event
    const group = event.teller === undefined ? undefined : this.#connections.get(event.teller)?.group
    const teller = group === undefined ? source : `${source} of ${group}`
    for (const text of addresses.slice(0, MAX_TOLD_AT_ONCE)) {
      const net = parseAddress(text)
      if (net === null || peer === this.#options.self || !takesAddress(net, { source, teller: null }, this.#options))
        continue
      const known = this.#book.learn(net, { source, teller, peer, nowMs })
      if (known !== null && isOperators(source)) this.#keep(known)
    }
  }

  #onListening(addresses: readonly PeerAddress[]): void {
    for (const address of this.#listening) this.#own.delete(address)
    this.#listening = addresses.map(text => {
      const net = parseAddress(text)
      return net === null ? text : printAddress(net)
    })
    for (const address of this.#listening) this.#addOwn(address)
  }

  #onPenalised({ peer, points }: Extract<PeeringEvent, { type: 'penalised' }>, now: Moment): void {
    const connection = this.#connections.get(peer)
    if (connection === undefined || connection.direction === 'outbound' || this.#isWanted(connection)) return
    const [, hostKey] = breachKeys(peer, connection.net)
    if (hostKey === undefined || !this.#hostScores.isEnough(hostKey, points, now.steadyMs)) return
    this.#onDropped({ type: 'dropped', peer, reason: 'breaches of its host', banMs: BAN_MS }, now)
  }

  /** Others may be at its host, who have done nothing: those stay that are here, and nobody comes from there for a while. */
  #onDropped(event: Extract<PeeringEvent, { type: 'dropped' }>, now: Moment): void {
    const connection = this.#connections.get(event.peer)
    // The host of a peer that the operator wants is not given up for one breach.
    const host = connection === undefined || this.#isWanted(connection) ? null : connection.net
    if (connection !== undefined) this.#close(connection, event.reason)
    for (const key of breachKeys(event.peer, host)) this.#ban({ ...event, key, cause: 'breach' }, now)
  }

  #ban(ban: Parameters<Bans['add']>[0], now: Moment): void {
    const { keep, forget } = this.#bans.add(ban, now)
    if (forget !== null) this.#effects.push({ type: 'forget', key: forget })
    if (keep === null) return
    this.#effects.push({ type: 'keep', record: keep })
  }

  /** @param key of the operator's ban, who means all that are there */
  #closeAll(key: string): void {
    for (const connection of this.#connections.all()) {
      const isHost = connection.net !== null && hostBanKey(connection.net) === key
      if (isHost || peerBanKey(connection.peer) === key) this.#close(connection, 'banned')
    }
  }

  #onUnwanted(address: PeerAddress): void {
    const net = parseAddress(address)
    const known = net === null ? undefined : this.#book.get(printAddress(net))
    if (known === undefined || !known.isWanted) return
    this.#book.delete(known.address)
    this.#effects.push({ type: 'forget', key: known.address })
  }

  /** Everything that follows from how things stand now. */
  #plan(now: Moment): void {
    const nowMs = now.steadyMs
    for (const key of this.#bans.popEnded(nowMs)) this.#effects.push({ type: 'forget', key })
    for (const { address, sinceMs } of this.#connections.pending()) {
      if (nowMs - sinceMs >= DIAL_LIMIT_MS)
        this.#onDialFailed({ type: 'dialFailed', address, reason: 'timeout' }, nowMs)
    }
    for (let next = this.#policy.next(nowMs); next !== null; next = this.#policy.next(nowMs)) this.#dial(next, nowMs)
    for (let one = this.#policy.surplus(); one !== null; one = this.#policy.surplus())
      this.#close(one, one.hasOtherRules ? 'other rules' : 'same network')
    const ends = [...this.#connections.pending()].map(({ sinceMs }) => sinceMs + DIAL_LIMIT_MS)
    for (const atMs of [this.#bans.nextEndMs, this.#policy.nextTryMs(nowMs)]) if (atMs !== null) ends.push(atMs)
    this.#nextDeadlineMs = ends.length === 0 ? null : steadyMs(ends.reduce((a, b) => Math.min(a, b)))
  }

  #dial({ known, peer, purpose }: Choice, nowMs: SteadyMs): void {
    this.#connections.startDial({ address: known.address, group: known.group, peer, purpose, sinceMs: nowMs })
    this.#effects.push({ type: 'dial', address: known.address, peer })
  }

  #close(connection: Connection, reason: string): void {
    if (connection.isClosing) return
    connection.isClosing = true
    this.#effects.push({ type: 'close', peer: connection.peer, reason })
  }

  #purposeOf({ address, peer }: { readonly address: PeerAddress; readonly peer: PeerId }): DialPurpose {
    const net = parseAddress(address)
    const pending = net === null ? undefined : this.#connections.pendingAt(printAddress(net))
    return pending?.purpose ?? (this.#isWantedHost(net, peer) ? 'wanted' : 'chosen')
  }

  /** A node of our share chain answered at an address that was dialled: it is good, wherever it was heard of. */
  #noteAnswer(connection: Connection, { isGood, now }: { readonly isGood: boolean; readonly now: Moment }): void {
    const { net, peer } = connection
    if (net === null) return
    const told = { source: 'kademlia', teller: 'itself', peer, nowMs: now.steadyMs } as const
    this.#book.remember(connection.address)
    const known = this.#book.get(connection.address) ?? this.#book.learn(net, told)
    if (known === null) return
    known.peer = peer
    known.isPeerProven = true
    known.lastResult = 'connected'
    if (!isGood) return
    for (const gone of this.#book.markGood(known, now.wallMs)) {
      this.#effects.push({ type: 'forget', key: gone.address })
    }
    this.#keep(known)
  }

  #keep(known: KnownAddress): void {
    const { record } = known
    if (record !== null) this.#effects.push({ type: 'keep', record })
  }

  #forget(known: KnownAddress, nowMs: SteadyMs): void {
    this.#book.forget(known, nowMs)
    if (known.record !== null) this.#effects.push({ type: 'forget', key: known.address })
  }

  #addOwn(address: PeerAddress): void {
    if (this.#own.size < MAX_OWN) this.#own.add(address)
  }

  #isFullFor(net: NetAddress | null, peer: PeerId | null): boolean {
    const inbound = this.#connections.inbound()
    if (inbound.length < this.#options.maxInbound) return false
    // Before Noise it may be a wanted peer from wherever it is now.
    const mayBeWanted = this.#isWantedHost(net, peer) || (peer === null && this.#policy.missesWanted())
    const newcomer = mayBeWanted ? null : net === null ? 'unread' : groupOf(net)
    return chooseEvicted(inbound, newcomer, this.#isWanted) === null
  }

  readonly #isWanted = (connection: Connection): boolean => this.#isWantedHost(connection.net, connection.peer)

  #isWantedHost(net: NetAddress | null, peer: PeerId | null): boolean {
    for (const known of this.#book.in('wanted')) {
      if (peer !== null && known.expected === peer) return true
      if (net !== null && isSameHost(known.net, net)) return true
    }
    return false
  }
}
