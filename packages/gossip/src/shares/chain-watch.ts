import type { BodyWait } from '@p2poolv2/consensus'
import { type SteadyMs, steadyMs, type Work } from '@p2poolv2/primitives'
import type { ChainJudgement, ChainPort } from '../chain-port.ts'
import { isCurrent } from '../currentness.ts'
import type { PeerId } from '../network-port.ts'
import { MAX_WANTED, type ShareFetcher } from './fetcher.ts'
import type { Relay } from './relay.ts'

/** While shares are wanted the chain is asked again this often which, so that none is forgotten. */
const REFRESH_MS = 10_000

interface Parts {
  readonly chain: ChainPort
  readonly fetcher: ShareFetcher
  readonly relay: Relay
}

/** What a change of the share chain means for peers: who hears of it, and what is asked of them next. */
export class ChainWatch {
  readonly #parts: Parts
  /** Set when the chain's wishes may have changed: whom to ask first for new ones. */
  #stale: { readonly preferred: PeerId | null } | null = null
  /** The chain may want more than it was asked to name. */
  #moreWanted = false
  #refreshAtMs: SteadyMs | null = null
  #wait: BodyWait = { isAwaited: false, isOtherShown: false }
  /** Of the candidate chain when it was looked at last. */
  #work: Work = 0n

  constructor(parts: Parts) {
    this.#parts = parts
  }

  get nextDeadlineMs(): SteadyMs | null {
    return this.#refreshAtMs
  }

  moved(outcome: ChainJudgement, nowMs: SteadyMs): void {
    const { fetcher, relay } = this.#parts
    for (const hash of outcome.validated) {
      relay.validated(hash, nowMs)
      // Those that had waited for this one wait no more.
      fetcher.arrived(hash, 'done', nowMs)
    }
    if (outcome.invalidated.length > 0) this.changed()
  }

  /** Whether the candidate chain is lighter than when it was asked last: its end was invalid, or the chain has turned away from it. */
  takeFallen(): boolean {
    const before = this.#work
    this.#work = this.#parts.chain.candidateTip().chainWork
    const isFallen = this.#work < before
    if (isFallen) this.changed()
    return isFallen
  }

  /** Tells the chain, if it has changed, with what its bodies are waited for. */
  bodiesAwaited(wait: BodyWait, nowMs: SteadyMs): void {
    const { isAwaited, isOtherShown } = this.#wait
    if (wait.isAwaited === isAwaited && wait.isOtherShown === isOtherShown) return
    this.#wait = wait
    this.moved(this.#parts.chain.awaitBodies(wait), nowMs)
  }

  /** The chain may want other shares than before. */
  changed(): void {
    this.#stale ??= { preferred: null }
  }

  /** The chain has taken in headers of a peer, which has their bodies. */
  headersTaken(peer: PeerId): void {
    const { chain, fetcher } = this.#parts
    fetcher.addSource(peer)
    this.#stale = { preferred: isCurrent(chain) ? peer : null }
  }

  /** Its headers are not taken in, but what stands below the place where its chain parts from ours it has as well. */
  showedLighter(peer: PeerId): void {
    this.#parts.fetcher.addSource(peer)
  }

  /** Asks the chain what it wants, if that may have changed. Called after every event. */
  work(nowMs: SteadyMs): void {
    const { chain, fetcher } = this.#parts
    const isDue = this.#refreshAtMs !== null && this.#refreshAtMs <= nowMs
    if (this.#stale === null && !isDue && !(this.#moreWanted && fetcher.isLow)) return
    const wanted = chain.wantedBodies(MAX_WANTED)
    fetcher.setWanted(wanted, this.#stale?.preferred ?? null, nowMs)
    this.#stale = null
    this.#moreWanted = wanted.length >= MAX_WANTED
    this.#refreshAtMs = wanted.length > 0 ? steadyMs(nowMs + REFRESH_MS) : null
  }
}
