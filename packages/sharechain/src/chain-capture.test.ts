import type { Share } from '@p2poolv2/consensus'
import { type ShareHash, ZERO_SHARE_HASH } from '@p2poolv2/primitives'
import { describe, expect, it } from 'vitest'
import { ChainBuilder, easyParams, FAR_FUTURE_MS, GENESIS_TIME_SEC, headerItem } from './testing/build-chain.ts'
import { StoredChain, snapshotOf } from './testing/stored-chain.ts'

/** The real rules with a window of 20 shares and twice that kept. */
const WINDOW = { windowMaxShares: 20, difficultyMultiplier: 10_000n }
const short = easyParams({ ...WINDOW, pruneDepth: 40, paddingSpan: 10 })
const makeBuilder = () => new ChainBuilder(easyParams(WINDOW))

/** A chain whose shares come so fast that each is harder than the one before: short and heavy. */
function heavyRow(builder: ChainBuilder, count: number): Share[] {
  const shares: Share[] = []
  for (let i = 0; i < count; i++) {
    // From where eleven ancestors are there, half a second each is enough for the median to rise.
    const timeSec = GENESIS_TIME_SEC + 1 + Math.min(i, 12) + Math.floor(Math.max(0, i - 12) * 0.5)
    shares.push(builder.build({ parent: shares.at(-1)?.hash ?? builder.genesis, timeSec, miner: 1 }))
  }
  return shares
}

/** A chain at the easiest target there is: long and light. */
function lightRow(builder: ChainBuilder, count: number): Share[] {
  const shares: Share[] = []
  for (let i = 0; i < count; i++) {
    const timeSec = GENESIS_TIME_SEC + 5 * (i + 1)
    shares.push(builder.build({ parent: shares.at(-1)?.hash ?? builder.genesis, timeSec, miner: 9 }))
  }
  return shares
}

const takeBodies = (node: StoredChain, shares: readonly Share[]) => {
  for (const share of shares) node.take(node.chain.addShare(share, 'peer', FAR_FUTURE_MS))
}
const takeHeaders = (node: StoredChain, shares: readonly Share[], batch = 50) => {
  for (let at = 0; at < shares.length; at += batch) {
    const items = shares.slice(at, at + batch).map(headerItem)
    expect(node.take(node.chain.addHeaders(items, FAR_FUTURE_MS)).verdict).toEqual({ type: 'accepted' })
  }
}

describe('a fresh node that was shown a long light chain without bodies', () => {
  it('confirms nothing, pays nobody of it, and keeps no more of it in memory than of any chain', () => {
    const builder = makeBuilder()
    const node = new StoredChain(short)
    takeHeaders(node, lightRow(builder, 300))
    expect([node.chain.candidateTip().height, node.chain.confirmedTip().height]).toEqual([300, 0])
    expect(node.chain.miningBase().height).toBe(0)
    const weights = node.chain.payoutWeights(node.chain.miningBase().hash, 0x207fffff)
    expect([...(weights?.byAddress.values() ?? [])].length).toBe(1)
    expect(node.chain.shareCount).toBeLessThan(100)
    expect(snapshotOf(node.rebuilt())).toEqual(snapshotOf(node.chain))
  })

  it('turns to a shorter and heavier one from the genesis, although it has let go of the beginning', () => {
    const builder = makeBuilder()
    const node = new StoredChain(short)
    const light = lightRow(builder, 300)
    const heavy = heavyRow(builder, 200)
    takeHeaders(node, light)
    expect(node.chain.keptFromHeight).toBeGreaterThan(1)
    const work = builder.known.facts(heavy.at(-1)?.hash as ShareHash)?.chainWork ?? 0n
    expect(work).toBeGreaterThan(node.chain.candidateTip().chainWork)
    // In one answer, which shows the work itself.
    const whole = new StoredChain(short)
    takeHeaders(whole, light)
    takeHeaders(whole, heavy, 200)
    expect(whole.chain.candidateTip().hash).toBe(heavy.at(-1)?.hash)
    expect(snapshotOf(whole.rebuilt())).toEqual(snapshotOf(whole.chain))
    // Or in many, once its work has been followed.
    const first = heavy.slice(0, 20).map(headerItem)
    expect(node.take(node.chain.addHeaders(first, FAR_FUTURE_MS)).verdict).toMatchObject({
      code: 'share-ancestors-gone'
    })
    expect(node.take(node.chain.addHeaders(first, FAR_FUTURE_MS, work)).verdict).toEqual({ type: 'accepted' })
    takeHeaders(node, heavy.slice(20))
    takeBodies(node, heavy.slice(170))
    expect(node.chain.confirmedTip().height).toBe(0)
    takeBodies(node, heavy.slice(100))
    expect(node.chain.confirmedTip().hash).toBe(heavy.at(-1)?.hash)
    expect(snapshotOf(node.rebuilt())).toEqual(snapshotOf(node.chain))
    const archive = node.store
      .archiveNow([builder.genesis], 1000)
      .filter(({ height }) => height < node.chain.keptFromHeight)
    expect(archive.map(({ chain }) => chain)).toEqual(heavy.slice(0, archive.length).map(share => share.hash))
    expect(archive.length).toBe(node.chain.keptFromHeight - 1)
  })

  it('takes the bodies of the light one for what they are while nobody shows a heavier one', () => {
    const builder = makeBuilder()
    const node = new StoredChain(short)
    const light = lightRow(builder, 150)
    takeHeaders(node, light)
    takeBodies(node, light.slice(100))
    expect(node.chain.confirmedTip().hash).toBe(light.at(-1)?.hash)
    expect(node.chain.uncleCount).toBe(0)
    expect(snapshotOf(node.rebuilt())).toEqual(snapshotOf(node.chain))
    // Even then: what is below was taken on its headers' word.
    const heavy = heavyRow(builder, 130)
    takeHeaders(node, heavy, 130)
    takeBodies(node, heavy.slice(60))
    expect(node.chain.confirmedTip().hash).toBe(heavy.at(-1)?.hash)
    expect(snapshotOf(node.rebuilt())).toEqual(snapshotOf(node.chain))
  })

  it('decides for the chain it follows once all that it keeps was validated here', () => {
    const builder = makeBuilder()
    const node = new StoredChain(short)
    const shares = builder.row(builder.genesis, 150)
    takeHeaders(node, shares)
    takeBodies(node, shares.slice(100))
    const followed: boolean[] = []
    for (let i = 0; i < 60; i++) {
      takeBodies(node, [builder.build({ parent: node.chain.miningBase().hash })])
      followed.push(node.chain.isUndecided)
    }
    expect(followed[0]).toBe(true)
    expect(followed.at(-1)).toBe(false)
    expect(followed).toEqual([...followed].sort().reverse())
  })
})

