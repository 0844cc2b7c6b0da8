import { Deadlines, invariant, type Moment, type SteadyMs, steadyMs, unixMs } from '@p2poolv2/primitives'
import type { PeerId } from '../network-port.ts'
import type { BanCause, BanStatus, PeerRecord } from './contract.ts'
import { type NetAddress, parseAddress, parseIp, peerIdBytes, printHost } from './net-address.ts'
import { isPrivate } from './network-group.ts'

/** Bans at most; at the cap the one that ends first ends now. */
export const MAX_BANS = 1_024
/** No ban is longer: a year. */
export const MAX_BAN_MS = 31_536_000_000
/** Longer reasons are cut. */
export const MAX_REASON_CHARACTERS = 120

type BanRecord = Extract<PeerRecord, { readonly type: 'ban' }>

export function peerBanKey(peer: PeerId): string {
  return `peer:${peer}`
}

/** The host of a ban: an IPv4 address, or the /64 that one IPv6 household has; null for onion services, known by peer only. */
export function hostBanKey({ kind, host }: Pick<NetAddress, 'kind' | 'host'>): string | null {
  if (kind === 'onion3') return null
  if (kind === 'ip4') return `ip:${printHost({ kind, host })}`
  const network = host.slice()
  network.fill(0, 8)
  return `ip:${printHost({ kind, host: network })}/64`
}

/** The key of what an operator names: a peer id, an IP literal, an address with or without `/p2p/…`, or a key. Null if none. */
export function banKeyOf(text: string): string | null {
  const bare = text.trim().replace(/^(peer|ip):/, '')
  if (peerIdBytes(bare) !== null) return peerBanKey(bare)
  const address = parseAddress(bare.replace(/\/p2p\/.*$/, ''))
  if (address !== null) return hostBanKey(address)
  const host = parseIp(bare.replace(/\/64$/, ''))
  return host === null ? null : hostBanKey({ kind: host.length === 4 ? 'ip4' : 'ip6', host })
}

/**
 * Who is not let in and not dialled. A ban lasts by the steady clock; the wall clock is asked only to write and read records, and
 * however wrong it is, no ban outlasts what was meant.
 */
export class Bans {
  readonly #bans = new Map<string, BanStatus>()
  readonly #ends = new Deadlines<string>()

  get size(): number {
    return this.#bans.size
  }

  get nextEndMs(): SteadyMs | null {
    return this.#ends.peek()?.atMs ?? null
  }

  all(): readonly BanStatus[] {
    return [...this.#bans.values()]
  }

  /** @param cause of that cause alone */
  has(key: string, nowMs: SteadyMs, cause?: BanCause): boolean {
    const ban = this.#bans.get(key)
    return ban !== undefined && nowMs < ban.untilMs && (cause === undefined || ban.cause === cause)
  }

  hasPeer(peer: PeerId, nowMs: SteadyMs): boolean {
    return this.has(peerBanKey(peer), nowMs)
  }

  hasHost(address: Pick<NetAddress, 'kind' | 'host'>, nowMs: SteadyMs, cause?: BanCause): boolean {
    const key = hostBanKey(address)
    return key !== null && this.has(key, nowMs, cause)
  }

  /**
   * Bans, or makes a ban longer; a shorter one changes nothing, but the operator's word stays the operator's.
   * @returns the record to keep and the key of a ban that gave way, each null if there is none
   */
  add(
    ban: { readonly key: string; readonly reason: string; readonly cause: BanCause; readonly banMs: number },
    now: Moment
  ): { readonly keep: BanRecord | null; readonly forget: string | null } {
    const known = this.#bans.get(ban.key)
    const isOperators = ban.cause === 'operator' || known?.cause === 'operator'
    const becomesOperators = known?.cause === 'breach' && ban.cause === 'operator'
    const leastMs = becomesOperators ? known.untilMs - now.steadyMs : 0
    const banMs = Math.min(Math.max(leastMs, Math.floor(ban.banMs)), MAX_BAN_MS)
    const untilMs = steadyMs(now.steadyMs + banMs)
    if (untilMs <= Math.max(now.steadyMs, becomesOperators ? 0 : (known?.untilMs ?? 0)))
      return { keep: null, forget: null }
    const first = this.#bans.has(ban.key) || this.size < MAX_BANS ? null : this.#ends.peek()
    // One that would itself be the first to end is not worth another's place.
    if (first !== null && untilMs <= first.atMs) return { keep: null, forget: null }
    if (first !== null) this.delete(first.key)
    const reason = ban.reason.slice(0, MAX_REASON_CHARACTERS)
    const cause = isOperators ? 'operator' : 'breach'
    this.#bans.set(ban.key, { key: ban.key, reason, cause, untilMs })
    this.#ends.set(ban.key, untilMs)
    return {
      keep: { type: 'ban', key: ban.key, reason, cause, untilMs: unixMs(now.wallMs + banMs), banMs },
      forget: first?.key ?? null
    }
  }

  /** Takes up a ban of before a restart. One that has ended ends at the next `popEnded`, so that its record goes. */
  load(record: BanRecord, now: Moment): void {
    const leftMs = Math.min(record.untilMs - now.wallMs, record.banMs)
    if (leftMs > 0) {
      this.add({ key: record.key, reason: record.reason, cause: record.cause, banMs: leftMs }, now)
    } else if (this.size < MAX_BANS && !this.#bans.has(record.key)) {
      const { key, reason, cause } = record
      this.#bans.set(key, { key, reason, cause, untilMs: now.steadyMs })
      this.#ends.set(record.key, now.steadyMs)
    }
  }

  /** @returns whether there was one */
  delete(key: string): boolean {
    this.#ends.delete(key)
    return this.#bans.delete(key)
  }

  /** Ends what is over. @returns the keys */
  popEnded(nowMs: SteadyMs): readonly string[] {
    const ended = this.#ends.popDue(nowMs)
    for (const key of ended) this.#bans.delete(key)
    return ended
  }

  checkInvariants(): void {
    invariant(this.size <= MAX_BANS && this.size === this.#ends.size, 'each ban ends, and they are within their cap')
    this.#ends.checkInvariants()
  }
}

/**
 * What to ban for a breach: the peer, and its host unless a household may stand behind it: private addresses are of people who
 * trust each other, or who at least cannot be told apart by it.
 */
export function breachKeys(peer: PeerId, address: NetAddress | null): readonly string[] {
  const hostKey = address === null || isPrivate(address) ? null : hostBanKey(address)
  return hostKey === null ? [peerBanKey(peer)] : [peerBanKey(peer), hostKey]
}
