import { bitcoinHeaderHashWire } from '@p2poolv2/bitcoin'
import type { Share } from '@p2poolv2/consensus'
import type { CompactBits, ShareHash } from '@p2poolv2/primitives'
import { bigIntFromBits, hashMeetsTarget, invariant, targetFromBits } from '@p2poolv2/primitives'
import type { FoundBlock } from '@p2poolv2/sharechain'

/**
 * Blocks whose shares are not confirmed. Shares are confirmed within seconds, or within a synchronisation of two weeks of
 * blocks; at the cap the one with the least work goes.
 */
export const MAX_UNCONFIRMED_BLOCKS = 1024
/** Above this a height is no height of a bitcoin block (as in the rule `proof-bitcoin-height`). */
export const MAX_BITCOIN_HEIGHT = 500_000_000n
/** Bitcoin's difficulty rises by this factor at most from one period to the next. */
const EASIER_AT_MOST = 4n

/**
 * Bitcoin blocks that others found, from the arrival of their share until it is confirmed, or a share is that names it as
 * its uncle. They may be as old as shares are: who was away learns what the pool has found meanwhile.
 */
export class SeenBlocks {
  readonly #unconfirmed = new Map<ShareHash, FoundBlock>()

  /** @param stored those that the store holds */
  constructor(stored: readonly FoundBlock[]) {
    for (const block of stored) if (block.shareHash !== null) this.#unconfirmed.set(block.shareHash, block)
    while (this.#unconfirmed.size > MAX_UNCONFIRMED_BLOCKS) this.#dropLightest()
  }

  /** Keeps a block until its share is confirmed. @returns one that had to go for it, perhaps itself */
  add(shareHash: ShareHash, block: FoundBlock): FoundBlock | null {
    this.#unconfirmed.set(shareHash, block)
    return this.#unconfirmed.size > MAX_UNCONFIRMED_BLOCKS ? this.#dropLightest() : null
  }

  get(shareHash: ShareHash): FoundBlock | undefined {
    return this.#unconfirmed.get(shareHash)
  }

  /** Lets go of the blocks that are these shares. @param hashes of confirmed shares and of the uncles they name */
  take(hashes: Iterable<ShareHash>): FoundBlock[] {
    const blocks: FoundBlock[] = []
    if (this.#unconfirmed.size === 0) return blocks
    for (const hash of hashes) {
      const block = this.#unconfirmed.get(hash)
      if (block === undefined) continue
      this.#unconfirmed.delete(hash)
      blocks.push(block)
    }
    return blocks
  }

  checkInvariants(): void {
    invariant(this.#unconfirmed.size <= MAX_UNCONFIRMED_BLOCKS, 'unconfirmed blocks are within their cap')
  }

  /** Cost: looks at all of them, for a share with a block's work. */
  #dropLightest(): FoundBlock | null {
    let lightest: ShareHash | null = null
    let highest = ''
    for (const [shareHash, { blockHash }] of this.#unconfirmed) {
      if (blockHash <= highest) continue
      lightest = shareHash
      highest = blockHash
    }
    const dropped = lightest === null ? undefined : this.#unconfirmed.get(lightest)
    if (lightest !== null) this.#unconfirmed.delete(lightest)
    return dropped ?? null
  }
}

/**
 * Whether a share is a bitcoin block by what is known of bitcoin. The bits in its header are its maker's to choose, so they may
 * be those of a period ago and not easier.
 * @param bitcoinBits of the newest template; null before the first
 */
export function isBlock({ header }: Share, bitcoinBits: CompactBits | null): boolean {
  const { bitcoinHeader, bitcoinHeight } = header
  if (bitcoinHeight > MAX_BITCOIN_HEIGHT) return false
  if (!hashMeetsTarget(bitcoinHeaderHashWire(bitcoinHeader), targetFromBits(bitcoinHeader.bits))) return false
  return bitcoinBits === null || bigIntFromBits(bitcoinHeader.bits) <= bigIntFromBits(bitcoinBits) * EASIER_AT_MOST
}

/** Whether a block that was taken before the first template is one of bitcoin's, by its hash. */
export function isOfBitcoin({ blockHash }: FoundBlock, bitcoinBits: CompactBits | null): boolean {
  return bitcoinBits === null || BigInt(`0x${blockHash}`) <= bigIntFromBits(bitcoinBits) * EASIER_AT_MOST
}
