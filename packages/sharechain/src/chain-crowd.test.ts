import type { Share } from '@p2poolv2/consensus'
import { msFromSec, type ShareHash, seededRng, type UnixMs, unixSec, ZERO_SHARE_HASH } from '@p2poolv2/primitives'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { MAX_FUTURE_SHARES } from './admission/future-pool.ts'
import { MAX_ORPHANS } from './admission/orphan-pool.ts'
import { MAX_BATCH_HEADS } from './chains/evictor.ts'
import { ShareChain } from './share-chain.ts'
import { ChainBuilder, easyParams, GENESIS_TIME_SEC, headerItem } from './testing/build-chain.ts'

const params = easyParams()
const MOST = params.maxSharesPerHeight
/** As far ahead as a share can be dated. */
const FAR_SEC = 0xfffff000

function at(sec: number): UnixMs {
  return msFromSec(unixSec(GENESIS_TIME_SEC + sec))
}

function chainWith(shares: readonly Share[], nowMs: UnixMs): ShareChain {
  const chain = new ShareChain({ params })
  for (const share of shares) chain.addShare(share, 'peer', nowMs)
  return chain
}

function siblings(builder: ChainBuilder, parent: ShareHash, count: number, timeSec?: number): Share[] {
  const time = timeSec === undefined ? {} : { timeSec }
  return Array.from({ length: count }, () => builder.build({ parent, miner: 9, ...time }))
}

/** Headers as a newcomer gets them, answer after answer. @returns the last verdict */
function sync(newcomer: ShareChain, server: ShareChain, builder: ChainBuilder, nowMs: UnixMs): string {
  let locator = newcomer.locator()
  for (let answers = 0; answers < 20; answers++) {
    const hashes = server.headerAnswer({ locator, stopHash: ZERO_SHARE_HASH })
    const { verdict } = newcomer.addHeaders(
      hashes.map(hash => headerItem(builder.shares.get(hash) as Share)),
      nowMs
    )
    newcomer.checkInvariants()
    if (verdict.type !== 'accepted' || hashes.length < 900) return verdict.type
    locator = [hashes.at(-1) as ShareHash]
  }
  return 'endless'
}

describe('a share dated far ahead', () => {
  const builder = new ChainBuilder(params)
  const row = builder.row(builder.genesis, 50)
  const tip = row.at(-1) as Share
  const wild = builder.build({ parent: tip.hash, timeSec: FAR_SEC, miner: 9 })
  const crowd = siblings(builder, wild.hash, MOST, FAR_SEC + 1)
  const line = builder.row(crowd[0]?.hash ?? wild.hash, 17, { timeSec: FAR_SEC + 2, miner: 9 })

  it('waits outside with all that is built on it, and own shares go on being accepted', () => {
    const node = chainWith(row, at(60))
    const { verdict, delta } = node.addShare(wild, { peer: 'mallory' }, at(60))
    expect({ verdict, delta }).toEqual({
      verdict: { type: 'waiting', missing: [], code: 'share-time-future' },
      delta: null
    })
    for (const share of [...crowd, ...line]) node.addShare(share, { peer: 'mallory' }, at(60))
    expect(node.candidateTip().hash).toBe(tip.hash)
    for (let sec = 61; sec < 361; sec += 10) {
      const own = builder.build({ parent: node.miningBase().hash, timeSec: GENESIS_TIME_SEC + sec, miner: 1 })
      expect(node.addShare(own, 'own', at(sec)).verdict).toEqual({ type: 'accepted' })
    }
    expect(node.confirmedTip().height).toBe(80)
    expect(node.shareCount).toBe(81)
    node.checkInvariants()
  })

  it('is left out of a batch of headers with all that is built on it', () => {
    const node = new ShareChain({ params })
    const late = builder.build({ parent: tip.hash, miner: 2 })
    const items = [...row, wild, ...crowd, late].map(headerItem)
    expect(node.addHeaders(items, at(60)).verdict).toEqual({ type: 'accepted' })
    expect([node.shareCount, node.candidateTip().hash]).toEqual([52, late.hash])
  })

  it('does not hide the confirmed shares from a newcomer', () => {
    const node = chainWith([...row, wild, ...crowd, ...line], at(60))
    const more = builder.row(tip.hash, 60, { miner: 1 })
    for (const share of more) node.addShare(share, 'peer', at(200))
    const newcomer = new ShareChain({ params })
    expect(sync(newcomer, node, builder, at(200))).toBe('accepted')
    expect(newcomer.candidateTip().hash).toBe(more.at(-1)?.hash)
  })

  it('comes in where a good share names it as its uncle, and nothing can be built on it', () => {
    const named = builder.build({ parent: tip.hash, timeSec: GENESIS_TIME_SEC + 400, miner: 9 })
    const heir = builder.build({ parent: named.hash, miner: 9 })
    const [next] = builder.row(tip.hash, 1, { miner: 1 }) as [Share]
    const nephew = builder.build({ parent: next.hash, uncles: [named.hash], miner: 1 })
    for (const order of [
      [named, heir, next, nephew],
      [next, nephew, heir, named]
    ]) {
      const node = chainWith([...row, ...order], at(60))
      expect(node.confirmedTip().hash).toBe(nephew.hash)
      expect(node.facts(heir.hash)).toBeUndefined()
      // Once its time has come it is judged, and what waited for it as well.
      node.advance(at(281))
      node.bodiesRead([named], at(281))
      expect(node.facts(named.hash)?.validity).toBe('blockValid')
      node.advance(at(281))
      expect(node.facts(heir.hash)?.validity).toBe('blockValid')
      node.checkInvariants()
    }
  })

  it('takes no more memory, however many there are, and makes no later call slower', () => {
    const node = chainWith(row, at(60))
    const fan = siblings(builder, tip.hash, 2 * MAX_FUTURE_SHARES, FAR_SEC)
    const tall = builder.row(fan[0]?.hash ?? tip.hash, MAX_ORPHANS + 100, { timeSec: FAR_SEC, miner: 9 })
    for (const [at_, share] of [...fan, ...tall].entries()) node.addShare(share, { peer: `${at_ % 40}` }, at(60))
    expect(node.orphanCount).toBeLessThanOrEqual(MAX_FUTURE_SHARES + MAX_ORPHANS)
    expect([node.shareCount, node.resume(64)]).toEqual([51, []])
    node.checkInvariants()
  })
})

