import type { Share } from '@p2poolv2/consensus'
import { type ShareHash, type UnixMs, unixMs } from '@p2poolv2/primitives'
import { beforeEach, describe, expect, it } from 'vitest'
import { STALL_MS, STALL_MS_A_SHARE } from './chains/stall-watch.ts'
import { ChainBuilder, GENESIS_TIME_SEC, headerItem } from './testing/build-chain.ts'
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
