import { blockHash } from '@p2poolv2/primitives'
import { createLog } from '@p2poolv2/runtime'
import { expect, onTestFinished } from 'vitest'
import {
  type BlockResult,
  BlockSubmitter,
  type BlockSubmitterOptions,
  type BlockSubmitterPorts,
  type SolvedBlock
} from '../blocks/block-submitter.ts'
import type { BitcoindConfig } from '../config.ts'
import { rpcAnswer } from './scripted-peer.ts'
import { peer } from './started.ts'

const log = createLog({ level: 'silent', format: 'json' })
export const never = new AbortController().signal
/** A submitter that notes what it does, and asks again quickly. */
export function submitter(
  nodes: readonly BitcoindConfig[],
  ports: Partial<BlockSubmitterPorts> = {},
  options: Partial<BlockSubmitterOptions> = {}
) {
  const steps: string[] = []
  const results: BlockResult[] = []
  const settled: string[] = []
  const made = new BlockSubmitter(
    { nodes, retryMinMs: 5, retryMaxMs: 20, ...options },
    {
      persist: async () => void steps.push('persisted'),
      settled: block => void settled.push(block.blockHash),
      onResult: result => {
        steps.push(result.result)
        results.push(result)
      },
      bitcoinHeight: () => null,
      log,
      ...ports
    }
  )
  onTestFinished(() => made.close())
  return { made, steps, results, settled }
}

export const BLOCK: SolvedBlock = { blockHash: blockHash('00'.repeat(32)), bitcoinHeight: 1, blockHex: '00' }

/** Blocks that differ in one byte behind the header's previous hash. */
export const sibling = (n: number, parent = '11'): SolvedBlock => ({
  blockHash: blockHash(n.toString(16).padStart(64, '0')),
  bitcoinHeight: 1,
  blockHex: `00000020${parent.repeat(32)}${n.toString(16).padStart(4, '0')}`
})

type Asked = ((word: string | null) => void) & { readonly blockHex: unknown }

/** A node whose answers wait until they are given. */
export async function slowNode() {
  const asked: Asked[] = []
  let wake = (): void => {}
  const server = await peer((socket, { id, params: [blockHex] }) => {
    const answer = (word: string | null): void => void socket.write(rpcAnswer(id, word))
    asked.push(Object.assign(answer, { blockHex }))
    wake()
  })
  const nth = async (count: number) => {
    while (asked.length < count) await new Promise<void>(resolve => (wake = resolve))
    return asked[count - 1] ?? expect.unreachable('the node was asked so often')
  }
  return { server, asked, nth }
}
