import { genesisShare, type Share } from '@p2poolv2/consensus'
import { shareHash, steadyMs, ZERO_SHARE_HASH } from '@p2poolv2/primitives'
import { ChainBuilder, easyParams, GENESIS_TIME_SEC } from '@p2poolv2/sharechain/testing'
import { beforeEach, describe, expect, it } from 'vitest'
import { MAX_MISSING_PER_PEER } from './shares/fetcher.ts'
import { type Reply, ScriptedPeer } from './testing/scripted-peer.ts'
import { TestNet } from './testing/test-net.ts'
import { TestNode } from './testing/test-node.ts'
import type { PeerMessage } from './wire/messages.ts'

const params = easyParams()
const builder = new ChainBuilder(params)
const row = builder.row(builder.genesis, 60)
const tip = row.at(-1)?.hash ?? ZERO_SHARE_HASH
const START_MS = steadyMs((GENESIS_TIME_SEC + 100) * 1_000)
const NOBODY = shareHash('ab'.repeat(32))

let net: TestNet
let ann: TestNode

const headersOf = (shares: readonly Share[]): PeerMessage => ({ type: 'shareHeaders', items: shares })
const byHash = (hash: string) => [...builder.shares.values()].find(share => share.hash === hash)
const greeting = (): PeerMessage[] => [{ type: 'handshake', tipHeight: 60, tipHash: tip }]

/** Connects a peer that answers header requests and body requests as given. */
function mallory(headers: (asked: number) => Reply, body: (hash: string) => Reply = () => null): ScriptedPeer {
  let asked = 0
  const peer = new ScriptedPeer(message => {
    if (message.type === 'getShareHeaders') return headers(++asked)
    if (message.type === 'getData') return body(message.hash)
    return null
  }, greeting())
  net.add('mallory', peer)
  net.connect('mallory', 'ann', { latencyMs: 10, dialect: 'reference' })
  return peer
}

function honest(id = 'bob'): TestNode {
  const node = new TestNode(params, { shares: row, nowMs: START_MS })
  net.add(id, node)
  net.connect(id, 'ann')
  return node
}

beforeEach(() => {
  net = new TestNet(START_MS)
  ann = new TestNode(params)
  net.add('ann', ann)
})

describe('a peer that gives headers and no bodies', () => {
  it.each(['silent', 'not-found'] as const)('delays nothing for long beside an honest one (%s)', how => {
    const notFound = (hash: string): Reply => ({ type: 'notFound', kind: 'share', hash: shareHash(hash) })
    mallory(() => headersOf(row), how === 'silent' ? () => 'silent' : notFound)
    net.run(200)
    honest()
    net.run(20_000)
    expect(ann.tip).toBe(tip)
    expect(net.dropped).toEqual([])
  })

  it('is not asked without end when it is alone', () => {
    const peer = mallory(
      () => headersOf(row),
      hash => ({ type: 'notFound', kind: 'share', hash: shareHash(hash) })
    )
    net.run(3_600_000)
    // Sixty bodies, asked again after 5, 10, 20, 40 s and then once a minute.
    expect(peer.count('getData')).toBeLessThan(60 * 70)
    expect(peer.count('getShareHeaders')).toBeLessThan(70)
    expect(ann.gossip.status(net.nowMs)).toMatchObject({ state: 'syncing', wantedShares: 1 })
  })
})

it('a peer that gives bodies of other shares is dropped, and the shares come from another', () => {
  const peer = mallory(
    () => headersOf(row),
    hash => ({ type: 'shareBlock', share: row.find(share => share.hash !== hash) ?? (byHash(hash) as Share) })
  )
  net.run(1_000)
  expect(net.dropped).toEqual([{ by: 'ann', peer: 'mallory', reason: 'wrong-answer' }])
  expect(peer.count('getData')).toBeLessThanOrEqual(16)
  honest()
  net.run(5_000)
  expect(ann.tip).toBe(tip)
})

it('a peer that gives bodies that do not match their headers is dropped, and the right ones come from another', () => {
  mallory(
    () => headersOf(row),
    hash => {
      const share = byHash(hash)
      const other = row.find(one => one.hash !== hash)
      if (share === undefined || other === undefined) return null
      return { type: 'shareBlock', share: { ...share, bitcoinCoinbase: other.bitcoinCoinbase } }
    }
  )
  net.run(1_000)
  expect(net.dropped).toEqual([{ by: 'ann', peer: 'mallory', reason: 'body-coinbase-txid' }])
  honest()
  net.run(5_000)
  expect(ann.tip).toBe(tip)
})

