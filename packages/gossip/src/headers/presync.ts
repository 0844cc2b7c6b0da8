import {
  type ChainParams,
  followHeaders,
  type HeaderItem,
  type HeaderTail,
  MAX_BATCH_HEADERS_PER_HEIGHT,
  type ShareFacts,
  tailAncestor,
  tailFrom,
  tailHeights
} from '@p2poolv2/consensus'
import { type Height, invariant, type ShareHash, type Work, ZERO_SHARE_HASH } from '@p2poolv2/primitives'
import type { ChainIndex } from '../chain-port.ts'
import type { FaultCode } from '../peers/verdicts.ts'
import { isRefuted } from './answer.ts'
import { FULL_ANSWER_HEADERS } from './full-answer.ts'
import { leadingTo, neededBy } from './needed.ts'

/** Headers that build on our candidate chain within this many heights of its tip are taken as they come. */
export const NEAR_HEIGHTS = 144
/**
 * Checkpoints of one peer: one for each full answer, so a chain of fifty years and, at some hundred bytes each, 20 MiB. A peer with
 * a longer one is not followed further.
 */
export const MAX_CHECKPOINTS = 200_000

export interface NextQuestion {
  readonly locator: readonly ShareHash[]
  readonly stop: ShareHash
}

/** What to do with an answer. */
export type Step =
  /** Give the headers to the chain. `provenWork`: of the chain they belong to, as far as it was followed; else 0. */
  | { readonly type: 'take'; readonly items: readonly HeaderItem[]; readonly provenWork: Work }
  | { readonly type: 'ask'; readonly question: NextQuestion }
  /** `isElsewhere`: it does not go on from what was asked about, so its peer may have gone over to another chain. */
  | { readonly type: 'fail'; readonly reason: string; readonly code?: FaultCode; readonly isElsewhere?: boolean }

/** What a full answer that does not lead further is: the same again, or that of a peer which follows another chain by now. */
export function noProgress(isSame: boolean): Omit<Extract<Step, { type: 'fail' }>, 'type'> {
  const reason = 'no-progress'
  return isSame ? { reason, code: 'answer-without-progress' } : { reason, isElsewhere: true }
}

type Phase = 'direct' | 'following' | 'fetching'

/**
 * Keeps headers of a lighter chain out of our memory. A peer whose answer leads away from our candidate chain has to show first that
 * what it leads to is heavier: its headers are judged and forgotten, all but the newest few and one hash for each answer. Only
 * when their work exceeds that of our candidate chain, and the least a chain must have, are they asked for again and kept,
 * of each answer what leads to the hash noted for it, so that nothing else can be slipped in the second time.
 *
 * The normal case, headers near the tip of our candidate chain, costs a look at the share they build on. One of these belongs to
 * one session with one peer.
 */
export class Presync {
  readonly #params: ChainParams
  readonly #chain: ChainIndex
  #phase: Phase = 'direct'
  #tail: HeaderTail | null = null
  /** Where the peer's chain was first asked from: the second time it is asked from there too. */
  #origin: readonly ShareHash[] = []
  readonly #checkpoints: ShareHash[] = []
  #fetched = 0
  #reached: Height = 0
  #headers = 0

  constructor(params: ChainParams, chain: ChainIndex) {
    this.#params = params
    this.#chain = chain
  }

  get phase(): Phase {
    return this.#phase
  }

  /** Headers followed and not kept. */
  get followedHeaders(): number {
    return this.#headers
  }

  /** The newest header followed; null when none is. */
  get tip(): ShareFacts | null {
    return this.#tail?.tip ?? null
  }

