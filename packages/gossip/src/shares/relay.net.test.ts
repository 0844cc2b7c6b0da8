import type { Share } from '@p2poolv2/consensus'
import { bytesToHex, steadyMs } from '@p2poolv2/primitives'
import { ChainBuilder, easyParams, GENESIS_TIME_SEC, secondsAfter } from '@p2poolv2/sharechain/testing'
import { beforeEach, describe, expect, it } from 'vitest'
import { POLL_MS } from '../headers/turns.ts'
import { ScriptedPeer } from '../testing/scripted-peer.ts'
import { type Passing, TestNet } from '../testing/test-net.ts'
import { TestNode } from '../testing/test-node.ts'
import { decodeMessage, encodeMessage } from '../wire/messages.ts'

const START_MS = steadyMs((GENESIS_TIME_SEC + 100) * 1_000)
const params = easyParams()
let builder: ChainBuilder
let base: Share[]
let net: TestNet

/** Nodes that all hold the first shares, so that their chains are current. */
function nodes(...names: string[]): TestNode[] {
  return names.map(name => {
    const node = new TestNode(params, { shares: base, nowMs: START_MS })
    net.add(name, node)
    return node
  })
}

/** Whether this message carries a whole share to somebody. */
function carries(share: Share, { kind, payload }: Passing): boolean {
  if (payload === null) return false
  if (kind === 'gossip')
    return bytesToHex(payload) === bytesToHex(encodeMessage({ type: 'shareBlock', share }).subarray(1))
  return bytesToHex(payload) === bytesToHex(encodeMessage({ type: 'shareBlock', share }))
}

const copies = (share: Share) => net.count(passing => carries(share, passing))

beforeEach(() => {
  builder = new ChainBuilder(params)
  base = builder.row(builder.genesis, 3, { timeSec: GENESIS_TIME_SEC + 95 })
  net = new TestNet(START_MS)
})

describe('a share of ours', () => {
  it('goes over the topic from hop to hop, to each node once', () => {
    const [ann, bob, cid] = nodes('ann', 'bob', 'cid')
    net.connect('ann', 'bob')
    net.connect('bob', 'cid')
    net.run(1_000)
    const share = builder.build({ parent: builder.known.confirmedTip().hash, timeSec: GENESIS_TIME_SEC + 101 })
    net.act('ann', ann?.found(share, net.nowMs) ?? [])
    net.run(5_000)
    expect([bob?.tip, cid?.tip]).toEqual([share.hash, share.hash])
    expect(copies(share)).toBe(2)
    expect(net.verdicts.map(({ verdict }) => verdict)).toEqual(['accept', 'accept'])
    expect(net.penalties).toEqual([])
  })

  it('is pushed to reference peers, and by them no further than to those that lack it', () => {
    const [ann, bob, cid] = nodes('ann', 'bob', 'cid')
    net.connect('ann', 'bob', { dialect: 'reference', latencyMs: 40 })
    net.connect('bob', 'cid', { dialect: 'reference', latencyMs: 40 })
    net.connect('ann', 'cid', { dialect: 'reference', latencyMs: 200 })
    net.run(1_000)
    const share = builder.build({ parent: builder.known.confirmedTip().hash, timeSec: GENESIS_TIME_SEC + 101 })
    net.act('ann', ann?.found(share, net.nowMs) ?? [])
    net.run(5_000)
    expect([bob?.tip, cid?.tip]).toEqual([share.hash, share.hash])
    const ways = net.delivered.filter(passing => carries(share, passing)).map(({ from, to }) => `${from} to ${to}`)
    // What ann sends to cid crosses what cid sends to ann; nothing goes one way twice.
    expect(ways).toEqual(['ann to bob', 'ann to cid', 'bob to cid', 'cid to ann'])
    expect(net.penalties).toEqual([])
  })

  it('crosses from the topic to reference peers and back', () => {
    const [ann, , , dee] = nodes('ann', 'bob', 'cid', 'dee')
    net.connect('ann', 'bob')
    net.connect('bob', 'cid', { dialect: 'reference' })
    net.connect('cid', 'dee')
    net.run(1_000)
    const share = builder.build({ parent: builder.known.confirmedTip().hash, timeSec: GENESIS_TIME_SEC + 101 })
    net.act('ann', ann?.found(share, net.nowMs) ?? [])
    net.run(5_000)
    expect(dee?.tip).toBe(share.hash)
    expect(copies(share)).toBe(3)
  })

  it('is found by asking when all neighbours are in the topics and none passes anything on', () => {
    const [ann, , , dee] = nodes('ann', 'bob', 'cid', 'dee')
    for (const between of ['bob', 'cid']) {
      net.connect('ann', between)
      net.connect(between, 'dee')
    }
    net.run(1_000)
    net.loses = ({ to, kind }) => to === 'dee' && kind !== 'response'
    const share = builder.build({ parent: builder.known.confirmedTip().hash, timeSec: GENESIS_TIME_SEC + 101 })
    net.act('ann', ann?.found(share, net.nowMs) ?? [])
    // Somebody is polled every minute, or a tenth of it later.
    net.run(POLL_MS * 1.1 + 1_000)
    expect(dee?.tip).toBe(share.hash)
    const next = builder.build({ parent: share.hash, timeSec: GENESIS_TIME_SEC + 102 })
    net.act('dee', dee?.found(next, net.nowMs) ?? [])
    net.run(1_000)
    expect(ann?.tip).toBe(next.hash)
    expect(net.penalties).toEqual([])
  })

  it('is told to the first peer that comes when there was none', () => {
    const [ann, bob] = nodes('ann', 'bob')
    const share = builder.build({ parent: builder.known.confirmedTip().hash, timeSec: GENESIS_TIME_SEC + 101 })
    net.act('ann', ann?.found(share, net.nowMs) ?? [])
    expect(ann?.gossip.status(net.nowMs).state).toBe('alone')
    net.connect('ann', 'bob')
    net.run(5_000)
    expect(bob?.tip).toBe(share.hash)
  })
})

