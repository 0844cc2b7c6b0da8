import type { ShareHash } from '@p2poolv2/primitives'
import { describe, expect, it } from 'vitest'
import { devnetParams } from '../params.ts'
import type { ChainView, Share, ShareFacts } from '../share.ts'
import { buildShare } from '../testing/build-share.ts'
import { ShareLedger } from '../testing/share-ledger.ts'
import { type Followed, followHeaders, type HeaderTail, tailAncestor, tailFrom, tailHeights } from './follow-headers.ts'
import { MAX_BATCH_HEADERS_PER_HEIGHT } from './header-batch.ts'

/** About 256 hashes a share. */
const PARAMS = devnetParams({ genesisTimeSec: 1_700_000_000, anchorBits: 0x2000ffff })
const NOW_SEC = 1_700_001_000

const ledger = new ShareLedger(PARAMS)
// A little ahead of schedule, so that the bits change on the way.
for (let height = 1; height <= 40; height++) {
  ledger.add(ledger.next({ miner: 1, timeSec: 1_700_000_000 + Math.ceil(0.8 * height) }))
}
const [GENESIS, ...CHAIN] = ledger.shares as [Share, ...Share[]]

const factsOf = (share: Share): ShareFacts => ledger.facts(share.hash) ?? expect.unreachable('it is in the ledger')
const tipOf = (height: number): Share => ledger.shares[height] ?? expect.unreachable('the chain is so high')

/** Somebody who knows these shares of the ledger and no others. */
function knowing(...shares: readonly Share[]): ChainView {
  const hashes = new Set(shares.map(({ hash }) => hash))
  return { facts: (hash: ShareHash) => (hashes.has(hash) ? ledger.facts(hash) : undefined) }
}

function follow(items: readonly Share[], view = knowing(GENESIS), tail: HeaderTail | null = null): Followed {
  return followHeaders(PARAMS, { tail, view, items, nowSec: NOW_SEC })
}

function followed(...input: Parameters<typeof follow>) {
  const result = follow(...input)
  return result.type === 'followed' ? result : expect.unreachable(`it is ${result.type}`)
}

function codeOf(result: Followed): string {
  return result.type === 'refused' ? result.code : result.type
}

const heightsOf = ({ facts }: HeaderTail): number[] => [...facts.values()].map(({ height }) => height)

