import type { Share } from '@p2poolv2/consensus'
import { steadyMs, ZERO_SHARE_HASH } from '@p2poolv2/primitives'
import { ChainBuilder, easyParams, GENESIS_TIME_SEC } from '@p2poolv2/sharechain/testing'
import { beforeEach, describe, expect, it } from 'vitest'
import { HEADERS_PER_READ } from '../peers/serving.ts'
import { MAX_WANTED } from '../shares/fetcher.ts'
import { MAX_IN_FLIGHT_PER_PEER } from '../shares/sources.ts'
import { ScriptedPeer } from '../testing/scripted-peer.ts'
import { type Passing, TestNet } from '../testing/test-net.ts'
import { TestNode } from '../testing/test-node.ts'
import { decodeMessage, type PeerMessage } from '../wire/messages.ts'

const params = easyParams()
const LONG = 950
const START_MS = steadyMs((GENESIS_TIME_SEC + LONG + 60) * 1_000)

/** A chain longer than one header answer, with an uncle every seven shares. */
const builder = new ChainBuilder(params)
const shares: Share[] = []
let parent = builder.genesis
for (let height = 1; height <= LONG; height++) {
  const uncles = height % 7 === 0 ? [builder.build({ parent: shares.at(-2)?.hash ?? parent, miner: 9 })] : []
  shares.push(...uncles)
  const share = builder.build({ parent, uncles: uncles.map(({ hash }) => hash), miner: height % 5 })
  shares.push(share)
  parent = share.hash
}
const tip = parent

let net: TestNet
let ann: TestNode

const full = new TestNode(params, { shares, nowMs: START_MS })
/** A node with the whole chain, or with its first shares. */
const holder = (count?: number) => {
  return new TestNode(
    params,
    count === undefined ? { like: full } : { shares: shares.slice(0, count), nowMs: START_MS }
  )
}
const asksForHeaders = ({ kind, payload }: Passing) =>
  kind === 'request' && payload !== null && payload[0] === 2 && decodeMessage(payload).type === 'getShareHeaders'

beforeEach(() => {
  net = new TestNet(START_MS)
  ann = new TestNode(params)
  net.add('ann', ann)
})

describe('a new node', () => {
  it('takes a whole chain with its uncles from one peer, in few answers and bounded reads', () => {
    const bob = holder()
    net.add('bob', bob)
    net.connect('ann', 'bob', { latencyMs: 20 })
    expect(ann.gossip.status(net.nowMs).state).toBe('syncing')
    // More shares than are kept in mind at once, and no pause between.
    expect(shares.length).toBeGreaterThan(MAX_WANTED)
    net.run(8_000)
    expect(ann.tip).toBe(tip)
    expect(ann.chain.shareCount).toBe(shares.length + 1)
    expect(ann.chain.uncleCount).toBe(bob.chain.uncleCount)
    expect(ann.gossip.status(net.nowMs)).toMatchObject({ state: 'current', wantedShares: 0 })
    expect(net.count(passing => passing.from === 'ann' && asksForHeaders(passing))).toBeLessThanOrEqual(3)
    expect(bob.largestRead).toBe(HEADERS_PER_READ)
    expect(net.penalties).toEqual([])
  })

  it('asks each body once of peers that answer', () => {
    for (const id of ['bob', 'cid', 'dee']) {
      net.add(id, holder())
      net.connect('ann', id, { latencyMs: 30 })
    }
    net.run(60_000)
    expect(ann.tip).toBe(tip)
    const bodies = net.count(({ from, kind, payload }) => from === 'ann' && kind === 'request' && payload?.[0] === 6)
    expect(bodies).toBe(shares.length)
    const told = net.count(({ from, kind }) => from === 'ann' && kind === 'gossip')
    // Shares of the last minute, which some peer may not have; the rest everybody has.
    expect(told).toBeLessThan(3 * 25)
  })

  it('is done hardly later when one of three peers never answers', () => {
    net.add('bob', holder())
    net.add('cid', holder())
    net.connect('ann', 'bob', { latencyMs: 30 })
    net.connect('ann', 'cid', { latencyMs: 30 })
    net.add('slow', new ScriptedPeer(() => 'silent', [{ type: 'handshake', tipHeight: LONG, tipHash: tip }]))
    net.connect('ann', 'slow')
    net.run(60_000)
    expect(ann.tip).toBe(tip)
    expect(net.dropped).toEqual([])
  })

  it('gets there although every third answer is lost', () => {
    net.add('bob', holder())
    net.add('cid', holder())
    let answers = 0
    net.loses = ({ kind }) => kind === 'response' && ++answers % 3 === 0
    net.connect('ann', 'bob')
    net.connect('ann', 'cid')
    net.run(900_000)
    expect(ann.tip).toBe(tip)
    expect(net.penalties).toEqual([])
  })

  it('goes on with another peer when the one it syncs from leaves in the middle', () => {
    net.add('bob', holder())
    net.add('cid', holder())
    net.connect('ann', 'bob')
    net.run(1_500)
    const before = ann.chain.confirmedTip().height
    net.disconnect('ann', 'bob')
    net.connect('ann', 'cid')
    net.run(60_000)
    expect(before).toBeLessThan(LONG)
    expect(ann.tip).toBe(tip)
  })

  it('has a peer asked for few bodies at a time', () => {
    const bob = holder()
    let inFlight = 0
    let most = 0
    net.add('bob', bob)
    net.loses = ({ from, kind, payload }) => {
      if (from === 'ann' && kind === 'request' && payload?.[0] === 6) inFlight++
      if (from === 'bob' && kind === 'response' && payload?.[0] === 5) inFlight--
      most = Math.max(most, inFlight)
      return false
    }
    net.connect('ann', 'bob', { latencyMs: 100, dialect: 'reference' })
    net.run(30_000)
    expect(most).toBe(MAX_IN_FLIGHT_PER_PEER)
  })
})

