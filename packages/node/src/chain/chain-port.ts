import type { ChainParams } from '@p2poolv2/consensus'
import { genesisShare } from '@p2poolv2/consensus'
import { type ChainPort, chainPort } from '@p2poolv2/gossip'
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
  return chainPort(chain, {
    genesisHash: genesisShare(params).hash,
    wallSec: () => secFromMs(turn.now.wallMs),
    takeShare: share => keeper.takeShare(share, turn.now),
    takeHeaders: headers => keeper.takeHeaders(headers, turn.now),
    awaitBodies: wait => keeper.awaitBodies(wait, turn.now),
    submitBlock: block => blocks.submitRebuilt(block)
  })
}