describe('shares that overtake one another', () => {
  it('are put in order by asking the sender for the parent', () => {
    const [ann, bob] = nodes('ann', 'bob')
    net.connect('ann', 'bob', { dialect: 'reference' })
    net.run(1_000)
    const [first, second] = builder.row(builder.known.confirmedTip().hash, 2)
    if (first === undefined || second === undefined || ann === undefined) throw new Error('two shares were built')
    net.loses = passing => carries(first, passing) && passing.kind === 'request'
    net.act('ann', ann.found(first, net.nowMs))
    net.act('ann', ann.found(second, net.nowMs))
    net.run(2_000)
    expect(bob?.tip).toBe(second.hash)
    expect(bob?.facts.some(fact => fact.type === 'headersTaken')).toBe(false)
    expect(net.penalties).toEqual([])
  })

  it('are found by their headers when too many are missing', () => {
    const [ann, bob] = nodes('ann', 'bob')
    net.connect('ann', 'bob', { dialect: 'reference' })
    net.run(1_000)
    const row = builder.row(builder.known.confirmedTip().hash, 12)
    const last = row.at(-1)
    net.loses = passing => passing.kind === 'request' && row.slice(0, -1).some(share => carries(share, passing))
    for (const share of row) net.act('ann', ann?.found(share, net.nowMs) ?? [])
    net.run(5_000)
    expect(bob?.tip).toBe(last?.hash)
    expect(bob?.facts.some(fact => fact.type === 'headersTaken')).toBe(true)
  })

  it('reach those who hang on one whose topic message came too early', () => {
    const [ann, bob, cid] = nodes('ann', 'bob', 'cid')
    net.connect('ann', 'bob')
    net.connect('bob', 'cid')
    net.run(1_000)
    const [first, second] = builder.row(builder.known.confirmedTip().hash, 2)
    if (first === undefined || second === undefined) throw new Error('two shares were built')
    net.loses = passing => carries(first, passing) && passing.kind === 'gossip' && passing.from === 'ann'
    net.act('ann', ann?.found(first, net.nowMs) ?? [])
    net.act('ann', ann?.found(second, net.nowMs) ?? [])
    net.run(5_000)
    expect([bob?.tip, cid?.tip]).toEqual([second.hash, second.hash])
    expect(copies(second)).toBe(2)
  })
})

it('a bad copy of a waiting share neither takes its place nor keeps it from being passed on', () => {
  const [ann, bob] = nodes('ann', 'bob')
  const mallory = new ScriptedPeer(message => {
    return message.type === 'getData' && message.kind === 'share'
      ? { type: 'notFound', kind: 'share', hash: message.hash }
      : null
  })
  net.add('mallory', mallory)
  net.connect('mallory', 'ann', { dialect: 'reference' })
  net.connect('ann', 'bob', { dialect: 'reference' })
  net.run(100)
  const [first, second] = builder.row(builder.known.confirmedTip().hash, 2)
  if (first === undefined || second === undefined) throw new Error('two shares were built')
  const bad = { ...second, bitcoinCoinbase: first.bitcoinCoinbase }
  for (const share of [second, bad]) net.act('mallory', [mallory.request('ann', { type: 'shareBlock', share })])
  // The same bitcoin header is recognised, so the bad copy is not even read.
  net.run(1_000)
  expect(net.penalties).toEqual([])
  net.act('mallory', [mallory.request('ann', { type: 'shareBlock', share: first })])
  net.run(1_000)
  expect([ann?.tip, bob?.tip]).toEqual([second.hash, second.hash])
})

