import { type WindowJson, windowSchema } from '@p2poolv2/api/schema'
import { type ChainParams, genesisShare } from '@p2poolv2/consensus'
import { workSince } from '@p2poolv2/earnings'
import { type Moment, secFromMs } from '@p2poolv2/primitives'
import type { EarningsDesk } from '../reads/earnings-desk.ts'
import type { Household } from '../reads/household.ts'
import type { NodeReads } from '../reads/node-reads.ts'
import { percentOf } from '../status-answer.ts'
import { rateFields } from './earnings-answer.ts'

/** Miners of the window in one answer; of more the heaviest are. */
export const MAX_WINDOW_MINERS = 1_000

/** The payout window and who is in it. */
export function windowJson(
  reads: NodeReads,
  { desk, household }: { readonly desk: EarningsDesk; readonly household: Household },
  now: Moment
): WindowJson {
  const { queries, params } = reads
  const { window, windowWeight, windowShares } = queries.status(now)
  const work = queries.work()
  const ours = household.addresses()
  const look = desk.window(ours)
  const view = 'view' in look ? look.view : null
  const genesis = genesisAddress(params)
  const total = view?.totalWeight ?? windowWeight
  const full = view?.fullWeight ?? 0n
  return windowSchema.encode({
    base: 'base' in look ? look.base : null,
    shares: view?.shares ?? windowShares,
    uncles: view?.uncles ?? null,
    weight: total,
    fullWeight: full,
    fill: full === 0n ? 0 : Math.min(1, Number(total) / Number(full)),
    maxShares: params.windowMaxShares,
    spanSec: 'base' in look ? spanSec(reads, look.base, look.view.shares, now) : null,
    uncleRate: view === null ? null : view.uncles / (view.shares + view.uncles),
    shareDifficulty: work.shareDifficulty,
    bitcoinDifficulty: work.bitcoinDifficulty,
    poolHashrate: rateFields(desk.poolHashrate(now)),
    miners: window.slice(0, MAX_WINDOW_MINERS).map(({ address, weight, payoutSats }) => ({
      address,
      weight,
      percent: percentOf(weight, windowWeight),
      sats: payoutSats,
      isOurs: ours.has(address),
      isGenesis: address === genesis
    })),
    addresses: window.length
  })
}

/** The address of the genesis share's key, which nobody has. */
export function genesisAddress(params: ChainParams): string {
  return genesisShare(params).header.minerBitcoinAddress.text
}

function spanSec(
  { queries }: NodeReads,
  base: ReturnType<NodeReads['queries']['shares']['miningBase']>['hash'],
  shares: number,
  now: Moment
): number {
  const { source, anchorSlot } = queries.shares.walkFrom(base)
  const { fromSec } = workSince(source, { anchorSlot, sinceSec: 0, limit: shares })
  return Math.max(0, secFromMs(now.wallMs) - fromSec)
}
