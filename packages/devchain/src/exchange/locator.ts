import type { BlockHash } from '@p2poolv2/primitives'
import type { ChainBlock } from '../block-tree.ts'
import type { DevChain } from '../dev-chain.ts'
import { type ExchangeMessage, MAX_ANSWER_BLOCKS } from './messages.ts'

/** Blocks in a row before the steps of a locator begin to double. */
const DENSE_HASHES = 10

/** Bytes of blocks in an answer, of which the first may have more. */
export const MAX_ANSWER_BYTES = 262_144

/**
 * Where a chain is, from its tip down in growing steps to the genesis block.
 * @param heard the last block that came from whoever is asked, which may be in another branch
 */
export function locatorOf(chain: DevChain, heard: ChainBlock | null): BlockHash[] {
  const blocks: ChainBlock[] = []
  let step = 1
  for (let height = chain.tip.bitcoinHeight; height >= chain.firstHeight; height -= step) {
    const block = chain.blockAt(height)
    if (block !== null) blocks.push(block)
    if (blocks.length >= DENSE_HASHES) step *= 2
  }
  if (heard !== null && !blocks.includes(heard)) {
    blocks.push(heard)
    blocks.sort((a, b) => b.bitcoinHeight - a.bitcoinHeight)
  }
  return [...blocks.map(({ hash }) => hash), chain.genesis.hash]
}

/** What follows the first hash of a locator that is in the chain, or everything that is kept. */
export function blocksAfter(
  chain: DevChain,
  locator: readonly BlockHash[]
): Extract<ExchangeMessage, { type: 'blocks' }> {
  let firstHeight = chain.firstHeight
  for (const hash of locator) {
    const block = chain.blockOf(hash)
    if (block === null || !chain.isInChain(block)) continue
    firstHeight = Math.max(firstHeight, block.bitcoinHeight + 1)
    break
  }
  const blocks: Uint8Array[] = []
  let bytes = 0
  for (let height = firstHeight; blocks.length < MAX_ANSWER_BLOCKS; height++) {
    const block = chain.blockAt(height)
    if (block === null) break
    bytes += block.bytes.length
    if (blocks.length > 0 && bytes > MAX_ANSWER_BYTES) break
    blocks.push(block.bytes)
  }
  return { type: 'blocks', firstHeight, tipHeight: chain.tip.bitcoinHeight, blocks }
}
