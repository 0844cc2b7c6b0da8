import type { HeaderItem, ShareFacts, ShareHeader } from '@p2poolv2/consensus'
import type { Height, ShareHash } from '@p2poolv2/primitives'
import type { ChainIndex } from '../contract.ts'

/** Ancestors whose median time a valid share's time exceeds (protocol §12.7). */
const MEDIAN_SPAN = 11

export interface AnswerTerms {
  readonly chain: ChainIndex
  readonly maxSharesPerHeight: number
  /** Unix seconds; no honest clock is as far ahead. */
  readonly latestSec: number
}

export interface InspectedAnswer {
  /** More shares at one height than any honest answer has. */
  readonly isDense: boolean
  /** In the order given, without shares that follow a chain from the future. */
  readonly kept: readonly HeaderItem[]
  /** The latest time in the answer. */
  readonly latestSec: number
}

/**
 * Looks at an answer before the chain does.
 *
 * Headers are not checked for their time, and times from the future make difficulty fall: without a limit a liar could send
 * cheap ones for ever. No valid share has a median time of ancestors that lies in the future, nor does an honest share build
 * on one that has. So those are left out, and nothing else: a single share with a wild time is stored and served by honest
 * nodes, and what it says must not keep the rest from being taken.
 */
export function inspectAnswer(items: readonly HeaderItem[], terms: AnswerTerms): InspectedAnswer {
  const latestSec = items.reduce((latest, { header }) => Math.max(latest, header.timeSec), 0)
  const isDense = mostAtOneHeight(items, terms.chain) > terms.maxSharesPerHeight
  if (latestSec <= terms.latestSec) return { isDense, kept: items, latestSec }
  const headers = new Map(items.map(({ hash, header }) => [hash, header]))
  const dropped = new Set<ShareHash>()
  const kept = items.filter(({ hash, header }) => {
    const isFollower = dropped.has(header.prevShareHash)
    if (!isFollower && medianBefore(header, headers, terms.chain) <= terms.latestSec) return true
    dropped.add(hash)
    return false
  })
  return { isDense, kept, latestSec }
}

function mostAtOneHeight(items: readonly HeaderItem[], chain: ChainIndex): number {
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

/** The median time of up to eleven ancestors, as far as they are known; 0 for none. */
function medianBefore(header: ShareHeader, headers: ReadonlyMap<ShareHash, ShareHeader>, chain: ChainIndex): number {
  const times: number[] = []
  let ancestor: ShareHash | null = header.prevShareHash
  while (ancestor !== null && times.length < MEDIAN_SPAN) {
    const inAnswer: ShareHeader | undefined = headers.get(ancestor)
    const facts: ShareFacts | undefined = inAnswer === undefined ? chain.facts(ancestor) : undefined
    const timeSec = inAnswer?.timeSec ?? facts?.timeSec
    if (timeSec === undefined) break
    times.push(timeSec)
    ancestor = facts?.height === 0 ? null : (inAnswer?.prevShareHash ?? facts?.prevHash ?? null)
  }
  times.sort((a, b) => a - b)
  return times[Math.floor(times.length / 2)] ?? 0
}