describe('a node that has validated all that it keeps', () => {
  it('refuses a heavier fork from below what it keeps, however its work was shown', () => {
    const builder = makeBuilder()
    const node = new StoredChain(short)
    takeBodies(node, lightRow(builder, 150))
    const heavy = heavyRow(builder, 200).map(headerItem)
    const refused = { type: 'refused', code: 'share-ancestors-gone' }
    expect(node.take(node.chain.addHeaders(heavy, FAR_FUTURE_MS)).verdict).toMatchObject(refused)
    expect(node.take(node.chain.addHeaders(heavy, FAR_FUTURE_MS, 2n ** 200n)).verdict).toMatchObject(refused)
  })

  it('follows a chain it left far behind as a new node does, and counts its uncles once', () => {
    const builder = makeBuilder()
    const node = new StoredChain(short)
    const before = builder.row(builder.genesis, 60)
    takeBodies(node, before)
    const rest: Share[] = []
    for (let i = 0; i < 200; i++) {
      const parent = rest.at(-1)?.hash ?? (before.at(-1)?.hash as ShareHash)
      const uncles = i % 9 === 8 ? [builder.build({ parent: rest.at(-2)?.hash ?? parent, miner: 3 })] : []
      rest.push(...uncles, builder.build({ parent, uncles: uncles.map(({ hash }) => hash) }))
    }
    takeHeaders(node, rest)
    expect(node.chain.confirmedTip().height).toBe(0)
    expect(snapshotOf(node.rebuilt())).toEqual(snapshotOf(node.chain))
    takeBodies(node, rest.slice(100))
    expect(node.chain.confirmedTip().hash).toBe(rest.at(-1)?.hash)
    expect(node.chain.uncleCount).toBe(builder.known.uncleCount)
    expect(node.chain.miningBase().hash).toBe(rest.at(-1)?.hash)
    expect(snapshotOf(node.rebuilt())).toEqual(snapshotOf(node.chain))
  })

  it('has everything a new node needs of its past in its archive', () => {
    const builder = makeBuilder()
    const node = new StoredChain(short)
    const shares = builder.row(builder.genesis, 200)
    takeBodies(node, shares)
    const archive = node.store.archiveNow([builder.genesis], 900)
    expect(archive.map(({ chain }) => chain).slice(0, 100)).toEqual(shares.slice(0, 100).map(share => share.hash))
    expect(node.chain.headerAnswer({ locator: [builder.genesis], stopHash: ZERO_SHARE_HASH })).toEqual([])
  })
})

it('a chain that has less work than it must have is not confirmed, however valid, and is at once when it has', () => {
  const builder = makeBuilder()
  const shares = builder.row(builder.genesis, 40)
  const enough = builder.known.facts(shares[29]?.hash as ShareHash)?.chainWork ?? 0n
  const node = new StoredChain({ ...short, minimumChainWork: enough })
  takeBodies(node, shares.slice(0, 29))
  expect([node.chain.candidateTip().height, node.chain.confirmedTip().height]).toEqual([29, 0])
  expect([node.chain.isTooLight, node.rebuilt().isTooLight]).toEqual([true, true])
  takeBodies(node, shares.slice(29, 30))
  expect([node.chain.isTooLight, node.chain.confirmedTip().height]).toEqual([false, 30])
  takeBodies(node, shares.slice(30))
  expect(node.chain.confirmedTip().hash).toBe(shares.at(-1)?.hash)
  expect(snapshotOf(node.rebuilt())).toEqual(snapshotOf(node.chain))
})
