import { steadyMs } from '@p2poolv2/primitives'
import { ChainBuilder, easyParams, GENESIS_TIME_SEC } from '@p2poolv2/sharechain/testing'
import { beforeEach, expect, it } from 'vitest'
import { MAX_UNSENT_ACKS, MAX_UNSENT_ANSWERS } from './peers/request-queue.ts'
import { ScriptedPeer } from './testing/scripted-peer.ts'
import { TestNet } from './testing/test-net.ts'
import { TestNode } from './testing/test-node.ts'

/** Peers that ask and take no answer: they cost themselves, and nobody else. */

const params = easyParams()
const builder = new ChainBuilder(params)
const row = builder.row(builder.genesis, 60)
const START_MS = steadyMs((GENESIS_TIME_SEC + 700) * 1_000)
const MIB = 1_048_576

let net: TestNet
let ann: TestNode
let deaf: ScriptedPeer

const unsent = (peer: string): number =>
  ann.gossip.status(net.nowMs).peers.find(status => status.peer === peer)?.unsentBytes ?? 0
/** Asks for so many shares. */
const ask = (count: number): void => {
  for (const { hash } of row.slice(0, count))
    net.act('deaf', [deaf.request('ann', { type: 'getData', kind: 'share', hash })])
}

beforeEach(() => {
  net = new TestNet(START_MS)
  ann = new TestNode(params, { shares: row, nowMs: START_MS })
  deaf = new ScriptedPeer(() => null)
  net.add('ann', ann)
  net.add('deaf', deaf)
  net.connect('deaf', 'ann', { latencyMs: 10, dialect: 'reference' })
  net.run(1_000)
})

it('counts an answer against its asker until it has left', () => {
  const [first] = row
  if (first === undefined) throw new Error('there is a share')
  net.setReading('deaf', false)
  net.act('deaf', [deaf.request('ann', { type: 'getData', kind: 'share', hash: first.hash })])
  net.run(100)
  expect(unsent('deaf')).toBe(net.untakenBytes('deaf'))
  expect(unsent('deaf')).toBeGreaterThan(100)
  net.setReading('deaf', true)
  net.run(100)
  expect(unsent('deaf')).toBe(0)
})

it('gives a peer that reads nothing a bounded number of answers and bytes, and the rest of its requests none', () => {
  net.setReading('deaf', false)
  const before = net.delivered.length
  for (let second = 0; second < 120; second++) {
    ask(10)
    net.run(1_000)
    expect(net.untakenBytes('deaf')).toBeLessThan(9 * MIB)
  }
  expect(net.untakenCount('deaf')).toBe(MAX_UNSENT_ANSWERS)
  const closed = net.delivered.slice(before).filter(({ to, kind }) => to === 'deaf' && kind === 'response')
  expect(closed.every(({ payload }) => payload === null)).toBe(true)
  // The last ten seconds' are still waiting.
  expect(closed.length).toBe(1_200 - MAX_UNSENT_ANSWERS - 100)
  expect(net.penalties).toEqual([])
})

it('serves a peer again as soon as it reads', () => {
  net.setReading('deaf', false)
  for (let n = 0; n < 3; n++) ask(60)
  net.run(2_000)
  net.setReading('deaf', true)
  net.run(20_000)
  const [first] = row
  if (first === undefined) throw new Error('there is a share')
  const before = net.delivered.length
  net.act('deaf', [deaf.request('ann', { type: 'getData', kind: 'share', hash: first.hash })])
  net.run(100)
  const answers = net.delivered.slice(before).filter(({ kind }) => kind === 'response')
  expect(answers.map(({ payload }) => (payload?.length ?? 0) > 100)).toEqual([true])
  expect(unsent('deaf')).toBe(0)
})

it('hears what a peer tells, which does not wait for the answers it leaves', () => {
  net.setReading('deaf', false)
  for (let n = 0; n < 2; n++) ask(60)
  net.run(1_000)
  const share = builder.build({ parent: row.at(-1)?.hash ?? builder.genesis })
  net.act('deaf', [deaf.request('ann', { type: 'shareBlock', share })])
  net.run(1_000)
  expect(ann.tip).toBe(share.hash)
})

it('does not acknowledge without end to one who takes no acknowledgement', () => {
  net.setReading('deaf', false)
  const tell = () => net.act('deaf', [deaf.request('ann', { type: 'inventory', kind: 'share', hashes: [] })])
  for (let n = 0; n < 3; n++) {
    for (let i = 0; i < 100; i++) tell()
    net.run(1_000)
  }
  const before = net.delivered.length
  net.setReading('deaf', true)
  expect(net.delivered.length - before).toBe(MAX_UNSENT_ACKS)
})

it('serves others in the meantime as if it were not there', () => {
  net.setReading('deaf', false)
  for (let n = 0; n < 2; n++) ask(60)
  net.run(1_000)
  const bob = new TestNode(params)
  net.add('bob', bob)
  net.connect('bob', 'ann', { latencyMs: 10 })
  net.run(2_000)
  expect(bob.tip).toBe(ann.tip)
})

it('forgets what a peer left with its connection', () => {
  net.setReading('deaf', false)
  ask(60)
  net.run(1_000)
  net.disconnect('deaf', 'ann')
  ann.gossip.checkInvariants()
  net.setReading('deaf', true)
  net.connect('deaf', 'ann', { latencyMs: 10, dialect: 'reference' })
  net.run(1_000)
  expect(unsent('deaf')).toBe(0)
})

it('pushes no more bytes to a peer than it may leave unacknowledged, and to others what it pushed before', () => {
  const wide = {
    version: 2,
    inputs: [
      { prevTxidWire: new Uint8Array(32).fill(7), prevIndex: 0, scriptSig: new Uint8Array(0), sequence: 0, witness: [] }
    ],
    outputs: [{ valueSats: 0n, script: new Uint8Array(190_000) }],
    lockTime: 0
  }
  for (const [id, reply] of [['mute', 'silent'] as const, ['quick', { type: 'ack' }] as const]) {
    net.add(id, new ScriptedPeer(() => reply))
    net.connect(id, 'ann', { latencyMs: 10, dialect: 'reference' })
  }
  net.run(100)
  const before = net.delivered.length
  let parent = row.at(-1)?.hash ?? builder.genesis
  for (let n = 0; n < 12; n++) {
    const share = builder.build({ parent, transactions: [wide] })
    parent = share.hash
    net.act('ann', ann.found(share, net.nowMs))
    net.run(100)
  }
  const pushes = (peer: string) =>
    net.delivered.slice(before).filter(({ to, kind }) => to === peer && kind === 'request')
  expect(pushes('mute').length).toBe(5)
  expect(pushes('mute').reduce((sum, { payload }) => sum + (payload?.length ?? 0), 0)).toBeLessThan(MIB)
  expect(pushes('quick').length).toBe(12)
})