describe('a run of headers', () => {
  it('leads to its heaviest with all the work there is, and leaves what a median needs and a little more', () => {
    const { tail, fresh, joins } = followed(CHAIN)
    expect(tail.tip).toEqual({ ...factsOf(tipOf(40)), validity: 'headerValid', hasBody: false })
    expect(new Set(CHAIN.map(({ header }) => header.bits)).size).toBeGreaterThan(1)
    expect([fresh, joins]).toEqual([40, false])
    expect(tailHeights(PARAMS)).toBe(PARAMS.medianTimeSpan + 5)
    expect(heightsOf(tail)).toEqual(Array.from({ length: 17 }, (_, n) => 24 + n))
  })

  it('leads to the same in parts, and what comes again is nothing new', () => {
    const whole = followed(CHAIN).tail
    const first = followed(CHAIN.slice(0, 25)).tail
    const before = heightsOf(first)
    const second = followed(CHAIN.slice(15), knowing(GENESIS), first)
    expect(second.fresh).toBe(15)
    expect(second.tail).toEqual(whole)
    expect(heightsOf(first)).toEqual(before)
    expect(followed(CHAIN, knowing(GENESIS), whole)).toMatchObject({ fresh: 0, tail: whole })
  })

  it('builds on what is known anyway at its beginning alone', () => {
    const { tail } = followed(CHAIN.slice(0, 2))
    expect(followed(CHAIN.slice(30), knowing(...ledger.shares), tail)).toMatchObject({ fresh: 0, tail })
    expect(follow(CHAIN.slice(30), knowing(tipOf(29)))).toEqual({ type: 'unconnected' })
    expect(follow([])).toEqual({ type: 'unconnected' })
    // The median cannot be known there.
    expect(followed(CHAIN.slice(30), knowing(tipOf(30))).tail.tip.hash).toBe(tipOf(40).hash)
  })

  it('joins what is known where a share of it is and its parent is not', () => {
    expect(followed(CHAIN, knowing(GENESIS, tipOf(10))).joins).toBe(true)
    expect(followed(CHAIN, knowing(GENESIS, tipOf(1), tipOf(2))).joins).toBe(false)
  })

  it('stays with the first of two that weigh the same', () => {
    const siblings = [2, 3].map(miner => ledger.next({ miner }, tipOf(5)))
    for (const order of [siblings, siblings.toReversed()]) {
      const { tail, fresh } = followed([...CHAIN.slice(0, 5), ...order])
      expect([tail.tip.hash, fresh]).toEqual([order[0]?.hash, 7])
    }
  })

  it('counts nothing whose time is wrong, nor what is built on that', () => {
    const beside = (timeSec: number): Share[] => {
      const wrong = ledger.next({ timeSec, miner: 4 }, tipOf(12))
      const other = new ShareLedger(PARAMS)
      for (const share of [...CHAIN.slice(0, 12), wrong]) other.add(share)
      return [wrong, other.next({ miner: 4 })]
    }
    const median = factsOf(tipOf(7)).timeSec
    for (const timeSec of [NOW_SEC + PARAMS.futureTimeSec + 1, median]) {
      const branch = beside(timeSec)
      const { tail, fresh } = followed([...CHAIN.slice(0, 12), ...branch])
      expect([tail.tip.hash, fresh]).toEqual([tipOf(12).hash, 14])
      for (const { hash } of branch) expect(tail.facts.get(hash)?.validity).toBe('invalid')
    }
    for (const timeSec of [NOW_SEC + PARAMS.futureTimeSec, median + 1]) {
      const [right] = beside(timeSec)
      expect(followed([...CHAIN.slice(0, 12), right as Share]).tail.tip.hash).toBe(right?.hash)
    }
    const view = {
      facts: (hash: ShareHash) => ({ ...(ledger.facts(hash) as ShareFacts), validity: 'invalid' as const })
    }
    expect(follow(CHAIN.slice(30), view)).toEqual({ type: 'unconnected' })
  })

  it('is refused as a whole for one that lacks work, proof or the bits that its parent demands', () => {
    const [first, second] = CHAIN as [Share, Share, ...Share[]]
    const { bitcoinHeader } = second.header
    const lacking = Array.from({ length: 64 }, (_, nonce) => ({
      ...second,
      header: { ...second.header, bitcoinHeader: { ...bitcoinHeader, nonce } }
    }))
    expect(lacking.map(share => codeOf(follow([first, share])))).toContain('share-work')
    expect(codeOf(follow([first, { ...second, merkleBranch: new Uint8Array(32) }]))).toBe('proof-merkle-root')
    const { bits, timeSec } = second.header
    const weights = ledger.weights(first.hash, 0x1f00ffff) ?? expect.unreachable('the window is held')
    const harder = buildShare({ params: PARAMS, prev: first.hash, bits: bits - 1, timeSec, weights })
    expect(codeOf(follow([first, harder]))).toBe('share-bits')
  })

  it('is refused for more of one height than an answer may have', () => {
    const crowd = Array.from({ length: MAX_BATCH_HEADERS_PER_HEIGHT + 1 }, (_, miner) =>
      ledger.next({ miner }, GENESIS)
    )
    expect(followed([...crowd.slice(1), ...CHAIN.slice(5, 6)]).fresh).toBe(MAX_BATCH_HEADERS_PER_HEIGHT)
    expect(follow(crowd)).toEqual({
      type: 'refused',
      code: 'height-crowded',
      facts: { height: 1, shares: MAX_BATCH_HEADERS_PER_HEIGHT + 1 }
    })
  })
})

describe('a tail', () => {
  const { tail } = followed([...CHAIN.slice(0, 38), ledger.next({ miner: 6 }, tipOf(30)), ...CHAIN.slice(38)])

  it('has ancestors of its tip as far down as it reaches', () => {
    expect([0, 1, 3, 16, 17, 500].map(heights => tailAncestor(tail, heights).height)).toEqual([40, 39, 37, 24, 24, 24])
  })

  it('can be cut down to what descends from one of its shares', () => {
    const cut = tailFrom(tail, factsOf(tipOf(31)))
    expect(heightsOf(cut)).toEqual([31, 32, 33, 34, 35, 36, 37, 38, 39, 40])
    expect(cut.tip).toBe(tail.tip)
    expect(heightsOf(tail)).toHaveLength(18)
  })
})
