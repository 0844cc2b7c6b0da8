import type { ConfigJson, ConnectJson, DoctorJson } from '@p2poolv2/api/schema'
import type { ChainParams, PayoutCut } from '@p2poolv2/consensus'
import type { BestChain, HistoryStore, Series } from '@p2poolv2/earnings'
import type { NodeQueries } from '@p2poolv2/node'
import type { ShareHash } from '@p2poolv2/primitives'
import type { Clock } from '@p2poolv2/runtime'
import type { BlockPlace, FoundBlock, HeaderRecord } from '@p2poolv2/sharechain'

/** What was mined before, and who mined it. */
export interface HistoryReads {
  readonly store: Pick<HistoryStore, 'readFrames'>
  /** Who has numbers of his own, by rising id. */
  readonly series: readonly Series[]
  /** Best hashes before this start, as difficulties, in all and by series id. */
  readonly records: { readonly household: number; readonly workers: ReadonlyMap<number, number> }
}

/** What our bitcoin nodes say of their best chain. Neither throws: null where none can be asked. */
export interface BitcoinReads {
  /** @param heights of the blocks that will be asked for */
  bestChain(heights: readonly number[]): Promise<BestChain | null>
  feeRateSatPerVb(): Promise<number | null>
}

/** Everything the answers are made of. */
export interface NodeReads {
  readonly clock: Clock
  readonly params: ChainParams
  readonly queries: NodeQueries
  readonly startedAtSec: number
  /** Cuts of the coinbase of this node. */
  readonly donation: PayoutCut | null
  readonly fee: PayoutCut | null
  readonly poolSignature: string
  readonly history: HistoryReads
  readonly bitcoin: BitcoinReads
  /** As `ShareStore.readBlocks`. */
  readonly readBlocks: (limit: number, below?: BlockPlace) => Promise<readonly FoundBlock[]>
  readonly countBlocks: () => Promise<number>
  /** Encoded shares, in the order asked; null where no body is stored. */
  readonly readShares: (hashes: readonly ShareHash[]) => Promise<readonly (Uint8Array | null)[]>
  /** Stored headers, in the order asked; null where a share is not known. */
  readonly readHeaders: (hashes: readonly ShareHash[]) => Promise<readonly (HeaderRecord | null)[]>
  /** What lies outside the node: configuration, computer, bitcoin nodes. Kept for some seconds. */
  readonly hostChecks: () => Promise<readonly DoctorJson['checks'][number][]>
  /** The last of the log, the oldest first. */
  readonly logLines: () => readonly string[]
  readonly config: () => ConfigJson
  readonly connect: () => ConnectJson
}
