import type { ChainDelta } from '@p2poolv2/sharechain'

/**
 * Deltas that may wait for the disk. Past this the node is told that its store is behind, and holds back what makes the chain
 * grow until half have been written: memory must not run ahead of the disk without end.
 */
export const MAX_WAITING_DELTAS = 1024
/** Bytes of them; the same happens. A delta of headers that a peer sent can have a few hundred kilobytes. */
export const MAX_WAITING_BYTES = 64 * 1_048_576

/** What an executor posts to the machine. */
export type BacklogNews = 'storeBehind' | 'storeCaughtUp'

/** Counts the deltas that an executor was given and has not written yet, and knows when to tell the machine. */
export class CommitBacklog {
  readonly #maxDeltas: number
  readonly #maxBytes: number
  #deltas = 0
  #bytes = 0
  #isBehind = false

  constructor(caps: { readonly maxDeltas?: number; readonly maxBytes?: number } = {}) {
    this.#maxDeltas = caps.maxDeltas ?? MAX_WAITING_DELTAS
    this.#maxBytes = caps.maxBytes ?? MAX_WAITING_BYTES
  }

  given(delta: ChainDelta): BacklogNews | null {
    this.#deltas += 1
    this.#bytes += deltaBytes(delta)
    const isFull = this.#deltas >= this.#maxDeltas || this.#bytes >= this.#maxBytes
    if (!isFull || this.#isBehind) return null
    this.#isBehind = true
    return 'storeBehind'
  }

  written(delta: ChainDelta): BacklogNews | null {
    this.#deltas -= 1
    this.#bytes -= deltaBytes(delta)
    const isHalfEmpty = this.#deltas <= this.#maxDeltas / 2 && this.#bytes <= this.#maxBytes / 2
    if (!isHalfEmpty || !this.#isBehind) return null
    this.#isBehind = false
    return 'storeCaughtUp'
  }
}

/** Of its keys and values. */
export function deltaBytes({ puts, deletes }: ChainDelta): number {
  let bytes = 0
  for (const { key, value } of puts) bytes += key.length + value.length
  for (const key of deletes) bytes += key.length
  return bytes
}
