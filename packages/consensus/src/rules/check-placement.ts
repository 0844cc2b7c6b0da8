/** Rules about a share's place in the share chain: parent, target, uncles, time. Source: protocol §12.3, §12.6, §12.7, §13. */
import { type CompactBits, invariant, type ShareHash } from '@p2poolv2/primitives'
import { requiredBits } from '../asert.ts'
import type { ChainParams } from '../params.ts'
import { type ChainView, type Checked, PASSED, refused, type ShareFacts, type ShareHeader } from '../share.ts'

type Placed = Pick<ShareHeader, 'prevShareHash' | 'uncles' | 'bits'>

/** Parent, target and the positional uncle rules; everything about a header that needs other headers. */
export function checkPlacement(params: ChainParams, header: Placed, view: ChainView): Checked {
  const placed = checkParentAndBits(params, header, view)
  return placed.ok ? checkUncles(params, header, view) : placed
}

/** The part of `checkPlacement` header sync asks for before uncles are looked at (protocol §12.3). */
export function checkParentAndBits(params: ChainParams, header: Placed, view: ChainView): Checked {
  // share-parent-unknown, share-parent-invalid: the parent is known and not invalid.
  const parent = view.facts(header.prevShareHash)
  if (parent === undefined) return refused('share-parent-unknown', { parent: header.prevShareHash })
  if (parent.validity === 'invalid') return refused('share-parent-invalid', { parent: parent.hash })

  // share-bits: the target follows from the parent's time and height; compared as 32-bit numbers.
  const required: CompactBits = requiredBits(params, parent.timeSec, parent.height)
  if (header.bits !== required) return refused('share-bits', { bits: header.bits, requiredBits: required })
  return PASSED
}

/** Rules 1 to 6 of protocol §13. All are functions of the share's own ancestry, so all nodes agree. */
export function checkUncles(params: ChainParams, header: Placed, view: ChainView): Checked {
  // share-uncle-count: at most three.
  const { uncles } = header
  if (uncles.length > params.maxUncles) {
    return refused('share-uncle-count', { uncles: uncles.length, maxUncles: params.maxUncles })
  }
  if (uncles.length === 0) return PASSED
  const parent = view.facts(header.prevShareHash)
  if (parent === undefined) return refused('share-parent-unknown', { parent: header.prevShareHash })

  // uncle-repeated: each is named once.
  if (new Set(uncles).size !== uncles.length) return refused('uncle-repeated', { uncles: uncles.join(' ') })

  const nephewHeight = parent.height + 1
  const ancestors = lastAncestors(view, parent, params.uncleDepth)
  const known: ShareFacts[] = []
  for (const uncle of uncles) {
    // uncle-unknown: its header is here.
    const facts = view.facts(uncle)
    if (facts === undefined) return refused('uncle-unknown', { uncle })
    known.push(facts)
  }
  for (const { hash: uncle, height: uncleHeight } of known) {
    // uncle-height: below the nephew.
    if (uncleHeight >= nephewHeight) return refused('uncle-height', { uncle, uncleHeight, nephewHeight })
    // uncle-depth: by at most three.
    if (nephewHeight - uncleHeight > params.uncleDepth) {
      return refused('uncle-depth', { uncle, uncleHeight, nephewHeight })
    }
    // uncle-is-ancestor: not the parent, grandparent or great-grandparent.
    if (ancestors.includes(uncle)) return refused('uncle-is-ancestor', { uncle })
  }
  return PASSED
}

/** Rule 7 of protocol §13, asked separately because it depends on what this node has stored. */
export function checkUncleBodies(header: Pick<ShareHeader, 'uncles'>, view: ChainView): Checked {
  for (const uncle of header.uncles) {
    const facts = view.facts(uncle)
    if (facts === undefined) return refused('uncle-unknown', { uncle })
    if (!facts.hasBody) return refused('uncle-body-missing', { uncle })
  }
  return PASSED
}

function lastAncestors(view: ChainView, parent: ShareFacts, depth: number): ShareHash[] {
  const hashes: ShareHash[] = []
  let ancestor: ShareFacts | undefined = parent
  while (ancestor !== undefined && hashes.length < depth) {
    hashes.push(ancestor.hash)
    ancestor = ancestor.height === 0 ? undefined : view.facts(ancestor.prevHash)
  }
  return hashes
}

/**
 * Median of the share times of up to eleven ancestors beginning with the parent; null if one of them is no longer held.
 * A share's time must be above it.
 */
export function medianTimePastOrNull(params: ChainParams, view: ChainView, parentHash: ShareHash): number | null {
  const times: number[] = []
  let ancestor = view.facts(parentHash)
  while (ancestor !== undefined) {
    times.push(ancestor.timeSec)
    if (times.length === params.medianTimeSpan || ancestor.height === 0) {
      times.sort((a, b) => a - b)
      return times[Math.floor(times.length / 2)] ?? null
    }
    ancestor = view.facts(ancestor.prevHash)
  }
  return null
}

/**
 * Rule 1 of protocol §12.7: a function of the share's ancestors and of the clock, so it can be asked before anything is built
 * on the share.
 * @param nowSec the node's clock, unix seconds
 */
export function checkTime(
  params: ChainParams,
  { timeSec, prevShareHash }: Pick<ShareHeader, 'timeSec' | 'prevShareHash'>,
  { view, nowSec }: { readonly view: ChainView; readonly nowSec: number }
): Checked {
  // share-time-future: at most two minutes ahead.
  if (timeSec > nowSec + params.futureTimeSec) return refused('share-time-future', { timeSec, nowSec })

  // share-time-median: above the median of the last eleven ancestors.
  const medianTimeSec = medianTimePastOrNull(params, view, prevShareHash)
  if (medianTimeSec === null) return refused('share-ancestors-gone', { parent: prevShareHash })
  if (timeSec <= medianTimeSec) return refused('share-time-median', { timeSec, medianTimeSec })
  return PASSED
}

/** As `medianTimePastOrNull`, for a parent whose ancestors are held: a tip of our own chain. */
export function medianTimePast(params: ChainParams, view: ChainView, parentHash: ShareHash): number {
  const median = medianTimePastOrNull(params, view, parentHash)
  invariant(median !== null, 'the last eleven ancestors of a tip are held')
  return median
}