  /** Notes what the next answer answers. */
  asked(locator: readonly ShareHash[]): void {
    if (this.#phase === 'direct') this.#origin = locator
  }

  answered(items: readonly HeaderItem[]): Step {
    if (isRefuted(items, this.#chain)) return { type: 'fail', reason: 'refuted-chain' }
    if (this.#phase === 'fetching') return this.#fetch(items)
    if (this.#phase === 'direct' && this.#isTakenAnyway(items)) {
      return { type: 'take', items: this.#withoutFar(items), provenWork: 0n }
    }
    return this.#onOurChain(items) ?? this.#follow(items)
  }

  /** After the chain took headers: where to go on, or null to go on as with any answer. */
  taken(): NextQuestion | null {
    if (this.#phase !== 'fetching') return null
    const [last, next] = this.#checkpoints.slice(this.#fetched, this.#fetched + 2)
    invariant(last !== undefined, 'what is fetched leads to a checkpoint')
    this.#fetched++
    if (next !== undefined) return { locator: [last], stop: next }
    this.#phase = 'direct'
    this.#tail = null
    this.#checkpoints.length = 0
    return { locator: [last], stop: ZERO_SHARE_HASH }
  }

  checkInvariants(): void {
    invariant(this.#checkpoints.length <= MAX_CHECKPOINTS, 'checkpoints are within their cap')
    const most = (tailHeights(this.#params) + 1) * MAX_BATCH_HEADERS_PER_HEIGHT
    // A batch may bring side branches from as far below as the tail reaches, each time up to a full height.
    invariant((this.#tail?.facts.size ?? 0) <= 2 * most, 'a tail is short')
  }

  /**
   * A full answer that ends with a share of ours, far below our tip: so far its sender follows what we know, whatever it lists beside that, and
   * is asked where it goes on. The last header is its own chain's (protocol §18.5). Null for any other answer.
   */
  #onOurChain(items: readonly HeaderItem[]): Step | null {
    const last = items.length < FULL_ANSWER_HEADERS ? undefined : items.at(-1)
    const known = last === undefined ? undefined : this.#chain.facts(last.hash)
    if (known === undefined || known.validity === 'invalid') return null
    if (this.#phase !== 'direct') return { type: 'fail', reason: 'own-chain', isElsewhere: true }
    if (known.height <= this.#reached) return { type: 'fail', ...noProgress(true) }
    this.#reached = known.height
    return { type: 'ask', question: { locator: [known.hash], stop: ZERO_SHARE_HASH } }
  }

  #follow(items: readonly HeaderItem[]): Step {
    const isFirst = this.#tail === null
    const followed = followHeaders(this.#params, {
      tail: this.#tail,
      view: this.#chain,
      items,
      nowSec: this.#chain.wallSec()
    })
    // Then the chain says what is missing.
    if (followed.type === 'unconnected') return { type: 'take', items, provenWork: 0n }
    if (followed.type === 'refused') return { type: 'fail', reason: followed.code, code: followed.code }
    // It did not go on from what we named as ours, or as its own, but told us of our own past.
    if (followed.joins) return { type: 'fail', reason: 'own-chain', isElsewhere: !isFirst }
    const { tail, fresh } = followed
    const work = tail.tip.chainWork
    const isEnough = work > this.#chain.candidateTip().chainWork && work >= this.#params.minimumChainWork
    if (isFirst && isEnough) return { type: 'take', items: leadingTo(items, tail.tip.hash, tail), provenWork: work }
    this.#headers += fresh
    this.#phase = 'following'
    this.#tail = tail
    const [first] = this.#checkpoints
    if (isEnough && first !== undefined) {
      this.#phase = 'fetching'
      this.#fetched = 0
      return { type: 'ask', question: { locator: this.#origin, stop: first } }
    }
    if (items.length < FULL_ANSWER_HEADERS) return { type: 'fail', reason: 'lighter-chain' }
    const checkpoint = tailAncestor(tail, tailHeights(this.#params))
    if (checkpoint.height <= this.#reached) {
      return { type: 'fail', ...noProgress(items.some(({ hash }) => hash === this.#checkpoints.at(-1))) }
    }
    if (this.#checkpoints.length >= MAX_CHECKPOINTS) return { type: 'fail', reason: 'endless-chain' }
    this.#reached = checkpoint.height
    this.#checkpoints.push(checkpoint.hash)
    // Whatever is followed from here on leads through every checkpoint: only then is its work that of what is fetched.
    this.#tail = tailFrom(tail, checkpoint)
    return { type: 'ask', question: { locator: [checkpoint.hash], stop: ZERO_SHARE_HASH } }
  }

  #fetch(items: readonly HeaderItem[]): Step {
    const checkpoint = this.#checkpoints[this.#fetched]
    if (checkpoint === undefined || !items.some(({ hash }) => hash === checkpoint)) {
      return { type: 'fail', reason: 'other-headers-than-before', isElsewhere: true }
    }
    return { type: 'take', items: leadingTo(items, checkpoint, null), provenWork: this.#tail?.tip.chainWork ?? 0n }
  }

  /**
   * What builds on our candidate chain near its tip, and of the rest what that needs: uncles may part from far below. Else one
   * header near the tip would bring in any others beside it.
   */
  #withoutFar(items: readonly HeaderItem[]): readonly HeaderItem[] {
    const chain = this.#chain
    const lowest = chain.candidateTip().height - NEAR_HEIGHTS
    const inside = new Set(items.map(({ hash }) => hash))
    const taken = new Set<ShareHash>()
    for (const { hash, header } of items) {
      const known = chain.facts(hash) ?? chain.facts(header.prevShareHash)
      // What builds on nothing known is for the chain to name: it is asked for from deeper.
      const isLoose = known === undefined && !inside.has(header.prevShareHash)
      if (isLoose || taken.has(header.prevShareHash) || (known !== undefined && known.height >= lowest)) taken.add(hash)
    }
    const needed = neededBy(
      items,
      items.filter(({ hash }) => taken.has(hash))
    )
    return needed.size === 0 || needed.size === inside.size ? items : items.filter(({ hash }) => needed.has(hash))
  }

  /** Whether the chain may have these headers without their work being looked at: near its tip, or for it to refuse. */
  #isTakenAnyway(items: readonly HeaderItem[]): boolean {
    const chain = this.#chain
    const inside = new Set(items.map(({ hash }) => hash))
    let highest: Height = -1
    for (const { header } of items) {
      if (inside.has(header.prevShareHash)) continue
      const anchor = chain.facts(header.prevShareHash)
      if (anchor !== undefined && anchor.height > highest) highest = anchor.height
    }
    const tip = chain.candidateTip()
    // Only the genesis is below what is kept. A chain found to be right is not left for what forks from there.
    if (highest + 1 < chain.keptFromHeight) return !chain.isUndecided
    return tip.chainWork >= this.#params.minimumChainWork && tip.height - highest <= NEAR_HEIGHTS
  }
}
