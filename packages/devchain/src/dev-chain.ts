import {
  type BlockHash,
  BoundedSet,
  blockHashFromWire,
  type CompactBits,
  invariant,
  type Work,
  workFromBits
} from '@p2poolv2/primitives'
import { type DecodedBlock, decodeBlock, encodeBlock } from './block.ts'
import { BlockTree, type ChainBlock, TREE_LIMITS, type TreeLimits } from './block-tree.ts'
import {
  type BlockContext,
  CONDEMNING,
  checkBlockAlone,
  checkBlockInContext,
  checkBlockSpends,
  withReservedValue
} from './check-block.ts'
import { DEV_DIFFICULTY, type DifficultyRule, isStalled, nextBits } from './difficulty.ts'
import { REGTEST_GENESIS } from './genesis.ts'
import { type DevTemplate, devTemplate, earliestTimeSec } from './template.ts'
import { WaitingBlocks } from './waiting-blocks.ts'

/** What became of a block. */
export type BlockOutcome =
  /** It is in the chain. `added` are all blocks that found a place with it, parents first: it and those that waited for it. */
  | { readonly type: 'accepted'; readonly block: ChainBlock; readonly added: readonly ChainBlock[] }
  /** It is good and has no more work than the chain; bitcoind's word is `inconclusive`. `added` lacks what a cap refused. */
  | { readonly type: 'beside'; readonly added: readonly ChainBlock[] }
  /** Its parent is not known; it waits. */
  | { readonly type: 'waits' }
  /** `reason` is bitcoind's word, for example `high-hash`, `duplicate`, `prev-blk-not-found`. */
  | { readonly type: 'refused'; readonly reason: string }
  | { readonly type: 'undecodable' }

const UNKNOWN_PARENT = 'prev-blk-not-found'

/** Blocks with a good header and a bad rest; one that is forgotten is judged again. */
const REMEMBERED_INVALID_BLOCKS = 1_000

const MEDIAN_TIME_BLOCKS = 11

/**
 * A chain like regtest's for people without a bitcoin node: same genesis block, same checks, empty blocks. Different are
 * the difficulty (`DifficultyRule`) and the halving interval (main's). Blocks of others make branches, and the chain is
 * the branch with the most work, as among bitcoin nodes.
 */
export class DevChain {
  readonly #rule: DifficultyRule
  readonly #genesis: ChainBlock
  readonly #limits: TreeLimits
  #tree: BlockTree
  readonly #waiting = new WaitingBlocks()
  readonly #invalid = new BoundedSet<BlockHash>(REMEMBERED_INVALID_BLOCKS)

