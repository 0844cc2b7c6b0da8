import { type BlockTemplate, bitcoinHeaderHashWire, decodeTransaction, encodeBitcoinHeader } from '@p2poolv2/bitcoin'
import type { Share } from '@p2poolv2/consensus'
import { ByteReader, blockHashFromWire, bytesToHex, hexToBytes, steadyMs } from '@p2poolv2/primitives'
import { ChainBuilder, EASY_BITCOIN_BITS, easyParams, GENESIS_TIME_SEC } from '@p2poolv2/sharechain/testing'
import { beforeEach, describe, expect, it } from 'vitest'
import { ScriptedPeer } from '../testing/scripted-peer.ts'
import { blockTemplate, templateTransaction, witnessTransaction } from '../testing/templates.ts'
import { TestNet } from '../testing/test-net.ts'
import { TestNode } from '../testing/test-node.ts'
import { GIVE_UP_MS } from './exchange.ts'

const START_MS = steadyMs((GENESIS_TIME_SEC + 100) * 1_000)
const params = easyParams()
let builder: ChainBuilder
let base: Share[]
let net: TestNet

/** A template of these transactions, at a difficulty a test can meet. */
const template = (numbers: readonly number[], bitcoinHeight = 100): BlockTemplate =>
  blockTemplate({ transactions: numbers.map(n => templateTransaction(n)), bits: EASY_BITCOIN_BITS, bitcoinHeight })

function nodes(...names: string[]): TestNode[] {
  return names.map(name => {
    const node = new TestNode(params, { shares: base, nowMs: START_MS })
    net.add(name, node)
    return node
  })
}

const tipOf = () => builder.known.confirmedTip().hash
const blockOf = (made: BlockTemplate, wish: { readonly spoil?: 'payout' } = {}): Share =>
  builder.build({ parent: tipOf(), timeSec: GENESIS_TIME_SEC + 101, template: made, isBlock: true, ...wish })
const hashOf = (share: Share) => blockHashFromWire(bitcoinHeaderHashWire(share.header.bitcoinHeader))

beforeEach(() => {
  builder = new ChainBuilder(params)
  base = builder.row(builder.genesis, 3, { timeSec: GENESIS_TIME_SEC + 95 })
  net = new TestNet(START_MS)
})

