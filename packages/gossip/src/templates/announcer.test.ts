import { type SteadyMs, steadyMs } from '@p2poolv2/primitives'
import { EASY_BITCOIN_BITS, easyParams, GENESIS_TIME_SEC } from '@p2poolv2/sharechain/testing'
import { beforeEach, expect, it } from 'vitest'
import type { PeerEffect } from '../network-port.ts'
import { blockTemplate, templateTransaction } from '../testing/templates.ts'
import { TestNode } from '../testing/test-node.ts'
import { decodeAnnouncement } from '../wire/template-messages.ts'
import { ANNOUNCE_GAP_MS } from './announcer.ts'

const NOW = steadyMs((GENESIS_TIME_SEC + 10) * 1_000)
const later = (ms: number): SteadyMs => steadyMs(NOW + ms)
const templateOf = (...numbers: number[]) =>
  blockTemplate({ transactions: numbers.map(n => templateTransaction(n)), bits: EASY_BITCOIN_BITS })

let node: TestNode
beforeEach(() => {
  node = new TestNode(easyParams())
})

const connect = (peer: string, atMs: SteadyMs, dialect: 'ours' | 'reference' = 'ours') =>
  node.handle({ type: 'peerConnected', peer, direction: 'inbound', dialect }, atMs)
const announced = (effects: readonly PeerEffect[]): number[] =>
  effects.flatMap(effect =>
    effect.type === 'publish' && effect.topic === 'templates' ? [decodeAnnouncement(effect.data).transactionCount] : []
  )

it('waits for somebody to tell', () => {
  expect(announced(node.template(templateOf(1, 2), NOW))).toEqual([])
  expect(announced(connect('reference', NOW, 'reference'))).toEqual([])
  expect(announced(connect('ann', NOW))).toEqual([2])
})

it('tells the newest of many templates, not more often than the gap allows', () => {
  connect('ann', NOW)
  expect(announced(node.template(templateOf(1), NOW))).toEqual([1])
  expect(announced(node.template(templateOf(1, 2), later(10)))).toEqual([])
  expect(announced(node.template(templateOf(1, 2, 3), later(20)))).toEqual([])
  expect(announced(node.handle({ type: 'deadline' }, later(ANNOUNCE_GAP_MS)))).toEqual([3])
})

it('tells the current template again for a peer that comes later, within the gap', () => {
  connect('ann', NOW)
  node.template(templateOf(1, 2), NOW)
  expect(announced(connect('bob', later(10)))).toEqual([])
  expect(announced(connect('eve', later(20)))).toEqual([])
  expect(announced(node.handle({ type: 'deadline' }, later(ANNOUNCE_GAP_MS)))).toEqual([2])
  expect(announced(node.handle({ type: 'deadline' }, later(3 * ANNOUNCE_GAP_MS)))).toEqual([])
})

it('says nothing of a template without transactions: anybody can put its block together', () => {
  connect('ann', NOW)
  expect(announced(node.template(templateOf(), NOW))).toEqual([])
})
