import { decodeShare, encodeShare } from '@p2poolv2/consensus'
import { encodeMessage } from '@p2poolv2/gossip'
import { describe, expect, it } from 'vitest'
import { EFFECT_RANK, type NodeEvent } from '../contract.ts'
import {
  A_BLOCK,
  A_SHARE,
  address,
  EASY_BITS,
  effectsOf,
  factsOf,
  PARAMS,
  Rig,
  type RigOptions,
  SHARE_TARGET,
  SOURCE,
  sharesMade
} from '../testing/rig.ts'
import { Wires } from '../testing/wires.ts'

/** Nodes that all know each other, each with a template and one miner, which has the node's number. */
function nodes(count: number, options: RigOptions = {}) {
  const wires = new Wires()
  const rigs = Array.from({ length: count }, (_, i) => wires.add(`node-${i}`, new Rig(options)))
  for (let a = 0; a < count; a++) for (let b = a + 1; b < count; b++) wires.connect(`node-${a}`, `node-${b}`)
  rigs.forEach((rig, i) => {
    rig.template()
    rig.connect(i, address(i + 1))
  })
  wires.advance(1000)
  return { wires, rigs }
}

function pair(options: RigOptions = {}) {
  const { wires, rigs } = nodes(2, options)
  const [a, b] = rigs
  if (a === undefined || b === undefined) throw new Error('there are two nodes')
  return { wires, a, b }
}

const networkOf = (rig: Rig) => rig.core.queries.status(rig.now).network
const blocksOf = (rig: Rig) => rig.core.queries.status(rig.now).blocks

/** How often an event that carries this share reached each node. */
function arrivals(wires: Wires, share: Uint8Array): Record<string, number> {
  const wanted = Buffer.from(share)
  const counts: Record<string, number> = {}
  for (const { to, event } of wires.deliveries) {
    const bytes = event.type === 'gossip' ? event.data : event.type === 'peerRequest' ? event.payload : null
    if (bytes !== null && Buffer.from(bytes).includes(wanted)) counts[to] = (counts[to] ?? 0) + 1
  }
  return counts
}

describe('a share made on one node', () => {
  it('becomes the tip of the other, and its miners get work on top of it', () => {
    const { wires, a, b } = pair()
    const jobs = b.miner(1).jobs.length
    a.mine(0, A_SHARE)
    wires.advance(100)
    expect(b.chain.confirmedTip()).toEqual(a.chain.confirmedTip())
    expect(b.chain.confirmedTip().height).toBe(1)
    expect(b.miner(1).jobs.length).toBe(jobs + 1)
    b.mine(1, A_SHARE)
    wires.settle()
    expect(a.chain.confirmedTip()).toMatchObject({ height: 2, prevHash: b.chain.confirmedHashAt(1) })
    expect([...a.facts('bug'), ...b.facts('bug')]).toEqual([])
  })

  it('reaches each of its peers exactly once, however many ways there are', () => {
    const { wires, rigs } = nodes(3)
    const [share] = sharesMade(rigs[0]?.mine(0, A_SHARE) ?? [])
    if (share === undefined) throw new Error('a share was made')
    wires.advance(120_000)
    expect(arrivals(wires, encodeShare(share))).toEqual({ 'node-1': 1, 'node-2': 1 })
    for (const rig of rigs) expect(rig.chain.confirmedTip().hash).toBe(share.hash)
  })

  it('is pushed to a peer that is not in our topics', () => {
    const wires = new Wires()
    const a = wires.add('a', new Rig())
    const b = wires.add('b', new Rig())
    wires.connect('a', 'b', 'reference')
    a.template()
    a.connect(1, address(1))
    wires.advance(1000)
    const [share] = sharesMade(a.mine(1, A_SHARE))
    wires.advance(1000)
    expect(b.chain.confirmedTip().hash).toBe(share?.hash)
    expect(effectsOf(a.effects, 'publish')).toEqual([])
  })

  it('is published before it is committed, and before the miner has its answer', () => {
    const rig = new Rig()
    rig.listener('peer')
    rig.template()
    rig.connect(1, address(1))
    rig.advance(1000)
    const types = rig.mine(1, A_SHARE).map(effect => effect.type)
    expect(types.filter(type => type !== 'report')).toEqual([
      'publish',
      'keepShare',
      'sendMiner',
      'sendMiner',
      'commit'
    ])
    expect(EFFECT_RANK.publish).toBeLessThan(EFFECT_RANK.commit)
  })
})