  constructor(rule: DifficultyRule = DEV_DIFFICULTY, limits: TreeLimits = TREE_LIMITS) {
    this.#rule = rule
    this.#limits = limits
    const decoded = decodeBlock(REGTEST_GENESIS)
    invariant(decoded !== null, 'the genesis block decodes')
    const { header, hash } = decoded
    this.#genesis = {
      hash,
      prevHash: blockHashFromWire(header.prevHashWire),
      bitcoinHeight: 0,
      header,
      medianTimeSec: header.timeSec,
      chainWork: workFromBits(header.bits),
      bytes: REGTEST_GENESIS
    }
    this.#tree = new BlockTree(this.#genesis, limits)
  }

  get tip(): ChainBlock {
    return this.#tree.tip
  }

  get genesis(): ChainBlock {
    return this.#genesis
  }

  /** Of the oldest block of the chain that is kept beside the genesis block. */
  get firstHeight(): number {
    return this.#tree.firstHeight
  }

  /** Hashes expected for the blocks of the chain that are kept, the oldest left out. */
  get keptWork(): Work {
    return this.tip.chainWork - (this.blockAt(this.firstHeight) ?? this.#genesis).chainWork
  }

  /** Blocks kept that are not in the chain. */
  get sideCount(): number {
    return this.#tree.sideCount
  }

  /** @returns null for a height above the tip, or of a block that was forgotten */
  blockAt(bitcoinHeight: number): ChainBlock | null {
    return this.#tree.at(bitcoinHeight)
  }

  /** In the chain or beside it. */
  blockOf(hash: BlockHash): ChainBlock | null {
    return this.#tree.get(hash)
  }

  isInChain(block: ChainBlock): boolean {
    return this.#tree.isInChain(block)
  }

  /** Every block but the genesis block; restored in this order they give the same chain. */
  blocks(): IterableIterator<ChainBlock> {
    return this.#tree.blocks()
  }

  /** What a miner needs for the next block. */
  template(nowSec: number): DevTemplate {
    const { tip } = this
    const curTimeSec = Math.max(nowSec, earliestTimeSec(tip))
    return devTemplate(tip, curTimeSec, this.#bitsAfter(tip, curTimeSec).at(-1) ?? this.#rule.startBits)
  }

  /** Checks a block as bitcoind's submitblock does, and adds it if it is good. One without a known parent is refused. */
  submit(bytes: Uint8Array, nowSec: number): BlockOutcome {
    const decoded = decodeBlock(bytes)
    if (decoded === null) return { type: 'undecodable' }
    return this.#take(withReservedValue(decoded), nowSec)
  }

  /** Checks a block as bitcoind does that comes from a peer. One whose parent may still come waits for it. */
  receive(bytes: Uint8Array, nowSec: number): BlockOutcome {
    const block = decodeBlock(bytes, 'refused')
    if (block === null) return { type: 'undecodable' }
    if (this.#waiting.has(block.hash)) return { type: 'refused', reason: 'duplicate' }
    const outcome = this.#take(block, nowSec)
    if (outcome.type !== 'refused' || outcome.reason !== UNKNOWN_PARENT) return outcome
    this.#waiting.add(block, blockHashFromWire(block.header.prevHashWire), bytes.length)
    return { type: 'waits' }
  }

  /**
   * Takes back a block that this chain accepted in an earlier life, in the order of `blocks()`.
   * @returns false, and nothing is changed, if it is no block, is known, follows none that is, or lacks its work
   */
  restore(bytes: Uint8Array, bitcoinHeight: number): boolean {
    const block = decodeBlock(bytes)
    if (block === null || checkBlockAlone(block, this.#rule.easiestBits) !== null) return false
    if (this.blockOf(block.hash) !== null) return false
    const parent = this.#tree.parent(blockHashFromWire(block.header.prevHashWire))
    // After a shortened file the first block is not the genesis block's child.
    const isFirst = this.#tree.isEmpty && bitcoinHeight > 1
    if (!isFirst && parent?.bitcoinHeight !== bitcoinHeight - 1) return false
    this.#add(block, isFirst ? this.#genesis : (parent ?? this.#genesis), bitcoinHeight)
    return true
  }

  /** A chain by the same rules without blocks. */
  empty(): DevChain {
    return new DevChain(this.#rule, this.#limits)
  }

  /** Takes everything from a chain that `empty` made, which is not used any more, and forgets its own blocks. */
  replaceWith(other: DevChain): void {
    this.#tree = other.#tree
  }

  /** @throws InvariantError if the chain contradicts itself. Cost O(blocks). */
  checkInvariants(): void {
    this.#tree.checkInvariants()
  }

  #take(block: DecodedBlock, nowSec: number): BlockOutcome {
    const reason = this.#check(block, nowSec)
    if (reason !== null) return { type: 'refused', reason }
    const known = this.blockOf(block.hash)
    if (known === null) return { type: 'beside', added: [] }
    const added = [known]
    for (const above of added) {
      for (const waited of this.#waiting.takeChildren(above.hash)) {
        this.#check(waited, nowSec)
        const follower = this.blockOf(waited.hash)
        if (follower !== null) added.push(follower)
      }
    }
    const kept = added.filter(({ hash }) => this.blockOf(hash) !== null)
    return this.isInChain(known) ? { type: 'accepted', block: known, added: kept } : { type: 'beside', added: kept }
  }

  /** Adds a block if it is good. @returns bitcoind's word if it is not */
  #check(block: DecodedBlock, nowSec: number): string | null {
    const alone = checkBlockAlone(block, this.#rule.easiestBits)
    if (alone !== null) return alone
    if (this.blockOf(block.hash) !== null) return 'duplicate'
    if (this.#invalid.has(block.hash)) return 'duplicate-invalid'
    const prevHash = blockHashFromWire(block.header.prevHashWire)
    const parent = this.#tree.parent(prevHash)
    if (parent === null) return this.#invalid.has(prevHash) ? 'bad-prevblk' : UNKNOWN_PARENT
    const isShort = this.#isShortBelow(parent)
    // Of blocks just above the oldest one that is kept only the tip's child is taken: nothing is left to judge others by.
    if (isShort && parent !== this.tip) return UNKNOWN_PARENT
    const context: BlockContext = {
      bitcoinHeight: parent.bitcoinHeight + 1,
      allowedBits: isShort ? [block.header.bits] : this.#bitsAfter(parent, block.header.timeSec),
      medianTimePastSec: isShort ? 0 : parent.medianTimeSec,
      nowSec
    }
    const reason = checkBlockInContext(block, context)
    if (reason !== null) return this.#refuse(block, reason)
    const spends = checkBlockSpends(block, context)
    // What a block beside the chain spends is looked at when its branch wins; here it can be seen at once that it never will.
    const wins = parent.chainWork + workFromBits(block.header.bits) > this.tip.chainWork
    if (spends !== null) return this.#refuse(block, wins ? spends : 'inconclusive')
    this.#add(block, parent, context.bitcoinHeight)
    return null
  }

  /** Whether bits and median time after this block depend on blocks that were forgotten. */
  #isShortBelow(parent: ChainBlock): boolean {
    return this.firstHeight > 1 && parent.bitcoinHeight - this.firstHeight < this.#rule.windowBlocks
  }

  #refuse(block: DecodedBlock, reason: string): string {
    if (CONDEMNING.has(reason) || reason === 'inconclusive') this.#invalid.add(block.hash)
    return reason
  }

  /** Bits a block after `parent` with this time may have; the easiest last. */
  #bitsAfter(parent: ChainBlock, timeSec: number): readonly CompactBits[] {
    const ancestors = this.#upTo(parent, this.#rule.windowBlocks + 1).map(({ header }) => header)
    const regular = nextBits(this.#rule, ancestors)
    const stalled = isStalled(this.#rule, parent.bitcoinHeight === 0 ? null : parent.header, timeSec)
    return stalled ? [regular, this.#rule.easiestBits] : [regular]
  }

  /** A block and those below it, at most `count`, oldest first, without the genesis block. */
  #upTo(block: ChainBlock, count: number): ChainBlock[] {
    const line: ChainBlock[] = []
    let below: ChainBlock | null = block
    while (below !== null && below !== this.#genesis && line.length < count) {
      line.push(below)
      below = this.#tree.parent(below.prevHash)
    }
    return line.reverse()
  }

  #add(block: DecodedBlock, parent: ChainBlock, bitcoinHeight: number): void {
    const { header, hash } = block
    const earlier = this.#upTo(parent, MEDIAN_TIME_BLOCKS - 1)
    if (bitcoinHeight < MEDIAN_TIME_BLOCKS) earlier.unshift(this.#genesis)
    const times = [...earlier.map(({ header }) => header), header].map(({ timeSec }) => timeSec).sort((a, b) => a - b)
    this.#tree.add({
      hash,
      prevHash: blockHashFromWire(header.prevHashWire),
      bitcoinHeight,
      header,
      medianTimeSec: times[Math.floor(times.length / 2)] ?? header.timeSec,
      chainWork: parent.chainWork + workFromBits(header.bits),
      bytes: encodeBlock(block)
    })
  }
}
