import type { Share } from '@p2poolv2/consensus'
import { type ShareHash, type UnixMs, unixMs } from '@p2poolv2/primitives'
import { beforeEach, describe, expect, it } from 'vitest'
import { STALL_MS, STALL_MS_A_SHARE } from './chains/stall-watch.ts'
import { PRUNE_SLACK_HEIGHTS } from './chains/zones.ts'
import { ChainBuilder, easyParams, GENESIS_TIME_SEC, headerItem } from './testing/build-chain.ts'
import { StoredChain, snapshotOf } from './testing/stored-chain.ts'

const START_MS = (GENESIS_TIME_SEC + 5_000) * 1_000

function after(ms: number): UnixMs {
  return unixMs(START_MS + ms)
}

describe('a heavy chain of headers whose bodies do not come', () => {
  let builder: ChainBuilder
  let node: StoredChain
  let old: Share[]
  let heavy: Share[]

  beforeEach(() => {
    builder = new ChainBuilder()
    node = new StoredChain(builder.params)
    old = builder.row(builder.genesis, 5)
    for (const share of old) node.take(node.chain.addShare(share, 'peer', after(0)))
    heavy = builder.row(old[2]?.hash as ShareHash, 20, { miner: 9 })
    node.take(node.chain.addHeaders(heavy.map(headerItem), after(0)))
  })

  const mine = (ms: number): Share => {
    const share = builder.build({ parent: node.chain.miningBase().hash, miner: 1 })
    expect(node.take(node.chain.addShare(share, 'own', after(ms))).verdict).toEqual({ type: 'accepted' })
    return share
  }

  it('holds up nobody for longer than a minute', () => {
    expect(node.chain.candidateTip().hash).toBe(heavy.at(-1)?.hash)
    const [first, second] = [mine(1_000), mine(11_000)]
    expect(node.chain.confirmedTip().hash).toBe(old[4]?.hash)
    expect(node.chain.nextDeadlineMs).toBe(after(1_000 + STALL_MS))
    const outcome = node.take(node.chain.advance(after(1_000 + STALL_MS)))
    expect(outcome.confirmed).toEqual([first.hash, second.hash])
    expect([node.chain.candidateTip().hash, node.chain.nextDeadlineMs]).toEqual([second.hash, null])
    // From now on without delay, and whatever headers come on top of what is withheld.
    expect(mine(80_000).hash).toBe(node.chain.confirmedTip().hash)
    const more = builder.row(heavy.at(-1)?.hash as ShareHash, 5, { miner: 9 })
    node.take(node.chain.addHeaders(more.map(headerItem), after(81_000)))
    expect(mine(82_000).hash).toBe(node.chain.confirmedTip().hash)
  })

  it('is as good as any again when they come', () => {
    mine(1_000)
    node.take(node.chain.advance(after(1_000 + STALL_MS)))
    expect(node.chain.bodiesWanted(100)).toContain(heavy[0]?.hash)
    for (const share of heavy) node.take(node.chain.addShare(share, 'peer', after(100_000)))
    expect(node.chain.confirmedTip().hash).toBe(heavy.at(-1)?.hash)
    expect(snapshotOf(node.rebuilt())).toEqual(snapshotOf(node.chain))
  })

  it('is waited for while its bodies come', () => {
    const ours = mine(1_000)
    for (const [at, share] of heavy.entries()) {
      const ms = 1_000 + (at + 1) * 4_000
      node.take(node.chain.advance(after(ms)))
      node.take(node.chain.addShare(share, 'peer', after(ms)))
      expect(node.chain.facts(ours.hash)?.validity).toBe('blockValid')
      expect(node.chain.confirmedHashAt(6)).not.toBe(ours.hash)
    }
    expect(node.chain.confirmedTip().hash).toBe(heavy.at(-1)?.hash)
  })

  it('does not hold up confirmation with one body a minute, and counts for what it is when it is all there', () => {
    let ours = mine(1_000)
    let heldMs = 0
    for (const [at, share] of heavy.entries()) {
      for (let second = 0; second < 59; second++) {
        const ms = 1_000 + at * 59_000 + second * 1_000
        node.take(node.chain.advance(after(ms)))
        if (at % 2 === 1 && second === 0) ours = mine(ms)
        if (node.chain.confirmedTip().hash !== ours.hash) heldMs += 1_000
      }
      node.take(node.chain.addShare(share, 'peer', after(1_000 + (at + 1) * 59_000)))
      node.chain.checkInvariants()
    }
    // A minute once, what each body earns, and what grows back between them: not the twenty minutes that they take.
    expect(heldMs).toBeLessThan(STALL_MS + heavy.length * (STALL_MS_A_SHARE + 6_000))
    const heaviest = node.chain.facts(heavy.at(-1)?.hash as ShareHash)?.chainWork ?? 0n
    expect(node.chain.confirmedTip().chainWork).toBeGreaterThanOrEqual(heaviest)
  })

  it('is forgotten as withheld when a restart comes between, and waited for once more', () => {
    mine(1_000)
    node.take(node.chain.advance(after(1_000 + STALL_MS)))
    const again = node.rebuilt()
    expect(again.candidateTip().hash).toBe(heavy.at(-1)?.hash)
    expect(again.confirmedTip().hash).toBe(node.chain.confirmedTip().hash)
    const share = builder.build({ parent: again.miningBase().hash, miner: 1 })
    again.addShare(share, 'own', after(200_000))
    expect(again.advance(after(200_000 + STALL_MS)).confirmed).toEqual([share.hash])
    again.checkInvariants()
  })

  it('ends at once when one of them turns out invalid', () => {
    const thief = builder.build({ parent: old[4]?.hash as ShareHash, spoil: 'payout', miner: 9 })
    const tall = builder.row(thief.hash, 40, { miner: 9 })
    node.take(node.chain.addHeaders([thief, ...tall].map(headerItem), after(0)))
    expect(node.chain.candidateTip().hash).toBe(tall.at(-1)?.hash)
    node.take(node.chain.addShare(thief, 'peer', after(1_000)))
    expect(node.chain.candidateTip().hash).toBe(heavy.at(-1)?.hash)
  })
})

