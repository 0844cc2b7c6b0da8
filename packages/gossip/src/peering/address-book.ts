import { BoundedMap, invariant, type Rng, type SteadyMs, steadyMs, type UnixMs, unixMs } from '@p2poolv2/primitives'
import type { PeerId } from '../network-port.ts'
import { backoffMs, MAX_BACKOFF_MS, MAX_IDLE_BACKOFF_MS } from './backoff.ts'
import { hostBanKey } from './bans.ts'
import type { AddressSource, DialFailure, PeerAddress, PeerRecord } from './contract.ts'
import { type NetAddress, printAddress } from './net-address.ts'
import { groupOf, isPrivate } from './network-group.ts'

/** Addresses that the operator wants; at the cap a further one is refused. */
export const MAX_WANTED = 512
/** Addresses that were never good; who gives way at the caps is at `#roomForFresh`. */
export const MAX_FRESH = 1_024
export const MAX_FRESH_PER_GROUP = 32
export const MAX_FRESH_PER_TELLER = 128
/** Of what Kademlia's answers tell, all together and of the peers of one group; a stranger answers with whatever it likes. */
export const MAX_FRESH_OF_KADEMLIA = 512
export const MAX_FRESH_PER_KADEMLIA_TELLER = 64
/** Addresses of one host that is on the internet: a house has a few nodes, and nobody should be knocked at on every port. */
export const MAX_FRESH_PER_HOST = 4
/** What was forgotten because nobody answered is not taken from strangers for an hour; at the cap the oldest may come back. */
export const RELEARN_MS = 3_600_000
export const MAX_FORGOTTEN = 1_024
/** Addresses that were good once; at the caps the one that failed most, then the one good longest ago, gives way. */
export const MAX_GOOD = 512
export const MAX_GOOD_PER_GROUP = 16
/** An address only heard of is forgotten after so many dials in vain, one that was good once after so many. */
export const MAX_FRESH_FAILURES = 3
export const MAX_GOOD_FAILURES = 20

/** Sources that are the operator's word. */
const OPERATOR: ReadonlySet<AddressSource> = new Set(['config', 'invite', 'command'])
/** Of these the operator's word outlives a restart; `config` is read again. */
const LASTING: ReadonlySet<AddressSource> = new Set(['invite', 'command'])

export function isOperators(source: AddressSource): boolean {
  return OPERATOR.has(source)
}

export type Table = 'wanted' | 'good' | 'fresh'

/** What is known of one address. Only the book and the machine that owns it write to it. */
export class KnownAddress {
  readonly address: PeerAddress
  readonly net: NetAddress
  readonly group: string
  /** Under which its host is banned. */
  readonly hostKey: string | null
  /** Who told: the group of a peer, the source itself, or both. A teller has a bounded part of the book. */
  readonly teller: string
  source: AddressSource
  isWanted = false
  /** Who has to be there, by the operator's word; anybody if null. */
  expected: PeerId | null = null
  /** Who was there last, or is said to be. */
  peer: PeerId | null = null
  /** A connection showed it, or the operator says so; else a stranger's word. */
  isPeerProven = false
  lastGoodMs: UnixMs | null = null
  goodForMs = 0
  lastResult: DialFailure | 'connected' | null = null
  failures = 0
  /** Not dialled before. */
  notBeforeMs: SteadyMs = steadyMs(0)

  constructor(net: NetAddress, heard: { readonly source: AddressSource; readonly teller: string }) {
    this.address = printAddress(net)
    this.net = net
    this.group = groupOf(net)
    this.hostKey = hostBanKey(net)
    this.teller = heard.teller
    this.source = heard.source
  }

  /** It failed, or its connection ended. */
  wait(nowMs: SteadyMs, rng: Rng): void {
    const longestMs = this.isWanted ? MAX_BACKOFF_MS : MAX_IDLE_BACKOFF_MS
    this.notBeforeMs = steadyMs(nowMs + backoffMs(this.failures, longestMs, rng))
  }

  /** Wanted ones are apart; the rest was good once or is fresh. */
  get table(): Table {
    if (this.isWanted) return 'wanted'
    return this.lastGoodMs === null ? 'fresh' : 'good'
  }

  /** What to keep of it over a restart; null if nothing. */
  get record(): PeerRecord | null {
    if (this.lastGoodMs === null && !(this.isWanted && LASTING.has(this.source))) return null
    const { address, peer, expected, source, lastGoodMs, goodForMs } = this
    const provenPeer = this.isPeerProven ? peer : null
    return {
      type: 'address',
      key: address,
      peer: this.isWanted ? expected : provenPeer,
      source,
      lastGoodMs,
      goodForMs
    }
  }
}

export interface Heard {
  readonly source: AddressSource
  readonly teller: string
  readonly peer: PeerId | null
  readonly nowMs: SteadyMs
}

