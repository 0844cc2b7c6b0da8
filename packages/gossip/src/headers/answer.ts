import type { HeaderItem } from '@p2poolv2/consensus'
import type { Height, ShareHash } from '@p2poolv2/primitives'
import type { ChainIndex } from '../chain-port.ts'

/** The most headers an answer has at one height; no honest one has more than a chain's `maxSharesPerHeight`. */
export function mostAtOneHeight(items: readonly HeaderItem[], chain: ChainIndex): number {
  const heights = new Map<ShareHash, Height>()
  const counts = new Map<Height, number>()
  let most = 0
  for (const { hash, header } of items) {
    const parent = heights.get(header.prevShareHash) ?? chain.facts(header.prevShareHash)?.height
    if (parent === undefined || heights.has(hash)) continue
    heights.set(hash, parent + 1)
    const count = (counts.get(parent + 1) ?? 0) + 1
    counts.set(parent + 1, count)
    most = Math.max(most, count)
  }
  return most
}

/**
 * Whether an answer leads to nothing but what is known to break the rules: all of it is known, and what it ends with, which is its
 * sender's own chain, is invalid. Whoever follows that chain for want of bodies lists the right one beside it, and can tell no more of it
 * before it has turned away.
 */
export function isRefuted(items: readonly HeaderItem[], chain: Pick<ChainIndex, 'facts'>): boolean {
  const last = items.at(-1)
  if (last === undefined || chain.facts(last.hash)?.validity !== 'invalid') return false
  return items.every(({ hash }) => chain.facts(hash) !== undefined)
}

/** Height of the lowest share that headers of an answer build on and that we know; 0 if we know none. */
export function lowestAnchor(items: readonly HeaderItem[], chain: ChainIndex): Height {
  let lowest: Height | null = null
  for (const { header } of items) {
    const height = chain.facts(header.prevShareHash)?.height
    if (height !== undefined && (lowest === null || height < lowest)) lowest = height
  }
  return lowest ?? 0
}