describe('a share that is a block', () => {
  it('is submitted from the own template, whole and once', () => {
    const [ann, bob, cid] = nodes('ann', 'bob', 'cid')
    const made = template([1, 2, 3])
    for (const id of ['bob', 'cid']) net.connect('ann', id)
    net.connect('bob', 'cid', { dialect: 'reference' })
    for (const node of [ann, bob, cid]) node?.template(made, net.nowMs)
    const share = blockOf(made)
    net.act('ann', ann?.found(share, net.nowMs) ?? [])
    net.run(5_000)
    expect(ann?.blocks).toHaveLength(0)
    for (const node of [bob, cid]) {
      const [block, ...more] = node?.blocks ?? []
      expect(more).toEqual([])
      expect(block?.blockHash).toBe(hashOf(share))
      const reader = new ByteReader(hexToBytes(block?.blockHex ?? ''))
      expect(bytesToHex(reader.bytes(80))).toBe(bytesToHex(encodeBitcoinHeader(share.header.bitcoinHeader)))
      expect(reader.compactSize()).toBe(4)
      expect(decodeTransaction(reader)).toEqual(share.bitcoinCoinbase)
      expect(bytesToHex(reader.bytes(reader.remaining))).toBe(made.transactions.map(t => t.dataHex).join(''))
    }
  })

  it('reaches every other node although its finder is gone as soon as its share has left', () => {
    const [ann, bob, cid, dee] = nodes('ann', 'bob', 'cid', 'dee')
    net.connect('ann', 'bob')
    net.connect('bob', 'cid')
    net.connect('cid', 'dee')
    const made = template([1, 2, 3, 4, 5])
    // The others mine on templates that share some of the transactions, or none.
    for (const [node, numbers] of [
      [bob, [1, 2, 9]],
      [cid, []],
      [dee, [3]]
    ] as const) {
      node?.template(template(numbers), net.nowMs)
    }
    net.act('ann', ann?.template(made, net.nowMs) ?? [])
    net.run(2_000)
    expect(bob?.facts.find(fact => fact.type === 'templateTaken')).toMatchObject({ transactions: 5, fetched: 3 })
    expect(cid?.facts.some(fact => fact.type === 'templateTaken')).toBe(false)
    const share = blockOf(made)
    net.act('ann', ann?.found(share, net.nowMs) ?? [])
    net.run(60)
    net.disconnect('ann', 'bob')
    net.run(60_000)
    for (const [name, node] of Object.entries({ bob, cid, dee })) {
      expect(
        node?.blocks.map(block => block.blockHash),
        name
      ).toEqual([hashOf(share)])
    }
    expect(bob?.facts).toContainEqual({ type: 'blockRebuilt', blockHash: hashOf(share), source: 'book' })
    expect(dee?.facts).toContainEqual({ type: 'blockRebuilt', blockHash: hashOf(share), source: 'peers' })
    expect(net.penalties).toEqual([])
  })

  it('is submitted even if the share pays the wrong people and is dropped from the chain', () => {
    const [ann] = nodes('ann')
    const mallory = new ScriptedPeer(() => null)
    net.add('mallory', mallory)
    net.connect('mallory', 'ann', { dialect: 'reference' })
    const made = template([1, 2])
    ann?.template(made, net.nowMs)
    const share = blockOf(made, { spoil: 'payout' })
    net.act('mallory', [mallory.request('ann', { type: 'shareBlock', share })])
    net.run(1_000)
    expect(ann?.chain.facts(share.hash)?.validity).toBe('invalid')
    expect(ann?.blocks.map(block => block.blockHash)).toEqual([hashOf(share)])
  })

  it('is not put together from a copy with another coinbase, but from the good one that comes later', () => {
    const [ann] = nodes('ann')
    const mallory = new ScriptedPeer(() => null)
    net.add('mallory', mallory)
    net.connect('mallory', 'ann', { dialect: 'reference' })
    const made = template([1, 2])
    ann?.template(made, net.nowMs)
    const share = blockOf(made)
    const bad = { ...share, bitcoinCoinbase: base[0]?.bitcoinCoinbase ?? share.bitcoinCoinbase }
    net.act('mallory', [mallory.request('ann', { type: 'shareBlock', share: bad })])
    net.run(1_000)
    expect(ann?.blocks).toEqual([])
    expect(net.penalties.map(({ code }) => code)).toEqual(['body-coinbase-txid'])
    net.act('mallory', [mallory.request('ann', { type: 'shareBlock', share })])
    net.run(1_000)
    expect(ann?.blocks.map(block => block.blockHash)).toEqual([hashOf(share)])
  })

  it('gets the witnesses its coinbase commits to, and not those of our own template', () => {
    const [ann, bob] = nodes('ann', 'bob')
    net.connect('ann', 'bob')
    const [theirs, ours] = [1, 2].map(witness =>
      blockTemplate({ transactions: [witnessTransaction(5, witness)], bits: EASY_BITCOIN_BITS })
    )
    if (theirs === undefined || ours === undefined) throw new Error('two templates were made')
    expect(theirs.merkleBranch).toEqual(ours.merkleBranch)
    net.act('ann', ann?.template(theirs, net.nowMs) ?? [])
    bob?.template(ours, net.nowMs)
    const share = blockOf(theirs)
    net.act('ann', ann?.found(share, net.nowMs) ?? [])
    net.run(5_000)
    const [block] = bob?.blocks ?? []
    const reader = new ByteReader(hexToBytes(block?.blockHex ?? '').subarray(80))
    expect(reader.compactSize()).toBe(2)
    const [input] = decodeTransaction(reader).inputs
    expect(input?.witness).toEqual([new Uint8Array(32)])
    expect(bytesToHex(reader.bytes(reader.remaining))).toBe(theirs.transactions[0]?.dataHex)
  })

  it('without transactions needs nobody', () => {
    const [ann, bob] = nodes('ann', 'bob')
    net.connect('ann', 'bob', { dialect: 'reference' })
    const share = blockOf(template([]))
    net.act('ann', ann?.found(share, net.nowMs) ?? [])
    net.run(1_000)
    expect(bob?.blocks.map(block => block.blockHash)).toEqual([hashOf(share)])
  })

  it('that our own node submits is not rebuilt', () => {
    const [ann] = nodes('ann')
    const made = template([1])
    const mallory = new ScriptedPeer(() => null)
    net.add('mallory', mallory)
    net.connect('mallory', 'ann', { dialect: 'reference' })
    const share = blockOf(made)
    ann?.template(made, net.nowMs)
    ann?.handle({ type: 'blockSubmitted', blockHash: hashOf(share) }, net.nowMs)
    net.act('mallory', [mallory.request('ann', { type: 'shareBlock', share })])
    net.run(1_000)
    expect(ann?.blocks).toEqual([])
    expect(ann?.tip).toBe(share.hash)
  })

  it('of long ago is history', () => {
    const [ann, bob] = nodes('ann', 'bob')
    net.connect('ann', 'bob')
    bob?.template(template([7], 102), net.nowMs)
    const share = blockOf(template([1]))
    net.act('ann', ann?.found(share, net.nowMs) ?? [])
    net.run(1_000)
    expect(bob?.tip).toBe(share.hash)
    expect(bob?.facts.some(fact => fact.type === 'blockSeen')).toBe(false)
  })

  it('by its own word alone, and not by our template’s, is none: nothing is fetched, and nothing gives way to it', () => {
    const [ann] = nodes('ann')
    const mallory = new ScriptedPeer(() => null)
    net.add('mallory', mallory)
    net.connect('mallory', 'ann', { dialect: 'reference' })
    ann?.template(blockTemplate({ transactions: [], bits: 0x1c00ffff, bitcoinHeight: 100 }), net.nowMs)
    net.act('mallory', [mallory.request('ann', { type: 'shareBlock', share: blockOf(template([1, 2])) })])
    net.run(5_000)
    expect(ann?.facts.some(fact => fact.type === 'blockSeen')).toBe(false)
  })

  it('whose transactions nobody has is asked for until there is no hope', () => {
    const [ann, bob] = nodes('ann', 'bob')
    net.connect('ann', 'bob')
    const share = blockOf(template([1, 2]))
    net.act('ann', ann?.found(share, net.nowMs) ?? [])
    net.run(GIVE_UP_MS - 1_000)
    expect(bob?.facts.some(fact => fact.type === 'blockNotRebuilt')).toBe(false)
    net.run(2_000)
    const given = bob?.facts.filter(fact => fact.type === 'blockNotRebuilt')
    expect(given).toEqual([
      { type: 'blockNotRebuilt', blockHash: hashOf(share), reason: 'no peer had its transactions' }
    ])
    expect(net.count(({ from, kind }) => from === 'bob' && kind === 'request')).toBeLessThan(60)
  })
})

