import type { ChainParams, HeaderQuestion } from '@p2poolv2/consensus'
import type { Height, ShareHash } from '@p2poolv2/primitives'
import type { Organiser } from '../chains/organise.ts'
import { pruneHeightOf } from '../chains/zones.ts'
import { compareDigests } from './hash-order.ts'
import { type HeaderIndex, NO_SLOT, type Slot } from './header-index.ts'

/** Headers in one answer, rounded up to a whole height (protocol §18.5). */
export const MAX_HEADERS_PER_ANSWER = 900
/** Steps of one height before they begin to double. */
const DENSE_STEPS = 10
/** An answer begins this far below the match, so that the asker learns of uncles it may have missed. */
const OVERLAP_HEIGHTS = 2

/**
 * Heights of a locator: dense at the tip, then doubling down to the genesis (protocol §19.2).
 * @param depth heights below the tip to begin at
 */
export function locatorHeights(tip: Height, depth: number): Height[] {
  const heights: Height[] = []
  let step = 1
  for (let height = Math.max(0, tip - depth); height > 0; height -= step) {
    if (heights.length >= DENSE_STEPS) step *= 2
    heights.push(height)
  }
  heights.push(0)
  return heights
}

/** The candidate chain as a locator. Heights that are pruned are left out; the genesis never is. */
export function locatorHashes(index: HeaderIndex, organiser: Organiser, depth: number): ShareHash[] {
  return locatorHeights(organiser.candidateHeight, depth)
    .map(height => organiser.candidateAt(height))
    .filter(slot => slot !== NO_SLOT)
    .map(slot => index.hash(slot))
}

/** All shares at a height by digest, the order the network lists them in. */
export function sortedAtHeight(index: HeaderIndex, height: Height): Slot[] {
  return index.slotsAtHeight(height).sort((a, b) => compareDigests(index.hash(a), index.hash(b)))
}

/**
 * The shares whose headers answer a question, in order (protocol §18.5): every branch, by height, from two below the first
 * hash we know, in whole heights until the stop hash or 900 are reached. Nothing known in common: the genesis alone.
 *
 * Only what is in memory. Empty when the genesis is all we know in common and what follows it is pruned: the answer is then
 * in the store (`readHeaders` gives the height of a locator's hash, `readConfirmed` the hashes from there on).
 */
export function headerAnswer(
  params: ChainParams,
  chain: { readonly index: HeaderIndex; readonly organiser: Organiser },
  question: HeaderQuestion
): ShareHash[] {
  const { index, organiser } = chain
  const match = question.locator.map(hash => index.slotOf(hash)).find(slot => isMatch(index, slot))
  if (match === undefined) return [index.hash(0)]
  const start = Math.max(index.height(match), OVERLAP_HEIGHTS + 1) - OVERLAP_HEIGHTS
  // A header whose parent is left out would tell the asker nothing.
  if (match === 0 && index.lowestHeight > 1) return []
  const end = Math.min(start + MAX_HEADERS_PER_ANSWER, organiser.candidateHeight)
  const answer: ShareHash[] = []
  for (let height = start; height <= end; height++) {
    const shares = sortedAtHeight(index, height).slice(0, params.maxSharesPerHeight)
    const hashes = shares.filter(slot => isServed(index, slot)).map(slot => index.hash(slot))
    answer.push(...hashes)
    if (hashes.includes(question.stopHash) || answer.length >= MAX_HEADERS_PER_ANSWER) break
  }
  return answer
}

function isMatch(index: HeaderIndex, slot: Slot): boolean {
  return slot !== NO_SLOT && index.validity(slot) !== 'invalid'
}

/** Uncles may be invalid, and the asker can take no nephew without its uncle (protocol §12.3, §13). */
function isServed(index: HeaderIndex, slot: Slot): boolean {
  return index.validity(slot) !== 'invalid' || index.isNamed(slot)
}

/**
 * Shares whose bodies are still to be fetched, by rising height, each after the uncles it names (protocol §19.4). Then valid
 * shares whose stored bodies were lost: nothing waits for them but peers that may ask.
 * @param limit most hashes to return
 */
export function bodiesWanted(
  params: ChainParams,
  chain: { readonly index: HeaderIndex; readonly organiser: Organiser; readonly lost: Iterable<Slot> },
  limit: number
): ShareHash[] {
  const { index, organiser, lost } = chain
  const from = Math.max(
    organiser.forkHeight() + 1,
    pruneHeightOf(params, organiser.candidateHeight),
    index.lowestHeight
  )
  const wanted = new Set<ShareHash>()
  for (let height = from; height <= organiser.candidateHeight && wanted.size < limit; height++) {
    for (const slot of sortedAtHeight(index, height)) {
      if (index.hasBody(slot) || index.validity(slot) === 'invalid') continue
      for (const hash of unclesFirst(index, slot)) wanted.add(hash)
    }
  }
  for (const slot of lost) {
    if (wanted.size >= limit) break
    if (index.validity(slot) !== 'invalid') wanted.add(index.hash(slot))
  }
  return [...wanted].slice(0, limit)
}

/** A share without body after all the uncles without body it depends on, uncles of uncles included. */
function unclesFirst(index: HeaderIndex, root: Slot): ShareHash[] {
  const order: Slot[] = []
  const seen = new Set<Slot>([root])
  const open = [root]
  for (let slot = open.pop(); slot !== undefined; slot = open.pop()) {
    order.push(slot)
    for (const uncle of index.uncleSlots(slot)) {
      if (uncle === NO_SLOT || seen.has(uncle) || index.hasBody(uncle)) continue
      seen.add(uncle)
      open.push(uncle)
    }
  }
  // Lower ones first: an uncle is always lower than the share that names it.
  order.sort((a, b) => index.height(a) - index.height(b))
  return order.map(slot => index.hash(slot))
}
