import type { BitcoinNetwork } from '@p2poolv2/bitcoin'
import { bitcoinHeaderHashWire } from '@p2poolv2/bitcoin'
import type { Share } from '@p2poolv2/consensus'
import type { RebuiltBlock } from '@p2poolv2/gossip'
import type { BlockHash, CompactBits, ShareHash } from '@p2poolv2/primitives'
import { bytesToHex, hashMeetsTarget } from '@p2poolv2/primitives'
import type { BlockChanges, ChainOutcome, FoundBlock, ShareChain } from '@p2poolv2/sharechain'
import type { NodeEvent, NodeFact } from '../contract.ts'
import type { EffectList } from '../effect-list.ts'
import type { JobMaker } from '../work/job-maker.ts'
import { foundBlockOf, foundBlockOfHex, foundBlockOfShare, type SolvedWork } from '../work/solution.ts'
import {
  BlockLog,
  isGivenUp,
  MAX_RECENT_BLOCKS,
  RESULT_ORPHANED,
  RESULT_SEEN,
  RESULT_SUBMITTED,
  RESULT_UNANSWERED,
  RESULT_UNCONFIRMED
} from './block-log.ts'
import { EarlyBlocks } from './early-blocks.ts'
import { FoundSiblings } from './found-siblings.ts'
import { isBlock, isOfBitcoin, MAX_BITCOIN_HEIGHT, MAX_UNCONFIRMED_BLOCKS, SeenBlocks } from './seen-blocks.ts'

export interface BlockKeeperDeps {
  /** Of the addresses in records. */
  readonly network: BitcoinNetwork
  /** Of the genesis share's key, which nobody has. */
  readonly genesisAddress: string
  readonly chain: ShareChain
  readonly jobs: JobMaker
  readonly effects: EffectList
}

/** How many of the store's blocks, the newest first, are read at the start: those remembered, and the unconfirmed. */
export const BLOCKS_READ = MAX_RECENT_BLOCKS + MAX_UNCONFIRMED_BLOCKS

/** From here on the next block may spend a coinbase (COINBASE_MATURITY). */
const MATURE_CONFIRMATIONS = 100

const NO_CHANGES: BlockChanges = { recorded: [], forgotten: [] }

/** Who found a block. */
export interface BlockFinder {
  readonly payoutAddress: string
  readonly worker: string
}

/**
 * The record of bitcoin blocks this pool found, and their fate. One found here is on record at once. One of another node is
 * when its share is confirmed, or a share that names it as its uncle: until then the store holds it as unconfirmed, so that
 * nothing is lost by a stop. No record goes away again, whatever becomes of the share.
 */
export class BlockKeeper {
  /** What is on record. */
  readonly log: BlockLog
  readonly #seen: SeenBlocks
  readonly #siblings = new FoundSiblings()
  readonly #early = new EarlyBlocks()
  readonly #deps: BlockKeeperDeps

  /** @param stored in any order */
  constructor(stored: readonly FoundBlock[], deps: BlockKeeperDeps) {
    const isUnconfirmed = ({ result }: FoundBlock) => result === RESULT_UNCONFIRMED
    this.log = new BlockLog(stored.filter(block => !isUnconfirmed(block)))
    this.#seen = new SeenBlocks(stored.filter(isUnconfirmed))
    this.#deps = deps
  }

