import type { BlockHash } from '@p2poolv2/primitives'
import { invariant } from '@p2poolv2/primitives'
import type { FoundBlock } from '@p2poolv2/sharechain'
import type { BlockSubmitResult } from '../contract.ts'

/**
 * Found blocks kept in memory; at the cap the lowest goes of those that pay nobody, and of all where each may. All of them stay in the
 * store.
 */
export const MAX_RECENT_BLOCKS = 100

/** Of another node's block in the store whose share is not confirmed. */
export const RESULT_UNCONFIRMED = 'unconfirmed'
/** A block of another node whose share was confirmed; nothing was submitted from here. */
export const RESULT_SEEN = 'seen'
/** What a block is recorded as until a bitcoin node has answered. */
export const RESULT_SUBMITTED = 'submitted'
/** Shown for a block that was submitted before the last stop and never answered, as far as the record goes. */
export const RESULT_UNANSWERED = 'submitted: no answer on record'

/** A block that was in bitcoin's best chain, and another one has its height now. */
export const RESULT_ORPHANED = 'orphaned'
/** A block that another one beat to its height. */
export const RESULT_LOST_RACE = 'lost-race'

/** How much a result says: one of less weight does not overwrite one of more. Text after a colon is a remark. */
const WEIGHT: ReadonlyMap<string, number> = new Map([
  [RESULT_SEEN, 0],
  [RESULT_SUBMITTED, 1],
  ['superseded', 2],
  ['failed', 3],
  ['rejected', 4],
  [RESULT_LOST_RACE, 5],
  [RESULT_ORPHANED, 5],
  ['duplicate', 6],
  ['accepted', 7]
])

/** Results of blocks of which a node has said, or another node of the pool has, that they are in the best chain. */
const IN_CHAIN: ReadonlySet<string> = new Set([RESULT_SEEN, 'duplicate', 'accepted'])

/** Results of blocks that will never be in the chain. */
const REFUSED: ReadonlySet<string> = new Set(['superseded', 'failed', 'rejected'])
/** Results of blocks that are beside the chain and may be in it again, as long as few blocks came after them. */
const BESIDE: ReadonlySet<string> = new Set([RESULT_LOST_RACE, RESULT_ORPHANED])
/** So far below the highest block on record bitcoin does not turn to another branch any more. */
const BURIED_BLOCKS = 6

/** The blocks this pool found most recently, here or elsewhere, and what our bitcoin nodes said to them. */
export class BlockLog {
  readonly #maxBlocks: number
  readonly #blocks = new Map<BlockHash, FoundBlock>()
  #version = 0

  /** @param recent from before this start, in any order; the highest are kept */
  constructor(recent: readonly FoundBlock[], maxBlocks: number = MAX_RECENT_BLOCKS) {
    this.#maxBlocks = maxBlocks
    for (const block of recent) {
      this.#put(block.result === RESULT_SUBMITTED ? { ...block, result: RESULT_UNANSWERED } : block)
    }
  }

  /** Rises with every change; for caches. */
  get version(): number {
    return this.#version
  }

  get size(): number {
    return this.#blocks.size
  }

  get(blockHash: BlockHash): FoundBlock | undefined {
    return this.#blocks.get(blockHash)
  }

  /** Highest bitcoin height first. */
  newestFirst(): readonly FoundBlock[] {
    return [...this.#blocks.values()].sort(byHeightDescending)
  }

  /** @returns what is on record of it now, or null, with nothing changed, if that says as much already */
  record(block: FoundBlock): FoundBlock | null {
    const known = this.#blocks.get(block.blockHash)
    if (known === undefined) {
      this.#put(block)
      return block
    }
    const isShareNew = known.shareHash === null && block.shareHash !== null
    const isResultNew = weightOf(block.result) >= weightOf(known.result) && block.result !== known.result
    if (!isShareNew && !isResultNew) return null
    const shareHash = block.shareHash ?? known.shareHash
    const both = { ...block, shareHash, result: isResultNew ? block.result : known.result }
    this.#put(both)
    return both
  }

  /**
   * One bitcoin node's answer.
   * @param reason what the node gave as its reason, or null
   * @returns the changed record, or null if the block is not known or the answer adds nothing
   */
  settle(blockHash: BlockHash, result: BlockSubmitResult, reason: string | null): FoundBlock | null {
    const block = this.#blocks.get(blockHash)
    if (block === undefined) return null
    // A node that once had it in its chain says "duplicate" for good.
    if (wordOf(block.result) === RESULT_ORPHANED) return null
    if (weightOf(result) <= weightOf(block.result)) return null
    const settled: FoundBlock = { ...block, result: reason === null ? result : `${result}: ${reason}` }
    this.#put(settled)
    return settled
  }

  /**
   * What bitcoin's chain itself says, which counts for more than any answer: blocks on top of this one, itself counted, or -1.
   * @returns the changed record, or null if the block is not known or this is nothing new
   */
  fate(blockHash: BlockHash, confirmations: number): FoundBlock | null {
    const block = this.#blocks.get(blockHash)
    if (block === undefined) return null
    const word = wordOf(block.result)
    const isInChain = IN_CHAIN.has(word)
    if (confirmations > 0 && isInChain) return null
    if (confirmations <= 0 && (word === RESULT_ORPHANED || word === RESULT_LOST_RACE)) return null
    const beside = isInChain ? RESULT_ORPHANED : RESULT_LOST_RACE
    const settled: FoundBlock = { ...block, result: confirmations > 0 ? 'accepted' : beside }
    this.#put(settled)
    return settled
  }

  checkInvariants(): void {
    invariant(this.#blocks.size <= this.#maxBlocks, 'recent blocks are within their cap')
  }

  #put(block: FoundBlock): void {
    this.#blocks.set(block.blockHash, block)
    this.#version += 1
    if (this.#blocks.size <= this.#maxBlocks) return
    const newestFirst = this.newestFirst()
    const highest = newestFirst[0]?.bitcoinHeight ?? 0
    const goes = newestFirst.filter(each => paysNobody(each, highest)).at(-1) ?? newestFirst.at(-1)
    if (goes !== undefined) this.#blocks.delete(goes.blockHash)
  }
}

/** Whether no bitcoin node has taken it, and none will, nor one that it gave way to. */
export function isGivenUp({ result }: FoundBlock): boolean {
  const word = wordOf(result)
  return REFUSED.has(word) && word !== 'superseded'
}

function paysNobody({ bitcoinHeight, result }: FoundBlock, highest: number): boolean {
  const isBuried = bitcoinHeight + BURIED_BLOCKS <= highest
  return REFUSED.has(wordOf(result)) || (isBuried && BESIDE.has(wordOf(result)))
}

function byHeightDescending(a: FoundBlock, b: FoundBlock): number {
  return b.bitcoinHeight - a.bitcoinHeight || b.timeSec - a.timeSec
}

function weightOf(result: string): number {
  return WEIGHT.get(wordOf(result)) ?? 0
}

function wordOf(result: string): string {
  return result.split(':', 1)[0] ?? ''
}
