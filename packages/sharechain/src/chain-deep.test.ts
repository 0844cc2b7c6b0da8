import type { Share } from '@p2poolv2/consensus'
import type { ShareHash } from '@p2poolv2/primitives'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { PRUNE_SLACK_HEIGHTS } from './chains/zones.ts'
import { ChainBuilder, easyParams, FAR_FUTURE_MS, GENESIS_TIME_SEC, headerItem } from './testing/build-chain.ts'
import { StoredChain, snapshotOf } from './testing/stored-chain.ts'

/** The real rules with a window of 20 shares and twice that kept. The builder keeps everything. */
const WINDOW = { windowMaxShares: 20, difficultyMultiplier: 10_000n }
const short = easyParams({ ...WINDOW, pruneDepth: 40, paddingSpan: 10 })
const makeBuilder = () => new ChainBuilder(easyParams(WINDOW))

/** A node that holds a row of shares. */
function grown(builder: ChainBuilder, length: number): { node: StoredChain; row: Share[] } {
  const node = new StoredChain(short)
  const row = builder.row(builder.genesis, length)
  for (const share of row) node.take(node.chain.addShare(share, 'peer', FAR_FUTURE_MS))
  return { node, row }
}

/** By what was mined, for the builder’s chain knows nothing above a share that breaks a rule. */
function medianOf(builder: ChainBuilder, hash: ShareHash): number {
  const times: number[] = []
  for (let at = builder.shares.get(hash); at !== undefined && times.length < 11; ) {
    times.push(at.header.timeSec)
    at = builder.shares.get(at.header.prevShareHash)
  }
  if (times.length < 11) times.push(GENESIS_TIME_SEC)
  return times.sort((a, b) => a - b)[Math.floor(times.length / 2)] ?? 0
}

const hashAt = (row: readonly Share[], height: number): ShareHash => row[height - 1]?.hash as ShareHash

describe('what forks from the genesis of a chain that is pruned', () => {
  // The genesis is never pruned, so its child has a known parent; but between them and us nothing is held any more.
  it('is refused, as a share and as headers, and the store can still be read back', () => {
    const builder = makeBuilder()
    const { node } = grown(builder, 100)
    const late = builder.build({ parent: builder.genesis, miner: 1 })
    const child = builder.build({ parent: late.hash, miner: 1 })
    const before = snapshotOf(node.chain)
    const refused = { type: 'refused', code: 'share-ancestors-gone', facts: { height: 1, keptFromHeight: 44 } }
    const byShare = node.take(node.chain.addShare(late, 'peer', FAR_FUTURE_MS))
    expect(byShare).toMatchObject({ verdict: refused, delta: null })
    const byHeaders = node.take(node.chain.addHeaders([late, child].map(headerItem), FAR_FUTURE_MS))
    expect(byHeaders).toMatchObject({ verdict: refused, delta: null })
    expect(snapshotOf(node.chain)).toEqual(before)
    expect(snapshotOf(node.rebuilt())).toEqual(before)
  })

  it('is refused although it is heavier than everything here', () => {
    const builder = makeBuilder()
    const { node } = grown(builder, 100)
    const other = builder.row(builder.genesis, 110, { miner: 1 })
    const outcome = node.take(node.chain.addHeaders(other.map(headerItem), FAR_FUTURE_MS))
    expect(outcome.verdict).toMatchObject({ type: 'refused', code: 'share-ancestors-gone' })
    expect(node.chain.candidateTip().height).toBe(100)
  })
})

describe('a long branch of light headers', () => {
  it('never prunes what the mining base stands on', () => {
    const builder = makeBuilder()
    const { node, row } = grown(builder, 60)
    // Who dates a header as late as our clock allows makes its children easy.
    const fork = builder.build({ parent: hashAt(row, 55), timeSec: GENESIS_TIME_SEC + 100_000, miner: 1 })
    const branch = [fork, ...builder.row(fork.hash, 75, { miner: 1 })]
    node.take(node.chain.addHeaders(branch.map(headerItem), FAR_FUTURE_MS))
    expect(node.chain.candidateTip().hash).toBe(branch.at(-1)?.hash)
    const base = node.chain.miningBase()
    expect([base.hash, node.chain.confirmedTip().hash]).toEqual([hashAt(row, 60), hashAt(row, 60)])
    expect(node.chain.medianTimePast(base.hash)).toBe(builder.known.medianTimePast(base.hash))
    expect(node.chain.uncleChoice(base.hash)).toEqual([])
    expect(node.chain.keptFromHeight).toBeLessThanOrEqual(55 - PRUNE_SLACK_HEIGHTS)
    expect(snapshotOf(node.rebuilt())).toEqual(snapshotOf(node.chain))
    const next = builder.build({ parent: base.hash })
    expect(node.take(node.chain.addShare(next, 'own', FAR_FUTURE_MS)).verdict).toEqual({ type: 'accepted' })
  })
})