describe('a peer of another network', () => {
  const foreign = new ChainBuilder(easyParams({ genesisTimeSec: GENESIS_TIME_SEC - 5 }))

  it('is left when it shows its genesis', () => {
    const peer = new ScriptedPeer(() => null, [{ type: 'handshake', tipHeight: 0, tipHash: foreign.genesis }])
    net.add('mallory', peer)
    net.connect('mallory', 'ann')
    net.run(1_000)
    expect(net.dropped).toEqual([{ by: 'ann', peer: 'mallory', reason: 'different-genesis' }])
  })

  it('is left when it answers with its genesis', () => {
    mallory(() => headersOf([genesisShare(foreign.params)]))
    net.run(1_000)
    expect(net.dropped).toEqual([{ by: 'ann', peer: 'mallory', reason: 'different-genesis' }])
  })
})

describe('a peer with headers without end', () => {
  const forger = new ChainBuilder(params, 5n)
  const endless = forger.row(forger.genesis, 930)

  it('is not followed into the future', () => {
    // Two hours and a half ahead of our clock, and more on request.
    net.nowMs = steadyMs((GENESIS_TIME_SEC - 9_000) * 1_000)
    const peer = mallory(() => headersOf(endless.slice(0, 900)))
    net.run(600_000)
    expect(ann.chain.shareCount).toBe(1)
    expect(peer.count('getShareHeaders')).toBeLessThanOrEqual(12)
    expect(ann.facts.some(fact => fact.type === 'headersAhead')).toBe(true)
    expect(net.penalties).toEqual([])
  })

  it('may have shares with wild times among good ones; they are left out with all that is built on them', () => {
    const hours = new ChainBuilder(params, 6n)
    for (const share of row) hours.take(share)
    const wild = hours.row(tip, 8, { timeSec: GENESIS_TIME_SEC + 20_000 })
    // Back in time they would make a median of now again, if they were let.
    const late = hours.row(wild.at(-1)?.hash ?? tip, 12, { timeSec: GENESIS_TIME_SEC + 70 })
    mallory(() => headersOf([...row, ...wild, ...late]))
    net.run(1_000)
    const taken = [...row, ...wild, ...late].filter(({ hash }) => ann.chain.facts(hash) !== undefined)
    expect(taken).toEqual(row)
    expect(net.penalties).toEqual([])
  })

  it('is penalised for giving the same again', () => {
    net.nowMs = steadyMs((GENESIS_TIME_SEC + 1_000) * 1_000)
    const peer = mallory(() => headersOf(endless.slice(0, 900)))
    net.run(30_000)
    expect(net.penalties[0]).toEqual({ by: 'ann', peer: 'mallory', code: 'answer-without-progress' })
    expect(peer.count('getShareHeaders')).toBeLessThanOrEqual(6)
  })

  it('that do not connect is asked deeper three times, and then seldom', () => {
    const peer = mallory(() => headersOf(endless.slice(100, 200)))
    net.nowMs = steadyMs((GENESIS_TIME_SEC + 1_000) * 1_000)
    net.run(60_000)
    expect(peer.count('getShareHeaders')).toBeLessThanOrEqual(16)
    expect(net.penalties).toEqual([])
  })
})

it('a peer that puts more shares at one height into an answer than any chain needs is dropped', () => {
  const crowd = Array.from({ length: 129 }, (_, miner) => builder.build({ parent: builder.genesis, miner }))
  mallory(() => headersOf(crowd))
  net.run(1_000)
  expect(net.dropped).toEqual([{ by: 'ann', peer: 'mallory', reason: 'answer-dense' }])
  expect(ann.chain.shareCount).toBe(1)
})

it('a header with bits of its own choosing is refused with its batch', () => {
  const bad = builder.build({ parent: tip, bits: 0x2008ffff })
  mallory(() => headersOf([...row, bad]))
  net.run(1_000)
  expect(ann.chain.shareCount).toBe(1)
  expect(net.penalties[0]?.code).toBe('share-bits')
})