describe('a fresh node', () => {
  it('fetches 300 shares with their uncles, tells that it is syncing, and mines all the while', () => {
    const { wires, a } = pair({ check: 'never' })
    a.connect(5, address(5))
    for (let height = 1; height <= 300; height++) {
      const { job } = a.miner(5)
      a.mine(0, A_SHARE)
      // Made on the same base: an uncle of the next.
      if (height % 10 === 5) a.mine(5, { ...A_SHARE, job })
      wires.advance(10_000)
      if (height % 50 === 0) a.template({ parent: height, height: 101 + height / 50 })
    }
    const { height, hash } = a.chain.confirmedTip()
    expect([height, a.chain.uncleCount]).toEqual([300, 30])

    const fresh = wires.add('fresh', new Rig({ check: 'never' }))
    fresh.nowMs = a.nowMs
    fresh.template()
    const miner = fresh.connect(9, address(9))
    expect(networkOf(fresh)).toMatchObject({ state: 'alone', peers: 0 })
    expect(miner.jobs).toHaveLength(1)
    wires.connect('fresh', 'node-0')
    wires.advance(5000)
    expect(fresh.chain.confirmedTip().hash).toBe(hash)
    expect(fresh.chain.uncleCount).toBe(30)
    expect(networkOf(fresh)).toMatchObject({ state: 'current', peers: 1 })
    expect(fresh.facts('gossip').map(({ fact }) => (fact.type === 'statusChanged' ? fact.state : null))).toContain(
      'syncing'
    )
    fresh.core.checkInvariants()
    const [share] = sharesMade(fresh.mine(9, A_SHARE))
    wires.advance(1000)
    expect(share?.header.prevShareHash).toBe(hash)
    expect(a.chain.confirmedTip().hash).toBe(share?.hash)
    expect([...a.facts('bug'), ...fresh.facts('bug')]).toEqual([])
    expect([...a.facts('peerPenalised'), ...fresh.facts('peerPenalised')]).toEqual([])
    expect(new Rig({ store: fresh.store }).chain.confirmedTip()).toEqual(fresh.chain.confirmedTip())
  })
})

it('a share on work that the chain has left far behind is lost without alarm', () => {
  const { wires, a, b } = pair({
    params: { ...PARAMS, pruneDepth: 12, windowMaxShares: 8, paddingSpan: 4 },
    check: 'never'
  })
  a.mine(0, A_SHARE)
  wires.advance(5000)
  const { job } = b.miner(1)
  for (let height = 2; height <= 40; height++) {
    a.mine(0, A_SHARE)
    wires.advance(5000)
  }
  expect(b.chain.confirmedTip().height).toBe(40)
  const effects = b.mine(1, { ...A_SHARE, job })
  expect(factsOf(effects, 'shareLost').map(fact => fact.code)).toEqual(['base-gone'])
  expect(sharesMade(b.mine(1, A_SHARE))).toHaveLength(1)
  expect(b.facts('bug')).toEqual([])
  b.core.checkInvariants()
})

describe("a peer's share that is a block", () => {
  it('is put together from the same transactions and handed to our bitcoin nodes, once', () => {
    const { wires, a, b } = pair()
    const [block] = effectsOf(a.mine(0, A_BLOCK), 'submitBlock')
    wires.advance(1000)
    expect(effectsOf(b.effects, 'submitBlock')).toEqual([block])
    const ranks = b.effects.map(effect => effect.type)
    expect(ranks.filter(type => type === 'submitBlock')).toHaveLength(1)
    const [found] = a.store.blocksNow(10)
    expect(b.store.blocksNow(10)).toEqual([found])
    expect(blocksOf(b)).toMatchObject([{ blockHash: block?.blockHash, result: 'submitted' }])
    const answer = {
      blockHash: found?.blockHash ?? expect.fail(),
      url: SOURCE,
      result: 'duplicate',
      reason: null
    } as const
    b.handle({ type: 'blockResult', ...answer })
    expect(blocksOf(b)).toMatchObject([{ blockHash: block?.blockHash, result: 'duplicate' }])
    expect(b.store.blocksNow(10)).toHaveLength(1)
  })

  it('is put together from transactions that its finder announced, though the finder is gone', () => {
    const { wires, a, b } = pair()
    a.template({ transactions: 7, parent: 2, height: 102 })
    b.template({ transactions: 2, parent: 2, height: 102 })
    wires.advance(10_000)
    const [block] = effectsOf(a.mine(0, A_BLOCK), 'submitBlock')
    const publication = wires.deliverNext()
    expect(publication.event.type).toBe('gossip')
    wires.cut('node-0', 'node-1')
    wires.advance(1000)
    expect(effectsOf(b.effects, 'submitBlock')).toEqual([block])
  })

  it('of which nobody has the transactions is shown as seen', () => {
    const rig = new Rig()
    rig.listener('peer')
    rig.template({ transactions: 2 })
    const { data, blockHash, share } = blockFrom(new Rig(), { transactions: 7 })
    const effects = rig.handle({ type: 'gossip', peer: 'peer', messageId: 'm', topic: 'shares', data })
    expect(effectsOf(effects, 'submitBlock')).toEqual([])
    expect(effectsOf(effects, 'verdict').map(effect => effect.verdict)).toEqual(['accept'])
    expect(blocksOf(rig)).toMatchObject([{ blockHash, result: 'seen' }])
    expect(rig.store.blocksNow(1)[0]?.shareHash).toBe(share)
  })

  it('but by bits that its maker chose is no block here', () => {
    const rig = new Rig()
    rig.listener('peer')
    rig.template({ transactions: 0 })
    const maker = new Rig()
    const { data } = blockFrom(maker, { transactions: 0, bits: EASY_BITS })
    const effects = rig.handle({ type: 'gossip', peer: 'peer', messageId: 'm', topic: 'shares', data })
    expect(rig.chain.confirmedTip().height).toBe(1)
    expect(effectsOf(effects, 'submitBlock')).toEqual([])
    expect(blocksOf(rig)).toEqual([])
  })
})