describe('a heavy chain whose bodies do not come to a node that is new to an old network', () => {
  const PRUNE_DEPTH = 80
  const WINDOW = { windowMaxShares: 40, difficultyMultiplier: 10_000n }
  const short = easyParams({ ...WINDOW, pruneDepth: PRUNE_DEPTH, paddingSpan: 10 })
  const FORK = 130
  /** Higher than the other by more than the heights kept below the prune depth. */
  const [HIGH, LOW] = [50, 25]
  let builder: ChainBuilder
  let node: StoredChain
  let trunk: Share[]
  let other: Share[]
  let kept: Share[]

  beforeEach(() => {
    builder = new ChainBuilder(easyParams(WINDOW))
    node = new StoredChain(short)
    trunk = builder.row(builder.genesis, FORK)
    const fork = trunk.at(-1)?.hash as ShareHash
    other = builder.row(fork, LOW, { miner: 1 })
    kept = builder.row(fork, HIGH, { miner: 9 })
    for (const row of [trunk, kept]) node.take(node.chain.addHeaders(row.map(headerItem), after(0)))
  })

  const bring = (shares: readonly Share[], ms: number): void => {
    for (const share of shares) node.take(node.chain.addShare(share, 'peer', after(ms)))
  }
  const wait = (isOtherShown: boolean, ms: number) =>
    node.take(node.chain.awaitBodies({ isAwaited: true, isOtherShown }, after(ms)))
  const tips = () => [node.chain.candidateTip().hash, node.chain.confirmedTip().hash]

  it('is turned away from once another one is shown, which is confirmed although it is lower', () => {
    expect(node.chain.keptFromHeight).toBe(FORK + HIGH - PRUNE_DEPTH - PRUNE_SLACK_HEIGHTS)
    // Peers answer from there, wherever their chains part from this one.
    const named = node.chain.locator(0).map(hash => node.chain.facts(hash)?.height)
    expect(named.slice(-2)).toEqual([node.chain.keptFromHeight, 0])
    bring(trunk.slice(-31), 0)
    wait(false, 0)
    node.take(node.chain.advance(after(10 * STALL_MS)))
    // Nothing is known to turn to.
    expect(tips()).toEqual([kept.at(-1)?.hash, builder.genesis])
    wait(true, 10 * STALL_MS)
    node.take(node.chain.advance(after(10 * STALL_MS + STALL_MS)))
    expect(node.chain.candidateTip().hash).toBe(trunk.at(-1)?.hash)
    node.take(node.chain.addHeaders(other.map(headerItem), after(11 * STALL_MS)))
    expect(node.chain.candidateTip().hash).toBe(other.at(-1)?.hash)
    bring(other, 11 * STALL_MS)
    expect(tips()).toEqual([other.at(-1)?.hash, other.at(-1)?.hash])
    node.chain.checkInvariants()
    // Its body makes it as good as any.
    bring(kept, 12 * STALL_MS)
    expect(tips()).toEqual([kept.at(-1)?.hash, kept.at(-1)?.hash])
  })

  it('is waited for while not one of the bodies it stands on is here: a slow line is no reason', () => {
    wait(true, 0)
    node.take(node.chain.advance(after(10 * STALL_MS)))
    expect(tips()).toEqual([kept.at(-1)?.hash, builder.genesis])
  })

  it('is the one again when it has grown by a prune depth, and nobody needs that body any more', () => {
    bring(trunk.slice(-31), 0)
    wait(true, 0)
    node.take(node.chain.advance(after(STALL_MS)))
    node.take(node.chain.addHeaders(other.map(headerItem), after(STALL_MS)))
    bring(other, STALL_MS)
    const grown = builder.row(kept.at(-1)?.hash as ShareHash, PRUNE_DEPTH - HIGH + 2, { miner: 9 }).map(headerItem)
    const [last] = grown.slice(-1)
    node.take(node.chain.addHeaders(grown.slice(0, -1), after(STALL_MS)))
    expect(node.chain.candidateTip().hash).toBe(other.at(-1)?.hash)
    node.take(node.chain.addHeaders(grown.slice(-1), after(STALL_MS)))
    expect(node.chain.candidateTip().hash).toBe(last?.hash)
  })
})
