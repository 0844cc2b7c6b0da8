import type { AuditJson, BlocksJson } from '@p2poolv2/api/schema'
import { A_BLOCK, A_SHARE, address } from '@p2poolv2/node/testing'
import { shareHash } from '@p2poolv2/primitives'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { LiveNode } from '../testing/live-node.ts'
import { auditJson } from './audit-answer.ts'

let node: LiveNode
beforeEach(async () => {
  node = new LiveNode()
  const { rig } = node
  rig.template()
  rig.connect(1, `${address(1)}.attic`)
  rig.connect(2, `${address(2)}.cellar`)
  await node.start()
  for (const miner of [1, 1, 2]) {
    rig.advance(10_000)
    rig.mine(miner, A_SHARE)
  }
})
afterEach(() => node.stop())

const audit = (id: string): Promise<AuditJson> => node.json(`/v1/audit/${id}`)

it('proves a block, by hash and by height, and the share that it is', async () => {
  const { rig } = node
  rig.advance(10_000)
  rig.mine(1, A_BLOCK)
  const { blocks } = await node.json<BlocksJson>('/v1/blocks')
  const [block] = blocks
  const byHash = await audit(String(block?.hash))
  expect(byHash).toMatchObject({
    verdict: 'matches',
    subject: { kind: 'block', block: block?.hash, share: block?.share, bitcoinHeight: block?.height },
    coinbase: { from: 'share', inHeader: true, sats: block?.sats },
    window: { shares: 4, uncles: 0, end: 'genesis', oldestHeight: 0, newestHeight: 3 }
  })
  expect(byHash.outputs).toHaveLength(block?.payees ?? 0)
  expect(await audit(String(block?.height))).toEqual(byHash)
  expect((await audit(String(block?.share))).outputs).toEqual(byHash.outputs)
})

it('finds a block by its height below however many others, and of several there the one that bitcoin took', async () => {
  node.rig.advance(10_000)
  node.rig.mine(1, A_BLOCK)
  const [block] = node.rig.store.blocksNow(1)
  if (block === undefined) throw new Error('a block was found')
  const { params, store } = node.rig
  const beside = { ...block, shareHash: null, result: 'superseded' }
  const above = Array.from({ length: 10_001 }, () => ({ ...beside, bitcoinHeight: 102 }))
  const recorded = [...above, beside, { ...block, result: 'accepted' }]
  const answer = await auditJson(
    {
      params,
      job: () => null,
      readBlocks: async (limit, below) =>
        recorded.filter(each => each.bitcoinHeight < (below?.bitcoinHeight ?? 1_000)).slice(0, limit),
      readShares: async hashes => hashes.map(() => null),
      readHeaders: async hashes => store.readHeadersNow(hashes)
    },
    '101'
  )
  expect(answer).toMatchObject({ verdict: 'matches', subject: { share: block.shareHash, result: 'accepted' } })
})

it('proves the job that miners have, and shares that were no block', async () => {
  const job = await audit('job')
  expect(job).toMatchObject({ verdict: 'matches', subject: { kind: 'job', share: null }, coinbase: { from: 'job' } })
  const paid = job.outputs.find(output => output.address === address(1))
  expect(paid).toMatchObject({ shares: 2, uncles: 0, kind: 'payout', matches: true })
  const share = node.rig.core.queries.shares.confirmedTip().hash
  expect(await audit(share)).toMatchObject({ verdict: 'matches', subject: { kind: 'share', result: null } })
})

it('says what differs where a coinbase pays otherwise than the shares call for', async () => {
  node.rig.advance(10_000)
  node.rig.mine(1, A_BLOCK)
  const [block] = node.rig.store.blocksNow(1)
  if (block === undefined) throw new Error('a block was found')
  const [first, ...others] = block.outputs
  if (first === undefined) throw new Error('it pays somebody')
  const { params, store } = node.rig
  // Of the block only the record is left, and it says that somebody else was paid.
  const answer = await auditJson(
    {
      params,
      job: () => null,
      readBlocks: async () => [{ ...block, outputs: [{ ...first, address: address(9) }, ...others] }],
      readShares: async hashes => hashes.map(() => null),
      readHeaders: async hashes => store.readHeadersNow(hashes)
    },
    block.blockHash
  )
  expect(answer).toMatchObject({ verdict: 'differs', coinbase: { from: 'record', inHeader: null } })
  expect(answer.outputs.filter(({ matches }) => !matches)).toMatchObject([
    { address: first.address, paidSats: null },
    { address: address(9), kind: 'not-due', dueSats: null, paidSats: Number(first.valueSats) }
  ])
})

it.each([
  ['999', 404, 'no block of the pool at bitcoin height 999'],
  ['ab'.repeat(32), 404, 'no share'],
  ['nonsense', 400, 'or: job']
])('refuses %s', async (id, status, said) => {
  const answer = await fetch(node.url(`/v1/audit/${id}`))
  expect(answer.status).toBe(status)
  expect(((await answer.json()) as { readonly error: string }).error).toContain(said)
})

it('knows no window below the genesis', async () => {
  const genesis = node.rig.core.queries.shares.hashesAtHeight(0 as never)[0] ?? shareHash('0'.repeat(64))
  expect((await fetch(node.url(`/v1/audit/${genesis}`))).status).toBe(404)
})
