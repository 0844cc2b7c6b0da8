import { type BlocksJson, blocksSchema, type PayoutsJson, payoutsSchema } from '@p2poolv2/api/schema'
import { type Ledger, type LedgerBlock, ledgerCsv, ledgerOf } from '@p2poolv2/earnings'
import { blockHash, type Moment } from '@p2poolv2/primitives'
import type { BlockPlace, FoundBlock } from '@p2poolv2/sharechain'
import type { Household } from '../reads/household.ts'
import type { NodeReads } from '../reads/node-reads.ts'

/** Blocks looked at for their fate and summed up, the newest ones. */
export const MAX_LEDGER_BLOCKS = 1_000

/** Which blocks are asked for. */
export interface BlocksAsked {
  readonly limit: number
  /** Only those below this height. */
  readonly before: number | null
  /** `HEIGHT.HASH` of the block behind which to go on. */
  readonly cursor: string | null
  readonly now: Moment
}

/** The blocks of the pool on record, page by page back to the first, and what became of each. */
export async function blocksJson(reads: NodeReads, household: Household, asked: BlocksAsked): Promise<BlocksJson> {
  const ours = household.addresses()
  const place = placeOf(asked)
  const page = await (place === null ? reads.readBlocks(asked.limit) : reads.readBlocks(asked.limit, place))
  const { ledger, tipHeight } = await ledgerFor(reads, page, ours)
  const newest = await ledgerFor(reads, await reads.readBlocks(MAX_LEDGER_BLOCKS), ours)
  const last = page.length < asked.limit ? undefined : page.at(-1)
  return blocksSchema.encode({
    blocks: ledger.blocks.map(({ block, state, confirmations, blocksToMaturity, ours: paid, valueSats }) => ({
      height: block.bitcoinHeight,
      hash: block.blockHash,
      time: block.timeSec,
      share: block.shareHash,
      state,
      confirmations,
      blocksToMaturity,
      result: block.result,
      isSubmittedHere: isSubmittedHere(block.result),
      payees: block.outputs.length,
      sats: block.outputs.reduce((sum, output) => sum + output.valueSats, 0n),
      ours: paid.map(({ address, valueSats: sats }) => ({ address, sats })),
      ourSats: valueSats
    })),
    next: last === undefined ? null : `${last.bitcoinHeight}.${last.blockHash}`,
    total: await reads.countBlocks(),
    counts: newest.ledger.counts,
    tipHeight
  })
}

const FIRST_HASH = blockHash('00'.repeat(32))

/** The higher place of the two that were asked for is no use: both have to hold. */
function placeOf({ before, cursor }: BlocksAsked): BlockPlace | null {
  const [height = '', hash = ''] = cursor?.split('.') ?? []
  const behind = cursor === null ? null : { bitcoinHeight: Number(height), blockHash: blockHash(hash) }
  const below = before === null ? null : { bitcoinHeight: before, blockHash: FIRST_HASH }
  if (behind === null || below === null) return behind ?? below
  return behind.bitcoinHeight < below.bitcoinHeight ? behind : below
}

/** What they paid some addresses, or all this node mines or mined for. */
export async function payoutsJson(reads: NodeReads, addresses: ReadonlySet<string>): Promise<PayoutsJson> {
  const { ledger } = await ledgerFor(reads, await reads.readBlocks(MAX_LEDGER_BLOCKS), addresses)
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

/** The same as a table, of all blocks there ever were. */
export async function payoutsTable(reads: NodeReads, addresses: ReadonlySet<string>): Promise<string> {
  const paying: LedgerBlock<FoundBlock>[] = []
  let page = await reads.readBlocks(MAX_LEDGER_BLOCKS)
  for (;;) {
    const { ledger } = await ledgerFor(reads, page, addresses)
    paying.push(...ledger.blocks.filter(({ ours }) => ours.length > 0))
    const last = page.length < MAX_LEDGER_BLOCKS ? undefined : page.at(-1)
    if (last === undefined) return ledgerCsv({ blocks: paying })
    page = await reads.readBlocks(MAX_LEDGER_BLOCKS, last)
  }
}

async function ledgerFor(
  reads: NodeReads,
  blocks: readonly FoundBlock[],
  ours: ReadonlySet<string>
): Promise<{ readonly ledger: Ledger<FoundBlock>; readonly tipHeight: number | null }> {
  const chain = await reads.bitcoin.bestChain(blocks.map(({ bitcoinHeight }) => bitcoinHeight))
  return { ledger: ledgerOf(blocks, ours, chain), tipHeight: chain?.tipHeight ?? null }
}

/** Blocks of other nodes of the pool are `seen`, or wait for their share to be confirmed. */
export function isSubmittedHere(result: string): boolean {
  return result !== 'seen' && result !== 'unconfirmed'
}
