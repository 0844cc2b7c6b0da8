import { shareHash, ZERO_SHARE_HASH } from '@p2poolv2/primitives'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { Organiser } from '../chains/organise.ts'
import { easyParams, minerAddress } from '../testing/build-chain.ts'
import { hashOf } from '../testing/deltas.ts'
import { compareDigests } from './hash-order.ts'
import { headerAnswer } from './header-answer.ts'
import { HeaderIndex } from './header-index.ts'
import { bodiesWanted, locatorHashes, locatorHeights } from './locator.ts'

const params = easyParams()

// protocol §19.2
it.each([
  [0, [0]],
  [5, [5, 4, 3, 2, 1, 0]],
  [20, [20, 19, 18, 17, 16, 15, 14, 13, 12, 11, 10, 8, 4, 0]],
  [100, [100, 99, 98, 97, 96, 95, 94, 93, 92, 91, 90, 88, 84, 76, 60, 28, 0]],
  [1000, [1000, 999, 998, 997, 996, 995, 994, 993, 992, 991, 990, 988, 984, 976, 960, 928, 864, 736, 480, 0]]
])('the locator of a tip at height %i', (tip, heights) => {
  expect(locatorHeights(tip, 0)).toEqual(heights)
  expect(locatorHeights(tip + 100, 100)).toEqual(heights)
})

it('a depth beyond the tip leaves the genesis', () => {
  expect(locatorHeights(5, 9)).toEqual([0])
})

it('hashes are compared as their bytes are, not as their text is', () => {
  const arbitraryBytes = fc.uint8Array({ minLength: 32, maxLength: 32 })
  fc.assert(
    fc.property(arbitraryBytes, arbitraryBytes, (a, b) => {
      const display = (bytes: Uint8Array) => shareHash(Buffer.from(bytes).reverse().toString('hex'))
      expect(Math.sign(compareDigests(display(a), display(b)))).toBe(Buffer.compare(a, b))
    })
  )
})

/** A straight chain of headers, hash n at height n, with a sibling 10,000 + n beside each height named. */
function chainOf(length: number, siblings: readonly number[] = []) {
  const entry = (n: number, prev: number) => ({
    hash: hashOf(n),
    prevHash: hashOf(prev),
    bits: 0x2007ffff,
    timeSec: 1,
    uncles: [],
    miner: minerAddress(params, 0)
  })
  const index = new HeaderIndex({ ...entry(0, 0), prevHash: ZERO_SHARE_HASH })
  const organiser = new Organiser(index)
  for (let n = 1; n <= length; n++) {
    organiser.headerAdded(index.insert(entry(n, n - 1)))
    if (siblings.includes(n)) organiser.headerAdded(index.insert(entry(10_000 + n, n - 1)))
  }
  return { index, organiser, lost: [] as number[] }
}

const range = (from: number, to: number) => Array.from({ length: to - from + 1 }, (_, at) => hashOf(from + at))

describe('the answer to a header request', () => {
  it('begins two below the match and ends at the tip', () => {
    const answer = headerAnswer(params, chainOf(50), { locator: [hashOf(777), hashOf(40)], stopHash: ZERO_SHARE_HASH })
    expect(answer).toEqual(range(38, 50))
  })

  it('never begins with the genesis', () => {
    const answer = headerAnswer(params, chainOf(5), { locator: [hashOf(0)], stopHash: ZERO_SHARE_HASH })
    expect(answer).toEqual(range(1, 5))
  })

  it('is the genesis alone when nothing is known in common', () => {
    expect(headerAnswer(params, chainOf(5), { locator: [hashOf(99)], stopHash: ZERO_SHARE_HASH })).toEqual([hashOf(0)])
    expect(headerAnswer(params, chainOf(5), { locator: [], stopHash: ZERO_SHARE_HASH })).toEqual([hashOf(0)])
  })

  it('holds every share of a height, by digest, and finishes the height that contains the stop hash', () => {
    const chain = chainOf(20, [5, 6])
    const answer = headerAnswer(params, chain, { locator: [hashOf(7)], stopHash: hashOf(10_006) })
    const both = [hashOf(5), hashOf(10_005)].sort(compareDigests)
    // The last header is the candidate chain's: who asks on names it.
    expect(answer).toEqual([...both, hashOf(10_006), hashOf(6)])
  })

  it('is rounded up to a whole height at 900', () => {
    const question = { locator: [hashOf(0)], stopHash: ZERO_SHARE_HASH }
    expect(headerAnswer(params, chainOf(2000), question)).toEqual(range(1, 900))
    // With one sibling below, height 899 is the last; with two, height 899 would have to be split.
    const exact = headerAnswer(params, chainOf(2000, [898]), question)
    expect([exact.length, exact.at(-1)]).toEqual([900, hashOf(899)])
    const rounded = headerAnswer(params, chainOf(2000, [898, 899]), question)
    expect(rounded.length).toBe(901)
    expect(new Set(rounded.slice(-2))).toEqual(new Set([hashOf(899), hashOf(10_899)]))
  })

  it('leaves out what is invalid, and a match with it', () => {
    const chain = chainOf(20, [6])
    chain.organiser.markInvalid(chain.index.slotOf(hashOf(10_006)), 'coinbase-payout')
    const answer = headerAnswer(params, chain, { locator: [hashOf(10_006), hashOf(7)], stopHash: ZERO_SHARE_HASH })
    expect(answer).toEqual(range(5, 20))
  })
})

it('our locator names the candidate chain, newest first', () => {
  const { index, organiser } = chainOf(20, [15])
  expect(locatorHashes(index, organiser, 0)).toEqual(locatorHeights(20, 0).map(hashOf))
  expect(locatorHashes(index, organiser, 100)).toEqual([hashOf(0)])
})

it('bodies are wanted by rising height on the candidate chain, then on every branch that is not invalid', () => {
  const chain = chainOf(6, [3, 4])
  chain.organiser.markInvalid(chain.index.slotOf(hashOf(10_004)), 'coinbase-payout')
  chain.index.setBody(chain.index.slotOf(hashOf(2)), 100)
  expect(bodiesWanted(params, chain, 100)).toEqual([hashOf(1), ...range(3, 6), hashOf(10_003)])
  expect(bodiesWanted(params, chain, 2)).toEqual([hashOf(1), hashOf(3)])
  // A body that was lost below comes last.
  chain.lost.push(chain.index.slotOf(hashOf(2)))
  expect(bodiesWanted(params, chain, 100).at(-1)).toBe(hashOf(2))
  expect(bodiesWanted(params, chain, 2)).toHaveLength(2)
})
