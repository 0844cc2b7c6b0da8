import type { NodeFact } from '@p2poolv2/node'

/** What is said of what became of a block. */
export const BLOCK_FATES: Readonly<Record<Extract<NodeFact, { type: 'blockFate' }>['fate'], string>> = {
  'in-chain': "a block of the pool is in bitcoin's chain",
  mature: 'a block of the pool is a hundred blocks deep: what it paid may be spent',
  orphaned:
    "a block of the pool is not in bitcoin's chain any more: another one has its height, and nobody is paid by it",
  'lost-race': 'a block of the pool lost the race: another one has its height, and nobody is paid by it'
}
