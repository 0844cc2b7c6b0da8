import type { RebuiltBlock } from '@p2poolv2/gossip'
import { invariant } from '@p2poolv2/primitives'

/** Blocks that wait for the first template; at the cap the one with the least work is given up. Each may be 8 MB of hex. */
export const MAX_EARLY_BLOCKS = 4

/**
 * Blocks put together from peers' shares before bitcoin has said what a block's work is. The bits in a header are its maker's to choose, so
 * until then a block may be nothing but a share, which a small miner makes in seconds. One with more work than all before it goes
 * at once: of a million made-up ones some fourteen do, and a real one does. The others wait for the template.
 */
export class EarlyBlocks {
  /** The hash with the most work so far. */
  #best: string | null = null
  readonly #waiting: RebuiltBlock[] = []

  /** @returns whether it goes at once; else it waits, or is given up */
  offer(block: RebuiltBlock): 'goes' | 'waits' {
    if (this.#best === null || block.blockHash < this.#best) {
      this.#best = block.blockHash
      return 'goes'
    }
    this.#waiting.push(block)
    this.#waiting.sort((a, b) => (a.blockHash < b.blockHash ? -1 : 1))
    this.#waiting.splice(MAX_EARLY_BLOCKS)
    return 'waits'
  }

  /** Takes out all that wait, the most work first. */
  take(): readonly RebuiltBlock[] {
    return this.#waiting.splice(0)
  }

  checkInvariants(): void {
    invariant(this.#waiting.length <= MAX_EARLY_BLOCKS, 'blocks that wait for the first template are within their cap')
  }
}