describe('an invalid share that a valid one names as its uncle', () => {
  // The uncle rules do not ask whether an uncle is valid, and header sync takes no nephew without its uncle: left out of
  // the answers it would lock every new node out for good, at the price of one share.
  it('is told to whoever asks for headers, with the invalid shares it stands on', () => {
    const builder = new ChainBuilder()
    const main = builder.row(builder.genesis, 3)
    const thief = builder.build({ parent: builder.genesis, spoil: 'payout', miner: 1 })
    const heir = builder.build({ parent: thief.hash, miner: 2 })
    const idle = builder.build({ parent: thief.hash, miner: 3 })
    const nephew = builder.build({ parent: hashAt(main, 3), uncles: [heir.hash] })
    const node = new StoredChain(builder.params)
    for (const share of [...main, thief, nephew, heir, idle]) {
      node.take(node.chain.addShare(share, 'peer', FAR_FUTURE_MS))
    }
    expect(node.chain.confirmedTip().hash).toBe(nephew.hash)
    const validities = [thief, heir, idle].map(({ hash }) => node.chain.facts(hash)?.validity)
    expect(validities).toEqual(['invalid', 'invalid', undefined])

    const answer = node.chain.headerAnswer({ locator: [builder.genesis], stopHash: builder.genesis })
    const told = [...main, nephew, thief, heir].map(share => share.hash)
    expect([...answer].sort()).toEqual(told.sort())
    const fresh = new StoredChain(builder.params)
    const items = answer.map(hash => headerItem(builder.shares.get(hash) as Share))
    expect(fresh.take(fresh.chain.addHeaders(items, FAR_FUTURE_MS)).verdict).toEqual({ type: 'accepted' })
    expect(fresh.chain.candidateTip().hash).toBe(nephew.hash)
  })

  it('keeps its header in the store when it is pruned', () => {
    const builder = makeBuilder()
    const { node, row } = grown(builder, 3)
    const thief = builder.build({ parent: hashAt(row, 1), spoil: 'payout', miner: 1 })
    const heir = builder.build({ parent: thief.hash, miner: 2 })
    const idle = builder.build({ parent: thief.hash, miner: 3 })
    const nephew = builder.build({ parent: hashAt(row, 3), uncles: [heir.hash] })
    for (const share of [thief, nephew, heir, idle, ...builder.row(nephew.hash, 80)]) {
      node.take(node.chain.addShare(share, 'peer', FAR_FUTURE_MS))
    }
    expect(node.chain.keptFromHeight).toBeGreaterThan(5)
    const records = node.store.readHeadersNow([thief, heir, idle].map(share => share.hash))
    expect(records.map(record => record?.height ?? null)).toEqual([2, 3, null])
  })
})

describe('a chain that is pruned while branches come and go', () => {
  const step = fc.record({
    kind: fc.constantFrom('grow', 'grow', 'grow', 'fork', 'deep', 'far'),
    back: fc.nat(40),
    miner: fc.nat(3),
    gapSec: fc.constantFrom(0, 1, 1, 1, 2, 60, 5000),
    length: fc.integer({ min: 1, max: 30 }),
    how: fc.constantFrom('headers', 'bodies', 'bodies', 'both', 'late'),
    spoil: fc.constantFrom(false, false, false, false, true),
    uncle: fc.boolean()
  })

  it('stays whole, can be read back, and always has something to mine on', () => {
    const params = easyParams({ windowMaxShares: 6, pruneDepth: 12, paddingSpan: 4, difficultyMultiplier: 10_000n })
    fc.assert(
      fc.property(fc.array(step, { minLength: 4, maxLength: 14 }), steps => {
        const builder = new ChainBuilder(easyParams({ windowMaxShares: 6, difficultyMultiplier: 10_000n }))
        const node = new StoredChain(params)
        const made: ShareHash[] = [builder.genesis]
        const late: Share[] = []
        let tip = builder.genesis
        for (const { kind, back, miner, gapSec, length, how, spoil, uncle } of steps) {
          const from = { grow: tip, fork: made.at(-1 - (back % 6)), deep: made.at(-1 - back), far: builder.genesis }[
            kind
          ]
          const shares: Share[] = []
          for (let n = 0; n < length; n++) {
            const parent = shares.at(-1)?.hash ?? from ?? builder.genesis
            const timeSec = builder.facts(parent).timeSec + gapSec
            const uncles =
              uncle && n === 0 && builder.known.facts(parent) !== undefined ? builder.known.uncleChoice(parent) : []
            const spoilt = spoil && n === length - 2 ? ({ spoil: 'payout' } as const) : {}
            shares.push(builder.build({ parent, miner, timeSec, uncles, ...spoilt }))
          }
          made.push(...shares.map(share => share.hash))
          if (how !== 'bodies') node.take(node.chain.addHeaders(shares.map(headerItem), FAR_FUTURE_MS))
          if (how === 'late') late.push(...shares)
          if (how === 'bodies' || how === 'both') {
            for (const share of shares) node.take(node.chain.addShare(share, 'peer', FAR_FUTURE_MS))
          }
          const base = node.chain.miningBase().hash
          if (node.chain.keptFromHeight === 1 || node.chain.miningBase().height >= node.chain.keptFromHeight + 10) {
            expect(node.chain.medianTimePast(base)).toBe(medianOf(builder, base))
          } else {
            expect(node.chain.medianTimePast(base)).toBeGreaterThan(0)
          }
          expect(node.chain.uncleChoice(base).length).toBeLessThanOrEqual(3)
          expect(snapshotOf(node.rebuilt())).toEqual(snapshotOf(node.chain))
          if (kind === 'grow') tip = made.at(-1) ?? tip
        }
        for (const share of late) node.take(node.chain.addShare(share, 'peer', FAR_FUTURE_MS))
        node.rest(FAR_FUTURE_MS)
        expect(snapshotOf(node.rebuilt())).toEqual(snapshotOf(node.chain))
      }),
      { numRuns: 40 }
    )
  })
})
