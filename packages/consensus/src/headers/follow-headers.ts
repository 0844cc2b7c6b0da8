/** A run of headers judged one after the other, without keeping them: how much work a peer's chain has. Source: protocol §12.2, §12.3, §12.7. */
import { type Height, type ShareHash, type Work, workFromBits } from '@p2poolv2/primitives'
import { requiredBits } from '../asert.ts'
import { verifyCoinbaseProof } from '../commitment/coinbase-proof.ts'
import type { ChainParams } from '../params.ts'
import type { RuleCode } from '../rule-code.ts'
import { checkHeader } from '../rules/check-header.ts'
import { checkTime } from '../rules/check-placement.ts'
import type { ChainView, RuleFacts, ShareFacts } from '../share.ts'
import type { CrowdCode } from './chain-verdict.ts'
import { MAX_BATCH_HEADERS_PER_HEIGHT } from './header-batch.ts'
import type { HeaderItem } from './header-item.ts'

/** Heights a tail keeps besides those the median time needs: what answers begin below, and how deep branches mostly part. */
const TAIL_SLACK_HEIGHTS = 5

/** The newest part of a chain of headers that is followed: at most `tailHeights` heights of `maxSharesPerHeight` shares. */
export interface HeaderTail {
  readonly facts: ReadonlyMap<ShareHash, ShareFacts>
  /** The heaviest header in which everything is right. */
  readonly tip: ShareFacts
}

export interface FollowInput {
  /** What was followed so far; null at the beginning. */
  readonly tail: HeaderTail | null
  /** What is known anyway. Headers may build on it only while there is no tail. */
  readonly view: ChainView
  readonly items: readonly HeaderItem[]
  /** Unix seconds. */
  readonly nowSec: number
}

export type Followed =
  /** `fresh`: headers that were not in the tail; `joins`: one of them is known already although its parent is not. */
  | { readonly type: 'followed'; readonly tail: HeaderTail; readonly fresh: number; readonly joins: boolean }
  /** None of the headers builds on anything known that is not invalid. */
  | { readonly type: 'unconnected' }
  | { readonly type: 'refused'; readonly code: RuleCode | CrowdCode; readonly facts: RuleFacts }

/** How many heights a tail reaches below its tip. */
export function tailHeights(params: ChainParams): number {
  return params.medianTimeSpan + TAIL_SLACK_HEIGHTS
}

/**
 * Judges headers in the order given and returns the tail they lead to. Work, target, proof and difficulty rule are as for any
 * header: a breach refuses the batch. A header whose time is wrong, or whose body is known to break the rules, and what is built on
 * it, counts for nothing, since an honest node may serve it. Uncles are not looked at: they carry no work of the chain. Headers that build on nothing known are passed over.
 * Nothing given is changed; memory is that of one tail.
 */
export function followHeaders(params: ChainParams, input: FollowInput): Followed {
  const { view, items, nowSec } = input
  const facts = new Map(input.tail?.facts)
  // Only the first headers may build on what is known anyway: work that others did does not count for this chain.
  const isFirst = input.tail === null
  const known: ChainView = { facts: hash => facts.get(hash) ?? (isFirst ? view.facts(hash) : undefined) }
  const perHeight = new Map<Height, number>()
  let tip = input.tail?.tip ?? null
  let fresh = 0
  let joins = false
  for (const { header, merkleBranch, hash } of items) {
    if (facts.has(hash)) continue
    const parent = known.facts(header.prevShareHash)
    if (parent === undefined) continue
    const height = parent.height + 1
    const shares = (perHeight.get(height) ?? 0) + 1
    perHeight.set(height, shares)
    if (shares > MAX_BATCH_HEADERS_PER_HEIGHT)
      return { type: 'refused', code: 'height-crowded', facts: { height, shares } }
    const gate = checkHeader(params, header)
    if (!gate.ok) return { type: 'refused', code: gate.code, facts: gate.facts }
    const proof = verifyCoinbaseProof(header, merkleBranch)
    if (!proof.ok) return { type: 'refused', code: proof.code, facts: proof.facts }
    const required = requiredBits(params, parent.timeSec, parent.height)
    if (header.bits !== required) {
      return { type: 'refused', code: 'share-bits', facts: { bits: header.bits, requiredBits: required } }
    }
    const before = view.facts(hash)
    if (before !== undefined && view.facts(parent.hash) === undefined) joins = true
    const { timeSec } = header
    const timely = checkTime(params, header, { view: known, nowSec })
    // At the beginning of a tail the median may not be known.
    const isTimely = timely.ok || timely.code === 'share-ancestors-gone'
    const isOpen = isTimely && parent.validity !== 'invalid' && before?.validity !== 'invalid'
    const share: ShareFacts = {
      hash,
      prevHash: parent.hash,
      height,
      bits: header.bits,
      timeSec,
      uncles: header.uncles,
      minerAddress: header.minerBitcoinAddress.text,
      chainWork: parent.chainWork + workOf(header.bits),
      validity: isOpen ? 'headerValid' : 'invalid',
      hasBody: false
    }
    facts.set(hash, share)
    fresh++
    if (share.validity !== 'invalid' && (tip === null || share.chainWork > tip.chainWork)) tip = share
  }
  if (tip === null) return { type: 'unconnected' }
  const lowest = tip.height - tailHeights(params)
  for (const [hash, { height }] of facts) if (height < lowest) facts.delete(hash)
  return { type: 'followed', tail: { facts, tip }, fresh, joins }
}

/** The share that many heights below the tip on its line, or the lowest one of the line in the tail. */
export function tailAncestor({ facts, tip }: HeaderTail, heights: number): ShareFacts {
  let at = tip
  for (let below = 0; below < heights; below++) {
    const parent = facts.get(at.prevHash)
    if (parent === undefined) break
    at = parent
  }
  return at
}

/** A tail without what does not descend from one of its shares. */
export function tailFrom({ facts, tip }: HeaderTail, root: ShareFacts): HeaderTail {
  const kept = new Map([[root.hash, root]])
  // Parents were followed before their children.
  for (const [hash, share] of facts) if (kept.has(share.prevHash)) kept.set(hash, share)
  return { facts: kept, tip }
}

let lastWork: { readonly bits: number; readonly work: Work } = { bits: 0, work: 0n }

/** Neighbours mostly carry the same bits, and the division is dear. */
function workOf(bits: number): Work {
  if (lastWork.bits !== bits) lastWork = { bits, work: workFromBits(bits) }
  return lastWork.work
}