describe('garbage', () => {
  it.each([
    ['an unknown message, which a later version may have', new Uint8Array([77, 1, 2]), 0],
    ['a share block cut short', new Uint8Array([5, 1, 2]), 1],
    ['a request with trailing bytes', new Uint8Array([9, 0]), 1],
    ['nothing', new Uint8Array(0), 0]
  ] as const)('%s is answered once and costs what it should', (_name, payload, penalties) => {
    const peer = new ScriptedPeer(() => null)
    net.add('mallory', peer)
    net.connect('mallory', 'ann')
    net.act('mallory', [peer.request('ann', payload)])
    net.run(500)
    expect(net.count(({ from, kind }) => from === 'ann' && kind === 'response')).toBe(1)
    expect(net.penalties).toHaveLength(penalties)
  })

  it('in answers to header requests makes us ask ever more seldom', () => {
    const peer = mallory(() => new Uint8Array([4, 1, 2, 3]))
    net.run(3_600_000)
    expect(peer.count('getShareHeaders')).toBeLessThan(16)
    expect(net.penalties.length).toBe(peer.count('getShareHeaders'))
    expect(net.penalties.every(({ code }) => code === 'malformed-answer')).toBe(true)
  })

  it('on the topics is rejected', () => {
    const peer = new ScriptedPeer(() => null)
    net.add('mallory', peer)
    net.connect('mallory', 'ann')
    net.run(100)
    net.act('mallory', [
      { type: 'publish', topic: 'shares', data: new Uint8Array([1, 2, 3]) },
      { type: 'publish', topic: 'templates', data: new Uint8Array([1, 2, 3]) }
    ])
    net.run(100)
    expect(net.penalties.map(({ code }) => code)).toEqual(['malformed-message', 'malformed-message'])
  })
})

describe('floods', () => {
  it('of requests are served at the rate we choose, and cost the peer that does not wait', () => {
    const peer = new ScriptedPeer(() => null)
    net.add('mallory', peer)
    net.connect('mallory', 'ann')
    net.run(100)
    const flood = Array.from({ length: 700 }, () => peer.request('ann', { type: 'ack' }))
    net.act('mallory', flood)
    net.run(10)
    expect(net.penalties.length).toBe(0)
    net.run(100)
    expect(net.penalties[0]?.code).toBe('request-flood')
    expect(net.dropped).toHaveLength(1)
  })

  it('of a hundred requests at a time, as the reference may send, cost nothing', () => {
    const peer = new ScriptedPeer(() => null)
    net.add('rita', peer)
    net.connect('rita', 'ann', { dialect: 'reference' })
    for (let second = 0; second < 20; second++) {
      net.act(
        'rita',
        Array.from({ length: 100 }, () => peer.request('ann', { type: 'getData', kind: 'share', hash: NOBODY }))
      )
      net.run(1_000)
    }
    expect(net.penalties).toEqual([])
    expect(net.count(({ from, kind }) => from === 'ann' && kind === 'response')).toBe(2_000)
  })

  it('of announced shares that do not exist make us ask their sender, a few at a time', () => {
    honest()
    net.run(5_000)
    const peer = new ScriptedPeer(message =>
      message.type === 'getData' && message.kind === 'share'
        ? { type: 'notFound', kind: 'share', hash: message.hash }
        : null
    )
    net.add('mallory', peer)
    net.connect('mallory', 'ann')
    for (let i = 0; i < 100; i++) {
      const hash = shareHash((i + 1).toString(16).padStart(64, '0'))
      net.act('mallory', [peer.request('ann', { type: 'inventory', kind: 'share', hashes: [hash] })])
    }
    net.run(60)
    expect(ann.gossip.status(net.nowMs).wantedShares).toBeLessThanOrEqual(MAX_MISSING_PER_PEER)
    net.run(20_000)
    expect(peer.count('getData')).toBeLessThanOrEqual(100)
    expect(ann.gossip.status(net.nowMs).wantedShares).toBe(0)
  })
})

it('what honest nodes do is never held against them', () => {
  const bob = honest('bob')
  const cid = honest('cid')
  net.connect('bob', 'cid', { dialect: 'reference' })
  net.run(5_000)
  const [one, two] = [1, 2].map(miner => builder.build({ parent: tip, miner, timeSec: GENESIS_TIME_SEC + 100 }))
  if (one === undefined || two === undefined) throw new Error('two shares were built')
  // Two shares at one height, each sent everywhere over two kinds of links, and a share that names one as uncle.
  net.act('bob', bob.found(one, net.nowMs))
  net.act('cid', cid.found(two, net.nowMs))
  net.run(2_000)
  const nephew = builder.build({ parent: one.hash, uncles: [two.hash], timeSec: GENESIS_TIME_SEC + 105 })
  net.act('bob', bob.found(nephew, net.nowMs))
  net.run(200_000)
  expect([ann.tip, bob.tip, cid.tip]).toEqual([nephew.hash, nephew.hash, nephew.hash])
  expect(net.penalties).toEqual([])
})
