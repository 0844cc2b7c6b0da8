import { BoundedMap, invariant, type Rng, type ShareHash, type SteadyMs, steadyMs } from '@p2poolv2/primitives'
import type { ChainIndex } from '../chain-port.ts'
import type { PeerId } from '../network-port.ts'
import type { PeerBook } from '../peers/peer-book.ts'

/** One peer is asked for headers this often at least: a push that got lost is never repeated (protocol §19.5, §19.7). */
export const POLL_MS = 60_000
/** Between two sessions with one peer, so that nobody can make us ask without end. */
const MIN_GAP_MS = 1_000
/** Wait after the first failure of a peer; doubled with each further one. */
const FIRST_BACKOFF_MS = 5_000
const MAX_BACKOFF_MS = 600_000

const NEVER = Number.POSITIVE_INFINITY

/** Peers whose failures are remembered; at the cap those of who was asked first are forgotten. */
export const MAX_REMEMBERED_PEERS = 1_024

interface Patience {
  failures: number
  notBeforeMs: SteadyMs
  /** It failed beside others, with a lighter chain or by being slower, and did nothing wrong. */
  isBlameless: boolean
}

const NEVER_ASKED: Pick<Patience, 'failures' | 'isBlameless'> = { failures: 0, isBlameless: false }

interface Parts {
  readonly chain: Pick<ChainIndex, 'facts'>
  readonly peers: PeerBook
  readonly rng: Rng
}

/** Whose turn it is to be asked for headers: those with something to tell first, then one after the other. */
export class Turns {
  readonly #parts: Parts
  /** Peers to ask, in order, and the share that made us want to; null to ask in any case. At most one entry a peer. */
  readonly #wanting = new Map<PeerId, ShareHash | null>()
  /** Of peers that have been asked, and of those that failed also when they have gone: who comes back is no newcomer. */
  readonly #patience = new BoundedMap<PeerId, Patience>(MAX_REMEMBERED_PEERS)
  #pollAtMs: SteadyMs | null = null
  #lastInRotation: PeerId | null = null

  constructor(parts: Parts) {
    this.#parts = parts
  }

  get pollAtMs(): SteadyMs | null {
    return this.#pollAtMs
  }

  /** Wants to ask this peer; `unknown` is the share it has and we do not, or null to ask in any case. */
  want(peer: PeerId, unknown: ShareHash | null): void {
    if (this.#parts.peers.get(peer)?.isOfOurRules !== true) return
    const before = this.#wanting.get(peer)
    // Two reasons are one too many to remember: ask in any case.
    this.#wanting.set(peer, before === undefined || before === unknown ? unknown : null)
  }

  peerConnected(nowMs: SteadyMs): void {
    if (this.#pollAtMs === null) this.asked(nowMs)
  }

  peerGone(peer: PeerId): void {
    this.#wanting.delete(peer)
    if (this.#patience.get(peer)?.failures === 0) this.#patience.delete(peer)
    if (this.#parts.peers.size === 0) this.#pollAtMs = null
  }

  /** Somebody is being asked, so the next poll is a while off. */
  asked(nowMs: SteadyMs): void {
    // Spread by a tenth, so that nodes started together do not ask together for ever.
    this.#pollAtMs = steadyMs(nowMs + POLL_MS + (this.#parts.rng.u32() % (POLL_MS / 10)))
  }

  /** If it is time for a poll: somebody is wanted. */
  poll(isBusy: (peer: PeerId) => boolean, nowMs: SteadyMs): void {
    if (this.#pollAtMs === null || this.#pollAtMs > nowMs) return
    this.asked(nowMs)
    const peer = this.inRotation(isBusy, nowMs)
    if (peer !== null) this.want(peer, null)
  }

  finished(peer: PeerId, nowMs: SteadyMs): void {
    this.#patience.set(peer, { failures: 0, notBeforeMs: steadyMs(nowMs + MIN_GAP_MS), isBlameless: false })
  }

  /** @param how `isForNow`: it may have more to tell soon than whoever was asked in its place */
  failed(
    peer: PeerId,
    { isBlameless, isForNow }: { readonly isBlameless: boolean; readonly isForNow: boolean },
    nowMs: SteadyMs
  ): void {
    const failures = (this.#patience.get(peer)?.failures ?? 0) + 1
    const backoffMs = Math.min(MAX_BACKOFF_MS, FIRST_BACKOFF_MS * 2 ** Math.min(failures - 1, 10))
    this.#patience.set(peer, { failures, notBeforeMs: steadyMs(nowMs + backoffMs), isBlameless })
    // Who has never told anything is not waited for.
    if (isForNow && this.#parts.peers.get(peer)?.hasToldHeaders === true) this.want(peer, null)
  }

  /**
   * The heaviest chain turned out to break the rules, or its bodies do not come. Who gave way to the one that brought it may have the right
   * one, and so may who had told all before: beside a heavier chain headers are let go of when memory is short. Both would else be asked
   * again a minute later or more.
   */
  fallen(nowMs: SteadyMs): void {
    for (const { id } of this.#parts.peers.all()) {
      const { failures, isBlameless } = this.#patience.get(id) ?? NEVER_ASKED
      if (failures > 0 && !isBlameless) continue
      if (failures > 0) this.finished(id, nowMs)
      this.want(id, null)
    }
  }

  /** The next peer that has something to tell and may be asked now; it is wanted no more. */
  nextWanted(isBusy: (peer: PeerId) => boolean, nowMs: SteadyMs): PeerId | null {
    for (const [peer, unknown] of this.#wanting) {
      if (isBusy(peer) || this.#notBeforeMs(peer) > nowMs) continue
      this.#wanting.delete(peer)
      if (unknown === null || this.#parts.chain.facts(unknown) === undefined) return peer
    }
    return null
  }

  /** The next peer after the one last named that may be asked now. */
  inRotation(isBusy: (peer: PeerId) => boolean, nowMs: SteadyMs): PeerId | null {
    const ids = [...this.#parts.peers.all()].map(peer => peer.id)
    const start = this.#lastInRotation === null ? 0 : ids.indexOf(this.#lastInRotation) + 1
    for (const id of [...ids.slice(start), ...ids.slice(0, start)]) {
      if (isBusy(id) || this.#notBeforeMs(id) > nowMs) continue
      this.#lastInRotation = id
      return id
    }
    return null
  }

  /** When a peer with something to tell may be asked; null if there is none. */
  get wantedAtMs(): number | null {
    return this.#earliest(this.#wanting.keys())
  }

  /** When any peer that is not busy may be asked; null if there is none. */
  readyAtMs(isBusy: (peer: PeerId) => boolean): number | null {
    return this.#earliest([...this.#parts.peers.all()].map(({ id }) => id).filter(id => !isBusy(id)))
  }

  checkInvariants(): void {
    const { peers } = this.#parts
    for (const peer of this.#wanting.keys()) {
      invariant(peers.get(peer) !== undefined, 'header sync wants to ask connected peers only')
    }
    this.#patience.checkInvariants()
    invariant((this.#pollAtMs === null) === (peers.size === 0), 'somebody is polled while there is somebody')
  }

  #earliest(peers: Iterable<PeerId>): number | null {
    let earliest: number | null = null
    for (const peer of peers) {
      const atMs = this.#notBeforeMs(peer)
      if (atMs === NEVER) continue
      if (earliest === null || atMs < earliest) earliest = atMs
    }
    return earliest
  }

  #notBeforeMs(id: PeerId): number {
    const peer = this.#parts.peers.get(id)
    if (peer?.isOfOurRules !== true) return NEVER
    return this.#patience.get(id)?.notBeforeMs ?? 0
  }
}
