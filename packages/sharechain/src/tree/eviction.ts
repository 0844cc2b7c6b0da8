import type { Height } from '@p2poolv2/primitives'
import { compareDigests } from './hash-order.ts'
import { type HeaderIndex, NO_SLOT, type Slot } from './header-index.ts'

/**
 * Most shares in memory: 241,936 heights are kept, each with more than three shares beside the chain. Above it the lightest go;
 * the chains and what they name stay, at most eight shares a height.
 */
export const MAX_INDEX_SHARES = 1_048_576
/** Most bytes of them, about: three fifths if nobody names uncles or has an address of his own. The same happens at this cap. */
export const MAX_INDEX_BYTES = 512 * 1024 * 1024
/** Most bytes of stored bodies of shares that are on neither chain; the same happens at this cap. */
export const MAX_SIDE_BODY_BYTES = 2 * 1024 * 1024 * 1024
/** When a cap is hit, room for this part more is made at once: what it costs to find the lightest is shared by as many. */
const ROOM_PART = 64
/** Shares at a full height that are looked at, the newest first; a height cannot be full of more without their work. */
const MAX_EXAMINED = 64
/** Shares of a branch that are looked at; a longer one is left to the caps of the whole index. */
const MAX_BRANCH_SHARES = 256

export interface IndexLimits {
  readonly maxShares: number
  readonly maxBytes: number
  readonly maxSideBodyBytes: number
}

export const INDEX_LIMITS: IndexLimits = {
  maxShares: MAX_INDEX_SHARES,
  maxBytes: MAX_INDEX_BYTES,
  maxSideBodyBytes: MAX_SIDE_BODY_BYTES
}

/** Who stays in any case, and what to do for each that goes while it still can be read. */
export interface Eviction {
  readonly isSpared: (slot: Slot) => boolean
  readonly gone: (slot: Slot) => void
}

/**
 * Makes room when a cap is exceeded: ends of branches go first that were never fully validated, the lightest of them first, and then the lightest that
 * were. What is on a chain, named by a share that stays, or spared is never among them. It is no verdict: what is gone may
 * come again.
 */
export function evictLightest(index: HeaderIndex, limits: IndexLimits, eviction: Eviction): void {
  if (fitsIn(index, limits)) return
  const heap = new LightestFirst(index)
  const offer = (slot: Slot) => {
    if (slot !== NO_SLOT && index.ends.has(slot) && isEvictable(index, slot, eviction)) heap.push(slot)
  }
  for (const slot of index.ends) offer(slot)
  for (let slot = heap.pop(); slot !== undefined && !fitsIn(index, withRoom(limits)); slot = heap.pop()) {
    const freed = [index.prevSlot(slot), ...index.uncleSlots(slot)]
    eviction.gone(slot)
    index.dropLeaf(slot)
    for (const next of new Set(freed)) offer(next)
  }
}

/**
 * Makes room at a height with more than `most` shares that are neither validated nor on a chain: of their branches the one
 * whose heaviest share is lightest goes, until there are as many as may be or none that can.
 */
export function evictAtHeight(index: HeaderIndex, at: { height: Height; most: number }, eviction: Eviction): void {
  const isOpen = (slot: Slot) => index.validity(slot) !== 'blockValid' && index.membership(slot) === 'none'
  const open = index.slotsAtHeight(at.height, MAX_EXAMINED).filter(isOpen)
  if (open.length <= at.most) return
  const branches = open
    .map(root => branchOf(index, root, eviction))
    .filter(branch => branch !== null)
    .sort((a, b) => order(index, a.head, b.head))
  for (const branch of branches.slice(0, open.length - at.most)) {
    // From the top: a share goes before its parent.
    for (const slot of branch.slots.sort((a, b) => index.height(b) - index.height(a))) {
      eviction.gone(slot)
      index.dropLeaf(slot)
    }
  }
}

export function fitsIn(index: HeaderIndex, limits: IndexLimits): boolean {
  return (
    index.size <= limits.maxShares &&
    index.memoryBytes <= limits.maxBytes &&
    index.sideBodyBytes <= limits.maxSideBodyBytes
  )
}

/** Limits so far above what is there, where that is more than they allow, that to look for room again costs little a share. */
export function aboveWhatStays(index: HeaderIndex, limits: IndexLimits): IndexLimits {
  const above = (limit: number, there: number): number => Math.max(limit, there + limit / ROOM_PART)
  return {
    maxShares: above(limits.maxShares, index.size),
    maxBytes: above(limits.maxBytes, index.memoryBytes),
    maxSideBodyBytes: above(limits.maxSideBodyBytes, index.sideBodyBytes)
  }
}

function withRoom({ maxShares, maxBytes, maxSideBodyBytes }: IndexLimits): IndexLimits {
  const part = 1 - 1 / ROOM_PART
  return { maxShares: maxShares * part, maxBytes: maxBytes * part, maxSideBodyBytes: maxSideBodyBytes * part }
}

function isEvictable(index: HeaderIndex, slot: Slot, { isSpared }: Eviction): boolean {
  return slot !== 0 && index.membership(slot) === 'none' && !isSpared(slot)
}

/** A share with everything built on it and the heaviest of these; null if any of them has to stay. */
function branchOf(index: HeaderIndex, root: Slot, eviction: Eviction): { slots: Slot[]; head: Slot } | null {
  const slots = [root]
  let head = root
  for (const slot of slots) {
    if (slots.length > MAX_BRANCH_SHARES || index.validity(slot) === 'blockValid') return null
    if (!isEvictable(index, slot, eviction)) return null
    if (index.work(slot) > index.work(head)) head = slot
    slots.push(...index.children(slot))
  }
  const members = new Set(slots)
  const isNamedOutside = (slot: Slot) => index.nephews(index.hash(slot)).some(nephew => !members.has(nephew))
  return slots.some(isNamedOutside) ? null : { slots, head }
}

/** Who goes first: not validated before validated, lighter before heavier. */
function order(index: HeaderIndex, a: Slot, b: Slot): number {
  const isValidA = index.validity(a) === 'blockValid'
  if (isValidA !== (index.validity(b) === 'blockValid')) return isValidA ? 1 : -1
  const [workA, workB] = [index.work(a), index.work(b)]
  if (workA !== workB) return workA < workB ? -1 : 1
  return compareDigests(index.hash(b), index.hash(a))
}

/** A binary heap. */
class LightestFirst {
  readonly #index: HeaderIndex
  readonly #heap: Slot[] = []

  constructor(index: HeaderIndex) {
    this.#index = index
  }

  push(slot: Slot): void {
    const heap = this.#heap
    let at = heap.push(slot) - 1
    for (let above = (at - 1) >>> 1; at > 0 && this.#isBefore(slot, above); above = (at - 1) >>> 1) {
      heap[at] = heap[above] as Slot
      at = above
    }
    heap[at] = slot
  }

  pop(): Slot | undefined {
    const heap = this.#heap
    const first = heap[0]
    const last = heap.pop()
    if (last === undefined || heap.length === 0) return first
    let at = 0
    for (let child = 1; child < heap.length; child = 2 * at + 1) {
      if (child + 1 < heap.length && this.#isBefore(heap[child + 1] as Slot, child)) child++
      if (this.#isBefore(last, child)) break
      heap[at] = heap[child] as Slot
      at = child
    }
    heap[at] = last
    return first
  }

  #isBefore(slot: Slot, at: number): boolean {
    return order(this.#index, slot, this.#heap[at] as Slot) < 0
  }
}
