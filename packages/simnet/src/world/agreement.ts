import type { ShareHash } from '@p2poolv2/primitives'

/** When all agreed again, for somebody who waits for it; null until then. */
export interface Watch {
  readonly sinceMs: number
  readonly agreedAtMs: number | null
}

/** Which nodes stand on which tip, kept as they move: whether all agree is known at any moment. */
export class Agreement {
  readonly #tipOf = new Map<number, ShareHash>()
  readonly #nodesOn = new Map<ShareHash, number>()
  readonly #watches: { readonly sinceMs: number; agreedAtMs: number | null }[] = []
  #lastAgreedAtMs: number | null = null

  /** Different tips there are now. */
  get tips(): number {
    return this.#nodesOn.size
  }

  get nodes(): number {
    return this.#tipOf.size
  }

  get agreed(): boolean {
    return this.#nodesOn.size <= 1
  }

  /** When all nodes last stood on one tip; null if they never did. */
  get lastAgreedAtMs(): number | null {
    return this.#lastAgreedAtMs
  }

  /** @param tip null when the node is down: it does not count */
  moved(node: number, tip: ShareHash | null, nowMs: number): void {
    const before = this.#tipOf.get(node)
    if (before === (tip ?? undefined)) return
    if (this.agreed) this.#lastAgreedAtMs = nowMs
    if (before !== undefined) {
      const left = (this.#nodesOn.get(before) ?? 0) - 1
      if (left > 0) this.#nodesOn.set(before, left)
      else this.#nodesOn.delete(before)
    }
    if (tip === null) this.#tipOf.delete(node)
    else {
      this.#tipOf.set(node, tip)
      this.#nodesOn.set(tip, (this.#nodesOn.get(tip) ?? 0) + 1)
    }
    if (!this.agreed) return
    this.#lastAgreedAtMs = nowMs
    for (const watch of this.#watches) watch.agreedAtMs ??= nowMs
  }

  /** Notes the first agreement from now on. */
  watch(nowMs: number): Watch {
    const watch = { sinceMs: nowMs, agreedAtMs: this.agreed ? nowMs : null }
    this.#watches.push(watch)
    return watch
  }
}
