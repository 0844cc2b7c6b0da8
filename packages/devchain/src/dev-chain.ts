import { type BitcoinHeader, witnessCommitmentScriptOf } from '@p2poolv2/bitcoin'
import {
  type BlockHash,
  BoundedSet,
  bigIntFromBits,
  blockHashFromWire,
  bytesToHex,
  type CompactBits,
  invariant,
  workFromBits
} from '@p2poolv2/primitives'
import { type DecodedBlock, decodeBlock, encodeBlock } from './block.ts'
import {
  type BlockContext,
  checkBlockAlone,
  checkBlockInContext,
  checkBlockSpends,
  subsidySats,
  withReservedValue
} from './check-block.ts'
import { DEV_DIFFICULTY, type DifficultyRule, isStalled, nextBits } from './difficulty.ts'
import { REGTEST_GENESIS } from './genesis.ts'

/** A block of the chain. */
export interface ChainBlock {
  readonly hash: BlockHash
  readonly bitcoinHeight: number
  readonly header: BitcoinHeader
  /** Its own median time past: of its time and the ten before it. */
  readonly medianTimeSec: number
  /** Hashes expected for the chain up to here, since the oldest block that was kept. */
  readonly chainWork: bigint
  /** The whole block, witnesses included. */
  readonly bytes: Uint8Array
}

/** What became of a submitted block. */
export type SubmitOutcome =
  | { readonly type: 'accepted'; readonly block: ChainBlock }
  /** `reason` is bitcoind's word, for example `high-hash`, `duplicate`, `inconclusive`. */
  | { readonly type: 'refused'; readonly reason: string }
  | { readonly type: 'undecodable' }

/** The fields of a `getblocktemplate` answer without transactions, named as bitcoind names them. */
export interface DevTemplate {
  readonly capabilities: readonly string[]
  readonly version: number
  readonly rules: readonly string[]
  readonly vbavailable: Readonly<Record<string, number>>
  readonly vbrequired: number
  readonly previousblockhash: string
  readonly transactions: readonly never[]
  readonly coinbaseaux: Readonly<Record<string, string>>
  readonly coinbasevalue: number
  readonly longpollid: string
  readonly target: string
  readonly mintime: number
  readonly mutable: readonly string[]
  readonly noncerange: string
  readonly sigoplimit: number
  readonly sizelimit: number
  readonly weightlimit: number
  readonly curtime: number
  readonly bits: string
  readonly height: number
  readonly default_witness_commitment: string
}

/** A week of blocks. The oldest is forgotten beyond that, as by a pruned node, the genesis block excepted. */
export const KEPT_BLOCKS = 20_160

/** Blocks beside the chain whose repetition is called a duplicate; the oldest is forgotten. */
const REMEMBERED_SIDE_BLOCKS = 1_000

const MEDIAN_TIME_BLOCKS = 11
const TEMPLATE_VERSION = 0x2000_0000

/**
 * A chain like regtest's for people without a bitcoin node: same genesis block, same checks, empty blocks. Different are
 * the difficulty (`DifficultyRule`) and the halving interval (main's). It is one line of blocks: a block on an older
 * parent is answered as bitcoind answers one that lost the race, and not kept.
 */
export class DevChain {
  readonly #rule: DifficultyRule
  readonly #genesis: ChainBlock
  /** Ascending; without the genesis block, and from some height on once KEPT_BLOCKS are exceeded. */
  readonly #blocks: ChainBlock[] = []
  readonly #heights = new Map<BlockHash, number>()
  readonly #sideBlocks = new BoundedSet<BlockHash>(REMEMBERED_SIDE_BLOCKS)

  constructor(rule: DifficultyRule = DEV_DIFFICULTY) {
    this.#rule = rule
    const decoded = decodeBlock(REGTEST_GENESIS)
    invariant(decoded !== null, 'the genesis block decodes')
    const { header, hash } = decoded
    const work = workFromBits(header.bits)
    const shared = { medianTimeSec: header.timeSec, chainWork: work, bytes: REGTEST_GENESIS }
    this.#genesis = { hash, bitcoinHeight: 0, header, ...shared }
    this.#heights.set(hash, 0)
  }

  get tip(): ChainBlock {
    return this.#blocks.at(-1) ?? this.#genesis
  }

  /** @returns null for a height above the tip, or of a block that was forgotten */
  blockAt(bitcoinHeight: number): ChainBlock | null {
    if (bitcoinHeight === 0) return this.#genesis
    const first = this.#blocks[0]?.bitcoinHeight ?? 1
    return this.#blocks[bitcoinHeight - first] ?? null
  }

  blockOf(hash: BlockHash): ChainBlock | null {
    const bitcoinHeight = this.#heights.get(hash)
    return bitcoinHeight === undefined ? null : this.blockAt(bitcoinHeight)
  }

