import type { Share } from '@p2poolv2/consensus'
import { steadyMs } from '@p2poolv2/primitives'
import { ChainBuilder, easyParams, GENESIS_TIME_SEC } from '@p2poolv2/sharechain/testing'
import { beforeEach, expect, it } from 'vitest'
import { TestNet } from '../testing/test-net.ts'
import { TestNode } from '../testing/test-node.ts'

const LONG = 900
const START_MS = steadyMs((GENESIS_TIME_SEC + LONG + 60) * 1_000)
const params = easyParams()
const builder = new ChainBuilder(params)
const shares: readonly Share[] = builder.row(builder.genesis, LONG)
const tip = shares.at(-1)?.hash ?? builder.genesis
const full = new TestNode(params, { shares, nowMs: START_MS })
/** Of a question and its answer: under `HEDGE_MS`, and far above what `LONG` shares take a quick peer. */
const SLOW_MS = 2_400

let net: TestNet
let ann: TestNode

const join = (id: string, latencyMs: number): void => {
  net.add(id, new TestNode(params, { like: full }))
  net.connect('ann', id, { latencyMs })
}
const bodiesAskedOf = (id: string): number =>
  net.count(({ from, to, kind, payload }) => from === 'ann' && to === id && kind === 'request' && payload?.[0] === 6)

function syncMs(): number {
  const fromMs = net.nowMs
  while (ann.tip !== tip && net.nowMs < fromMs + 60_000) net.run(20)
  expect(ann.tip).toBe(tip)
  expect(net.penalties).toEqual([])
  return net.nowMs - fromMs
}

beforeEach(() => {
  net = new TestNet(START_MS)
  ann = new TestNode(params)
  net.add('ann', ann)
})

it('a slow peer beside a quick one does not set the pace of a sync', () => {
  join('slow', SLOW_MS / 2)
  // It has told its headers, so it is asked for shares.
  net.run(2 * SLOW_MS)
  join('bob', 20)
  // What the slow one was asked first is waited for once at most; else each 128 shares would take as long as it does.
  expect(syncMs()).toBeLessThan(2 * SLOW_MS)
  expect(bodiesAskedOf('slow')).toBeLessThan(64)
})
