/** What a bitcoin block of the pool would pay us if it came now. */
import type { PayoutRequest, PayoutWeights } from '@p2poolv2/consensus'
import { payoutOutputs } from '@p2poolv2/consensus'
import type { Sats } from '@p2poolv2/primitives'

export interface AddressPayout {
  readonly address: string
  readonly valueSats: Sats
  readonly weight: bigint
  /** 1 for the heaviest address of the window; addresses of equal weight share a rank. */
  readonly rank: number
  /** Place among the outputs of the coinbase, from 0; donation and fee come first. */
  readonly outputIndex: number
}

export interface PayoutNow {
  readonly valueSats: Sats
  /** What all miners of the window divide: the coinbase without donation and fee. */
  readonly minersSats: Sats
  /** Our part of the weight in the window, from 0 to 1. */
  readonly part: number
  /** Addresses in the window. */
  readonly addresses: number
  /** Ours, heaviest first. */
  readonly ours: readonly AddressPayout[]
}

/**
 * By the rule itself (protocol §16.3, §16.4), so to the satoshi for a block found on this node. A block of another node pays
 * from the same window, but takes that node's donation and fee before.
 * @param request as for `payoutOutputs`: value of the coinbase, cuts, weights with some weight in them
 */
export function payoutNow(request: PayoutRequest, ours: ReadonlySet<string>): PayoutNow {
  const { weights } = request
  const outputs = payoutOutputs(request)
  const payouts: AddressPayout[] = []
  let minersSats = 0n
  for (const [outputIndex, { address, valueSats, kind }] of outputs.entries()) {
    if (kind !== 'payout') continue
    minersSats += valueSats
    if (!ours.has(address.text)) continue
    const weight = weights.byAddress.get(address.text)?.weight ?? 0n
    payouts.push({ address: address.text, valueSats, weight, rank: rankOf(weights, weight), outputIndex })
  }
  let ownWeight = 0n
  for (const address of ours) ownWeight += weights.byAddress.get(address)?.weight ?? 0n
  return {
    valueSats: payouts.reduce((sum, { valueSats }) => sum + valueSats, 0n),
    minersSats,
    part: weights.total === 0n ? 0 : Number(ownWeight) / Number(weights.total),
    addresses: weights.byAddress.size,
    // Equals stay in the order of the outputs.
    ours: payouts.sort((a, b) => a.rank - b.rank)
  }
}

function rankOf({ byAddress }: PayoutWeights, weight: bigint): number {
  let rank = 1
  for (const other of byAddress.values()) if (other.weight > weight) rank += 1
  return rank
}
