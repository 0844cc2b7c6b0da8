import type { BlockHash } from '@p2poolv2/primitives'
import { invariant } from '@p2poolv2/primitives'
import type { FoundBlock } from '@p2poolv2/sharechain'
import type { BlockSubmitResult } from './contract.ts'
import { RESULT_SUBMITTED } from './solution.ts'

/** Found blocks kept in memory; at the cap the lowest goes. All of them stay in the store. */
export const MAX_RECENT_BLOCKS = 100

/** How much an answer says: a later answer of less weight does not overwrite one of more. */
const SETTLED: Readonly<Record<BlockSubmitResult, number>> = { failed: 1, rejected: 2, duplicate: 3, accepted: 4 }

/** The blocks this pool found most recently, and what bitcoin nodes said to them. */
export class BlockLog {
  readonly #maxBlocks: number
  readonly #blocks = new Map<BlockHash, FoundBlock>()
  #version = 0

  /** @param recent in any order; the highest are kept */
  constructor(recent: readonly FoundBlock[], maxBlocks: number = MAX_RECENT_BLOCKS) {
    this.#maxBlocks = maxBlocks
    for (const block of recent) this.#put(block)
  }

  /** Rises with every change; for caches. */
  get version(): number {
    return this.#version
  }

  get size(): number {
    return this.#blocks.size
  }

  /** Highest bitcoin height first. */
  newestFirst(): readonly FoundBlock[] {
    return [...this.#blocks.values()].sort(byHeightDescending)
  }

  record(block: FoundBlock): void {
    this.#put(block)
  }

  /**
   * One bitcoin node's answer.
   * @param reason what the node gave as its reason, or null
   * @returns the changed record, or null if the block is not known or the answer adds nothing
   */
  settle(blockHash: BlockHash, result: BlockSubmitResult, reason: string | null): FoundBlock | null {
    const block = this.#blocks.get(blockHash)
    if (block === undefined) return null
    if (SETTLED[result] <= weightOf(block.result)) return null
    const settled: FoundBlock = { ...block, result: reason === null ? result : `${result}: ${reason}` }
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
    const lowest = this.newestFirst().at(-1)
    if (lowest !== undefined) this.#blocks.delete(lowest.blockHash)
  }
}

function byHeightDescending(a: FoundBlock, b: FoundBlock): number {
  return b.bitcoinHeight - a.bitcoinHeight || b.timeSec - a.timeSec
}

/** The weight of the answer a record already shows. Text after the colon is a bitcoin node's own. */
function weightOf(result: string): number {
  if (result === RESULT_SUBMITTED) return 0
  const word = result.split(':', 1)[0]
  return word === 'accepted' || word === 'duplicate' || word === 'rejected' || word === 'failed' ? SETTLED[word] : 0
}