describe('a share of others', () => {
  it('is not passed on while the chain is stale, nor held against its sender', () => {
    const [ann, bob, cid] = nodes('ann', 'bob', 'cid')
    const old = builder.build({ parent: builder.known.confirmedTip().hash, timeSec: GENESIS_TIME_SEC + 101 })
    net.nowMs = steadyMs(secondsAfter(old, 400))
    net.connect('ann', 'bob')
    net.connect('bob', 'cid')
    net.run(100)
    net.act('ann', ann?.found(old, net.nowMs) ?? [])
    net.run(1_000)
    expect(bob?.tip).toBe(old.hash)
    expect(cid?.tip).not.toBe(old.hash)
    net.run(140_000)
    expect(cid?.tip, 'a poll for headers finds it').toBe(old.hash)
    expect(net.penalties).toEqual([])
  })

  it('that is new while the chain is stale is not passed on either', () => {
    const [ann, bob, cid] = nodes('ann', 'bob', 'cid')
    net.nowMs = steadyMs((GENESIS_TIME_SEC + 500) * 1_000)
    net.connect('ann', 'bob')
    net.connect('bob', 'cid')
    net.run(100)
    const side = builder.build({ parent: builder.genesis, timeSec: GENESIS_TIME_SEC + 500 })
    net.act('ann', ann?.found(side, net.nowMs) ?? [])
    net.run(2_000)
    expect(bob?.chain.facts(side.hash)?.validity).toBe('blockValid')
    expect(cid?.chain.facts(side.hash)).toBeUndefined()
  })

  it('in another encoding than ours is not passed on the topic', () => {
    nodes('ann')
    const mallory = new ScriptedPeer(() => null)
    net.add('mallory', mallory)
    net.connect('mallory', 'ann')
    const [share] = builder.row(builder.known.confirmedTip().hash, 1)
    if (share === undefined) throw new Error('a share was built')
    const { minerBitcoinAddress } = share.header
    const header = { ...share.header, donationAddress: minerBitcoinAddress }
    const data = encodeMessage({ type: 'shareBlock', share: { ...share, header } }).subarray(1)
    // The flag before the donation address: 2 is as true as 1.
    const flag = 32 + 1 + 24 + 34 + 80 + 8
    expect(data[flag]).toBe(1)
    net.act('mallory', [{ type: 'publish', topic: 'shares', data: data.map((byte, i) => (i === flag ? 2 : byte)) }])
    net.run(100)
    expect(net.penalties.map(({ code }) => code)).toEqual(['not-canonical'])
    expect(net.verdicts.map(({ verdict }) => verdict)).toEqual(['reject'])
  })

  it('from a clock ahead of ours waits for its time and is passed on then', () => {
    const [ann, bob] = nodes('ann', 'bob')
    net.connect('ann', 'bob')
    net.run(100)
    const early = builder.build({ parent: builder.known.confirmedTip().hash, timeSec: GENESIS_TIME_SEC + 230 })
    net.act('ann', ann?.found(early, net.nowMs) ?? [])
    net.run(1_000)
    expect(bob?.tip).not.toBe(early.hash)
    expect(net.verdicts.map(({ verdict }) => verdict)).toEqual(['ignore'])
    net.run(30_000)
    expect([ann?.tip, bob?.tip]).toEqual([early.hash, early.hash])
    expect(net.penalties).toEqual([])
  })

  it('that pays the wrong people is dropped from the topic and costs its sender, but not a reference peer', () => {
    const [ann] = nodes('ann')
    const mallory = new ScriptedPeer(() => null)
    const rita = new ScriptedPeer(() => null)
    net.add('mallory', mallory)
    net.add('rita', rita)
    net.connect('ann', 'mallory')
    net.connect('ann', 'rita', { dialect: 'reference' })
    net.run(100)
    const parent = builder.known.confirmedTip().hash
    const [one, two] = [1, 2].map(miner => {
      return builder.build({ parent, timeSec: GENESIS_TIME_SEC + 101, spoil: 'payout', miner })
    })
    if (one === undefined || two === undefined) throw new Error('two shares were built')
    const message = encodeMessage({ type: 'shareBlock', share: one })
    net.act('mallory', [{ type: 'publish', topic: 'shares', data: message.subarray(1) }])
    net.act('rita', [rita.request('ann', { type: 'shareBlock', share: two })])
    net.run(1_000)
    expect(net.penalties).toEqual([{ by: 'ann', peer: 'mallory', code: 'coinbase-payout' }])
    expect(ann?.chain.facts(two.hash)?.validity).toBe('invalid')
    expect(decodeMessage(message).type).toBe('shareBlock')
  })

  it('without work costs its sender twice, and then the connection', () => {
    const [ann] = nodes('ann')
    const mallory = new ScriptedPeer(() => null)
    net.add('mallory', mallory)
    net.connect('ann', 'mallory', { dialect: 'reference' })
    const share = base[0]
    if (share === undefined) throw new Error('shares were built')
    const workless = { ...share, header: { ...share.header, bits: 0x1d00ffff } }
    for (const timeSec of [1, 2, 3]) {
      const header = { ...workless.header, timeSec }
      net.act('mallory', [mallory.request('ann', { type: 'shareBlock', share: { ...workless, header } })])
    }
    net.run(1_000)
    expect(net.penalties.map(({ code }) => code)).toEqual(['no-work', 'no-work'])
    expect(net.dropped).toEqual([{ by: 'ann', peer: 'mallory', reason: 'no-work' }])
    expect(ann?.gossip.status(net.nowMs).peers).toEqual([])
    net.connect('ann', 'mallory', { dialect: 'reference' })
    expect(net.dropped.at(-1)?.reason).toBe('banned')
  })
})
