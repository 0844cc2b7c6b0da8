import type { DevChainServer } from '@p2poolv2/devchain/rpc'
import { buildBlock } from '@p2poolv2/devchain/testing'
import { createLog } from '@p2poolv2/runtime'
import { expect, it, onTestFinished } from 'vitest'
import type { BitcoindConfig } from '../config.ts'
import { rpcAnswer } from '../testing/scripted-peer.ts'
import { devChain, node, peer } from '../testing/started.ts'
import { ChainReader } from './chain-reader.ts'

const log = createLog({ level: 'silent', format: 'json' })
let nowMs = 0

function reader(nodes: readonly BitcoindConfig[]): ChainReader {
  nowMs = 0
  const made = new ChainReader(nodes, { nowMs: () => nowMs, log })
  onTestFinished(() => made.close())
  return made
}

const NOW_SEC = 1_795_360_577

function mine(server: DevChainServer): string {
  server.chain.submit(buildBlock(server.chain.template(NOW_SEC)), NOW_SEC)
  return server.chain.tip.hash
}

it('tells the blocks of the best chain, and nothing above its tip or of what was not asked', async () => {
  const server = await devChain()
  const hashes = [mine(server), mine(server)]
  const chain = await reader([node(server)]).bestChain([1, 2, 3])
  expect(chain?.tipHeight).toBe(2)
  expect([1, 2, 3, 0].map(height => chain?.hashAt(height))).toEqual([...hashes, null, null])
})

it('notices another block at a height once the tip is another', async () => {
  let tip = 'aa'
  const server = await peer((socket, { id, method }) =>
    socket.end(rpcAnswer(id, method === 'getblockcount' ? 7 : tip.repeat(32)))
  )
  const made = reader([node(server)])
  expect((await made.bestChain([7]))?.hashAt(7)).toBe('aa'.repeat(32))
  tip = 'bb'
  expect((await made.bestChain([7]))?.hashAt(7)).toBe('aa'.repeat(32))
  nowMs += 2_000
  expect((await made.bestChain([7]))?.hashAt(7)).toBe('bb'.repeat(32))
})

it('asks for a block deep below the tip once', async () => {
  let height = 200
  const server = await peer((socket, { id, method }) =>
    socket.end(rpcAnswer(id, method === 'getblockcount' ? height : height.toString(16).padStart(64, '0')))
  )
  const made = reader([node(server)])
  await made.bestChain([1])
  height = 201
  nowMs += 2_000
  expect((await made.bestChain([1]))?.hashAt(1)).toBe((200).toString(16).padStart(64, '0'))
})

it('asks the next node where the first does not answer, and says nothing where none does', async () => {
  const server = await devChain()
  const hash = mine(server)
  const dead = { url: 'http://127.0.0.1:1', user: 'u', password: 'p' }
  expect((await reader([dead, node(server)]).bestChain([1]))?.hashAt(1)).toBe(hash)
  expect(await reader([dead]).bestChain([1])).toBeNull()
})

it.each([
  [{ feerate: 0.00012345, blocks: 6 }, 12.345],
  [{ errors: ['Insufficient data'], blocks: 2 }, null],
  [{ feerate: -1 }, null],
  ['x', null]
])('reads of the fee estimate %j', async (answer, rate) => {
  const server = await peer((socket, { id }) => socket.end(rpcAnswer(id, answer)))
  const made = await reader([node(server)]).feeRateSatPerVb()
  if (rate === null) expect(made).toBeNull()
  else expect(made).toBeCloseTo(rate, 9)
})
