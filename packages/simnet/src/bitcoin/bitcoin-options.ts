import type { CompactBits } from '@p2poolv2/primitives'

export interface BitcoinNetOptions {
  /** The difficulty of every block; easy enough to be mined for real. */
  readonly bits: CompactBits
  readonly startHeight: number
  /** Mean time between blocks of the rest of the world; infinite for none. */
  readonly outsideSpacingMs: number
  /** How long a block takes from one bitcoind to another. */
  readonly relayMedianMs: number
  /** A bitcoind gives a fresh template this often; half as often as ours ask, since every one costs every node. */
  readonly templateMs: number
  /** Groups of nodes with the same mempool. */
  readonly mempoolGroups: number
  readonly transactionMs: number
}

export const DEFAULT_BITCOIN: Omit<BitcoinNetOptions, 'bits'> = {
  startHeight: 800_000,
  outsideSpacingMs: 600_000,
  relayMedianMs: 400,
  templateMs: 60_000,
  mempoolGroups: 4,
  transactionMs: 5_000
}
