import type { ShareFacts } from '@p2poolv2/consensus'
import type { ShareReads } from '@p2poolv2/node'
import type { Height, ShareHash } from '@p2poolv2/primitives'

/** An uncle is named at most so many heights above itself (protocol §12.4). */
export const NAMED_WITHIN = 3

/** What a share is to the confirmed chain and to the heaviest chain of headers, else what its checks have come to. */
export type ShareStatus = 'confirmed' | 'uncle' | 'candidate' | 'valid' | 'pending' | 'invalid'

/** What the shares of a stretch of heights are to the confirmed chain and to the heaviest chain of headers. */
export function shareStatuses(
  shares: ShareReads,
  { from, to }: { readonly from: number; readonly to: number }
): (facts: ShareFacts) => ShareStatus {
  const named = new Set<ShareHash>()
  for (let height = from + 1; height <= to + NAMED_WITHIN; height++) {
    const confirmed = shares.confirmedHashAt(height as Height)
    const facts = confirmed === undefined ? undefined : shares.facts(confirmed)
    for (const uncle of facts?.uncles ?? []) named.add(uncle)
  }
  const candidates = new Set<ShareHash>()
  const confirmedHeight = shares.confirmedTip().height
  for (
    let facts: ShareFacts | undefined = shares.candidateTip();
    facts !== undefined && facts.height > Math.max(confirmedHeight, from - 1);
    facts = shares.facts(facts.prevHash)
  ) {
    candidates.add(facts.hash)
  }
  return ({ hash, height, validity }) => {
    if (shares.confirmedHashAt(height) === hash) return 'confirmed'
    if (named.has(hash)) return 'uncle'
    if (candidates.has(hash)) return 'candidate'
    return validity === 'invalid' ? 'invalid' : validity === 'blockValid' ? 'valid' : 'pending'
  }
}

/** Everything known at a height, by digest. */
export function factsAt(shares: ShareReads, height: number): ShareFacts[] {
  return shares
    .hashesAtHeight(height as Height)
    .map(hash => shares.facts(hash))
    .filter(facts => facts !== undefined)
}
