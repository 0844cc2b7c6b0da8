import { invariant, type ShareHash, type SteadyMs } from '@p2poolv2/primitives'
import type { PeerId } from '../network-port.ts'

/** Bodies asked of one peer at a time (protocol §19.4). */
export const MAX_IN_FLIGHT_PER_PEER = 16
/** Peers asked for one share at the same time. */
export const MAX_ASKED_PER_SHARE = 2

/** One share to ask of one peer. */
export interface FetchOrder {
  readonly hash: ShareHash
  readonly peer: PeerId
}

/** How a request ended: with the share, with the word that there is none, without a word in time, with a wrong copy. */
export type FetchResult = 'brought' | 'absent' | 'silent' | 'bad'

interface Source {
  inFlight: number
  /** Requests it may have in flight now: halved when it keeps us waiting or has none, one more with each share it brings in time. */
  allowance: number
  /** What a share it brings takes, a smoothed mean; null before the first. */
  tookMs: number | null
  /** Smallest goes first among equals. */
  lastAskedOrder: number
}

/** Weight of the newest in the mean of what shares take. */
const TOOK_WEIGHT = 1 / 8

interface Asked {
  readonly sinceMs: SteadyMs
  /** Somebody else was asked as well, so long did it take. */
  isLate: boolean
}

/** Peers that have bodies: who is being asked for which share, and who can be asked for more. */
export class Sources {
  readonly #inFlightPerPeer: number
  readonly #sources = new Map<PeerId, Source>()
  /** Who is being asked for which share, wanted still or not, and since when. */
  readonly #asked = new Map<ShareHash, Map<PeerId, Asked>>()
  #order = 0

  constructor(inFlightPerPeer: number = MAX_IN_FLIGHT_PER_PEER) {
    this.#inFlightPerPeer = inFlightPerPeer
  }

  get size(): number {
    return this.#sources.size
  }

  all(): IterableIterator<PeerId> {
    return this.#sources.keys()
  }

  /** Whether any can be asked for more. */
  get hasRoom(): boolean {
    for (const { inFlight, allowance } of this.#sources.values()) if (inFlight < allowance) return true
    return false
  }

  inFlight(peer: PeerId): number {
    return this.#sources.get(peer)?.inFlight ?? 0
  }

  /** Who is being asked for the share, and since when; undefined if nobody is. */
  askedFor(hash: ShareHash): ReadonlyMap<PeerId, Readonly<Asked>> | undefined {
    return this.#asked.get(hash)
  }

  /** @returns whether it is new */
  add(peer: PeerId): boolean {
    if (this.#sources.has(peer)) return false
    this.#sources.set(peer, { inFlight: 0, allowance: this.#inFlightPerPeer, tookMs: null, lastAskedOrder: 0 })
    return true
  }

  /** It is gone, and with it all requests to it. */
  remove(peer: PeerId): void {
    this.#sources.delete(peer)
    for (const [hash, asked] of this.#asked) if (asked.delete(peer) && asked.size === 0) this.#asked.delete(hash)
  }

  /**
   * Asks one of these peers: the preferred one if it can be asked, else the least busy one, the one asked longest ago among
   * equals. Nobody is asked twice at a time for one share.
   * @returns null when none can be asked
   */
  ask(
    hash: ShareHash,
    among: { readonly peers: Iterable<PeerId>; readonly tried: ReadonlySet<PeerId>; readonly preferred: PeerId | null },
    nowMs: SteadyMs
  ): FetchOrder | null {
    let best: { readonly peer: PeerId; readonly source: Source } | null = null
    const asked = this.#asked.get(hash) ?? new Map<PeerId, Asked>()
    for (const peer of among.peers) {
      const source = this.#sources.get(peer)
      if (source === undefined || source.inFlight >= source.allowance) continue
      if (among.tried.has(peer) || asked.has(peer)) continue
      if (best === null || peer === among.preferred || isBefore(source, best.source)) best = { peer, source }
      if (peer === among.preferred) break
    }
    if (best === null) return null
    for (const [slow, request] of asked) {
      request.isLate = true
      this.#asksForLess(slow)
    }
    this.#asked.set(hash, asked.set(best.peer, { sinceMs: nowMs, isLate: false }))
    best.source.inFlight++
    best.source.lastAskedOrder = ++this.#order
    return { hash, peer: best.peer }
  }

  /** Of the peers that can be asked for the share the one that brings shares in the least time; null if none can. */
  quickest(hash: ShareHash, tried: ReadonlySet<PeerId>): { readonly peer: PeerId; readonly tookMs: number } | null {
    const asked = this.#asked.get(hash)
    let quickest: { readonly peer: PeerId; readonly tookMs: number } | null = null
    for (const [peer, { inFlight, allowance, tookMs }] of this.#sources) {
      if (tookMs === null || inFlight >= allowance || tried.has(peer) || asked?.has(peer) === true) continue
      if (quickest === null || tookMs < quickest.tookMs) quickest = { peer, tookMs }
    }
    return quickest
  }

  /** A request has ended. @returns false if it had ended with the peer's going */
  ended({ hash, peer }: FetchOrder, result: FetchResult, nowMs: SteadyMs): boolean {
    const asked = this.#asked.get(hash)
    const request = asked?.get(peer)
    const source = this.#sources.get(peer)
    if (source === undefined || asked === undefined || request === undefined) return false
    asked.delete(peer)
    if (asked.size === 0) this.#asked.delete(hash)
    source.inFlight--
    if (result === 'silent' || result === 'absent') this.#asksForLess(peer)
    if (result !== 'brought') return true
    const tookMs = nowMs - request.sinceMs
    source.tookMs = source.tookMs === null ? tookMs : source.tookMs + (tookMs - source.tookMs) * TOOK_WEIGHT
    if (!request.isLate) source.allowance = Math.min(this.#inFlightPerPeer, source.allowance + 1)
    return true
  }

  checkInvariants(): void {
    const counts = new Map<PeerId, number>()
    for (const asked of this.#asked.values()) {
      invariant(asked.size > 0 && asked.size <= MAX_ASKED_PER_SHARE, 'few peers are asked for one share')
      for (const peer of asked.keys()) counts.set(peer, (counts.get(peer) ?? 0) + 1)
    }
    for (const [peer, { inFlight, allowance }] of this.#sources) {
      invariant(inFlight === (counts.get(peer) ?? 0), 'requests in flight are counted')
      invariant(inFlight <= this.#inFlightPerPeer, 'a peer is asked for few shares at a time')
      invariant(allowance >= 1 && allowance <= this.#inFlightPerPeer, 'an allowance is within its range')
    }
    for (const peer of counts.keys()) invariant(this.#sources.has(peer), 'only sources are asked')
  }

  #asksForLess(peer: PeerId): void {
    const source = this.#sources.get(peer)
    if (source !== undefined) source.allowance = Math.max(1, source.allowance >> 1)
  }
}

function isBefore(a: Source, b: Source): boolean {
  return a.inFlight < b.inFlight || (a.inFlight === b.inFlight && a.lastAskedOrder < b.lastAskedOrder)
}