  /** What a miner needs for the next block. */
  template(nowSec: number): DevTemplate {
    const { tip } = this
    const bitcoinHeight = tip.bitcoinHeight + 1
    const minTimeSec = tip.medianTimeSec + 1
    const curTimeSec = Math.max(nowSec, minTimeSec)
    const bits = this.#bitsAfter(tip, curTimeSec).at(-1) ?? this.#rule.startBits
    return {
      capabilities: ['proposal'],
      version: TEMPLATE_VERSION,
      rules: ['csv', '!segwit', 'taproot'],
      vbavailable: {},
      vbrequired: 0,
      previousblockhash: tip.hash,
      transactions: [],
      coinbaseaux: {},
      coinbasevalue: Number(subsidySats(bitcoinHeight)),
      // Changes with the bits as well: a stall makes work that is better than the last.
      longpollid: `${tip.hash}${hex(bits, 8)}`,
      target: hex(bigIntFromBits(bits), 64),
      mintime: minTimeSec,
      mutable: ['time', 'transactions', 'prevblock'],
      noncerange: '00000000ffffffff',
      sigoplimit: 80_000,
      sizelimit: 4_000_000,
      weightlimit: 4_000_000,
      curtime: curTimeSec,
      bits: hex(bits, 8),
      height: bitcoinHeight,
      default_witness_commitment: bytesToHex(witnessCommitmentScriptOf([]))
    }
  }

  /** Checks a block as bitcoind's submitblock does, and makes it the tip if it is good. */
  submit(bytes: Uint8Array, nowSec: number): SubmitOutcome {
    const decoded = decodeBlock(bytes)
    if (decoded === null) return { type: 'undecodable' }
    const block = withReservedValue(decoded)
    const reason = this.#check(block, nowSec)
    if (reason !== null) return { type: 'refused', reason }
    return { type: 'accepted', block: this.#append(block, this.tip.bitcoinHeight + 1) }
  }

  /**
   * Takes back a block that this chain accepted in an earlier life, oldest first.
   * @returns false, and nothing is changed, if it is no block, does not follow the tip, or lacks its work
   */
  restore(bytes: Uint8Array, bitcoinHeight: number): boolean {
    const block = decodeBlock(bytes)
    if (block === null || checkBlockAlone(block, this.#rule.easiestBits) !== null) return false
    // After a shortened file the first block is not the genesis block's child.
    const follows = blockHashFromWire(block.header.prevHashWire) === this.tip.hash
    const isFirst = this.#blocks.length === 0 && bitcoinHeight > 1
    if (!isFirst && (!follows || bitcoinHeight !== this.tip.bitcoinHeight + 1)) return false
    this.#append(block, bitcoinHeight)
    return true
  }

  #check(block: DecodedBlock, nowSec: number): string | null {
    const alone = checkBlockAlone(block, this.#rule.easiestBits)
    if (alone !== null) return alone
    if (this.#heights.has(block.hash) || this.#sideBlocks.has(block.hash)) return 'duplicate'
    const parent = this.blockOf(blockHashFromWire(block.header.prevHashWire))
    if (parent === null) return 'prev-blk-not-found'
    const context: BlockContext = {
      bitcoinHeight: parent.bitcoinHeight + 1,
      allowedBits: this.#bitsAfter(parent, block.header.timeSec),
      medianTimePastSec: parent.medianTimeSec,
      nowSec
    }
    const reason = checkBlockInContext(block, context)
    if (reason !== null) return reason
    if (parent !== this.tip) {
      this.#sideBlocks.add(block.hash)
      return 'inconclusive'
    }
    return checkBlockSpends(block, context)
  }

  /** Bits a block after `parent` with this time may have; the easiest last. */
  #bitsAfter(parent: ChainBlock, timeSec: number): readonly CompactBits[] {
    const ancestors = this.#headersUpTo(parent, this.#rule.windowBlocks + 1)
    const regular = nextBits(this.#rule, ancestors)
    const stalled = isStalled(this.#rule, parent.bitcoinHeight === 0 ? null : parent.header, timeSec)
    return stalled ? [regular, this.#rule.easiestBits] : [regular]
  }

  /** At most `count` headers, oldest first, without the genesis block. */
  #headersUpTo(block: ChainBlock, count: number): BitcoinHeader[] {
    const first = this.#blocks[0]?.bitcoinHeight ?? 1
    const end = Math.max(0, block.bitcoinHeight - first + 1)
    return this.#blocks.slice(Math.max(0, end - count), end).map(({ header }) => header)
  }

  #append(block: DecodedBlock, bitcoinHeight: number): ChainBlock {
    const { header, hash } = block
    const earlier = this.#headersUpTo(this.tip, MEDIAN_TIME_BLOCKS - 1)
    if (bitcoinHeight < MEDIAN_TIME_BLOCKS) earlier.unshift(this.#genesis.header)
    const times = [...earlier, header].map(({ timeSec }) => timeSec).sort((a, b) => a - b)
    const chainBlock: ChainBlock = {
      hash,
      bitcoinHeight,
      header,
      medianTimeSec: times[Math.floor(times.length / 2)] ?? header.timeSec,
      chainWork: this.tip.chainWork + workFromBits(header.bits),
      bytes: encodeBlock(block)
    }
    this.#blocks.push(chainBlock)
    this.#heights.set(hash, bitcoinHeight)
    if (this.#blocks.length > KEPT_BLOCKS) {
      const forgotten = this.#blocks.shift()
      if (forgotten !== undefined) this.#heights.delete(forgotten.hash)
    }
    return chainBlock
  }
}

function hex(value: number | bigint, digits: number): string {
  return value.toString(16).padStart(digits, '0')
}
