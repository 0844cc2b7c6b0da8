import type { ChainParams } from '@p2poolv2/consensus'
import type { Height, ShareHash } from '@p2poolv2/primitives'
import type { Organiser } from '../chains/organise.ts'
import { compareDigests } from './hash-order.ts'
import { type HeaderIndex, NO_SLOT, type Slot } from './header-index.ts'

/** Steps of one height before they begin to double. */
const DENSE_STEPS = 10

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

/**
 * The candidate chain as a locator. Heights that are pruned are left out, the lowest one kept is in it, so that whatever parts from what
 * is kept is told from there; the genesis never is left out.
 */
export function locatorHashes(index: HeaderIndex, organiser: Organiser, depth: number): ShareHash[] {
  const heights = locatorHeights(organiser.candidateHeight, depth)
  const kept = heights.filter(height => organiser.candidateAt(height) !== NO_SLOT)
  const [above = 0] = kept.slice(-2)
  const { lowestHeight } = index
  if (lowestHeight > 1 && above > lowestHeight) kept.splice(-1, 0, lowestHeight)
  return kept.map(height => index.hash(organiser.candidateAt(height)))
}

/** All shares at a height by digest, the order the network lists them in. */
export function sortedAtHeight(index: HeaderIndex, height: Height): Slot[] {
  return index.slotsAtHeight(height).sort((a, b) => compareDigests(index.hash(a), index.hash(b)))
}

/**
 * Shares whose bodies are still to be fetched, each after the uncles it names (protocol §19.4): those of the candidate chain by
 * rising height, then those of other branches, so that headers whose bodies never come hold up no others. Then valid shares
 * whose stored bodies were lost: nothing waits for them but peers that may ask.
 * @param limit most hashes to return
 */
export function bodiesWanted(
  params: ChainParams,
  chain: { readonly index: HeaderIndex; readonly organiser: Organiser; readonly lost: Iterable<Slot> },
  limit: number
): ShareHash[] {
  const { index, organiser, lost } = chain
  const from = Math.max(organiser.forkHeight() + 1, organiser.bodiesFrom(params), index.lowestHeight)
  const wanted = new Set<ShareHash>()
  const want = (slot: Slot) => {
    if (index.hasBody(slot) || index.validity(slot) === 'invalid') return
    for (const hash of unclesFirst(index, slot)) wanted.add(hash)
  }
  for (let height = from; height <= organiser.candidateHeight && wanted.size < limit; height++) {
    want(organiser.candidateAt(height))
  }
  for (const slot of organiser.withheld) want(slot)
  for (let height = from; height <= organiser.candidateHeight && wanted.size < limit; height++) {
    for (const slot of sortedAtHeight(index, height)) want(slot)
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
