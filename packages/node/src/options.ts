import type { ChainParams, ConsensusAddress, PayoutCut } from '@p2poolv2/consensus'
import type { Rng, Sha256d, SteadyMs } from '@p2poolv2/primitives'
import type { FoundBlock, ShareChain } from '@p2poolv2/sharechain'
import type { SessionSettings } from '@p2poolv2/stratum'
import type { NodeMode, TooLargeRule } from './contract.ts'
import type { KeptFigures } from './figures/pool-stats.ts'
import type { AccountingRow } from './pplns/accounting.ts'

export interface NodeCoreOptions {
  readonly params: ChainParams
  /** Default `sharechain`. In the others the share chain stays as it is. */
  readonly mode?: NodeMode
  /** The pool's own accounting in the mode `hydrapool`: what was kept, and the length of its payout window in blocks' work. */
  readonly accounting?: { readonly rows: readonly AccountingRow[]; readonly windowBlocks: number }
  readonly donation: PayoutCut | null
  readonly fee: PayoutCut | null
  /** At most `MAX_POOL_SIGNATURE_BYTES`; default `P2Poolv2`. */
  readonly poolSignature?: Uint8Array
  /** The node's own wallet: a 32-byte taproot output key. */
  readonly nodeShareProgram: Uint8Array
  /** The operator's share-chain address in the same form, or null. */
  readonly configuredShareProgram: Uint8Array | null
  /** Who is paid for miners whose user name is a bare worker name; null or absent: they are refused. */
  readonly bareNamePayout?: ConsensusAddress | null
  readonly stratum: SessionSettings
  /** Default `solo`. */
  readonly tooLarge?: TooLargeRule
  /** Make shares although every peer follows other rules; default false. */
  readonly allowsPrivateFork?: boolean
  /** Until when no shares are made while no peer has told what it has; absent: at once. Miners find blocks meanwhile. */
  readonly joinsUntilMs?: SteadyMs
  readonly version: string
  /** The newest `BLOCKS_READ` of the store, in any order. */
  readonly recentBlocks: readonly FoundBlock[]
  readonly startedAtMs: SteadyMs
  /** Figures as they were kept, and when they are read; absent: figures end with this run. */
  readonly figures?: KeptFigures
  /** Default `MAX_MINERS`. */
  readonly maxMiners?: number
  /** Default: the gossip machine's own. */
  readonly maxPeers?: number
}

export interface NodeCoreDeps {
  readonly rng: Rng
  readonly sha256d?: Sha256d
  /** Restored from its store, or new. From here on only this machine changes it. */
  readonly chain: ShareChain
}
