import { blockKey } from './keys.ts'
import { decodeFoundBlock, encodeFoundBlock } from './records.ts'
import { sealed, unsealed } from './seal.ts'
import type { ChainDelta, FoundBlock, StoredRow } from './share-store.ts'

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
  return {
    ...delta,
    puts: [...delta.puts, ...recorded.map(foundBlockRow)],
    deletes: [...delta.deletes, ...forgotten.map(keyOf)],
    durability: recorded.length > 0 ? 'flushed' : delta.durability
  }
}

/** The row of a found block. Nothing else proves what it says, and no peer has it: it is sealed. */
export function foundBlockRow(block: FoundBlock): StoredRow {
  return sealed(keyOf(block), encodeFoundBlock(block))
}

/** @throws CodecError when the row is damaged */
export function foundBlockOfRow(row: StoredRow): FoundBlock {
  return decodeFoundBlock(unsealed(row))
}

function keyOf({ bitcoinHeight, blockHash }: FoundBlock): Uint8Array {
  return blockKey(bitcoinHeight, blockHash)
}
