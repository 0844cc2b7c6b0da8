import { blockKey } from './keys.ts'
import { encodeFoundBlock } from './records.ts'
import type { ChainDelta, FoundBlock } from './share-store.ts'

/** What changes among the stored blocks. */
export interface BlockChanges {
  /** Written, over what is stored under the same block. */
  readonly recorded: readonly FoundBlock[]
  /** Deleted. */
  readonly forgotten: readonly FoundBlock[]
}

/** The delta with these changes in it, so that the store has both or neither; with a record in it it is flushed to the platter. */
export function withBlocks(delta: ChainDelta, { recorded, forgotten }: BlockChanges): ChainDelta {
  if (recorded.length === 0 && forgotten.length === 0) return delta
  const keyOf = ({ bitcoinHeight, blockHash }: FoundBlock) => blockKey(bitcoinHeight, blockHash)
  return {
    ...delta,
    puts: [...delta.puts, ...recorded.map(block => ({ key: keyOf(block), value: encodeFoundBlock(block) }))],
    deletes: [...delta.deletes, ...forgotten.map(keyOf)],
    durability: recorded.length > 0 ? 'flushed' : delta.durability
  }
}
