import type { BitcoinHeader } from '@p2poolv2/bitcoin'
import { type BlockHash, invariant } from '@p2poolv2/primitives'

/** A block that was checked and found its place. */
export interface ChainBlock {
  readonly hash: BlockHash
  readonly prevHash: BlockHash
  readonly bitcoinHeight: number
  readonly header: BitcoinHeader
  /** Its own median time past: of its time and the ten before it. */
  readonly medianTimeSec: number
  /** Hashes expected for the chain up to here, since the oldest block that was kept. */
  readonly chainWork: bigint
  /** The whole block, witnesses included. */
  readonly bytes: Uint8Array
}

/** A week of blocks. The oldest is forgotten beyond that, as by a pruned node, the genesis block excepted. */
export const KEPT_BLOCKS = 20_160

export interface TreeLimits {
  /** Of the chain; the oldest goes. */
  readonly chainBlocks: number
  /** Of the chain, which keeps `fewestBlocks` however large they are. */
  readonly chainBytes: number
  readonly fewestBlocks: number
  /** Beside the chain; the end of the branch with the least work goes. */
  readonly sideBlocks: number
  readonly sideBytes: number
}

/** As many beside the chain as in it, so that a branch can take the place of everything that is kept. */
export const TREE_LIMITS: TreeLimits = {
  chainBlocks: KEPT_BLOCKS,
  chainBytes: 128 * 1024 * 1024,
  fewestBlocks: 256,
  sideBlocks: KEPT_BLOCKS,
  sideBytes: 64 * 1024 * 1024
}

/**
 * Every block that is kept, and the chain with the most work among them. Of two with equal work the one seen first stays.
 * A branch from below the oldest block of the chain has no place here.
 */
export class BlockTree {
  readonly #genesis: ChainBlock
  readonly #limits: TreeLimits
  /** All but the genesis block, in order of arrival: a parent before its children. */
  readonly #blocks = new Map<BlockHash, ChainBlock>()
  /** Ascending; without the genesis block, and from some height on once the oldest were forgotten. */
  readonly #chain: ChainBlock[] = []
  readonly #side = new Map<BlockHash, ChainBlock>()
  #chainBytes = 0
  #sideBytes = 0

  constructor(genesis: ChainBlock, limits: TreeLimits = TREE_LIMITS) {
    this.#genesis = genesis
    this.#limits = limits
  }

  get tip(): ChainBlock {
    return this.#chain.at(-1) ?? this.#genesis
  }

  /** Of the oldest block of the chain that is kept beside the genesis block; 1 for an empty chain. */
  get firstHeight(): number {
    return this.#chain[0]?.bitcoinHeight ?? 1
  }

  get sideCount(): number {
    return this.#side.size
  }

  /** Every block but the genesis block, a parent before its children; added again in this order they give the same tip. */
  blocks(): IterableIterator<ChainBlock> {
    return this.#blocks.values()
  }

  /** The chain's block at a height; null above the tip, and for a block that was forgotten. */
  at(bitcoinHeight: number): ChainBlock | null {
    if (bitcoinHeight === 0) return this.#genesis
    return this.#chain[bitcoinHeight - this.firstHeight] ?? null
  }

  /** On the chain or beside it. */
  get(hash: BlockHash): ChainBlock | null {
    return hash === this.#genesis.hash ? this.#genesis : (this.#blocks.get(hash) ?? null)
  }

  /** What a further block may be built on. The genesis block is a parent only as long as the chain begins there. */
  parent(hash: BlockHash): ChainBlock | null {
    return hash === this.#genesis.hash && this.firstHeight > 1 ? null : this.get(hash)
  }

  isInChain(block: ChainBlock): boolean {
    return this.at(block.bitcoinHeight) === block
  }

  /** Nothing beyond the genesis block; the next block may begin at any height. */
  get isEmpty(): boolean {
    return this.#blocks.size === 0
  }

  /**
   * Adds a block that is not here and whose parent is, or any as the first one.
   * @returns whether it is kept; false for one beside the chain that has less work than all others at a cap
   */
  add(block: ChainBlock): boolean {
    this.#blocks.set(block.hash, block)
    if (block.prevHash === this.tip.hash || this.#blocks.size === 1) {
      this.#append(block)
    } else {
      this.#side.set(block.hash, block)
      this.#sideBytes += block.bytes.length
      if (block.chainWork > this.tip.chainWork) this.#reorganise(block)
      this.#evict()
    }
    this.#forget()
    return this.#blocks.has(block.hash)
  }

