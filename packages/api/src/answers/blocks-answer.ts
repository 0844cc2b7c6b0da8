import { type BlocksJson, blocksSchema, type PayoutsJson, payoutsSchema } from '@p2poolv2/api/schema'
import { type Ledger, ledgerCsv, ledgerOf } from '@p2poolv2/earnings'
import type { Moment } from '@p2poolv2/primitives'
import type { FoundBlock } from '@p2poolv2/sharechain'
import type { Household } from '../reads/household.ts'
import type { NodeReads } from '../reads/node-reads.ts'

/** Blocks looked at for their fate, the newest ones. Older ones are on record, but nobody asks a bitcoin node for them. */
export const MAX_LEDGER_BLOCKS = 1_000

/** The blocks of the pool on record, and what became of each. */
export async function blocksJson(
  reads: NodeReads,
  household: Household,
  { limit, before, now }: { readonly limit: number; readonly before: number | null; readonly now: Moment }
): Promise<BlocksJson> {
  const ours = household.addresses(now)
  const { ledger, tipHeight } = await ledgerFor(reads, ours)
  const wanted = ledger.blocks.filter(({ block }) => before === null || block.bitcoinHeight < before).slice(0, limit)
  return blocksSchema.encode({
    blocks: wanted.map(({ block, state, confirmations, blocksToMaturity, ours: paid, valueSats }) => ({
      height: block.bitcoinHeight,
      hash: block.blockHash,
      time: block.timeSec,
      share: block.shareHash,
      state,
      confirmations,
      blocksToMaturity,
      result: block.result,
      isFoundHere: isFoundHere(block.result),
      payees: block.outputs.length,
      sats: block.outputs.reduce((sum, output) => sum + output.valueSats, 0n),
      ours: paid.map(({ address, valueSats: sats }) => ({ address, sats })),
      ourSats: valueSats
    })),
    total: ledger.blocks.length,
    counts: ledger.counts,
    tipHeight
  })
}

/** What they paid some addresses, or all this node mines or mined for. */
export async function payoutsJson(reads: NodeReads, addresses: ReadonlySet<string>): Promise<PayoutsJson> {
  const { ledger } = await ledgerFor(reads, addresses)
  return payoutsSchema.encode({
    payouts: ledger.blocks.flatMap(({ block, state, confirmations, blocksToMaturity, ours }) =>
      ours.map(({ address, valueSats }) => ({
        height: block.bitcoinHeight,
        block: block.blockHash,
        time: block.timeSec,
        address,
        sats: valueSats,
        state,
        confirmations,
        blocksToMaturity,
        result: block.result
      }))
    ),
    sats: ledger.sats,
    addresses: [...addresses]
  })
}

/** The same as a table. */
export async function payoutsTable(reads: NodeReads, addresses: ReadonlySet<string>): Promise<string> {
  return ledgerCsv((await ledgerFor(reads, addresses)).ledger)
}

async function ledgerFor(
  reads: NodeReads,
  ours: ReadonlySet<string>
): Promise<{ readonly ledger: Ledger<FoundBlock>; readonly tipHeight: number | null }> {
  const blocks = await reads.readBlocks(MAX_LEDGER_BLOCKS)
  const chain = await reads.bitcoin.bestChain(blocks.map(({ bitcoinHeight }) => bitcoinHeight))
  return { ledger: ledgerOf(blocks, ours, chain), tipHeight: chain?.tipHeight ?? null }
}

/** Blocks of other nodes of the pool are `seen`, or wait for their share to be confirmed. */
export function isFoundHere(result: string): boolean {
  return result !== 'seen' && result !== 'unconfirmed'
}