describe('two nodes that were apart', () => {
  it('agree on the heavier branch as soon as they meet', () => {
    const fork = new ChainBuilder(params, 1n)
    for (const share of shares.slice(0, 50)) fork.take(share)
    const branch = fork.row(fork.known.confirmedTip().hash, 30, { miner: 7 })
    const bob = holder(90)
    const cid = new TestNode(params, { shares: [...shares.slice(0, 50), ...branch], nowMs: START_MS })
    net.add('bob', bob)
    net.add('cid', cid)
    expect(bob.chain.confirmedTip().chainWork).not.toBe(cid.chain.confirmedTip().chainWork)
    net.connect('bob', 'cid')
    net.run(20_000)
    expect(bob.tip).toBe(cid.tip)
    expect(net.penalties).toEqual([])
  })
})

describe('serving headers', () => {
  const ask = (bob: TestNode, message: PeerMessage) => {
    const asker = new ScriptedPeer(() => null)
    net.add('bob', bob)
    net.add('asker', asker)
    net.connect('bob', 'asker', { dialect: 'reference' })
    net.run(1_000)
    net.act('asker', [asker.request('bob', message)])
    net.run(2_000)
    const answer = net.delivered.filter(({ to, kind }) => to === 'asker' && kind === 'response').at(-1)
    const decoded = answer?.payload == null ? null : decodeMessage(answer.payload)
    if (decoded?.type !== 'shareHeaders') throw new Error('no headers were answered')
    return decoded.items
  }
  const at = (bob: TestNode, height: number) => bob.chain.confirmedHashAt(height) ?? ZERO_SHARE_HASH

  it('gives 900, rounded up to a whole height, from two below the match', () => {
    const bob = holder()
    const items = ask(bob, { type: 'getShareHeaders', locator: [at(bob, 10)], stop: ZERO_SHARE_HASH })
    const heights = items.map(({ hash }) => bob.chain.facts(hash)?.height ?? 0)
    expect(heights[0]).toBe(8)
    expect(heights).toEqual([...heights].sort((a, b) => a - b))
    const last = heights.at(-1) ?? 0
    const whole = bob.chain.hashesAtHeight(last)
    expect(items.length - 900).toBeGreaterThanOrEqual(0)
    expect(items.slice(-whole.length).map(({ hash }) => hash)).toEqual(whole)
    expect(items.length - whole.length).toBeLessThan(900)
  })

  it('stops after the height of the stop hash', () => {
    const bob = holder()
    const items = ask(bob, { type: 'getShareHeaders', locator: [at(bob, 10)], stop: at(bob, 13) })
    const heights = items.map(({ hash }) => bob.chain.facts(hash)?.height ?? 0)
    expect([heights[0], heights.at(-1)]).toEqual([8, 13])
    expect(items.map(({ hash }) => hash)).toEqual([8, 9, 10, 11, 12, 13].flatMap(h => [...bob.chain.hashesAtHeight(h)]))
  })

  it('ends below a height of which a header is not to be had', () => {
    const bob = holder(30)
    const crowded = [7, 14, 21].find(height => bob.chain.hashesAtHeight(height - 1).length > 1) ?? 0
    const [, lost] = bob.chain.hashesAtHeight(crowded - 1)
    if (lost === undefined) throw new Error('there are uncles')
    bob.loseHeader(lost)
    const young = new TestNode(params)
    net.add('bob', bob)
    net.add('young', young)
    net.connect('bob', 'young')
    net.run(5_000)
    expect(young.chain.candidateTip().height).toBe(crowded - 2)
    expect(young.chain.hashesAtHeight(crowded - 1)).toEqual([])
    expect(net.penalties).toEqual([])
  })

  it('gives the genesis alone to one with whom nothing is in common', () => {
    const items = ask(holder(3), { type: 'getShareHeaders', locator: [], stop: ZERO_SHARE_HASH })
    expect(items.map(({ hash }) => hash)).toEqual([builder.genesis])
  })
})
