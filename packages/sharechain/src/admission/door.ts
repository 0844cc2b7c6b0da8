import type {
  ChainParams,
  ChainVerdict,
  ChainView,
  RuleCode,
  RuleFacts,
  ShareFacts,
  ShareHeader
} from '@p2poolv2/consensus'
import { checkTime, requiredBits } from '@p2poolv2/consensus'
import type { Height, ShareHash } from '@p2poolv2/primitives'

/** What the door knows when somebody knocks. */
export interface Doorway {
  readonly params: ChainParams
  /** Every share in the tree, and those that would come in before this one. */
  readonly view: ChainView
  /** Why a share of the view is invalid; null for others. */
  verdictOf(hash: ShareHash): RuleCode | null
  readonly lowestHeight: Height
  /** The node's clock, unix seconds. */
  readonly nowSec: number
}

/**
 * Whether a share may come in:
 * - `open`: yes, and shares may be built on it;
 * - `aside`: nothing may be built on it, so it comes in only where a share that may names it as an uncle, and then as
 *   invalid by that rule. `waits`: time alone can open the door for it;
 * - `refused`: it has no place in the tree at all.
 */
export type Place =
  | { readonly type: 'open'; readonly height: Height }
  | {
      readonly type: 'aside'
      readonly height: Height
      readonly code: RuleCode
      readonly facts: RuleFacts
      readonly waits: boolean
    }
  | { readonly type: 'refused'; readonly verdict: ChainVerdict & { readonly type: 'refused' } }

/**
 * The one gate into the tree, for shares that are pushed, fetched or listed in an answer: everything about a header that
 * follows from its ancestors and the clock. A share's time is judged here, before it can have children, because the target of
 * its children follows from it; unjudged, one share from the year 2106 would make all work above it nearly free.
 */
export function judgePlace(header: ShareHeader, parent: ShareFacts, doorway: Doorway): Place {
  const { params, view, nowSec, lowestHeight } = doorway
  const height = parent.height + 1
  // Only a child of the genesis, which is never pruned, comes so far: it would hang below everything that is kept.
  if (height < lowestHeight) return refusal('share-ancestors-gone', { height, keptFromHeight: lowestHeight })
  const required = requiredBits(params, parent.timeSec, parent.height)
  if (header.bits !== required) return refusal('share-bits', { bits: header.bits, requiredBits: required })

  const parentVerdict =
    parent.validity === 'invalid' ? (doorway.verdictOf(parent.hash) ?? 'share-parent-invalid') : null
  // The parent may be good once its time has come.
  const waits = parentVerdict === null || parentVerdict === 'share-time-future'
  const timely = checkTime(params, header, { view, nowSec })
  if (!timely.ok && timely.code === 'share-time-future') return { type: 'aside', height, ...facts(timely), waits }
  if (parentVerdict !== null) {
    const code = 'share-parent-invalid'
    return { type: 'aside', height, code, facts: { parent: parent.hash }, waits }
  }
  // Where an ancestor is pruned the median is not known; what is built there cannot be validated to the end anyway.
  if (!timely.ok && timely.code === 'share-time-median')
    return { type: 'aside', height, ...facts(timely), waits: false }
  return { type: 'open', height }
}

function facts({ code, facts }: { readonly code: RuleCode; readonly facts: RuleFacts }) {
  return { code, facts }
}

function refusal(code: RuleCode, facts: RuleFacts): Place {
  return { type: 'refused', verdict: { type: 'refused', code, facts } }
}