describe('shares built on an invalid one', () => {
  it('do not come in, unless somebody names them', () => {
    const builder = new ChainBuilder(params)
    const row = builder.row(builder.genesis, 20)
    const bad = builder.build({ parent: builder.genesis, spoil: 'payout', miner: 9 })
    const heirs = builder.row(bad.hash, 100, { spoil: 'payout', miner: 9 })
    const node = chainWith([...row, bad], at(300))
    for (const share of heirs) expect(node.addShare(share, { peer: 'mallory' }, at(300)).delta).toBeNull()
    expect(node.addHeaders(heirs.map(headerItem), at(300)).delta).toBeNull()
    expect(node.shareCount).toBe(22)
  })
})

describe('a newcomer that meets crowded heights first', () => {
  it('still finds the heavier chain', () => {
    const builder = new ChainBuilder(params)
    const honest = builder.row(builder.genesis, 1_900)
    const server = chainWith(honest, at(3_000))
    const crowd = siblings(builder, builder.genesis, MOST)
    const line = builder.row(crowd[0]?.hash ?? builder.genesis, 1_000, { miner: 9 })
    const newcomer = new ShareChain({ params })
    const attack = [...crowd, ...line].map(headerItem)
    for (let from = 0; from < attack.length; from += 900) newcomer.addHeaders(attack.slice(from, from + 900), at(3_000))
    expect(newcomer.candidateTip().hash).toBe(line.at(-1)?.hash)
    expect(sync(newcomer, server, builder, at(3_000))).toBe('accepted')
    expect(newcomer.candidateTip().hash).toBe(server.candidateTip().hash)
  })
})