describe('a share that is bad', () => {
  it('costs its sender, leaves the chain as it was, and does not keep the good copy out', () => {
    const rig = new Rig()
    rig.listener('liar')
    rig.listener('friend')
    rig.template()
    const maker = new Rig()
    maker.template()
    maker.connect(1, address(1))
    const [share] = sharesMade(maker.mine(1, A_SHARE))
    if (share === undefined) throw new Error('a share was made')
    const forged = { ...share, bitcoinCoinbase: { ...share.bitcoinCoinbase, lockTime: 1 } }
    const message = { type: 'gossip', peer: 'liar', topic: 'shares' } as const
    const before = rig.store.sequence
    const first = rig.handle({ ...message, messageId: '1', data: encodeShare(forged) })
    expect(effectsOf(first, 'verdict')).toMatchObject([{ peer: 'liar', messageId: '1', verdict: 'reject' }])
    expect(effectsOf(first, 'penalise')).toMatchObject([{ peer: 'liar', points: 50 }])
    expect(factsOf(first, 'peerPenalised')).toMatchObject([{ peer: 'liar', points: 50 }])
    expect([rig.store.sequence, rig.chain.candidateTip().height]).toEqual([before, 0])
    const second = rig.handle({ ...message, messageId: '2', data: encodeShare(forged) })
    expect(effectsOf(second, 'dropPeer')).toMatchObject([{ peer: 'liar' }])
    expect(networkOf(rig).peers).toBe(1)
    rig.handle({ ...message, peer: 'friend', messageId: '3', data: encodeShare(share) })
    expect(rig.chain.confirmedTip().hash).toBe(share.hash)
    expect(rig.facts('bug')).toEqual([])
  })
})

describe('reads', () => {
  it('for a peer and for a restart go on at the same time, and each answer finds its asker', () => {
    const maker = new Rig()
    maker.template()
    maker.connect(1, address(1))
    maker.mine(1, A_SHARE)
    const rig = new Rig({ store: maker.store })
    rig.listener('peer')
    const hash = rig.chain.confirmedTip().hash
    const payload = encodeMessage({ type: 'getData', kind: 'share', hash })
    const ask: NodeEvent = { type: 'peerRequest', peer: 'peer', requestId: 70, protocol: 'shares', payload }
    const [read] = effectsOf(rig.handle(ask), 'readShares')
    if (read === undefined) throw new Error('the share is read from the store')
    expect(read.for).toBe('peers')
    const shares = rig.store.readNow(read.hashes)
    // The number of the other reader's read is nothing to this one.
    expect(
      rig.handle({ type: 'sharesRead', for: 'chain', requestId: read.requestId, hashes: read.hashes, shares })
    ).toEqual([])
    expect(
      rig.handle({ type: 'sharesRead', for: 'peers', requestId: read.requestId + 1, hashes: read.hashes, shares })
    ).toEqual([])
    const [answer] = effectsOf(
      rig.handle({ type: 'sharesRead', for: 'peers', requestId: read.requestId, hashes: read.hashes, shares }),
      'respond'
    )
    expect(answer).toMatchObject({ peer: 'peer', requestId: 70 })
    expect(decodeShare((answer?.payload ?? expect.fail()).subarray(1)).hash).toBe(hash)
  })
})

/** A share of another node that is a block by that node's bits. */
function blockFrom(maker: Rig, spec: { readonly transactions: number; readonly bits?: number }) {
  maker.template(spec)
  maker.connect(1, address(1))
  const effects = maker.mine(1, spec.bits === undefined ? A_BLOCK : { atMost: SHARE_TARGET, above: A_BLOCK.atMost })
  const [share] = sharesMade(effects)
  const [block] = effectsOf(effects, 'submitBlock')
  if (share === undefined || block === undefined) throw new Error('the share is a block')
  return { data: encodeShare(share), share: share.hash, blockHash: block.blockHash }
}
