import type { BlockHash } from '@p2poolv2/primitives'
import type { DecodedBlock } from './block.ts'

/** Blocks that wait at once. Each has cost its maker the work of an easy block. */
export const MAX_WAITING_BLOCKS = 64
export const MAX_WAITING_BYTES = 8 * 1024 * 1024

interface Waiting {
  readonly block: DecodedBlock
  readonly prevHash: BlockHash
  readonly sizeBytes: number
}

/** Blocks whose parents are not known yet. At a cap the one that waits longest goes: peers have it, and are asked again. */
export class WaitingBlocks {
  readonly #waiting = new Map<BlockHash, Waiting>()
  #bytes = 0

  get size(): number {
    return this.#waiting.size
  }

  has(hash: BlockHash): boolean {
    return this.#waiting.has(hash)
  }

  add(block: DecodedBlock, prevHash: BlockHash, sizeBytes: number): void {
    if (this.#waiting.has(block.hash)) return
    this.#waiting.set(block.hash, { block, prevHash, sizeBytes })
    this.#bytes += sizeBytes
    for (const hash of this.#waiting.keys()) {
      if (this.#waiting.size <= MAX_WAITING_BLOCKS && this.#bytes <= MAX_WAITING_BYTES) return
      this.#take(hash)
    }
  }

  /** Those that waited for this block, which wait no longer. */
  takeChildren(hash: BlockHash): DecodedBlock[] {
    const children = [...this.#waiting.values()].filter(({ prevHash }) => prevHash === hash)
    for (const { block } of children) this.#take(block.hash)
    return children.map(({ block }) => block)
  }

  #take(hash: BlockHash): void {
    this.#bytes -= this.#waiting.get(hash)?.sizeBytes ?? 0
    this.#waiting.delete(hash)
  }
}
