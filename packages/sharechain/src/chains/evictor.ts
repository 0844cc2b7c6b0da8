import type { ShareHash } from '@p2poolv2/primitives'
import type { Changes } from '../store/changes.ts'
import { evictAtHeight, evictLightest, INDEX_LIMITS, type IndexLimits } from '../tree/eviction.ts'
import type { HeaderIndex, Slot } from '../tree/header-index.ts'

/** Batches whose last share is remembered; more than are asked for at a time. */
export const MAX_BATCH_HEADS = 8

/** Lets the lightest branches go where there are too many shares, but none that is just coming in. */
export class Evictor {
  readonly #index: HeaderIndex
  readonly #limits: IndexLimits
  readonly #mostAtHeight: number
  /** The last shares of the batches taken last: light as a branch may be that is still coming in, it stays. */
  #batchHeads: readonly ShareHash[] = []

  constructor(
    index: HeaderIndex,
    options: { readonly limits?: IndexLimits | undefined; readonly mostAtHeight: number }
  ) {
    this.#index = index
    this.#limits = options.limits ?? INDEX_LIMITS
    this.#mostAtHeight = options.mostAtHeight
  }

  /** A batch of headers comes in that ends with this share. */
  batch(last: ShareHash): void {
    this.#batchHeads = [...this.#batchHeads, last].slice(-MAX_BATCH_HEADS)
  }

  /**
   * Ends one call.
   * @param base the share that is mined on
   * @param forget called for each share that goes, while it still can be read
   */
  run(changes: Changes, base: Slot, forget: (slot: Slot) => void): void {
    const spared = new Set([base, ...this.#batchHeads.map(hash => this.#index.slotOf(hash))])
    const eviction = {
      isSpared: (slot: Slot) => spared.has(slot) || changes.has(slot),
      gone: (slot: Slot) => {
        changes.evicted(slot)
        forget(slot)
      }
    }
    const most = this.#mostAtHeight
    for (const height of changes.grownHeights) evictAtHeight(this.#index, { height, most }, eviction)
    evictLightest(this.#index, this.#limits, eviction)
  }
}
