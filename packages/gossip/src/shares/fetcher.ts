import { invariant, type ShareHash, type SteadyMs, steadyMs } from '@p2poolv2/primitives'
import type { PeerId } from '../network-port.ts'
import { type FetchOrder, type FetchResult, MAX_ASKED_PER_SHARE, MAX_IN_FLIGHT_PER_PEER, Sources } from './sources.ts'

/** Shares the chain wants that are kept here; the chain knows the rest and is asked again. */
export const MAX_WANTED = 1_024
/**
 * How far ahead of the first share still missing others are asked for. What comes early waits in the chain's orphan pool,
 * which keeps this many of one peer.
 */
export const FETCH_AHEAD = 128
/** Parents, uncles and announced shares asked for before their headers are known; at the cap the oldest is forgotten. */
export const MAX_MISSING = 256
/** Of one peer's telling; at the cap it is not listened to. */
export const MAX_MISSING_PER_PEER = 32
/** An answer that takes longer has its share asked of a second peer too. */
export const HEDGE_MS = 2_500
/**
 * When everything within `FETCH_AHEAD` is asked for and a peer has nothing to do, it is asked for what another one has kept us waiting for
 * that many times as long as it would take itself: one slow peer, by what it was asked, must not set the pace of all.
 */
export const HEDGE_TIMES = 2
/** Wait after every peer was tried in vain; doubled with each further round. */
export const FIRST_ROUND_MS = 5_000
export const MAX_ROUND_MS = 60_000
/** A share that came but still waits for others is not asked for again for so long. */
export const HELD_MS = 30_000
/** Shares remembered for that; at the cap further ones are asked for again. */
export const MAX_HELD = 1_024

export interface FetchLimits {
  readonly inFlightPerPeer: number
  readonly wanted: number
  readonly ahead: number
  readonly missing: number
  readonly missingPerPeer: number
  readonly held: number
}

const DEFAULT_LIMITS: FetchLimits = {
  inFlightPerPeer: MAX_IN_FLIGHT_PER_PEER,
  wanted: MAX_WANTED,
  ahead: FETCH_AHEAD,
  missing: MAX_MISSING,
  missingPerPeer: MAX_MISSING_PER_PEER,
  held: MAX_HELD
}

interface Want {
  readonly hash: ShareHash
  /** Who cannot help: in this round, or at all for a missing share. */
  readonly tried: Set<PeerId>
}

/** A share whose header the chain has: any source may have the body. */
interface ChainWant extends Want {
  /** Asked first, while it can be. */
  preferred: PeerId | null
  notBeforeMs: number
  rounds: number
}

/** A share known by name only: those who named it have it. */
interface MissingWant extends Want {
  readonly tellers: Set<PeerId>
}

/**
 * Decides whom to ask for which body, and when, after the model of Bitcoin Core's transaction requests. It holds no bytes
 * and sends nothing: `next` names one request at a time, and each has to be ended with
 * `answered`. No peer is asked twice at a time for one share.
 *
 * Shares the chain wants are a list given anew each time, in its order; nothing on it is ever given up. Missing shares are
 * parents, uncles and announcements that came without their headers: few, asked only of those who named them, and first.
 */
export class ShareFetcher {
  readonly #limits: FetchLimits
  #chain = new Map<ShareHash, ChainWant>()
  /** What the chain named last, in its order: wanted still, held, or done meanwhile. */
  #named: readonly ShareHash[] = []
  /** Where in that list the first is that is not done. */
  #namedFrom = 0
  readonly #missing = new Map<ShareHash, MissingWant>()
  readonly #sources: Sources
  /** Shares that came and wait inside the chain; until when not to ask for them. */
  readonly #heldUntil = new Map<ShareHash, SteadyMs>()
  #nextCheckMs: number | null = null

  constructor(limits: FetchLimits = DEFAULT_LIMITS) {
    this.#limits = limits
    this.#sources = new Sources(limits.inFlightPerPeer)
  }

  /** Shares known to be wanted. */
  get size(): number {
    return this.#chain.size + this.#missing.size
  }

  /** Whether anybody can be asked. */
  get hasSources(): boolean {
    return this.#sources.size > 0
  }

