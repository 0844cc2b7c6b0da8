import type { ChainParams } from '@p2poolv2/consensus'
import { integerDifficulty } from '@p2poolv2/consensus'
import type { ShareHash } from '@p2poolv2/primitives'
import type { ShareChain } from '@p2poolv2/sharechain'
import type { ConfirmedWalk } from '../check/chain-walk.ts'
import type { ProducedShare } from './census.ts'

/** What became of the shares that were made: of an old chain those that are not below what it keeps. */
export interface ShareFates {
  readonly produced: number
  readonly confirmed: number
  /** Named by a confirmed share, so paid for. */
  readonly uncles: number
  /** Neither, too low for any further share to name them. */
  readonly lost: number
  /** Neither, but the next shares can still name them. */
  readonly undecided: number
  /** Lost shares that build on one that is not on the chain: nobody names those (protocol §15). */
  readonly lostInBranches: number
  /** Lost shares that the node at hand never heard of. */
  readonly unknown: number
}

/** Sorts the shares that were made by what a chain says of them. */
export function fatesOf(
  produced: Iterable<ProducedShare>,
  at: { readonly chain: ShareChain; readonly walk: ConfirmedWalk; readonly params: ChainParams }
): ShareFates {
  const { chain, walk, params } = at
  const onChain = new Set<ShareHash>(walk.shares.map(({ hash }) => hash))
  const tipHeight = chain.confirmedTip().height
  const keptFrom = walk.shares[0]?.height ?? 0
  const fates = { produced: 0, confirmed: 0, uncles: 0, lost: 0, undecided: 0, lostInBranches: 0, unknown: 0 }
  for (const { hash, height } of produced) {
    if (height < keptFrom) continue
    fates.produced += 1
    if (onChain.has(hash)) fates.confirmed += 1
    else if (walk.uncles.has(hash)) fates.uncles += 1
    else if (height + params.uncleDepth > tipHeight) fates.undecided += 1
    else {
      fates.lost += 1
      const facts = chain.facts(hash)
      if (facts === undefined) fates.unknown += 1
      else if (!onChain.has(facts.prevHash)) fates.lostInBranches += 1
    }
  }
  return fates
}

/** What each address earned over a whole confirmed chain, as a part of all: 10 a share, 9 an uncle, 1 for naming one. */
export function earnings(
  walk: ConfirmedWalk,
  at: { readonly chain: ShareChain; readonly params: ChainParams }
): Map<string, number> {
  const { chain, params } = at
  const earned = new Map<string, number>()
  let total = 0
  const add = (address: string, weight: number): void => {
    earned.set(address, (earned.get(address) ?? 0) + weight)
    total += weight
  }
  for (const { height, bits, minerAddress, uncles } of walk.shares) {
    if (height === 0) continue
    add(minerAddress, 10 * Number(integerDifficulty(params, bits)))
    for (const uncle of uncles) {
      const facts = chain.facts(uncle)
      if (facts === undefined) continue
      const difficulty = Number(integerDifficulty(params, facts.bits))
      add(facts.minerAddress, 9 * difficulty)
      add(minerAddress, difficulty)
    }
  }
  for (const [address, weight] of earned) earned.set(address, weight / total)
  return earned
}
