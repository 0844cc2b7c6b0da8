import type { ChainParams } from '@p2poolv2/consensus'
import { genesisShare } from '@p2poolv2/consensus'
import type { ChainIndex } from '@p2poolv2/gossip'
import { type Moment, secFromMs } from '@p2poolv2/primitives'
import type { ShareChain } from '@p2poolv2/sharechain'

/**
 * The share chain as the gossip machine sees it: read only, and no more than it asks about.
 * @param turn the moment of the call under way: what the chain is compared with
 */
export function chainIndexOf(params: ChainParams, chain: ShareChain, turn: { readonly now: Moment }): ChainIndex {
  return {
    genesisHash: genesisShare(params).hash,
    get keptFromHeight() {
      return chain.keptFromHeight
    },
    get isUndecided() {
      return chain.isUndecided
    },
    facts: hash => chain.facts(hash),
    confirmedTip: () => chain.confirmedTip(),
    candidateTip: () => chain.candidateTip(),
    locator: depth => chain.locator(depth),
    headerAnswer: question => chain.headerAnswer(question),
    wallSec: () => secFromMs(turn.now.wallMs),
    wantedBodies: limit => chain.bodiesWanted(limit)
  }
}