/**
 * Addresses of nodes, in three tables with caps of their own: wanted, good once, and only heard of. Whoever tells many can
 * fill its own part of the third and nothing else: no address that was good gives way to one that was not.
 * Learning costs O(size), and the size is bounded by the three caps.
 */
export class AddressBook {
  readonly #known = new Map<PeerAddress, KnownAddress>()
  readonly #tables: Readonly<Record<Table, Set<KnownAddress>>> = {
    wanted: new Set(),
    good: new Set(),
    fresh: new Set()
  }

  /** Addresses where nobody answered, and when. */
  readonly #forgotten = new BoundedMap<PeerAddress, SteadyMs>(MAX_FORGOTTEN)

  get size(): number {
    return this.#known.size
  }

  get(address: PeerAddress): KnownAddress | undefined {
    return this.#known.get(address)
  }

  /** Wanted ones first. */
  *all(): IterableIterator<KnownAddress> {
    for (const table of Object.values(this.#tables)) yield* table
  }

  /** In the order in which they came there. */
  in(table: Table): ReadonlySet<KnownAddress> {
    return this.#tables[table]
  }

  /** @returns the address as it is known now, or null if there was no room for it */
  learn(net: NetAddress, heard: Heard): KnownAddress | null {
    const isWanted = isOperators(heard.source)
    const before = this.#known.get(printAddress(net))
    const known = before ?? new KnownAddress(net, heard)
    if (isWanted && before?.isWanted !== true && this.in('wanted').size >= MAX_WANTED) return null
    if (before === undefined && !isWanted) {
      const forgottenMs = this.#forgotten.get(known.address)
      if (forgottenMs !== undefined && heard.nowMs - forgottenMs < RELEARN_MS) return null
      if (!this.#roomForFresh(known)) return null
    }
    if (isWanted) {
      known.isWanted = true
      // A restart forgets what is in the configuration only, and reads it again: what outlives it counts.
      if (!LASTING.has(known.source)) known.source = heard.source
      // Asked for again is asked for now.
      known.notBeforeMs = steadyMs(0)
    }
    if (isWanted) known.expected = heard.peer ?? known.expected
    if (heard.peer !== null && (isWanted || !known.isPeerProven)) {
      known.peer = heard.peer
      known.isPeerProven = isWanted
    }
    this.#place(known)
    return known
  }

  /** A connection to it stands. @returns those that gave way, whose records go */
  markGood(known: KnownAddress, wallMs: UnixMs): readonly KnownAddress[] {
    known.lastGoodMs = wallMs
    this.#place(known)
    return this.#trimGood(known)
  }

  /** Takes up a record of before a restart. @returns whether there was room */
  load(net: NetAddress, record: Extract<PeerRecord, { readonly type: 'address' }>, wallMs: UnixMs): boolean {
    const known = new KnownAddress(net, { source: record.source, teller: record.source })
    known.isWanted = LASTING.has(record.source)
    if (this.#known.has(known.address) || (known.isWanted && this.in('wanted').size >= MAX_WANTED)) return false
    known.peer = record.peer
    known.isPeerProven = record.peer !== null
    known.expected = known.isWanted ? record.peer : null
    // What was good in the future was so under another clock.
    known.lastGoodMs = record.lastGoodMs === null ? null : unixMs(Math.min(record.lastGoodMs, wallMs))
    known.goodForMs = record.goodForMs
    if (known.table === 'fresh') return false
    this.#place(known)
    this.#trimGood(null)
    return this.#known.has(known.address)
  }

  /** Nobody answers there. */
  forget(known: KnownAddress, nowMs: SteadyMs): void {
    this.delete(known.address)
    this.#forgotten.delete(known.address)
    this.#forgotten.set(known.address, nowMs)
  }

  /** Somebody does, or says so from there. */
  remember(address: PeerAddress): void {
    this.#forgotten.delete(address)
  }

  delete(address: PeerAddress): void {
    const known = this.#known.get(address)
    this.#known.delete(address)
    if (known !== undefined) for (const table of Object.values(this.#tables)) table.delete(known)
  }

  /** Puts an address where it belongs by now. */
  #place(known: KnownAddress): void {
    this.#known.set(known.address, known)
    for (const table of Object.values(this.#tables)) if (table !== this.#tables[known.table]) table.delete(known)
    this.#tables[known.table].add(known)
  }

  /**
   * Makes room for one that was never good, or says that there is none. Where a host or a group is at its cap, one of it that failed
   * gives way; what did not is as good as what comes. Where a teller is, one of its own does: one that failed, or one of its
   * largest group for one of a smaller. Where the book or Kademlia's part of it is, the teller with most loses one.
   */
  #roomForFresh({ net, group, hostKey, teller }: KnownAddress): boolean {
    const fresh = this.in('fresh')
    const hostCap = isPrivate(net) || hostKey === null ? MAX_FRESH_PER_GROUP : MAX_FRESH_PER_HOST
    const isTold = isKademlia(teller)
    const tellerCap = isTold ? MAX_FRESH_PER_KADEMLIA_TELLER : MAX_FRESH_PER_TELLER
    for (;;) {
      let hostSize = 0
      let groupSize = 0
      let tellerSize = 0
      let kademliaSize = 0
      for (const known of fresh) {
        if (known.group === group) groupSize++
        if (known.hostKey === hostKey) hostSize++
        if (known.teller === teller) tellerSize++
        if (isKademlia(known.teller)) kademliaSize++
      }
      const isHostFull = hostSize >= hostCap
      const isGroupFull = groupSize >= MAX_FRESH_PER_GROUP
      const isKademliaFull = isTold && kademliaSize >= MAX_FRESH_OF_KADEMLIA
      if (!isHostFull && !isGroupFull && !isKademliaFull && tellerSize < tellerCap && fresh.size < MAX_FRESH)
        return true
      let crowd: readonly KnownAddress[]
      if (isHostFull || isGroupFull) {
        crowd = failedOf([...fresh].filter(known => (isHostFull ? known.hostKey === hostKey : known.group === group)))
      } else {
        const among = isKademliaFull ? [...fresh].filter(known => isKademlia(known.teller)) : [...fresh]
        const largest = tellerSize < tellerCap ? mostOfOne(among, known => known.teller) : []
        const isLargest = largest.length <= tellerSize
        crowd = isLargest
          ? spareOf(
              [...fresh].filter(known => known.teller === teller),
              group
            )
          : largest
      }
      const worst = worstOf(crowd)
      if (worst === null) return false
      this.delete(worst.address)
    }
  }

  /** @param newest stays */
  #trimGood(newest: KnownAddress | null): readonly KnownAddress[] {
    const gone: KnownAddress[] = []
    for (;;) {
      const good = [...this.in('good')]
      const crowd = mostOfOne(good, known => known.group)
      if (good.length <= MAX_GOOD && crowd.length <= MAX_GOOD_PER_GROUP) return gone
      const worst = worstOf(crowd.length > MAX_GOOD_PER_GROUP ? crowd : good, newest)
      if (worst === null) return gone
      this.delete(worst.address)
      gone.push(worst)
    }
  }

  checkInvariants(): void {
    invariant(this.in('wanted').size <= MAX_WANTED, 'wanted addresses are within their cap')
    const sizes = Object.values(this.#tables).reduce((sum, table) => sum + table.size, 0)
    invariant(sizes === this.#known.size, 'each address is in one table')
    for (const [table, cap, perGroup] of [
      ['fresh', MAX_FRESH, MAX_FRESH_PER_GROUP],
      ['good', MAX_GOOD, MAX_GOOD_PER_GROUP]
    ] as const) {
      const known = [...this.in(table)]
      invariant(known.length <= cap, 'a table of addresses is within its cap')
      invariant(
        known.every(one => one.table === table),
        'an address is in the table where it belongs'
      )
      invariant(mostOfOne(known, ({ group }) => group).length <= perGroup, 'no group has more than its part')
    }
  }
}

function isKademlia(teller: string): boolean {
  return teller.startsWith('kademlia')
}

/** The largest set of equal keys; the first of equals. */
export function mostOfOne<T>(all: readonly T[], keyOf: (one: T) => string): readonly T[] {
  const sets = new Map<string, T[]>()
  for (const one of all) {
    const set = sets.get(keyOf(one))
    if (set === undefined) sets.set(keyOf(one), [one])
    else set.push(one)
  }
  let most: readonly T[] = []
  for (const set of sets.values()) if (set.length > most.length) most = set
  return most
}

/** Of one teller's those that may give way to one of `group`. */
function spareOf(ofTeller: readonly KnownAddress[], group: string): readonly KnownAddress[] {
  const failed = failedOf(ofTeller)
  if (failed.length > 0) return failed
  const largest = mostOfOne(ofTeller, known => known.group)
  return largest.length > ofTeller.filter(known => known.group === group).length + 1 ? largest : []
}

function failedOf(some: readonly KnownAddress[]): readonly KnownAddress[] {
  return some.filter(known => known.failures > 0)
}

/** The one that failed most, then the one good longest ago, then the first heard of. */
function worstOf(crowd: readonly KnownAddress[], but: KnownAddress | null = null): KnownAddress | null {
  let worst: KnownAddress | null = null
  for (const known of crowd) {
    if (known === but) continue
    const isWorse =
      worst === null ||
      known.failures > worst.failures ||
      (known.failures === worst.failures && (known.lastGoodMs ?? 0) < (worst.lastGoodMs ?? 0))
    if (isWorse) worst = known
  }
  return worst
}
