import { invariant } from '@p2poolv2/primitives'
import { ShareChain } from '@p2poolv2/sharechain'
import type { SimNode } from '../world/sim-node.ts'
import type { World } from '../world/world.ts'
import { walkConfirmed } from './chain-walk.ts'
import { naivePayoutText, payoutText } from './payout-agreement.ts'
import { checkNode, WorldBroken } from './step-invariants.ts'

export interface RestOptions {
  /** `may-be-lost`: bitcoin split, so a block may be on the side that lost. */
  readonly blocks?: 'everywhere' | 'may-be-lost'
}

/**
 * What must hold for all honest nodes that are up once nothing new has happened for a while: one confirmed tip; a chain that is dense, linked and keeps its uncles apart; the same payouts everywhere, equal to the
 * plain walk's; a disk from which the same chain comes back; nothing waiting for it; every part of a node in order and
 * within its bounds; every bitcoin block of the pool at every bitcoind.
 * Cost: a few milliseconds a node and thousand shares.
 * @throws WorldBroken
 */
export function checkAtRest(world: World, options: RestOptions = {}): void {
  const nodes = world.honest
  const [first] = nodes
  if (first === undefined) return
  const tip = first.chain.confirmedTip().hash
  const bitcoinBits = world.bitcoin.options.bits
  const payouts = payoutText(first.chain, bitcoinBits)
  said(world, first, () => {
    walkConfirmed(first.chain, world.params)
    invariant(
      payouts === naivePayoutText(world.params, first.chain, bitcoinBits),
      'payouts are those of the plain walk'
    )
  })
  for (const node of nodes) {
    checkNode(node, world.elapsedMs)
    said(world, node, () => {
      const own = node.chain.confirmedTip()
      invariant(own.hash === tip, `all nodes have one tip, but ${own.hash} at ${own.height} is not ${tip}`)
      invariant(payoutText(node.chain, bitcoinBits) === payouts, 'payouts agree between nodes on one tip')
      invariant(node.store.waiting === 0, 'nothing waits for the disk')
      checkRestored(world, node)
      checkHeights(world, node)
    })
  }
  if (options.blocks !== 'may-be-lost') checkBlocks(world, nodes)
}

/** The chain that a restart would find is the one in memory. */
function checkRestored(world: World, node: SimNode): void {
  const restored = new ShareChain({ params: world.params })
  restored.beginRestore()
  for (const row of node.store.disk.rows()) restored.restoreRow(row)
  restored.finishRestore()
  restored.checkInvariants()
  const { chain } = node
  invariant(restored.confirmedTip().hash === chain.confirmedTip().hash, 'the disk holds the confirmed tip')
  invariant(isCandidateOf(restored, chain), 'the disk holds the candidate tip')
  invariant(restored.shareCount === chain.shareCount, 'the disk holds every share')
  invariant(restored.uncleCount === chain.uncleCount, 'the disk holds the count of uncles')
  invariant(restored.sequence === chain.sequence, 'the disk is as far as memory')
}

/**
 * The same tip, or a heavier one of headers alone: that a branch is withheld, as nobody gives its bodies, is for memory to know; a restart
 * waits for them once more.
 */
function isCandidateOf(restored: ShareChain, chain: ShareChain): boolean {
  const [found, own] = [restored.candidateTip(), chain.candidateTip()]
  return found.hash === own.hash || (found.chainWork > own.chainWork && !found.hasBody)
}

/** However many shares somebody shows at one height, only so many are kept that are not valid (protocol §14.5). */
function checkHeights(world: World, { chain }: SimNode): void {
  for (let height = 1; height <= chain.candidateTip().height; height++) {
    const shares = chain.hashesAtHeight(height).filter(hash => chain.facts(hash)?.validity !== 'blockValid').length
    invariant(shares <= world.params.maxSharesPerHeight + 1, `no height is crowded, but ${height} has ${shares} shares`)
  }
}

function checkBlocks(world: World, nodes: readonly SimNode[]): void {
  for (const { hash, node: finder, atMs } of world.census.foundBlocks.values()) {
    // A clock was days off until bitcoin had gone on without the block.
    if (world.nodes.some(({ bitcoind }) => bitcoind.hasGivenUp(hash))) continue
    for (const node of nodes) {
      // Who came later learns the chain, but not the blocks that lost.
      if (node.createdAtMs <= atMs && !node.bitcoind.knows(hash)) {
        throw new WorldBroken(
          node.node,
          world.elapsedMs,
          `its bitcoind knows the block ${hash} that node ${finder} found`
        )
      }
    }
  }
}

function said(world: World, node: SimNode, check: () => void): void {
  try {
    check()
  } catch (error) {
    if (error instanceof WorldBroken) throw error
    throw new WorldBroken(node.node, world.elapsedMs, error instanceof Error ? error.message : String(error))
  }
}
