import { type Rng, type SteadyMs, steadyMs } from '@p2poolv2/primitives'
import type { PeerId } from '../network-port.ts'
import { type AddressBook, type KnownAddress, mostOfOne } from './address-book.ts'
import type { Bans } from './bans.ts'
import type { Connection, Connections, Pending } from './connections.ts'
import type { PeerAddress } from './contract.ts'

/** Dials under way at once at most; a further one waits for an answer. As many as the reference allows itself (protocol §18.2). */
export const MAX_PENDING = 10
/** Of these for peers of our own choice; the rest is for wanted ones. */
export const MAX_CHOSEN_PENDING = 8
/** A second address of a peer is dialled beside the first after this long: both at once would end each other. */
export const BESIDE_MS = 3_000

export interface DialLimits {
  /** Peers that this node looks for by itself. */
  readonly outbound: number
  readonly maxOutbound: number
  /** Whether there is a proxy that reaches onion services. */
  readonly reachesOnion: boolean
}

/** What to dial next. */
export interface Choice {
  readonly known: KnownAddress
  readonly peer: PeerId | null
  readonly purpose: 'wanted' | 'chosen'
}

interface DialView {
  readonly book: AddressBook
  readonly connections: Connections
  readonly bans: Bans
  readonly own: ReadonlySet<PeerAddress>
  readonly rng: Rng
}

/**
 * Whom to dial. Wanted addresses first and always. Then, up to a number, peers of our choice, each in a part of the internet of its own
 * (`groupOf`) as long as there are others to try, so that who owns one part cannot surround this node; half of them by chance
 * from what was good once, half from what was only heard of, and first the part by chance, then the address: a thousand addresses in one
 * part are no likelier to be chosen than one in another.
 */
export class DialPolicy {
  readonly #limits: DialLimits
  readonly #view: DialView

  constructor(limits: DialLimits, view: DialView) {
    this.#limits = limits
    this.#view = view
  }

  /** The next address to dial now, or null. Cost O(addresses). */
  next(nowMs: SteadyMs): Choice | null {
    const { connections } = this.#view
    if (connections.pendingCount >= MAX_PENDING) return null
    if (connections.outbound().length + connections.pendingCount >= this.#limits.maxOutbound) return null
    const wantedPeers = this.#wantedPeers()
    const need = this.need()
    const dialable = this.#dialable(nowMs, { wantedPeers, isLooking: need !== 'nobody' })
    for (const known of dialable) {
      const wantedAtMs = this.#wantedAtMs(known, wantedPeers)
      if (wantedAtMs !== null && wantedAtMs <= nowMs) {
        return { known, peer: known.isWanted ? known.expected : known.peer, purpose: 'wanted' }
      }
    }
    if (need === 'nobody') return null
    const known = this.#choose(
      dialable.filter(({ isWanted }) => !isWanted),
      { need, nowMs }
    )
    return known === null ? null : { known, peer: null, purpose: 'chosen' }
  }

  /** When `next` may have more to say than now, if nothing else happens; null: never. */
  nextTryMs(nowMs: SteadyMs): SteadyMs | null {
    const wantedPeers = this.#wantedPeers()
    let firstMs: SteadyMs | null = null
    for (const known of this.#dialable(nowMs, { wantedPeers, isLooking: this.need() !== 'nobody' })) {
      const atMs = this.#wantedAtMs(known, wantedPeers) ?? known.notBeforeMs
      if (atMs > nowMs && (firstMs === null || atMs < firstMs)) firstMs = atMs
    }
    return firstMs
  }

