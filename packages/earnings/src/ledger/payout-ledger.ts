/** The bitcoin blocks of the pool, what they paid us, and when it may be spent. */
import type { BitcoinHeight, BlockHash, Sats } from '@p2poolv2/primitives'

/** A bitcoin block that the pool found, as the node has it on record. */
export interface PoolBlock {
  readonly bitcoinHeight: BitcoinHeight
  readonly blockHash: BlockHash
  readonly timeSec: number
  /** Outputs of its coinbase with an address. */
  readonly outputs: readonly { readonly address: string; readonly valueSats: Sats }[]
  /** What our bitcoin nodes answered to it; text from outside. */
  readonly result: string
}

/** What a bitcoin node knows of its best chain. */
export interface BestChain {
  readonly tipHeight: BitcoinHeight
  /** Hash of its block at a height; null if it was not asked or cannot say. */
  hashAt(height: BitcoinHeight): BlockHash | null
}

/**
 * What became of a block:
 * - `waiting`: the best chain has not reached its height, or nothing is known of that height
 * - `immature`: in the best chain, not yet spendable
 * - `mature`: its outputs may be spent in the next block
 * - `orphaned`: another block has its height: nobody is paid by it
 */
export type BlockState = 'waiting' | 'immature' | 'mature' | 'orphaned'

/**
 * Confirmations from which the next block may spend a coinbase: consensus demands a hundred blocks between (COINBASE_MATURITY).
 * Bitcoin Core's wallet waits for one more.
 */
export const MATURE_CONFIRMATIONS = 100

export interface LedgerBlock<B extends PoolBlock = PoolBlock> {
  readonly block: B
  readonly state: BlockState
  /** Blocks of the best chain from it on, itself counted; 0 unless it is in it. */
  readonly confirmations: number
  /** Blocks until it is mature; null for one that never will be or of which nothing is known. */
  readonly blocksToMaturity: number | null
  /** Its outputs to us, in their order. */
  readonly ours: PoolBlock['outputs']
  readonly valueSats: Sats
}

export interface Ledger<B extends PoolBlock = PoolBlock> {
  /** Highest first. */
  readonly blocks: readonly LedgerBlock<B>[]
  /** What we got, by what became of the blocks. */
  readonly sats: Readonly<Record<BlockState, Sats>>
  readonly counts: Readonly<Record<BlockState, number>>
}

/**
 * @param blocks in any order
 * @param ours our payout addresses, past ones as well, as text
 * @param chain null while no bitcoin node can be asked: everything is then `waiting`
 */
export function ledgerOf<B extends PoolBlock>(
  blocks: readonly B[],
  ours: ReadonlySet<string>,
  chain: BestChain | null
): Ledger<B> {
  const sats: Record<BlockState, Sats> = { waiting: 0n, immature: 0n, mature: 0n, orphaned: 0n }
  const counts: Record<BlockState, number> = { waiting: 0, immature: 0, mature: 0, orphaned: 0 }
  const entries = blocks.map((block): LedgerBlock<B> => {
    const paid = block.outputs.filter(({ address }) => ours.has(address))
    const valueSats = paid.reduce((sum, output) => sum + output.valueSats, 0n)
    const fate = fateOf(block, chain)
    sats[fate.state] += valueSats
    counts[fate.state] += 1
    return { block, ...fate, ours: paid, valueSats }
  })
  const newestFirst = entries.sort(
    (a, b) => b.block.bitcoinHeight - a.block.bitcoinHeight || b.block.timeSec - a.block.timeSec
  )
  return { blocks: newestFirst, sats, counts }
}

function fateOf(
  { bitcoinHeight, blockHash }: PoolBlock,
  chain: BestChain | null
): Pick<LedgerBlock, 'state' | 'confirmations' | 'blocksToMaturity'> {
  const known = chain === null || bitcoinHeight > chain.tipHeight ? null : chain.hashAt(bitcoinHeight)
  if (chain === null || known === null) return { state: 'waiting', confirmations: 0, blocksToMaturity: null }
  if (known !== blockHash) return { state: 'orphaned', confirmations: 0, blocksToMaturity: null }
  const confirmations = chain.tipHeight - bitcoinHeight + 1
  const blocksToMaturity = Math.max(0, MATURE_CONFIRMATIONS - confirmations)
  return { state: blocksToMaturity === 0 ? 'mature' : 'immature', confirmations, blocksToMaturity }
}
