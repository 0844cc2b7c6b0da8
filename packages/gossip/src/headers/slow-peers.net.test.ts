import type { Share } from '@p2poolv2/consensus'
import { steadyMs } from '@p2poolv2/primitives'
import { ChainBuilder, easyParams, GENESIS_TIME_SEC } from '@p2poolv2/sharechain/testing'
import { beforeEach, expect, it } from 'vitest'
import { ScriptedPeer } from '../testing/scripted-peer.ts'
import { TestNet } from '../testing/test-net.ts'
import { TestNode } from '../testing/test-node.ts'

/** Two header answers long. */
const LONG = 950
const START_MS = steadyMs((GENESIS_TIME_SEC + LONG + 60) * 1_000)
const params = easyParams()
const builder = new ChainBuilder(params)
const shares: readonly Share[] = builder.row(builder.genesis, LONG)
const tip = shares.at(-1)?.hash ?? builder.genesis
const full = new TestNode(params, { shares, nowMs: START_MS })

let net: TestNet
let ann: TestNode

const join = (id: string, latencyMs: number): void => {
  net.add(id, new TestNode(params, { like: full }))
  net.connect('ann', id, { latencyMs })
}
const headersAskedOf = (id: string): number =>
  net.count(({ from, to, kind, payload }) => from === 'ann' && to === id && kind === 'request' && payload?.[0] === 2)
const failures = (id: string): string[] =>
  ann.facts.flatMap(fact => (fact.type === 'headersFailed' && fact.peer === id ? [fact.reason] : []))

beforeEach(() => {
  net = new TestNet(START_MS)
  ann = new TestNode(params)
  net.add('ann', ann)
})

it('a peer that answers in time but slower than another one gives way to it', () => {
  join('slow', 1_600)
  net.run(1_700)
  join('bob', 20)
  net.run(3_400)
  expect(ann.chain.candidateTip().hash).toBe(tip)
  expect(headersAskedOf('slow')).toBe(1)
  expect(failures('slow')).toEqual(['slower-than-another'])
  net.run(60_000)
  expect(ann.tip).toBe(tip)
  expect(net.penalties).toEqual([])
})

it('peers that take just less than too long for every answer do not keep all places', () => {
  join('slow', 3_200)
  join('slower', 3_200)
  net.run(8_000)
  expect([headersAskedOf('slow'), headersAskedOf('slower')]).toEqual([1, 1])
  join('bob', 20)
  net.run(4_000)
  // The first of them has answered once, and was then overdue with its second answer.
  expect(ann.chain.candidateTip().hash).toBe(tip)
  expect(failures('slow')).toEqual(['too-slow'])
  net.run(60_000)
  expect(ann.tip).toBe(tip)
  expect(net.penalties).toEqual([])
})

it('each silent peer costs seconds, not a time-out', () => {
  const silent = ['s1', 's2', 's3', 's4', 's5', 's6']
  for (const id of silent) {
    net.add(id, new ScriptedPeer(() => 'silent', [{ type: 'handshake', tipHeight: LONG, tipHash: tip }]))
    net.connect('ann', id, { latencyMs: 10 })
  }
  net.run(50)
  join('bob', 20)
  net.run(20_000)
  expect(ann.chain.candidateTip().hash).toBe(tip)
  expect(silent.map(headersAskedOf)).toEqual([1, 1, 1, 1, 1, 1])
})

it('a slow peer is followed to the end when there is nobody else', () => {
  join('slow', 4_500)
  net.run(120_000)
  expect(ann.chain.candidateTip().hash).toBe(tip)
  expect(failures('slow')).toEqual([])
  expect(headersAskedOf('slow')).toBeGreaterThanOrEqual(2)
})

it('a peer that fails and comes back waits as long as if it had stayed', () => {
  net.add(
    'liar',
    new ScriptedPeer(
      message => (message.type === 'getShareHeaders' ? 'silent' : null),
      [{ type: 'handshake', tipHeight: LONG, tipHash: tip }]
    )
  )
  // Silent three times: twenty seconds to wait.
  net.connect('ann', 'liar', { latencyMs: 20 })
  for (let i = 0; i < 200 && failures('liar').length < 3; i++) net.run(1_000)
  expect(failures('liar').length).toBe(3)
  const asked = headersAskedOf('liar')
  for (let i = 0; i < 15; i++) {
    net.disconnect('ann', 'liar')
    net.connect('ann', 'liar', { latencyMs: 20 })
    net.run(1_000)
  }
  expect(headersAskedOf('liar')).toBe(asked)
  net.run(10_000)
  expect(headersAskedOf('liar')).toBe(asked + 1)
})
