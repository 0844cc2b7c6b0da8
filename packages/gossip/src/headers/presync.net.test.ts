import type { HeaderItem, Share } from '@p2poolv2/consensus'
import { steadyMs } from '@p2poolv2/primitives'
import { ChainBuilder, easyParams, GENESIS_TIME_SEC, headerItem } from '@p2poolv2/sharechain/testing'
import { beforeEach, describe, expect, it } from 'vitest'
import { ScriptedPeer } from '../testing/scripted-peer.ts'
import { type Passing, TestNet } from '../testing/test-net.ts'
import { TestNode } from '../testing/test-node.ts'
import { decodeMessage } from '../wire/messages.ts'

/** A window of 30 shares and twice that kept: a chain of 2,500 is many prune depths old. */
const params = easyParams({ windowMaxShares: 30, pruneDepth: 60, paddingSpan: 10, difficultyMultiplier: 10_000n })
const OLD = 2_500
const LIGHT = 1_900
const START_MS = steadyMs((GENESIS_TIME_SEC + 10_000) * 1_000)

const builder = new ChainBuilder(easyParams({ windowMaxShares: 30, difficultyMultiplier: 10_000n }))
/** The network's chain: a second a share, an uncle every eleven, the last of them just found. */
const honest: Share[] = []
let parent = builder.genesis
for (let height = 1; height <= OLD; height++) {
  const uncles = height % 11 === 0 ? [builder.build({ parent: honest.at(-2)?.hash ?? parent, miner: 9 })] : []
  honest.push(...uncles)
  const share = builder.build({
    parent,
    timeSec: GENESIS_TIME_SEC + height,
    uncles: uncles.map(({ hash }) => hash),
    miner: height % 5
  })
  honest.push(share)
  parent = share.hash
}
const tip = parent
/** A liar's: lighter, since it falls behind the schedule, but heavier than the network's first answers. */
const light: Share[] = []
for (let height = 1; height <= LIGHT; height++) {
  const before = light.at(-1)?.hash ?? builder.genesis
  light.push(builder.build({ parent: before, timeSec: GENESIS_TIME_SEC + Math.floor(1.03 * height), miner: 7 }))
}
const old = new TestNode(params, { shares: honest, nowMs: START_MS })
const liar = new TestNode(params, { shares: light, nowMs: START_MS })
const asksForHeaders = ({ kind, payload }: Passing) =>
  kind === 'request' && payload !== null && payload[0] === 2 && decodeMessage(payload).type === 'getShareHeaders'

let net: TestNet
let ann: TestNode
const holder = () => new TestNode(params, { like: old })
/** Serves the light chain's headers, and no body. */
function bodiless(): ScriptedPeer {
  const items = light.map(headerItem)
  return new ScriptedPeer(
    message => {
      if (message.type !== 'getShareHeaders') return null
      const at = items.findIndex(({ hash }) => message.locator.includes(hash))
      return { type: 'shareHeaders', items: items.slice(at + 1, at + 901) }
    },
    [{ type: 'handshake', tipHeight: LIGHT, tipHash: light.at(-1)?.hash ?? tip }]
  )
}

beforeEach(() => {
  net = new TestNet(START_MS)
  ann = new TestNode(params)
  net.add('ann', ann)
})

