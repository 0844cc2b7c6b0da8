import type { ChainParams } from '@p2poolv2/consensus'
import { genesisShare } from '@p2poolv2/consensus'
import type { ChainPort } from '@p2poolv2/gossip'
import { type Moment, secFromMs } from '@p2poolv2/primitives'
import type { ShareChain } from '@p2poolv2/sharechain'
import type { BlockKeeper } from './block-keeper.ts'
import type { ChainKeeper } from './chain-keeper.ts'

interface Parts {
  readonly chain: ShareChain
  readonly keeper: ChainKeeper
  readonly blocks: BlockKeeper
  /** The moment of the call under way: what the chain is compared with. */
  readonly turn: { readonly now: Moment }
}

/** The share chain as the gossip machine uses it: it reads the chain itself, and changes it through its keeper. */
export function chainPortOf(params: ChainParams, { chain, keeper, blocks, turn }: Parts): ChainPort {
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
    wantedBodies: limit => chain.bodiesWanted(limit),
    takeShare: share => keeper.takeShare(share, turn.now),
    takeHeaders: headers => keeper.takeHeaders(headers, turn.now),
    submitBlock: block => blocks.submitRebuilt(block)
  }
}
