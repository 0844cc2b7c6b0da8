import type { ShareFacts } from '@p2poolv2/consensus'
import {
  BoundedMap,
  BoundedSet,
  type Height,
  invariant,
  RateLimit,
  type ShareHash,
  type SteadyMs,
  steadyMs
} from '@p2poolv2/primitives'
import type { ChainIndex } from '../chain-port.ts'
import type { PeerRules } from '../contract.ts'
import type { Dialect, PeerId } from '../network-port.ts'
import { BAN_MS, FORGIVE_MS } from './verdicts.ts'

/** Peers at most, above the network's own limit of 50 in and 50 out; one more is dropped as it comes. */
export const MAX_PEERS = 128
/**
 * Shares remembered per peer as known to it; at the cap the oldest is forgotten, and may be sent twice. The reference
 * remembers 100; shares older than this many are never relayed.
 */
export const KNOWN_SHARES_PER_PEER = 256
/** Dropped peers remembered; at the cap the one dropped first may come back early. */
export const MAX_BANS = 1_024

/** Peers that went with a score, which they have again when they come back; at the cap the one that went first begins anew. */
export const MAX_SCORES_KEPT = 1_024

/**
 * Five hundred requests a second, and four hundred at once: as many bodies as a newcomer can judge. Each costs us about a
 * millisecond, so one that asks for so many has half of a processor.
 */
const REQUESTS = { unitMs: 2, burst: 400 }
/**
 * Bytes of answers, in units of 2,000: two megabytes a second, and eight at once. Full speed of a sync from one peer stays below:
 * sixteen bodies in flight and one header answer at a time.
 */
const ANSWERS = { unitMs: 1, burst: 4_000 }
export const ANSWER_UNIT_BYTES = 2_000
/** Topic messages: fifty a second, far above the rate of shares; what is above is dropped unread. */
const TOPIC_MESSAGES = { unitMs: 20, burst: 500 }
/** Template transactions asked of one peer, in kB: 100 kB a second, two full blocks at once. */
const TEMPLATE_KILOBYTES = { unitMs: 10, burst: 8_000 }

interface Score {
  readonly points: number
  readonly atMs: SteadyMs
}

/** What is remembered of one connected peer. Only its own machines write to it. */
export class Peer {
  readonly id: PeerId
  readonly direction: 'inbound' | 'outbound'
  readonly dialect: Dialect
  readonly connectedAtMs: SteadyMs
  /** From its handshake, unchecked. */
  claimedHeight: Height | null = null
  /** The highest share that it announced, brought or had among its headers, and that we know by now. */
  #shown: Pick<ShareFacts, 'hash' | 'height'> | null = null
  /** Of a reference peer nothing is known: it has no way to tell. */
  rules: PeerRules = 'unknown'
  wasToldRules = false
  /** It has answered a question for headers. */
  hasToldHeaders = false
  /** Shares it sent us or was sent by us. */
  readonly known = new BoundedSet<ShareHash>(KNOWN_SHARES_PER_PEER)
  readonly requests = new RateLimit(REQUESTS)
  /** In units of `ANSWER_UNIT_BYTES`; paid when the answer is given, so what comes next waits. */
  readonly answers = new RateLimit(ANSWERS)
  /** Requests for much that are taken up and not answered yet, and how many bytes their answers may have. Few, see `serving.ts`. */
  readonly answering = new Map<number, number>()
  readonly topicMessages = new RateLimit(TOPIC_MESSAGES)
  readonly templateKilobytes = new RateLimit(TEMPLATE_KILOBYTES)
  #points = 0
  #pointsAtMs: SteadyMs = steadyMs(0)

  constructor(
    id: PeerId,
    about: {
      readonly direction: 'inbound' | 'outbound'
      readonly dialect: Dialect
      readonly connectedAtMs: SteadyMs
    }
  ) {
    this.id = id
    this.direction = about.direction
    this.dialect = about.dialect
    this.connectedAtMs = about.connectedAtMs
  }

  get shownHeight(): Height | null {
    return this.#shown?.height ?? null
  }

