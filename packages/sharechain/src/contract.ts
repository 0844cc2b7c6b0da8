import type { RuleCode, RuleFacts, ShareHeader } from '@p2poolv2/consensus'
import type { ShareHash } from '@p2poolv2/primitives'
import type { ChainDelta } from './store/share-store.ts'

/** Who brought a share. Only the orphan pool's fairness depends on it; the checks are the same for everybody. */
export type ShareOrigin = 'own' | 'peer' | { readonly peer: string }

/** A header with the bitcoin merkle branch (n × 32 bytes, leaf side first) that ties its coinbase to its proof of work. */
export interface HeaderItem {
  readonly header: ShareHeader
  readonly merkleBranch: Uint8Array
  readonly hash: ShareHash
}

/**
 * Refusals that are about a batch or a crowd of shares, not about a rule a single share breaks. Nothing is remembered.
 * - `height-crowded`: more shares at one height than the chain keeps beside its heaviest branch (protocol §12.3, §14.5);
 * - `batch-work`: a batch of headers, with what it builds on, carries less work than one easiest share (protocol §12.3).
 */
export type CrowdCode = 'height-crowded' | 'batch-work'

/** What the share chain made of a share or a batch of headers. */
export type ChainVerdict =
  | { readonly type: 'accepted' }
  | { readonly type: 'known' }
  /**
   * It cannot be judged to the end yet. `missing`: what it builds on and is not here; the share is kept in memory if there
   * is room. `code`, with nothing missing: it is stored and tried again by itself, for example once its time has come.
   */
  | { readonly type: 'waiting'; readonly missing: readonly ShareHash[]; readonly code?: RuleCode }
  | { readonly type: 'refused'; readonly code: RuleCode | CrowdCode; readonly facts: RuleFacts }

/** Everything one call changed. Lists are in the order things happened. */
export interface ChainOutcome {
  readonly verdict: ChainVerdict
  /** To be committed; null when nothing that is stored changed. */
  readonly delta: ChainDelta | null
  /** True when the mining base changed: miners need new work. */
  readonly newTip: boolean
  readonly confirmed: readonly ShareHash[]
  readonly unconfirmed: readonly ShareHash[]
  /** Shares whose bodies should be fetched, parents before children. */
  readonly wanted: readonly ShareHash[]
  /** Shares that became fully valid in this call: relay these. */
  readonly validated: readonly ShareHash[]
  /** Shares that became invalid in this call, with their descendants. */
  readonly invalidated: readonly ShareHash[]
}

export const ACCEPTED: ChainVerdict = Object.freeze({ type: 'accepted' })
export const KNOWN: ChainVerdict = Object.freeze({ type: 'known' })
