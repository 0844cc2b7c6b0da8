import { type SharesJson, sharesSchema } from '@p2poolv2/api/schema'
import type { ShareFacts } from '@p2poolv2/consensus'
import type { ShareReads } from '@p2poolv2/node'
import { difficultyFromBits } from '@p2poolv2/primitives'
import { factsAt, type ShareStatus, shareStatuses } from './share-statuses.ts'

/** Shares in one answer; side branches of hostile make can be many. */
export const MAX_SHARES_SHOWN = 2_000

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
  const statusOf = shareStatuses(shares, { from, to: top })
  const found: ShareFields[] = []
  for (let height = top; height >= from && found.length < MAX_SHARES_SHOWN; height--) {
    const here = factsAt(shares, height).map(facts => shareFields(facts, statusOf(facts), ours))
    found.push(...here.sort((a, b) => Number(b.status === 'confirmed') - Number(a.status === 'confirmed')))
  }
  return sharesSchema.encode({ from, to: top, confirmedHeight, shares: found.slice(0, MAX_SHARES_SHOWN) })
}

/** One share as `/v1/shares` and the event `share` give it. */
export function shareFields(facts: ShareFacts, status: ShareStatus, ours: ReadonlySet<string>): ShareFields {
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
