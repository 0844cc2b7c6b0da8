import { type ChainParams, followHeaders, type HeaderItem } from '@p2poolv2/consensus'
import { type ShareHash, secFromMs, type UnixMs, type Work } from '@p2poolv2/primitives'
import type { Changes } from '../store/changes.ts'
import { type HeaderIndex, NO_SLOT, type Slot } from '../tree/header-index.ts'
import type { MiningBase } from './mining-base.ts'
import type { Organiser } from './organise.ts'
import { isComparable, PRUNE_SLACK_HEIGHTS, pruneHeightOf } from './zones.ts'

/** Most heights pruned in one call, so that a delta stays small; the rest follow with the next calls. */
const MAX_PRUNED_HEIGHTS_PER_CALL = 1024

/** A batch of headers, and the work of the chain it belongs to as far as that is known. */
export interface ExpectedHeaders {
  readonly items: readonly HeaderItem[]
  readonly provenWork: Work
  readonly nowMs: UnixMs
}

interface PrunerParts {
  readonly index: HeaderIndex
  readonly organiser: Organiser
  readonly base: MiningBase
  readonly window: { forget(slot: Slot): void }
  /** Tells everybody else who remembers a slot, the window among them. */
  readonly letGo: (slot: Slot) => void
}

/**
 * What leaves the index: below the prune depth to the archive, and everything when another chain turns
 * out to be the one.
 */
export class Pruner {
  readonly #params: ChainParams
  readonly #parts: PrunerParts

  constructor(params: ChainParams, parts: PrunerParts) {
    this.#params = params
    this.#parts = parts
  }

  /**
   * Whether a heavier chain may still come in place of this one from below what is kept: as long as the lowest share kept was
   * taken on its header's word, or without a look at its payouts. Who follows a chain is past that after a prune depth less
   * the payout window, half a prune depth; until then whoever was heard first must not be able to keep others from being heard.
   */
  get isUndecided(): boolean {
    const { index, organiser } = this.#parts
    if (index.lowestHeight === 1) return false
    const lowest = organiser.confirmedAt(index.lowestHeight)
    return lowest === NO_SLOT || index.validity(lowest) !== 'blockValid' || index.contextSkipped(lowest)
  }

  /**
   * Headers are about to be taken. Where they are those of a heavier chain that forks from below what is kept, and nothing is
   * decided yet, everything but the genesis is forgotten for them.
   */
  expect(headers: ExpectedHeaders, changes: Changes): void {
    if (this.isUndecided && this.#outweighs(headers)) this.#beginAnew(changes)
  }

  prune(changes: Changes): void {
    const { index, organiser, base } = this.#parts
    const floor = pruneHeightOf(this.#params, organiser.candidateHeight) - PRUNE_SLACK_HEIGHTS
    if (index.lowestHeight >= floor) return
    const fork = organiser.forkHeight()
    const isHeld = isComparable(this.#params, organiser.candidateHeight, fork)
    if (!isHeld && organiser.confirmedHeight > 0) changes.moved(organiser.abandonConfirmed())
    // Never past the last share both chains have, without which they could not be compared, nor past what its children's
    // median time and uncles need: the next share may be one.
    const shared = isHeld ? fork - PRUNE_SLACK_HEIGHTS : floor
    const end = Math.min(floor, shared, index.lowestHeight + MAX_PRUNED_HEIGHTS_PER_CALL)
    while (index.lowestHeight < end) this.#archiveLowest(changes)
    // What was mined on is cut off from the genesis.
    if (!isHeld) base.restore()
  }

  #beginAnew(changes: Changes): void {
    const { index, organiser } = this.#parts
    changes.moved(organiser.beginAnew())
    index.clear(slot => {
      changes.discarded(slot)
      this.#forget(slot)
    })
  }

  /** Whether headers that build on the genesis belong to a chain that is heavier than the one held, and another one. */
  #outweighs({ items, provenWork, nowMs }: ExpectedHeaders): boolean {
    const { index, organiser } = this.#parts
    const genesis = index.factsOf(0)
    const inside = new Set([genesis.hash, ...items.map(({ hash }) => hash)])
    // All of them: what the proven chain consists of must not be shown beside other headers that lead down to the genesis.
    const isRooted = items.every(({ header }) => inside.has(header.prevShareHash))
    if (!isRooted || items.some(({ hash }) => index.has(hash))) return false
    const view = { facts: (hash: ShareHash) => (hash === genesis.hash ? genesis : undefined) }
    const followed = followHeaders(this.#params, { tail: null, view, items, nowSec: secFromMs(nowMs) })
    if (followed.type !== 'followed') return false
    const held = index.work(organiser.candidateTip)
    return followed.tail.tip.chainWork > held || provenWork > held
  }

  #archiveLowest(changes: Changes): void {
    const { index } = this.#parts
    const height = index.lowestHeight
    const isOnChain = (slot: Slot) => index.membership(slot) !== 'none'
    const slots = index.slotsAtHeight(height)
    const chain = slots.filter(isOnChain)
    changes.archived(height, [...chain, ...slots.filter(slot => !isOnChain(slot))])
    index.dropLowest(slot => this.#forget(slot))
  }

  #forget(slot: Slot): void {
    const { index, organiser, base, window, letGo } = this.#parts
    organiser.forget(slot)
    base.forget(slot)
    letGo(slot)
    // The payout window holds an uncle by the share that named it.
    for (const nephew of index.nephews(index.hash(slot))) window.forget(nephew)
  }
}