  /** @throws InvariantError if the tree contradicts itself. Cost O(blocks). */
  checkInvariants(): void {
    invariant(this.#blocks.size === this.#chain.length + this.#side.size, 'a block is in the chain or beside it')
    let bytes = 0
    let above = this.#genesis
    for (const block of this.#chain) {
      invariant(this.#blocks.get(block.hash) === block && !this.#side.has(block.hash), 'the chain is kept')
      const follows = block.prevHash === above.hash && block.bitcoinHeight === above.bitcoinHeight + 1
      invariant(follows || block === this.#chain[0], 'a block of the chain follows the one below')
      bytes += block.bytes.length
      above = block
    }
    invariant(bytes === this.#chainBytes, 'bytes of the chain add up')
    bytes = 0
    for (const block of this.#side.values()) {
      invariant(this.parent(block.prevHash) !== null, 'a branch leads to the chain')
      invariant(block.chainWork <= this.tip.chainWork, 'no branch has more work than the chain')
      bytes += block.bytes.length
    }
    invariant(bytes === this.#sideBytes, 'bytes beside the chain add up')
  }

  #append(block: ChainBlock): void {
    this.#chain.push(block)
    this.#chainBytes += block.bytes.length
  }

  #reorganise(tip: ChainBlock): void {
    const branch: ChainBlock[] = []
    let block: ChainBlock | null = tip
    for (; block !== null && !this.isInChain(block); block = this.get(block.prevHash)) branch.push(block)
    invariant(block !== null, 'a branch leads to the chain')
    const kept = block.bitcoinHeight === 0 ? 0 : block.bitcoinHeight - this.firstHeight + 1
    for (const left of this.#chain.splice(kept)) {
      this.#chainBytes -= left.bytes.length
      this.#side.set(left.hash, left)
      this.#sideBytes += left.bytes.length
    }
    for (const joined of branch.reverse()) {
      this.#dropSide(joined)
      this.#append(joined)
    }
  }

  /** Takes the ends of the branches with the least work; of two with equal work the later. */
  #evict(): void {
    const isOver = () => this.#side.size > this.#limits.sideBlocks || this.#sideBytes > this.#limits.sideBytes
    if (!isOver()) return
    const children = new Map<BlockHash, number>()
    for (const { prevHash } of this.#side.values()) children.set(prevHash, (children.get(prevHash) ?? 0) + 1)
    const ends = [...this.#side.values()].filter(({ hash }) => !children.has(hash))
    while (isOver()) {
      const least = ends.reduce((best, end) => (end.chainWork <= best.chainWork ? end : best))
      ends.splice(ends.indexOf(least), 1)
      this.#remove(least)
      const siblings = (children.get(least.prevHash) ?? 1) - 1
      children.set(least.prevHash, siblings)
      const parent = this.#side.get(least.prevHash)
      if (siblings === 0 && parent !== undefined) ends.push(parent)
    }
  }

  #forget(): void {
    const { chainBlocks, chainBytes, fewestBlocks } = this.#limits
    const isOver = () =>
      this.#chain.length > chainBlocks || (this.#chainBytes > chainBytes && this.#chain.length > fewestBlocks)
    while (isOver()) {
      const oldest = this.#chain.shift()
      invariant(oldest !== undefined, 'a chain above its cap has blocks')
      this.#chainBytes -= oldest.bytes.length
      this.#blocks.delete(oldest.hash)
      if (this.#side.size === 0) continue
      const ascending = [...this.#side.values()].sort((a, b) => a.bitcoinHeight - b.bitcoinHeight)
      for (const block of ascending) if (this.parent(block.prevHash) === null) this.#remove(block)
    }
  }

  #remove(block: ChainBlock): void {
    this.#dropSide(block)
    this.#blocks.delete(block.hash)
  }

  #dropSide(block: ChainBlock): void {
    this.#side.delete(block.hash)
    this.#sideBytes -= block.bytes.length
  }
}
