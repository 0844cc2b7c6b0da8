import { type SharesJson, sharesSchema } from '@p2poolv2/api/schema'
import type { ShareFacts } from '@p2poolv2/consensus'
import type { ShareReads } from '@p2poolv2/node'
import { difficultyFromBits, type Height, type ShareHash } from '@p2poolv2/primitives'

/** Shares in one answer; side branches of hostile make can be many. */
export const MAX_SHARES_SHOWN = 2_000
/** An uncle is named at most so many heights above itself (protocol §12.4). */
const NAMED_WITHIN = 3

type ShareFields = ReturnType<typeof sharesSchema.decode>['shares'][number]

/**
 * Every share known at some heights, side branches as well.
 * @param to the highest height; null: the newest
 */
export function sharesJson(
  shares: ShareReads,
  { to, heights }: { readonly to: number | null; readonly heights: number },
  ours: ReadonlySet<string>
): SharesJson {
  const confirmedHeight = shares.confirmedTip().height
  const top = Math.min(to ?? Number.POSITIVE_INFINITY, Math.max(confirmedHeight, shares.candidateTip().height))
  const from = Math.max(0, top - heights + 1)
  const statusOf = statuses(shares, from, top)
  const found: ShareFields[] = []
  for (let height = top; height >= from && found.length < MAX_SHARES_SHOWN; height--) {
    const here = factsAt(shares, height).map(facts => shareFields(facts, statusOf(facts), ours))
    found.push(...here.sort((a, b) => Number(b.status === 'confirmed') - Number(a.status === 'confirmed')))
  }
  return sharesSchema.encode({ from, to: top, confirmedHeight, shares: found.slice(0, MAX_SHARES_SHOWN) })
}

/** One share as `/v1/shares` and the event `share` give it. */
export function shareFields(facts: ShareFacts, status: ShareFields['status'], ours: ReadonlySet<string>): ShareFields {
  return {
    hash: facts.hash,
    height: facts.height,
    prev: facts.prevHash,
    uncles: [...facts.uncles],
    address: facts.minerAddress,
    time: facts.timeSec,
    difficulty: difficultyFromBits(facts.bits),
    status,
    isOurs: ours.has(facts.minerAddress)
  }
}

/** What the shares of a stretch of heights are to the confirmed chain and to the heaviest chain of headers. */
function statuses(shares: ShareReads, from: number, to: number): (facts: ShareFacts) => ShareFields['status'] {
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

function factsAt(shares: ShareReads, height: number): ShareFacts[] {
  return shares
    .hashesAtHeight(height as Height)
    .map(hash => shares.facts(hash))
    .filter(facts => facts !== undefined)
}
