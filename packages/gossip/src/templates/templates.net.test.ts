import { bitcoinHeaderHashWire } from '@p2poolv2/bitcoin'
import type { Share } from '@p2poolv2/consensus'
import { blockHashFromWire, bytesToHex, concatBytes, hexToBytes, sha256d, steadyMs } from '@p2poolv2/primitives'
import { ChainBuilder, EASY_BITCOIN_BITS, easyParams, GENESIS_TIME_SEC } from '@p2poolv2/sharechain/testing'
import { beforeEach, expect, it } from 'vitest'
import { ScriptedPeer } from '../testing/scripted-peer.ts'
import { blockTemplate, templateTransaction } from '../testing/templates.ts'
import { TestNet } from '../testing/test-net.ts'
import { TestNode } from '../testing/test-node.ts'
import { encodeAnnouncement, type TemplateMessage } from '../wire/template-messages.ts'
import { branchKeyOf } from './book.ts'

const START_MS = steadyMs((GENESIS_TIME_SEC + 100) * 1_000)
const params = easyParams()
const builder = new ChainBuilder(params)
const base = builder.row(builder.genesis, 3, { timeSec: GENESIS_TIME_SEC + 95 })
const made = blockTemplate({ transactions: [1, 2, 3].map(n => templateTransaction(n)), bits: EASY_BITCOIN_BITS })
const branchKey = branchKeyOf(made.merkleBranch)
const share: Share = builder.build({
  parent: builder.known.confirmedTip().hash,
  timeSec: GENESIS_TIME_SEC + 101,
  template: made,
  isBlock: true
})
const blockHash = blockHashFromWire(bitcoinHeaderHashWire(share.header.bitcoinHeader))
const list = concatBytes(...made.transactions.map(({ wtxidWire }) => wtxidWire))
const bytes = made.transactions.map(({ dataHex }) => hexToBytes(dataHex))
const NO_LIST = new Uint8Array(32)

let net: TestNet
let ann: TestNode

/** A peer of ours with a template protocol of its own making. */
function peer(id: string, templates: (message: TemplateMessage) => TemplateMessage | 'silent' | null): ScriptedPeer {
  const scripted = new ScriptedPeer(() => null)
  scripted.templates = templates
  net.add(id, scripted)
  net.connect(id, 'ann')
  return scripted
}

const listed = (fresh: Uint8Array): TemplateMessage => {
  return { type: 'templateList', branchKey, baseId: NO_LIST, pieces: [{ copyFrom: 0, copyCount: 0, fresh }] }
}
const given = (transactions: readonly Uint8Array[]): TemplateMessage => {
  return { type: 'templateTransactions', branchKey, transactions }
}
const honest = (message: TemplateMessage): TemplateMessage =>
  message.type === 'getTemplateTransactions'
    ? given(message.indexes.map(index => bytes[index] ?? new Uint8Array(0)))
    : listed(list)

const announce = (transactionCount = 3, key = branchKey) => {
  const { prevHash, bitcoinHeight, coinbaseValueSats } = made
  return encodeAnnouncement({ prevHash, bitcoinHeight, coinbaseValueSats, transactionCount, branchKey: key })
}
const offer = (from: ScriptedPeer, id: string) => {
  net.act(id, [from.request('ann', { type: 'shareBlock', share })])
}

beforeEach(() => {
  net = new TestNet(START_MS)
  ann = new TestNode(params, { shares: base, nowMs: START_MS })
  net.add('ann', ann)
})

it('a block’s transactions come from the next peer when the first knows nothing, says nothing or lies', () => {
  const silent = peer('silent', () => 'silent')
  peer('none', () => listed(new Uint8Array(0)))
  peer('forger', message => (message.type === 'getTemplate' ? listed(sha256d(NO_LIST)) : given([NO_LIST])))
  peer('liar', message => (message.type === 'getTemplate' ? listed(list) : given([NO_LIST])))
  peer('good', honest)
  offer(silent, 'silent')
  net.run(30_000)
  expect(ann.blocks.map(block => block.blockHash)).toEqual([blockHash])
  expect(net.penalties).toEqual([
    { by: 'ann', peer: 'forger', code: 'template-lie' },
    { by: 'ann', peer: 'liar', code: 'template-lie' }
  ])
})

it('a block’s transactions are found when the one who has them connects later', () => {
  const bob = peer('bob', () => null)
  offer(bob, 'bob')
  net.run(20_000)
  expect(ann.blocks).toEqual([])
  peer('good', honest)
  net.run(1_000)
  expect(ann.blocks.map(block => block.blockHash)).toEqual([blockHash])
  expect(net.penalties).toEqual([])
})

it('an answer about another template is a breach', () => {
  const bob = peer('bob', message => ({ ...honest(message), branchKey: NO_LIST }))
  offer(bob, 'bob')
  net.run(1_000)
  expect(net.penalties).toEqual([{ by: 'ann', peer: 'bob', code: 'wrong-answer' }])
})

it('a template that is on its way when a block comes to depend on it is asked for once more, and nobody is blamed', () => {
  const bob = peer('bob', honest)
  net.act('bob', [{ type: 'publish', topic: 'templates', data: announce() }])
  net.run(60)
  offer(bob, 'bob')
  net.run(5_000)
  expect(bob.askedTemplates.filter(({ type }) => type === 'getTemplate')).toHaveLength(2)
  expect(ann.blocks.map(block => block.blockHash)).toEqual([blockHash])
  expect(net.penalties).toEqual([])
})

it('an announcement of a template that its announcer has not is forgotten', () => {
  const bob = peer('bob', () => listed(new Uint8Array(0)))
  net.act('bob', [{ type: 'publish', topic: 'templates', data: announce() }])
  net.run(60_000)
  expect(bob.askedTemplates).toHaveLength(1)
  expect(net.penalties).toEqual([])
})

it('a peer that announces without end has one template fetched at a time, and not faster than we like', () => {
  const bob = peer('bob', message => (message.type === 'getTemplate' ? 'silent' : null))
  for (let i = 0; i < 300; i++) {
    net.act('bob', [{ type: 'publish', topic: 'templates', data: announce(3, sha256d(new Uint8Array([i, i >> 8]))) }])
  }
  net.run(60_000)
  expect(bob.askedTemplates.length).toBeLessThanOrEqual(6)
  expect(net.penalties).toEqual([])
})

it('a list is asked for over the last one of the same peer', () => {
  const bob = peer('bob', honest)
  net.act('bob', [{ type: 'publish', topic: 'templates', data: announce() }])
  net.run(1_000)
  net.act('bob', [{ type: 'publish', topic: 'templates', data: announce(4, NO_LIST) }])
  net.run(1_000)
  const asked = bob.askedTemplates.filter(message => message.type === 'getTemplate')
  expect(asked.map(({ baseId }) => bytesToHex(baseId))).toEqual([bytesToHex(NO_LIST), bytesToHex(sha256d(list))])
})

it('an answer that comes after the question was given up disturbs nothing', () => {
  const bob = peer('bob', honest)
  net.loses = ({ from, kind }) => from === 'bob' && kind === 'response'
  offer(bob, 'bob')
  net.run(10_500)
  net.loses = () => false
  net.run(5_000)
  expect(ann.blocks.map(block => block.blockHash)).toEqual([blockHash])
  net.act('ann', ann.handle({ type: 'peerResponse', requestId: 2, payload: new Uint8Array([9]) }, net.nowMs))
  expect(net.penalties).toEqual([])
})