describe('a newcomer to a network many prune depths old', () => {
  it('takes its whole past in headers, with uncles, from peers that have pruned it, and is as old then', () => {
    expect(old.chain.keptFromHeight).toBeGreaterThan(OLD - 100)
    net.add('bob', holder())
    net.connect('ann', 'bob', { latencyMs: 20 })
    net.run(60_000)
    expect(ann.tip).toBe(tip)
    expect(ann.chain.uncleCount).toBe(old.chain.uncleCount)
    expect(ann.chain.keptFromHeight).toBe(old.chain.keptFromHeight)
    const archive = (node: TestNode) => node.store.archiveNow([builder.genesis], 10_000)
    expect(archive(ann)).toEqual(archive(old))
    expect(net.penalties).toEqual([])
    // Each header once: nobody showed another chain.
    expect(net.count(passing => passing.from === 'ann' && asksForHeaders(passing))).toBeLessThanOrEqual(5)
  })

  it('takes it at once, also if the lowest height kept has an uncle', () => {
    const uncleHeights: boolean[] = []
    for (let shares = honest.length - 14; shares <= honest.length; shares++) {
      const bob = new TestNode(params, { shares: honest.slice(0, shares), nowMs: START_MS })
      uncleHeights.push(bob.chain.hashesAtHeight(bob.chain.keptFromHeight).length > 1)
      const around = new TestNet(START_MS)
      const newcomer = new TestNode(params)
      around.add('ann', newcomer)
      around.add('bob', bob)
      around.connect('ann', 'bob', { latencyMs: 20 })
      around.run(10_000)
      // Of two that end it either may be the newcomer's.
      expect(newcomer.chain.confirmedTip().height).toBe(bob.chain.confirmedTip().height)
    }
    expect(new Set(uncleHeights)).toEqual(new Set([true, false]))
  })

  it('goes on where it was when it was interrupted, whoever it finds then', () => {
    net.add('bob', holder())
    net.add('cid', holder())
    net.connect('ann', 'bob', { latencyMs: 200 })
    net.run(1_500)
    const before = ann.chain.candidateTip().height
    expect(before).toBeGreaterThan(500)
    expect(before).toBeLessThan(OLD)
    net.disconnect('ann', 'bob')
    const asked = net.count(passing => passing.from === 'ann' && asksForHeaders(passing))
    net.connect('ann', 'cid', { latencyMs: 20 })
    net.run(60_000)
    expect(ann.tip).toBe(tip)
    const more = net.count(passing => passing.from === 'ann' && asksForHeaders(passing)) - asked
    expect(more).toBeLessThanOrEqual(Math.ceil((OLD - before) / 800) + 2)
  })

  it('tells how far it is and how long it will take', () => {
    net.add('bob', holder())
    net.connect('ann', 'bob', { latencyMs: 800 })
    let { headers } = ann.gossip.status(net.nowMs)
    for (let i = 0; i < 100 && (headers?.heightsPerSec ?? null) === null; i++) {
      net.run(100)
      headers = ann.gossip.status(net.nowMs).headers
    }
    expect(headers?.phase).toBe('fetching')
    expect(headers?.doneHeights).toBeGreaterThan(800)
    expect(headers?.totalHeights).toBeGreaterThan(OLD)
    expect(headers?.heightsPerSec).toBeGreaterThan(100)
    expect(headers?.secondsLeft).toBeGreaterThan(1)
    net.run(60_000)
    expect(ann.gossip.status(net.nowMs).headers).toBeNull()
  })

  it('serves the next newcomer from what it took in itself', () => {
    net.add('bob', holder())
    net.connect('ann', 'bob', { latencyMs: 20 })
    net.run(60_000)
    net.disconnect('ann', 'bob')
    const eve = new TestNode(params)
    net.add('eve', eve)
    net.connect('eve', 'ann', { latencyMs: 20 })
    net.run(60_000)
    expect(eve.tip).toBe(tip)
  })
})

describe('a newcomer that meets a liar with a long light chain', () => {
  const work = (share: Share | undefined) => builder.known.facts(share?.hash ?? tip)?.chainWork ?? 0n

  it('is given less work by it than by the network', () => {
    expect(work(light.at(-1))).toBeLessThan(work(honest.at(-1)))
    expect(work(light.at(-1))).toBeGreaterThan(work(honest[1_000]))
    expect(liar.chain.confirmedTip().hash).toBe(light.at(-1)?.hash)
  })

  it('turns to the heavier chain when it meets it, whether the light one came first or second', () => {
    for (const first of ['liar', 'bob']) {
      net = new TestNet(START_MS)
      ann = new TestNode(params)
      net.add('ann', ann)
      net.add('liar', bodiless())
      net.add('bob', holder())
      net.connect('ann', first, { latencyMs: 20 })
      net.run(30_000)
      if (first === 'liar') {
        expect(ann.chain.candidateTip().hash).toBe(light.at(-1)?.hash)
        expect(ann.chain.confirmedTip().height).toBe(0)
      }
      net.connect('ann', first === 'liar' ? 'bob' : 'liar', { latencyMs: 20 })
      net.run(120_000)
      expect(ann.tip, first).toBe(tip)
    }
  })

  it('keeps nothing of the light chain once it knows the other one, however often it is told', () => {
    net.add('bob', holder())
    net.connect('ann', 'bob', { latencyMs: 20 })
    net.run(30_000)
    const shares = ann.chain.shareCount
    net.add('liar', bodiless())
    net.connect('ann', 'liar', { latencyMs: 20 })
    net.run(900_000)
    expect(ann.tip).toBe(tip)
    expect(ann.chain.shareCount).toBe(shares)
  })

  it('is not taken in by a peer that shows the heavy chain first and sends the light one to be kept', () => {
    const heavy = honest.map(headerItem)
    const lights = light.map(headerItem)
    let asked = 0
    const turncoat = new ScriptedPeer(
      message => {
        if (message.type !== 'getShareHeaders') return null
        asked++
        const items = message.stop.startsWith('0000') ? heavy : lights
        const at = items.findIndex(({ hash }) => message.locator.includes(hash))
        return { type: 'shareHeaders', items: items.slice(at + 1, at + 901) }
      },
      [{ type: 'handshake', tipHeight: OLD, tipHash: tip }]
    )
    net.add('liar', bodiless())
    net.connect('ann', 'liar')
    // All within the minute that bodies are waited for.
    net.run(10_000)
    const candidate = ann.chain.candidateTip().hash
    const { sequence } = ann.chain
    net.add('turncoat', turncoat)
    net.connect('ann', 'turncoat')
    net.run(40_000)
    expect(asked).toBeGreaterThan(2)
    expect(ann.facts).toContainEqual({ type: 'headersFailed', peer: 'turncoat', reason: 'other-headers-than-before' })
    expect([ann.chain.candidateTip().hash, ann.chain.sequence]).toEqual([candidate, sequence])
    expect(net.penalties).toEqual([])
  })
})