describe('a launch with far more hash power than the easiest target wants', () => {
  it('ends with all nodes on one chain, and a newcomer can sync it', () => {
    const builder = new ChainBuilder(params)
    const rng = seededRng('launch')
    const nodes = Array.from({ length: 4 }, () => new ShareChain({ params }))
    const give = (node: ShareChain, share: Share): void => {
      const open = [share]
      for (let turn = 0; open.length > 0 && turn < 12; turn++) {
        const { verdict } = node.addShare(open.pop() as Share, { peer: 'p' }, at(400))
        if (verdict.type === 'refused') throw new Error(`an honest share was refused: ${verdict.code}`)
        if (verdict.type === 'waiting') open.push(...verdict.missing.map(hash => builder.shares.get(hash) as Share))
      }
    }
    for (let round = 0; round < 15; round++) {
      const made = nodes.map((node, miner) => {
        const { hash: parent, timeSec } = node.miningBase()
        const wish = (n: number) => ({ uncles: n === 0 ? node.uncleChoice(parent) : [], timeSec: timeSec + 1 })
        return Array.from({ length: 8 }, (_, n) => builder.build({ parent, miner, ...wish(n) }))
      })
      nodes.forEach((node, me) => {
        const foreign = made.flatMap((shares, by) => (by === me ? [] : shares))
        const shuffled = foreign.map(share => ({ share, rank: rng.u32() })).sort((a, b) => a.rank - b.rank)
        for (const share of [...(made[me] ?? []), ...shuffled.map(({ share }) => share)]) give(node, share)
      })
    }
    for (let count = 0; count < 6; count++) {
      const node = nodes[count % 4] as ShareChain
      const { hash: parent, timeSec } = node.miningBase()
      const share = builder.build({ parent, miner: count % 4, timeSec: timeSec + 1 })
      for (const each of nodes) give(each, share)
      for (const each of count < 5 ? [] : nodes) {
        for (const other of nodes) {
          expect(sync(each, other, builder, at(400))).toBe('accepted')
          for (const hash of each.bodiesWanted(1_000)) give(each, builder.shares.get(hash) as Share)
        }
      }
    }
    expect(new Set(nodes.map(node => node.confirmedTip().hash)).size).toBe(1)
    const newcomer = new ShareChain({ params })
    const [server] = nodes as [ShareChain]
    expect(sync(newcomer, server, builder, at(400))).toBe('accepted')
    expect(newcomer.candidateTip().hash).toBe(server.candidateTip().hash)
  })
})

describe('whatever hostile peers grow around it', () => {
  const deed = fc.record({
    kind: fc.constantFrom('wild', 'low', 'thief', 'headers', 'late', 'nephew'),
    back: fc.nat(15),
    length: fc.integer({ min: 1, max: 12 })
  })
  const limits = { maxShares: 40, maxBytes: 1e9, maxSideBodyBytes: 1e9 }

  it('a node takes every share of its own miners, and keeps no more than its caps and its chains', () => {
    const property = fc.property(fc.array(deed, { minLength: 5, maxLength: 25 }), deeds => {
      const builder = new ChainBuilder(params)
      const node = new ShareChain({ params, limits })
      const evil = { peer: 'mallory' }
      const own: Share[] = []
      const made: Share[] = []
      const batches: number[] = []
      deeds.forEach(({ kind, back, length }, step) => {
        const nowMs = at(10 + 20 * step)
        const mine = builder.build({
          parent: node.miningBase().hash,
          timeSec: GENESIS_TIME_SEC + 10 + 20 * step,
          uncles: node.uncleChoice(node.miningBase().hash),
          miner: 1
        })
        expect(node.addShare(mine, 'own', nowMs).verdict).toEqual({ type: 'accepted' })
        own.push(mine)
        const from = own.at(-1 - back)?.hash ?? builder.genesis
        const timeSec = builder.facts(from).timeSec
        const first = {
          wild: { parent: from, timeSec: FAR_SEC },
          low: { parent: builder.genesis, timeSec: GENESIS_TIME_SEC + 10 + 20 * step },
          thief: { parent: from, spoil: 'payout' as const },
          headers: { parent: from },
          late: { parent: from, timeSec: Math.max(0, timeSec - 2) },
          nephew: { parent: from, uncles: made.slice(-1).map(share => share.hash) }
        }[kind]
        const root = builder.build({ miner: 9, ...first })
        const row = [root, ...builder.row(root.hash, length, { miner: 9 })]
        made.push(...row)
        if (kind === 'headers' || kind === 'low') {
          batches.push(row.length)
          node.addHeaders(row.map(headerItem), nowMs)
        } else for (const share of row) node.addShare(share, evil, nowMs)
        node.checkInvariants()
      })
      // The chain, what it names, and the batches that may still be coming in: these stay, however light they are.
      const arriving = batches.slice(-MAX_BATCH_HEADS).reduce((sum, length) => sum + length, 0)
      const bound = limits.maxShares + own.length + node.uncleCount + arriving + 13
      expect(node.shareCount).toBeLessThanOrEqual(bound)
      const isThere = own.filter(({ hash }) => node.facts(hash)?.validity === 'blockValid')
      expect(isThere.length).toBeGreaterThan(0)
      // The heaviest valid chain is confirmed, or waits for a heavier one's bodies for a minute.
      const later = at(10 + 20 * deeds.length + 3_600)
      for (let turn = 0; turn < 50 && node.nextDeadlineMs !== null && node.nextDeadlineMs <= later; turn++) {
        node.advance(later)
      }
      node.checkInvariants()
    })
    fc.assert(property, { numRuns: 25 })
  })
})