  /** Whether so few of the chain's shares are left to ask for that it should be asked for more. */
  get isLow(): boolean {
    return this.#chain.size < this.#limits.ahead
  }

  /** When `next` may give something that it did not give when it last gave nothing. */
  get nextDeadlineMs(): SteadyMs | null {
    return this.#nextCheckMs === null ? null : steadyMs(this.#nextCheckMs)
  }

  inFlight(peer: PeerId): number {
    return this.#sources.inFlight(peer)
  }

  /** The peer may be asked: it delivered headers or shares. */
  addSource(peer: PeerId): void {
    if (!this.#sources.add(peer)) return
    // Somebody new to try, whatever the others said.
    for (const want of this.#chain.values()) want.notBeforeMs = 0
  }

  /** The peer is gone, with all requests to it; what it was asked is asked of others. */
  removeSource(peer: PeerId): void {
    this.#sources.remove(peer)
    for (const want of this.#chain.values()) {
      want.tried.delete(peer)
      if (want.preferred === peer) want.preferred = null
    }
    for (const want of this.#missing.values()) {
      want.tried.delete(peer)
      want.tellers.delete(peer)
      this.#forgetIfHopeless(want)
    }
  }

  /**
   * What the chain wants, in order; replaces what it wanted before.
   * @param preferred asked first for what is new
   */
  setWanted(hashes: readonly ShareHash[], preferred: PeerId | null, nowMs: SteadyMs): void {
    const before = this.#chain
    this.#chain = new Map()
    this.#named = hashes
    this.#namedFrom = 0
    for (const [hash, untilMs] of this.#heldUntil) if (untilMs <= nowMs) this.#heldUntil.delete(hash)
    for (const hash of hashes) {
      if (this.#chain.size >= this.#limits.wanted) break
      if (this.#heldUntil.has(hash)) continue
      this.#missing.delete(hash)
      const tried = new Set<PeerId>()
      this.#chain.set(hash, before.get(hash) ?? { hash, preferred, tried, notBeforeMs: 0, rounds: 0 })
    }
  }

  /** A share that another one, which `teller` sent, builds on, or that `teller` announces. */
  wantMissing(hash: ShareHash, teller: PeerId): void {
    // With its header here any source may have it, and it is never given up.
    if (this.#chain.has(hash) || this.#heldUntil.has(hash)) return
    let told = 0
    for (const want of this.#missing.values()) if (want.tellers.has(teller)) told++
    if (told >= this.#limits.missingPerPeer) return
    this.addSource(teller)
    const known = this.#missing.get(hash)
    if (known !== undefined) {
      known.tellers.add(teller)
      return
    }
    const [oldest] = this.#missing.keys()
    if (this.#missing.size >= this.#limits.missing && oldest !== undefined) this.#missing.delete(oldest)
    this.#missing.set(hash, { hash, tried: new Set(), tellers: new Set([teller]) })
  }

  /** The next request to make, or null. */
  next(nowMs: SteadyMs): FetchOrder | null {
    this.#nextCheckMs = null
    // While all are at work for us time changes nothing.
    const { hasRoom } = this.#sources
    if (hasRoom) {
      for (const want of this.#missing.values()) {
        const { hash, tellers, tried } = want
        const order = this.#mayAsk(want, nowMs)
          ? this.#sources.ask(hash, { peers: tellers, tried, preferred: null }, nowMs)
          : null
        if (order !== null) return order
      }
    }
    // What came early and waits inside the chain takes up room there, so it counts: else the window would slide on past a
    // hole that a slow peer leaves, until the chain drops the very shares it needs next.
    let ahead = 0
    const open: ChainWant[] = []
    for (let at = this.#namedFrom; at < this.#named.length; at++) {
      const hash = this.#named[at]
      if (hash === undefined) break
      const want = this.#chain.get(hash)
      if (want === undefined && !this.#heldUntil.has(hash)) {
        if (at === this.#namedFrom) this.#namedFrom++
        continue
      }
      if (ahead++ >= this.#limits.ahead) break
      if (want === undefined) continue
      if (want.notBeforeMs > nowMs) {
        this.#checkAt(want.notBeforeMs)
        continue
      }
      if (hasRoom && this.#mayAsk(want, nowMs)) {
        const { preferred, tried } = want
        const order = this.#sources.ask(hash, { peers: this.#sources.all(), tried, preferred }, nowMs)
        if (order !== null) return order
      }
      this.#endRound(want, nowMs)
      open.push(want)
    }
    return hasRoom && ahead > 0 ? this.#overtake(open, nowMs) : null
  }

  /** A share is here, from whomever. `waiting`: the chain holds it until what it builds on is here. */
  arrived(hash: ShareHash, state: 'done' | 'waiting', nowMs: SteadyMs): void {
    this.#missing.delete(hash)
    // Done before, and held again.
    if (!this.#chain.delete(hash) && state === 'waiting') this.#namedFrom = 0
    if (state === 'done') this.#heldUntil.delete(hash)
    else if (this.#heldUntil.size < this.#limits.held) this.#heldUntil.set(hash, steadyMs(nowMs + HELD_MS))
  }

  /** A request that `next` named has ended. Called once for each; those to a source that was removed have ended with it. */
  answered(order: FetchOrder, result: FetchResult, nowMs: SteadyMs): void {
    if (!this.#sources.ended(order, result, nowMs)) return
    const { hash, peer } = order
    const missing = this.#missing.get(hash)
    if (result !== 'brought') (missing ?? this.#chain.get(hash))?.tried.add(peer)
    if (missing !== undefined) this.#forgetIfHopeless(missing)
  }

  checkInvariants(): void {
    invariant(this.#chain.size <= this.#limits.wanted, 'wanted shares are within their cap')
    invariant(this.#missing.size <= this.#limits.missing, 'missing shares are within their cap')
    invariant(this.#heldUntil.size <= this.#limits.held, 'held shares are within their cap')
    for (const want of this.#missing.values()) {
      invariant(!this.#chain.has(want.hash), 'a share is wanted once')
      invariant(want.tellers.size > 0, 'a missing share was named by somebody who is here')
    }
    this.#sources.checkInvariants()
  }

  /** Whether it is time to ask somebody, or somebody else as well. */
  #mayAsk({ hash }: Want, nowMs: SteadyMs): boolean {
    const asked = this.#sources.askedFor(hash)
    if (asked === undefined) return true
    if (asked.size >= MAX_ASKED_PER_SHARE) return false
    for (const { sinceMs } of asked.values()) {
      if (sinceMs + HEDGE_MS <= nowMs) continue
      this.#checkAt(sinceMs + HEDGE_MS)
      return false
    }
    return true
  }

  /** With nothing else to ask for within reach: what a quicker peer would have brought meanwhile. */
  #overtake(open: readonly ChainWant[], nowMs: SteadyMs): FetchOrder | null {
    for (const { hash, tried } of open) {
      const asked = this.#sources.askedFor(hash)
      if (asked === undefined || asked.size >= MAX_ASKED_PER_SHARE) continue
      const quickest = this.#sources.quickest(hash, tried)
      if (quickest === null) continue
      const sinceMs = Math.max(...[...asked.values()].map(request => request.sinceMs))
      const atMs = sinceMs + Math.ceil(HEDGE_TIMES * quickest.tookMs)
      if (atMs > nowMs) this.#checkAt(atMs)
      else return this.#sources.ask(hash, { peers: [quickest.peer], tried, preferred: null }, nowMs)
    }
    return null
  }

  /** Everybody was tried: all may be tried again after a while. */
  #endRound(want: ChainWant, nowMs: SteadyMs): void {
    if (
      this.#sources.askedFor(want.hash) !== undefined ||
      this.#sources.size === 0 ||
      want.tried.size < this.#sources.size
    )
      return
    want.tried.clear()
    want.notBeforeMs = nowMs + Math.min(MAX_ROUND_MS, FIRST_ROUND_MS * 2 ** Math.min(want.rounds, 10))
    want.rounds++
    this.#checkAt(want.notBeforeMs)
  }

  #forgetIfHopeless(want: MissingWant): void {
    for (const teller of want.tellers) if (!want.tried.has(teller)) return
    this.#missing.delete(want.hash)
  }

  #checkAt(atMs: number): void {
    if (this.#nextCheckMs === null || atMs < this.#nextCheckMs) this.#nextCheckMs = atMs
  }
}
