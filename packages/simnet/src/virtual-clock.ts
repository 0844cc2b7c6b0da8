import { invariant, type UnixMs, unixMs } from '@p2poolv2/primitives'

/** Something that happens at a virtual time. */
export type Happening = () => void

interface Entry {
  readonly atMs: number
  readonly sequence: number
  readonly happening: Happening
}

/**
 * Virtual time: a heap of happenings ordered by (time, sequence number), so that equal times never depend on luck.
 * Nothing waits: `runNext` jumps to the next happening.
 */
export class VirtualClock {
  readonly #heap: Entry[] = []
  #nowMs: number
  #sequence = 0
  #happened = 0

  constructor(startMs: UnixMs) {
    this.#nowMs = startMs
  }

  get nowMs(): UnixMs {
    return unixMs(this.#nowMs)
  }

  /** Happenings run so far. */
  get happened(): number {
    return this.#happened
  }

  get pending(): number {
    return this.#heap.length
  }

  /** @param atMs a time in the past means now */
  at(atMs: number, happening: Happening): void {
    this.#push({ atMs: Math.max(Math.ceil(atMs), this.#nowMs), sequence: this.#sequence++, happening })
  }

  after(delayMs: number, happening: Happening): void {
    this.at(this.#nowMs + delayMs, happening)
  }

  /** @returns false when nothing is left to happen at or before `untilMs`; the time is `untilMs` then */
  runNext(untilMs: UnixMs): boolean {
    const first = this.#heap[0]
    if (first === undefined || first.atMs > untilMs) {
      this.#nowMs = Math.max(this.#nowMs, untilMs)
      return false
    }
    this.#pop()
    invariant(first.atMs >= this.#nowMs, 'virtual time never runs backwards')
    this.#nowMs = first.atMs
    this.#happened += 1
    first.happening()
    return true
  }

  #push(entry: Entry): void {
    const heap = this.#heap
    let index = heap.length
    heap.push(entry)
    while (index > 0) {
      const above = (index - 1) >> 1
      const parent = heap[above]
      if (parent === undefined || comesBefore(parent, entry)) break
      heap[index] = parent
      index = above
    }
    heap[index] = entry
  }

  #pop(): void {
    const heap = this.#heap
    const last = heap.pop()
    if (last === undefined || heap.length === 0) return
    let index = 0
    for (;;) {
      let child = index * 2 + 1
      const left = heap[child]
      if (left === undefined) break
      let smallest = left
      const right = heap[child + 1]
      if (right !== undefined && comesBefore(right, left)) {
        smallest = right
        child += 1
      }
      if (comesBefore(last, smallest)) break
      heap[index] = smallest
      index = child
    }
    heap[index] = last
  }
}

function comesBefore(a: Entry, b: Entry): boolean {
  return a.atMs < b.atMs || (a.atMs === b.atMs && a.sequence < b.sequence)
}
