import { steadyMs } from '@p2poolv2/primitives'
import { ChainBuilder, easyParams, GENESIS_TIME_SEC } from '@p2poolv2/sharechain/testing'
import { expect, it } from 'vitest'
import { TestNet } from '../testing/test-net.ts'
import { TestNode } from '../testing/test-node.ts'

const COMMON = 600
const START_MS = steadyMs((GENESIS_TIME_SEC + COMMON + 400) * 1_000)

it('whoever showed a lighter chain gives the bodies below the place where it parts, when who showed the heavier one goes', () => {
  const params = easyParams()
  const builder = new ChainBuilder(params)
  const common = builder.row(builder.genesis, COMMON)
  const fork = common.at(-1)?.hash ?? builder.genesis
  // Farther from the tip than headers are taken in unlooked at.
  const light = builder.row(fork, 160)
  const heavy = builder.row(fork, 200)
  const net = new TestNet(START_MS)
  const ann = new TestNode(params)
  net.add('ann', ann)
  net.add('heavy', new TestNode(params, { shares: [...common, ...heavy], nowMs: START_MS }))
  net.add('light', new TestNode(params, { shares: [...common, ...light], nowMs: START_MS }))
  net.connect('ann', 'heavy', { latencyMs: 40 })
  net.run(1_000)
  net.connect('ann', 'light', { latencyMs: 40 })
  while (ann.chain.confirmedTip().height < 100) net.run(20)
  net.disconnect('ann', 'heavy')
  const goneAtMs = net.nowMs
  while (ann.chain.confirmedTip().height < COMMON && net.nowMs < goneAtMs + 120_000) net.run(20)
  expect(ann.chain.confirmedTip().height).toBeGreaterThanOrEqual(COMMON)
  expect(net.nowMs - goneAtMs).toBeLessThan(15_000)
  expect(net.penalties).toEqual([])
})
