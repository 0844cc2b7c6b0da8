import type { ChainParams, ChainVerdict, WindowSource } from '@p2poolv2/consensus'
import type { ShareHash } from '@p2poolv2/primitives'
import type { ChainDelta } from './store/share-store.ts'
import type { IndexLimits } from './tree/eviction.ts'

export interface ShareChainOptions {
  readonly params: ChainParams
  /** Default: as `INDEX_LIMITS` says. */
  readonly limits?: IndexLimits
}

/** Who brought a share. Only the orphan pool's fairness depends on it; the checks are the same for everybody. */
export type ShareOrigin = 'own' | 'peer' | { readonly peer: string }

/** Everything one call changed. Lists are in the order things happened. */
export interface ChainOutcome {
  readonly verdict: ChainVerdict
  /** To be committed; null when nothing that is stored changed. */
  readonly delta: ChainDelta | null
  /** True when the mining base changed: miners need new work. */
  readonly newBase: boolean
  readonly confirmed: readonly ShareHash[]
  readonly unconfirmed: readonly ShareHash[]
  /** Shares whose bodies should be fetched, parents before children. */
  readonly wanted: readonly ShareHash[]
  /** Shares that became fully valid in this call: relay these. */
  readonly validated: readonly ShareHash[]
  /** Shares that became invalid in this call, with their descendants. */
  readonly invalidated: readonly ShareHash[]
}

/** Shares by slot, each with its hash and the time its maker gave it, unix seconds. */
export interface ShareWalk extends WindowSource {
  hash(slot: number): ShareHash
  timeSec(slot: number): number
}

export const ACCEPTED: ChainVerdict = Object.freeze({ type: 'accepted' })
export const KNOWN: ChainVerdict = Object.freeze({ type: 'known' })
