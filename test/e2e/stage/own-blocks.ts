import type { BlocksJson } from '@p2poolv2/api/schema'
import type { NodeProgram } from './node-program.ts'

/** Bitcoin blocks that were submitted from a node and pay an address. */
export async function ownBlocks(node: NodeProgram, payee: string): Promise<number> {
  const { blocks } = JSON.parse(await node.text('/v1/blocks')) as BlocksJson
  return blocks.filter(({ isSubmittedHere, ours }) => isSubmittedHere && ours.some(({ address }) => address === payee))
    .length
}