  /** It has this share; undefined for one that we do not know. */
  showed(share: ShareFacts | undefined): void {
    if (share === undefined || share.validity === 'invalid') return
    if (share.height > (this.#shown?.height ?? -1)) this.#shown = share
  }

  /** Something that was shown may have turned out to break the rules: then it was nothing. */
  reconsider(chain: Pick<ChainIndex, 'facts'>): void {
    if (this.#shown !== null && chain.facts(this.#shown.hash)?.validity === 'invalid') this.#shown = null
  }

  /** It is the one that went with this score. */
  remember({ points, atMs }: Score): void {
    this.#points = points
    this.#pointsAtMs = atMs
  }

  get score(): Score {
    return { points: this.#points, atMs: this.#pointsAtMs }
  }

  /** What it did was right by its own rules. */
  forgive(): void {
    this.#points = 0
  }

  /** Whether it follows our share chain, as far as is known. */
  get isOfOurRules(): boolean {
    return typeof this.rules === 'string'
  }

  /** Bytes of answers that are still to come, at a guess. */
  get promisedBytes(): number {
    let bytes = 0
    for (const guess of this.answering.values()) bytes += guess
    return bytes
  }

  /** The score now: points fade one at a time. */
  pointsAt(nowMs: SteadyMs): number {
    return Math.max(0, this.#points - Math.floor(Math.max(0, nowMs - this.#pointsAtMs) / FORGIVE_MS))
  }

  /** @returns the score after it */
  penalise(points: number, nowMs: SteadyMs): number {
    this.#points = this.pointsAt(nowMs) + points
    this.#pointsAtMs = nowMs
    return this.#points
  }
}

/** The connected peers, in order of connection, and those that are not let in for a while. */
export class PeerBook {
  readonly #maxPeers: number
  readonly #peers = new Map<PeerId, Peer>()
  readonly #bannedUntil = new BoundedMap<PeerId, SteadyMs>(MAX_BANS)
  readonly #scores = new BoundedMap<PeerId, Score>(MAX_SCORES_KEPT)
  #ours = 0

  constructor(maxPeers: number = MAX_PEERS) {
    this.#maxPeers = maxPeers
  }

  get size(): number {
    return this.#peers.size
  }

  /** Connected peers that are in our topics. */
  get oursCount(): number {
    return this.#ours
  }

  get(id: PeerId): Peer | undefined {
    return this.#peers.get(id)
  }

  all(): IterableIterator<Peer> {
    return this.#peers.values()
  }

  /** Those of one dialect, in order of connection. */
  of(dialect: Dialect): Peer[] {
    return [...this.#peers.values()].filter(peer => peer.dialect === dialect)
  }

  /** @returns why the peer is not let in */
  add(peer: Peer, nowMs: SteadyMs): 'banned' | 'too-many-peers' | null {
    if (nowMs < (this.#bannedUntil.get(peer.id) ?? 0)) return 'banned'
    if (!this.#peers.has(peer.id) && this.#peers.size >= this.#maxPeers) return 'too-many-peers'
    this.remove(peer.id)
    const score = this.#scores.get(peer.id)
    if (score !== undefined) peer.remember(score)
    this.#scores.delete(peer.id)
    this.#peers.set(peer.id, peer)
    if (peer.dialect === 'ours') this.#ours++
    return null
  }

  /** Whether somebody is here who may follow our share chain. */
  get hasCompany(): boolean {
    for (const peer of this.#peers.values()) if (peer.isOfOurRules) return true
    return false
  }

  remove(id: PeerId): void {
    const peer = this.#peers.get(id)
    if (peer === undefined) return
    if (peer.dialect === 'ours') this.#ours--
    this.#peers.delete(id)
    if (peer.score.points > 0) this.#scores.set(id, peer.score)
  }

  /** Removes the peer and keeps it out. */
  ban(id: PeerId, nowMs: SteadyMs): void {
    this.remove(id)
    // That is what it cost.
    this.#scores.delete(id)
    this.#bannedUntil.delete(id)
    this.#bannedUntil.set(id, steadyMs(nowMs + BAN_MS))
  }

  checkInvariants(): void {
    invariant(this.#peers.size <= this.#maxPeers, 'peers are within their cap')
    invariant(this.of('ours').length === this.#ours, 'peers in our topics are counted')
    this.#bannedUntil.checkInvariants()
    this.#scores.checkInvariants()
  }
}
