import type { BlockHash } from '@p2poolv2/primitives'
import { invariant } from '@p2poolv2/primitives'
import type { FoundBlock } from '@p2poolv2/sharechain'

/** Parents remembered; a block on one that is forgotten counts as the first there. */
export const MAX_FOUND_PARENTS = 64
/** Blocks without a word, of all parents: who submits leaves two of a parent so, the others it gives up at once. */
export const MAX_WAITING_SIBLINGS = 256
/** Of those that gave way, how many of a parent are put on record. */
export const MAX_SUPERSEDED_ON_RECORD = 2

interface Parent {
  /** The one that stands for the parent on record. */
  first: BlockHash
  found: number
  superseded: number
}

/** A block that came after another one of ours on the same parent. */
interface Sibling {
  readonly block: FoundBlock
  readonly parent: Parent
}

/**
 * Our blocks by their parent. Of one parent a single block can be in the chain, so one that comes after another has no record until
 * bitcoin has said a word to it, and most never need one. Its hex is on disk meanwhile (docs/decisions/0030).
 */
export class FoundSiblings {
  readonly #parents = new Map<string, Parent>()
  readonly #waiting = new Map<BlockHash, Sibling>()

  /**
   * @param parent any name of the parent block
   * @param canWin whether the one that stands for it on record, or another in its place, may still be in the chain
   * @returns how many of ours came before it, and whether it waits here for a word
   */
  add(
    parent: string,
    block: FoundBlock,
    canWin: (first: BlockHash) => boolean
  ): { readonly before: number; readonly waits: boolean } {
    const known = this.#parents.get(parent)
    if (known === undefined) {
      this.#parents.set(parent, { first: block.blockHash, found: 1, superseded: 0 })
      if (this.#parents.size > MAX_FOUND_PARENTS) this.#parents.delete(this.#parents.keys().next().value as string)
      return { before: 0, waits: false }
    }
    const before = known.found
    known.found += 1
    if (!canWin(known.first)) {
      known.first = block.blockHash
      return { before, waits: false }
    }
    this.#waiting.set(block.blockHash, { block, parent: known })
    const [oldest] = this.#waiting.keys()
    if (this.#waiting.size > MAX_WAITING_SIBLINGS && oldest !== undefined) this.#waiting.delete(oldest)
    return { before, waits: true }
  }

  get(blockHash: BlockHash): FoundBlock | undefined {
    return this.#waiting.get(blockHash)?.block
  }

  /** More is known of one that waits. */
  replace(block: FoundBlock): void {
    const known = this.#waiting.get(block.blockHash)
    if (known !== undefined) this.#waiting.set(block.blockHash, { ...known, block })
  }

  /**
   * A word was said to it.
   * @param word `held` by a bitcoin node
   * @returns the block if it is to be on record now; null if it did not wait, or gave way like others before
   */
  answered(blockHash: BlockHash, word: 'superseded' | 'held' | 'refused'): FoundBlock | null {
    const known = this.#waiting.get(blockHash)
    if (known === undefined) return null
    const { block, parent } = known
    this.#waiting.delete(blockHash)
    if (word === 'held') parent.first = blockHash
    if (word !== 'superseded') return block
    parent.superseded += 1
    return parent.superseded > MAX_SUPERSEDED_ON_RECORD ? null : block
  }

  checkInvariants(): void {
    invariant(this.#parents.size <= MAX_FOUND_PARENTS, 'parents of found blocks are within their cap')
    invariant(this.#waiting.size <= MAX_WAITING_SIBLINGS, 'blocks without a word are within their cap')
  }
}