describe('a newcomer that knows how much work the chain has at least', () => {
  const workOf = (share: Share | undefined) => builder.known.facts(share?.hash ?? tip)?.chainWork ?? 0n
  const knowing = { ...params, minimumChainWork: (workOf(honest.at(-1)) * 9n) / 10n }

  it('keeps nothing of a chain that has less, whoever has only that, and takes the one that has it', () => {
    expect(workOf(light.at(-1))).toBeLessThan(knowing.minimumChainWork)
    ann = new TestNode(knowing)
    net = new TestNet(START_MS)
    net.add('ann', ann)
    net.add('liar', bodiless())
    net.connect('ann', 'liar', { latencyMs: 20 })
    net.run(120_000)
    expect([ann.chain.shareCount, ann.chain.isTooLight]).toEqual([1, true])
    expect(net.penalties).toEqual([])
    net.add('bob', holder())
    net.connect('ann', 'bob', { latencyMs: 20 })
    net.run(120_000)
    expect([ann.tip, ann.chain.isTooLight]).toEqual([tip, false])
  })

  it('interrupted below it, confirms nothing, and goes on with the next peer', () => {
    ann = new TestNode(knowing)
    net = new TestNet(START_MS)
    net.add('ann', ann)
    net.add('bob', holder())
    net.connect('ann', 'bob', { latencyMs: 200 })
    for (let i = 0; i < 200 && ann.chain.candidateTip().height < 500; i++) net.run(100)
    net.disconnect('ann', 'bob')
    net.run(30_000)
    expect(ann.chain.candidateTip().height).toBeGreaterThan(500)
    expect([ann.chain.confirmedTip().height, ann.chain.isTooLight]).toEqual([0, true])
    net.add('cid', holder())
    net.connect('ann', 'cid', { latencyMs: 20 })
    net.run(120_000)
    expect(ann.tip).toBe(tip)
  })
})

describe('a newcomer that has caught up and is undecided still', () => {
  /** The next share of the network: a liar's own, or anybody's that has not come to us yet. */
  const next = builder.build({ parent: tip, timeSec: GENESIS_TIME_SEC + OLD + 1, miner: 1 })
  const past = honest.map(headerItem)
  /** A peer that gives these answers, one after the other, and then none. */
  const reader = (answers: readonly (readonly HeaderItem[])[]) => {
    let asked = 0
    return new ScriptedPeer(
      message => {
        if (message.type !== 'getShareHeaders') return null
        const items = answers[asked++]
        return items === undefined ? 'silent' : { type: 'shareHeaders', items }
      },
      [{ type: 'handshake', tipHeight: OLD + 1, tipHash: next.hash }]
    )
  }
  const meets = (answers: readonly (readonly HeaderItem[])[]) => {
    net.add('bob', holder())
    net.connect('ann', 'bob', { latencyMs: 20 })
    net.run(30_000)
    net.add('eve', reader(answers))
    net.connect('ann', 'eve', { latencyMs: 20 })
    net.run(3_000)
    expect(ann.chain.isUndecided).toBe(true)
    expect([ann.tip, ann.chain.keptFromHeight]).toEqual([tip, old.chain.keptFromHeight])
  }

  it('forgets nothing for the past of its own chain, shown as if it led to a share on top of it', () => {
    meets([past.slice(0, 900), [headerItem(next)], past.slice(0, 900)])
  })
})
