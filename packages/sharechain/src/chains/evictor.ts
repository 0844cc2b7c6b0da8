import type { ChainParams } from '@p2poolv2/consensus'
import type { ShareHash } from '@p2poolv2/primitives'
import type { Changes } from '../store/changes.ts'
import {
  aboveWhatStays,
  evictAtHeight,
  evictLightest,
  fitsIn,
  INDEX_LIMITS,
  type IndexLimits
} from '../tree/eviction.ts'
import type { HeaderIndex, Slot } from '../tree/header-index.ts'

/** Batches whose last share is remembered; more than are asked for at a time. */
export const MAX_BATCH_HEADS = 8

/**
 * Lets the lightest branches go where there are too many shares, but none that is just coming in, nor one that the next share may
 * name as its uncle.
 */
export class Evictor {
  readonly #params: ChainParams
  readonly #index: HeaderIndex
  readonly #limits: IndexLimits
  /** The limits, or more while what may not go is above them: what the chain names stays, and with it all it is built on. */
  #reached: IndexLimits
  /** The last shares of the batches taken last: light as a branch may be that is still coming in, it stays. */
  #batchHeads: readonly ShareHash[] = []

  constructor(params: ChainParams, index: HeaderIndex, limits: IndexLimits = INDEX_LIMITS) {
    this.#params = params
    this.#index = index
    this.#limits = limits
    this.#reached = limits
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
    const index = this.#index
    const { maxSharesPerHeight: most, uncleDepth } = this.#params
    const spared = new Set([base, ...this.#batchHeads.map(hash => index.slotOf(hash))])
    const lowestUncle = index.height(base) + 1 - uncleDepth
    const isUncleToBe = (slot: Slot) => index.height(slot) >= lowestUncle && index.validity(slot) === 'blockValid'
    const eviction = {
      isSpared: (slot: Slot) => spared.has(slot) || changes.has(slot) || isUncleToBe(slot),
      gone: (slot: Slot) => {
        changes.evicted(slot)
        forget(slot)
      }
    }
    for (const height of changes.grownHeights) evictAtHeight(index, { height, most }, eviction)
    if (fitsIn(index, this.#limits)) this.#reached = this.#limits
    if (fitsIn(index, this.#reached)) return
    evictLightest(index, this.#limits, eviction)
    this.#reached = aboveWhatStays(index, this.#limits)
  }
}
