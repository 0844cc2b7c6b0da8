import type { ChainParams } from '@p2poolv2/consensus'
import type { Height } from '@p2poolv2/primitives'

/**
 * Heights kept below the prune depth, so that the payout window of the lowest share that can be asked about still finds
 * the uncles below its last share.
 */
export const PRUNE_SLACK_HEIGHTS = 16

/** Whether a share's time and payouts are checked: within one full payout window of the candidate tip (protocol §12.8). */
export function inPayoutZone(params: ChainParams, height: Height, candidateHeight: Height): boolean {
  return height > Math.max(0, candidateHeight - params.windowMaxShares)
}

/** Below this height bodies are neither fetched nor needed (protocol §12.8). */
export function pruneHeightOf(params: ChainParams, candidateHeight: Height): Height {
  return Math.max(0, candidateHeight - params.pruneDepth)
}

/**
 * The height of the tip by which zones are reckoned: that of the candidate chain, or of a longer one that memory was pruned for. What was
 * let go of for that one does not come back, and without it nothing below its zones can be judged.
 */
export function zoneHeightOf(params: ChainParams, candidateHeight: Height, lowestHeight: Height): Height {
  return lowestHeight === 1
    ? candidateHeight
    : Math.max(candidateHeight, lowestHeight + PRUNE_SLACK_HEIGHTS + params.pruneDepth)
}

/**
 * Whether two chains that part at a height are held beside each other in memory. A confirmed chain left further behind by
 * headers than this says nothing about the heaviest one: the node then is as good as new.
 */
export function isComparable(params: ChainParams, candidateHeight: Height, forkHeight: Height): boolean {
  return candidateHeight - forkHeight <= 2 * params.pruneDepth
}