  /** A block found here; `shareHash` is null if it could not become a share. One beside another of ours waits for its record. */
  found(solved: SolvedWork, shareHash: ShareHash | null, { payoutAddress, worker }: BlockFinder): void {
    const block = foundBlockOf(solved, shareHash)
    const paid = (address: string): bigint =>
      block.outputs.reduce((sum, output) => (output.address === address ? sum + output.valueSats : sum), 0n)
    // The hash of the parent follows the version at the start of the header.
    const parent = bytesToHex(solved.solution.header.subarray(4, 36))
    const { before, waits } = this.#siblings.add(parent, block, first => this.#canWin(first))
    if (!waits) this.#record(block)
    this.#deps.effects.report({
      type: 'blockFound',
      siblingsBefore: before,
      blockHash: block.blockHash,
      bitcoinHeight: block.bitcoinHeight,
      timeSec: block.timeSec,
      valueSats: block.outputs.reduce((sum, output) => sum + output.valueSats, 0n),
      payees: block.outputs.length,
      finderSats: paid(payoutAddress),
      lostSats: paid(this.#deps.genesisAddress),
      shareHash: block.shareHash,
      payoutAddress,
      worker
    })
  }

  /** The share of a block found here has come to the chain late. */
  becameShare(blockHash: BlockHash, shareHash: ShareHash | null): void {
    const waiting = this.#siblings.get(blockHash)
    if (waiting !== undefined) this.#siblings.replace({ ...waiting, shareHash })
    const recorded = this.log.get(blockHash)
    if (recorded !== undefined) this.#record({ ...recorded, shareHash })
  }

  /** A block put together from a peer's share: to our bitcoin nodes as well, whatever the chain says to the share. */
  submitRebuilt(block: RebuiltBlock): void {
    if (!this.#isWorthSubmitting(block.share)) return
    if (this.#deps.jobs.template === null && this.#early.offer(block) === 'waits') return
    this.#submitRebuilt(block)
  }

  /** There is a template: what came before the first one is judged by it. */
  judgeEarly(): void {
    for (const block of this.#early.take()) this.submitRebuilt(block)
  }

  /**
   * A block from before this start: to bitcoin once more. A crash may have come before its record was written: then what the
   * block itself says is put on record, and its share when it comes back from peers.
   */
  again({ blockHash, bitcoinHeight, blockHex }: Extract<NodeEvent, { type: 'blockKept' }>): void {
    this.#deps.effects.add({ type: 'submitBlock', blockHash, bitcoinHeight, blockHex })
    if (this.log.get(blockHash) !== undefined) return
    const block = foundBlockOfHex({ blockHash, bitcoinHeight, blockHex }, this.#deps.network)
    if (block !== null) this.#record(block)
  }

  /** A bitcoin node's answer to a block. */
  settle({ blockHash, url, result, reason }: Extract<NodeEvent, { type: 'blockResult' }>): void {
    const { effects } = this.#deps
    const isSuperseded = result === 'superseded'
    const isRefused = result === 'rejected' || result === 'failed'
    const sibling = this.#siblings.answered(blockHash, isSuperseded ? 'superseded' : isRefused ? 'refused' : 'held')
    if (sibling !== null) this.log.record(sibling)
    // It gave way as others of its parent have, and nobody needs to hear of each.
    if (isSuperseded && this.log.get(blockHash) === undefined) return
    effects.report({ type: 'blockResult', blockHash, url, result, reason })
    const settled = this.log.settle(blockHash, result, reason)
    if (settled !== null) this.commit({ recorded: [settled], forgotten: [] })
  }

  /** What became of a block, as bitcoin's chain says. */
  fate({ blockHash, confirmations }: Extract<NodeEvent, { type: 'blockFate' }>): void {
    const known = this.log.get(blockHash)
    if (known === undefined) return
    const tell = (fate: Extract<NodeFact, { type: 'blockFate' }>['fate']): void =>
      this.#deps.effects.report({ type: 'blockFate', blockHash, bitcoinHeight: known.bitcoinHeight, fate })
    const changed = this.log.fate(blockHash, confirmations)
    if (changed !== null) this.commit({ recorded: [changed], forgotten: [] })
    // After a restart all of them are told of once more, however old.
    if (confirmations === MATURE_CONFIRMATIONS) tell('mature')
    else if (confirmations === 1 || (confirmations > 0 && changed !== null)) tell('in-chain')
    else if (changed !== null) tell(changed.result === RESULT_ORPHANED ? 'orphaned' : 'lost-race')
  }

  /** Tells which blocks of the time before this start bitcoin has not answered to, as far as the record goes. */
  reportUnanswered(): void {
    const { effects } = this.#deps
    for (const { blockHash, bitcoinHeight, result } of this.log.newestFirst()) {
      if (result === RESULT_UNANSWERED) effects.report({ type: 'blockUnanswered', blockHash, bitcoinHeight })
    }
  }

  /**
   * What the chain did, and the share of a peer that made it do so. One that breaks a rule does not pay the pool, so it is
   * none of the pool's blocks.
   * @returns what is to be stored with the outcome, or by itself where that stores nothing: the share may wait in memory
   */
  changes({ verdict, confirmed }: ChainOutcome, share: Share | null): BlockChanges {
    const isTaken = verdict.type === 'accepted' || verdict.type === 'waiting'
    const met = share !== null && isTaken ? this.#meet(share) : NO_CHANGES
    const done = this.#confirm(confirmed)
    // A block met and confirmed at once is written twice, and the later row stands.
    return { recorded: [...met.recorded, ...done.recorded], forgotten: [...met.forgotten, ...done.forgotten] }
  }

  /** Stores such changes by themselves. */
  commit(changes: BlockChanges): void {
    const { chain, effects } = this.#deps
    if (changes.recorded.length === 0 && changes.forgotten.length === 0) return
    effects.add({ type: 'commit', delta: chain.recordBlocks(changes) })
  }

  checkInvariants(): void {
    this.log.checkInvariants()
    this.#seen.checkInvariants()
    this.#siblings.checkInvariants()
    this.#early.checkInvariants()
  }

  #submitRebuilt({ blockHash, bitcoinHeight, blockHex, share }: RebuiltBlock): void {
    this.#deps.effects.add({ type: 'submitBlock', blockHash, bitcoinHeight, blockHex })
    // Ours to record from now on.
    this.#seen.take([share.hash])
    this.#record(foundBlockOfShare(share, this.#deps.network, RESULT_SUBMITTED))
  }

  #meet(share: Share): BlockChanges {
    if (this.#seen.get(share.hash) !== undefined || !isBlock(share, this.#bitcoinBits)) return NO_CHANGES
    const block = foundBlockOfShare(share, this.#deps.network, RESULT_UNCONFIRMED)
    const known = this.log.get(block.blockHash)
    if (known !== undefined) {
      const withShare = this.log.record({ ...known, shareHash: share.hash })
      return { recorded: withShare === null ? [] : [withShare], forgotten: [] }
    }
    const dropped = this.#seen.add(share.hash, block)
    if (dropped === block) return NO_CHANGES
    return { recorded: [block], forgotten: dropped === null ? [] : [dropped] }
  }

  #confirm(hashes: readonly ShareHash[]): BlockChanges {
    const { chain } = this.#deps
    const taken = this.#seen.take(hashes.flatMap(hash => [hash, ...(chain.facts(hash)?.uncles ?? [])]))
    const isReal = (block: FoundBlock) => isOfBitcoin(block, this.#bitcoinBits)
    const recorded = taken.filter(isReal).map(block => ({ ...block, result: RESULT_SEEN }))
    return {
      recorded: recorded.flatMap(block => this.log.record(block) ?? []),
      forgotten: taken.filter(block => !isReal(block))
    }
  }

  #canWin(blockHash: BlockHash): boolean {
    const known = this.log.get(blockHash)
    return known !== undefined && !isGivenUp(known)
  }

  /** Once per block, and once more when there is more to say of it. */
  #record(block: FoundBlock): void {
    const recorded = this.log.record(block)
    if (recorded !== null) this.commit({ recorded: [recorded], forgotten: [] })
  }

  /**
   * Whether a peer's share has the work of a block for our bitcoin node too. The bits in its header and its height are its
   * maker's to choose, and filling our disk and the list of blocks must cost more than choosing them.
   */
  #isWorthSubmitting({ header }: Share): boolean {
    const { template } = this.#deps.jobs
    if (header.bitcoinHeight > MAX_BITCOIN_HEIGHT) return false
    return template === null || hashMeetsTarget(bitcoinHeaderHashWire(header.bitcoinHeader), template.bitcoinTarget)
  }

  get #bitcoinBits(): CompactBits | null {
    return this.#deps.jobs.template?.bits ?? null
  }
}
