import type { ShareHash, UnixMs } from '@p2poolv2/primitives'
import { Deadlines, invariant } from '@p2poolv2/primitives'
import type { KeptShare } from './kept-share.ts'

/** Most shares whose time has not come. At the cap the one whose time comes last goes, the newest of equals. */
export const MAX_FUTURE_SHARES = 256
/** Most bytes of them; the same happens at this cap. */
export const MAX_FUTURE_BYTES = 8 * 1024 * 1024

export interface FutureLimits {
  readonly maxShares: number
  readonly maxBytes: number
}

/**
 * Worked shares dated further ahead than the rules allow, outside the tree until their time has come: an honest clock may
 * run ahead of ours, and a lying one costs no more than this pool. What goes is not judged; peers have it.
 */
export class FuturePool {
  readonly #limits: FutureLimits
  readonly #waiting = new Map<ShareHash, KeptShare>()
  readonly #dueMs = new Deadlines<ShareHash, UnixMs>()
  #bytes = 0

  constructor(limits: FutureLimits = { maxShares: MAX_FUTURE_SHARES, maxBytes: MAX_FUTURE_BYTES }) {
    this.#limits = limits
  }

  get size(): number {
    return this.#waiting.size
  }

  get nextDeadlineMs(): UnixMs | null {
    return this.#dueMs.peek()?.atMs ?? null
  }

  has(hash: ShareHash): boolean {
    return this.#waiting.has(hash)
  }

  /** Keeps a share until its time; drops the last one due while there is too much. A share already here stays as it is. */
  add(share: KeptShare, dueMs: UnixMs): void {
    if (this.#waiting.has(share.hash)) return
    this.#waiting.set(share.hash, share)
    this.#dueMs.set(share.hash, dueMs)
    this.#bytes += share.sizeBytes
    while (this.#waiting.size > this.#limits.maxShares || this.#bytes > this.#limits.maxBytes) this.take(this.#last())
  }

  /** Takes a share out before its time; null if it is not here. */
  take(hash: ShareHash): KeptShare | null {
    const waiting = this.#waiting.get(hash)
    if (waiting === undefined) return null
    this.#waiting.delete(hash)
    this.#dueMs.delete(hash)
    this.#bytes -= waiting.sizeBytes
    return waiting
  }

  /** Takes out the shares whose time has come, the first due first. */
  takeDue(nowMs: UnixMs): KeptShare[] {
    return this.#dueMs
      .popDue(nowMs)
      .map(hash => this.take(hash))
      .filter(released => released !== null)
  }

  checkInvariants(): void {
    let bytes = 0
    for (const [hash, { sizeBytes }] of this.#waiting) {
      invariant(this.#dueMs.has(hash), 'a share from the future has its time')
      bytes += sizeBytes
    }
    invariant(this.#dueMs.size === this.#waiting.size && bytes === this.#bytes, 'shares from the future are counted')
    invariant(this.size <= this.#limits.maxShares && bytes <= this.#limits.maxBytes, 'the pool is below its caps')
    this.#dueMs.checkInvariants()
  }

  /** A scan of a small pool, at its cap only. */
  #last(): ShareHash {
    let last: { hash: ShareHash; atMs: number } | null = null
    for (const hash of this.#waiting.keys()) {
      const atMs = this.#dueMs.get(hash) ?? 0
      if (last === null || atMs >= last.atMs) last = { hash, atMs }
    }
    invariant(last !== null, 'a full pool holds a share')
    return last.hash
  }
}