describe('template announcements', () => {
  it('go one hop, and their transactions are fetched once', () => {
    const [ann, bob] = nodes('ann', 'bob', 'cid')
    net.connect('ann', 'bob')
    net.connect('bob', 'cid')
    net.act('ann', ann?.template(template([1, 2, 3]), net.nowMs) ?? [])
    net.run(1_000)
    net.act('ann', ann?.template(template([1, 2, 3, 4]), net.nowMs) ?? [])
    net.run(10_000)
    const taken = bob?.facts.filter(fact => fact.type === 'templateTaken')
    expect(taken).toMatchObject([
      { transactions: 3, fetched: 3 },
      { transactions: 4, fetched: 1 }
    ])
    expect(net.count(({ to, kind }) => to === 'cid' && kind === 'gossip')).toBe(0)
  })

  it('come at most every five seconds, but at once for a new block', () => {
    const [ann] = nodes('ann', 'bob')
    net.connect('ann', 'bob')
    const announced = () => net.count(({ from, kind }) => from === 'ann' && kind === 'gossip')
    for (let i = 0; i < 4; i++) net.act('ann', ann?.template(template([i]), net.nowMs) ?? [])
    net.run(100)
    expect(announced()).toBe(1)
    net.act('ann', ann?.template(template([8], 101), net.nowMs) ?? [])
    net.run(100)
    expect(announced()).toBe(2)
    net.act('ann', ann?.template(template([9], 101), net.nowMs) ?? [])
    net.run(4_800)
    expect(announced()).toBe(2)
    net.run(200)
    expect(announced()).toBe(3)
  })

  it('are not sent to reference peers', () => {
    const [ann] = nodes('ann')
    const rita = new ScriptedPeer(() => null)
    net.add('rita', rita)
    net.connect('rita', 'ann', { dialect: 'reference' })
    net.act('ann', ann?.template(template([1]), net.nowMs) ?? [])
    net.run(1_000)
    expect(net.count(({ from, kind }) => from === 'ann' && kind === 'gossip')).toBe(0)
  })
})