  /** Whether a peer of our choice is missing: anybody, or one in a part of the internet where we have none. */
  need(): 'anybody' | 'another-group' | 'nobody' {
    // Who follows other rules stays until there is somebody else, and counts for nobody.
    const held = this.#held().filter(one => !('hasOtherRules' in one && one.hasOtherRules && one.purpose === 'chosen'))
    const target = this.#target()
    const chosen = held.filter(({ purpose }) => purpose === 'chosen')
    const pending = [...this.#view.connections.pending()].filter(({ purpose }) => purpose === 'chosen')
    if (pending.length >= MAX_CHOSEN_PENDING) return 'nobody'
    if (held.length < target) return 'anybody'
    if (pending.length > 0) return 'nobody'
    const groups = new Set(held.map(({ group }) => group))
    // Of two in one part of the internet one can give way to somebody elsewhere.
    const canSwap =
      held.length === target && chosen.some(one => held.some(two => two !== one && two.group === one.group))
    return groups.size < 2 || canSwap ? 'another-group' : 'nobody'
  }

  /** The connection of our choice that is one too many, of other rules or in its part of the internet; null if none is. */
  surplus(): Connection | null {
    const outbound = this.#view.connections.outbound()
    if (outbound.length <= this.#target()) return null
    const strange = outbound.find(({ purpose, hasOtherRules }) => purpose === 'chosen' && hasOtherRules)
    if (strange !== undefined) return strange
    const crowded = outbound.filter(
      one => one.purpose === 'chosen' && outbound.some(two => two !== one && two.group === one.group)
    )
    return mostOfOne(crowded, ({ group }) => group).at(-1) ?? null
  }

  /**
   * Whether a peer is connected that is the one at this address. What strangers say counts for the host they are seen at only.
   * @param connected `connections.addresses()`
   */
  isConnected(known: KnownAddress, connected = this.#view.connections.addresses()): boolean {
    if (connected.has(known.address)) return true
    const peer = known.expected ?? known.peer
    const there = peer === null ? undefined : this.#view.connections.get(peer)
    return there !== undefined && (known.isPeerProven || there.isAtHostOf(known.net))
  }

  #isBanned(known: KnownAddress, nowMs: SteadyMs, wantedPeers: ReadonlySet<PeerId>): boolean {
    const { bans } = this.#view
    const peer = known.expected ?? (known.isPeerProven ? known.peer : null)
    if (peer !== null && bans.hasPeer(peer, nowMs)) return true
    // What another did there says nothing of whom the operator wants.
    const isWanted = known.isWanted || isMoved(known, wantedPeers)
    return known.hostKey !== null && bans.has(known.hostKey, nowMs, isWanted ? 'operator' : undefined)
  }

  /** Whether a peer that the operator wants by its id is not connected. */
  missesWanted(): boolean {
    return this.#wantedPeers().size > 0
  }

  /** Whom this node has a reason to dial, now or later: wanted ones first, and others if it is looking for some. */
  #dialable(
    nowMs: SteadyMs,
    { wantedPeers, isLooking }: { readonly wantedPeers: ReadonlySet<PeerId>; readonly isLooking: boolean }
  ): KnownAddress[] {
    const { book, connections, own } = this.#view
    const connected = connections.addresses()
    const dialable: KnownAddress[] = []
    for (const known of book.all()) {
      if (!isLooking && !known.isWanted && !isMoved(known, wantedPeers)) continue
      if (connections.pendingAt(known.address) !== undefined || own.has(known.address)) continue
      if (known.net.kind === 'onion3' && !this.#limits.reachesOnion) continue
      if (!this.isConnected(known, connected) && !this.#isBanned(known, nowMs, wantedPeers)) dialable.push(known)
    }
    return dialable
  }

  /** Peers that the operator wants and that are not connected, wherever they may be by now. */
  #wantedPeers(): ReadonlySet<PeerId> {
    const { book, connections } = this.#view
    const peers = new Set<PeerId>()
    for (const { expected } of book.in('wanted')) {
      if (expected !== null && connections.get(expected) === undefined) peers.add(expected)
    }
    return peers
  }

  /** When an address is dialled because it is wanted; null if it is not. */
  #wantedAtMs(known: KnownAddress, wantedPeers: ReadonlySet<PeerId>): SteadyMs | null {
    if (!known.isWanted && !isMoved(known, wantedPeers)) return null
    const peer = known.expected ?? known.peer
    let atMs = known.notBeforeMs
    for (const pending of this.#view.connections.pending()) {
      if (peer !== null && pending.peer === peer) atMs = steadyMs(Math.max(atMs, pending.sinceMs + BESIDE_MS))
    }
    return atMs
  }

  /** Outbound connections, and dials that may become some. */
  #held(): (Connection | Pending)[] {
    const { connections } = this.#view
    return [...connections.outbound(), ...connections.pending()]
  }

  #usedGroups(): ReadonlySet<string> {
    return new Set(this.#held().map(({ group }) => group))
  }

  /** Places for wanted peers stay free. */
  #target(): number {
    const wanted = new Set<string>()
    for (const { expected, address } of this.#view.book.in('wanted')) wanted.add(expected ?? address)
    return Math.max(1, Math.min(this.#limits.outbound, this.#limits.maxOutbound - wanted.size))
  }

  #choose(
    dialable: readonly KnownAddress[],
    { need, nowMs }: { readonly need: 'anybody' | 'another-group' | 'nobody'; readonly nowMs: SteadyMs }
  ): KnownAddress | null {
    const used = this.#usedGroups()
    const elsewhere = dialable.filter(({ group }) => !used.has(group))
    const due = elsewhere.filter(({ notBeforeMs }) => notBeforeMs <= nowMs)
    if (due.length > 0) return this.#draw(due)
    // One that did not fail is worth the wait; those that did would have us wait for ever.
    if (need === 'another-group' || elsewhere.some(({ failures }) => failures === 0)) return null
    const again = dialable.filter(({ notBeforeMs }) => notBeforeMs <= nowMs)
    return again.length === 0 ? null : this.#draw(again)
  }

  #draw(from: readonly KnownAddress[]): KnownAddress {
    const good = from.filter(({ table }) => table === 'good')
    const fresh = from.filter(({ table }) => table === 'fresh')
    const isGood = fresh.length === 0 || (good.length > 0 && this.#below(2) === 0)
    const table = isGood ? good : fresh
    const groups = [...new Set(table.map(({ group }) => group))]
    const group = groups[this.#below(groups.length)]
    const inGroup = table.filter(known => known.group === group)
    return inGroup[this.#below(inGroup.length)] as KnownAddress
  }

  #below(n: number): number {
    return Math.floor((this.#view.rng.u32() * n) / 2 ** 32)
  }
}

/** Whether a wanted peer is said to be here now. Who says so is believed once an address. */
function isMoved(known: KnownAddress, wantedPeers: ReadonlySet<PeerId>): boolean {
  return known.peer !== null && known.failures === 0 && wantedPeers.has(known.peer)
}
