/** Where the payout window reads shares from, and the plain walk it must always agree with. Source: protocol §16.1. */
import { type CompactBits, invariant } from '@p2poolv2/primitives'
import { integerDifficulty, windowThreshold } from '../asert.ts'
import type { ChainParams } from '../params.ts'
import type { ConsensusAddress } from '../share.ts'
import type { AddressWeight, PayoutWeights } from './payout.ts'

/**
 * Shares as numbered slots, small non-negative integers such as indexes into columns. A slot's answers never change; a
 * source that gives a slot to another share must call `PayoutWindow.forget` with it first. Miners are numbered the same way.
 */
export interface WindowSource {
  /** The parent's slot; -1 for the genesis, and where the parent is no longer held. */
  prevSlot(slot: number): number
  isGenesis(slot: number): boolean
  bits(slot: number): CompactBits
  /** Number of the payout address. */
  miner(slot: number): number
  /** Slots of the uncles the share names; -1 for one that is no longer held. */
  uncleSlots(slot: number): readonly number[]
  minerAddress(miner: number): ConsensusAddress
}

export interface WindowAnchor {
  /** The newest share of the window, inclusive. */
  readonly anchorSlot: number
  readonly bitcoinBits: CompactBits
}

/**
 * The payout weights by the rule's own words, share by share: for tests and rare read-only questions.
 * @returns null if the walk needs a share that is no longer held
 * Cost: O(window), with big integers and a map entry per share.
 */
export function naivePayoutWeights(
  params: ChainParams,
  source: WindowSource,
  { anchorSlot, bitcoinBits }: WindowAnchor
): PayoutWeights | null {
  const threshold = windowThreshold(params, bitcoinBits)
  const byAddress = new Map<string, AddressWeight>()
  const add = (slot: number, weight: bigint): void => {
    const address = source.minerAddress(source.miner(slot))
    byAddress.set(address.text, { address, weight: (byAddress.get(address.text)?.weight ?? 0n) + weight })
  }
  let total = 0n
  let slot = anchorSlot
  for (let count = 1; ; count++) {
    const difficulty = integerDifficulty(params, source.bits(slot))
    let uncleDifficulty = 0n
    for (const uncle of source.uncleSlots(slot)) {
      if (uncle === -1) return null
      const ofUncle = integerDifficulty(params, source.bits(uncle))
      uncleDifficulty += ofUncle
      add(uncle, params.uncleWeight * ofUncle)
    }
    add(slot, params.mainWeight * difficulty + params.nephewWeight * uncleDifficulty)
    total += params.mainWeight * difficulty + (params.uncleWeight + params.nephewWeight) * uncleDifficulty
    if (total >= threshold || count === params.windowMaxShares || source.isGenesis(slot)) return { total, byAddress }
    slot = source.prevSlot(slot)
    if (slot === -1) return null
    invariant(slot >= 0, 'a slot is not negative')
  }
}
