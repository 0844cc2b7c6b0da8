import { type ChainParams, chainParams, naivePayoutWeights } from '@p2poolv2/consensus'
import { bigIntFromTarget, bitsFromBigInt, targetFromDifficulty } from '@p2poolv2/primitives'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { minerText, WindowTree } from '../testing/window-tree.ts'
import { MAX_LISTED_SHARES, STRIP_SLOTS, type WindowView, windowView } from './window-view.ts'

const MAIN = chainParams('main')
const bitsOf = (difficulty: number): number => bitsFromBigInt(bigIntFromTarget(targetFromDifficulty(difficulty)))
/** Powers of two are exact in compact form: integer difficulties 16, 32 and 64. */
const [EASY, EVEN, HARD] = [bitsOf(16), bitsOf(32), bitsOf(64)]
const OURS = new Set([minerText(0)])

function viewOf(tree: WindowTree, bitcoinBits: number, params: ChainParams = MAIN): WindowView {
  const anchorSlot = tree.shares.length - 1
  const view = windowView(params, tree, { anchorSlot, bitcoinBits, shareBits: EVEN, ours: OURS })
  if (view === null) throw new Error('everything is held')
  return view
}

/** The genesis is miner 1's; then one share each. */
function chainOf(miners: readonly number[], bits: number = EVEN): WindowTree {
  const tree = new WindowTree({ miner: 1, bits })
  for (const miner of miners) tree.add({ prev: tree.shares.length - 1, miner, bits })
  return tree
}

describe('the payout window as one miner sees it', () => {
  it('names our shares, newest first, and says when each leaves', () => {
    // A window of four shares: bitcoin's difficulty is 128, a share's 32.
    const view = viewOf(chainOf([0, 1, 0, 1, 0]), bitsOf(128))
    expect(view).toMatchObject({ shares: 4, totalWeight: 1280n, fullWeight: 1280n, ownWeight: 640n, ownShares: 2 })
    expect(view.listed.map(({ sharesAbove, sharesUntilGone }) => [sharesAbove, sharesUntilGone])).toEqual([
      [0, 4],
      [2, 2]
    ])
    expect(view.newest?.timeSec).toBe(1_800_000_050)
    expect(view.oldest?.timeSec).toBe(1_800_000_030)
    expect(view.listed.every(({ weight }) => weight === 320n)).toBe(true)
  })

  it('counts nine for an uncle and one for its nephew', () => {
    const tree = chainOf([1])
    const uncle = tree.add({ prev: 0, miner: 0, bits: HARD })
    tree.add({ prev: 1, miner: 0, bits: EVEN, uncles: [uncle] })
    const view = viewOf(tree, bitsOf(1024))
    expect(view.listed.map(({ kind, weight }) => [kind, weight])).toEqual([
      ['share', 10n * 32n + 64n],
      ['uncle', 9n * 64n]
    ])
    expect(view).toMatchObject({ ownShares: 1, ownUncles: 1, uncles: 1, shares: 3 })
  })

  it('of a chain that is too young has no end by weight but by count', () => {
    const params = { ...MAIN, windowMaxShares: 10 }
    const view = viewOf(chainOf([1, 0, 1]), bitsOf(2 ** 20), params)
    expect(view.shares).toBe(4)
    expect(view.newest).toMatchObject({ sharesAbove: 1, sharesUntilGone: 9 })
  })

  it('without a share of ours is empty for us', () => {
    const view = viewOf(chainOf([1, 1]), bitsOf(64))
    expect(view).toMatchObject({ ownWeight: 0n, listed: [], oldest: null, newest: null })
    expect(view.strip).toEqual(new Array(STRIP_SLOTS).fill(0))
  })

  it('is not shortened when a share it needs is no longer held', () => {
    const tree = chainOf([0, 0, 0])
    tree.heldFrom = 2
    const input = { anchorSlot: 3, bitcoinBits: bitsOf(2 ** 20), shareBits: EVEN, ours: OURS }
    expect(windowView(MAIN, tree, input)).toBeNull()
    tree.heldFrom = 0
    tree.add({ prev: 3, miner: 1, bits: EVEN, uncles: [1] })
    tree.heldFrom = 2
    expect(windowView(MAIN, tree, { ...input, anchorSlot: 4, bitcoinBits: EVEN })).toBeNull()
  })

  it('lists a bounded number, and counts and shows all', () => {
    const view = viewOf(chainOf(new Array<number>(1000).fill(0)), bitsOf(2 ** 20))
    expect(view.listed.length).toBe(MAX_LISTED_SHARES)
    expect(view.ownShares).toBe(1000)
    expect(view.strip.reduce((sum, count) => sum + count, 0)).toBe(1000)
    expect(view.oldest?.sharesAbove).toBe(999)
  })

  const anyChain = fc
    .array(
      fc.record({
        miner: fc.nat(3),
        bits: fc.constantFrom(EASY, EVEN, HARD),
        uncle: fc.option(fc.record({ miner: fc.nat(3), bits: fc.constantFrom(EASY, EVEN, HARD) }), { nil: null })
      }),
      { minLength: 1, maxLength: 60 }
    )
    .map(shares => {
      const tree = new WindowTree({ miner: 1, bits: EVEN })
      let tip = 0
      for (const { miner, bits, uncle } of shares) {
        const uncles = uncle === null ? [] : [tree.add({ prev: tip, ...uncle })]
        tip = tree.add({ prev: tip, miner, bits, uncles })
      }
      return tree
    })

  it('weighs what the payout rule weighs', () => {
    fc.assert(
      fc.property(anyChain, fc.integer({ min: 1, max: 4000 }), fc.integer({ min: 1, max: 60 }), (tree, weight, cap) => {
        const params = { ...MAIN, windowMaxShares: cap }
        const view = viewOf(tree, bitsOf(weight), params)
        const anchor = { anchorSlot: tree.shares.length - 1, bitcoinBits: bitsOf(weight) }
        const weights = naivePayoutWeights(params, tree, anchor)
        expect(view.totalWeight).toBe(weights?.total)
        expect(view.ownWeight).toBe(weights?.byAddress.get(minerText(0))?.weight ?? 0n)
        expect(view.strip.reduce((sum, count) => sum + count, 0)).toBe(view.ownShares + view.ownUncles)
      })
    )
  })

  it('keeps each share for just as many more as it says', () => {
    fc.assert(
      fc.property(
        anyChain,
        fc.integer({ min: 32, max: 2000 }),
        fc.integer({ min: 1, max: 60 }),
        (tree, weight, cap) => {
          const params = { ...MAIN, windowMaxShares: cap }
          const [share] = viewOf(tree, bitsOf(weight), params).listed.slice(-1)
          if (share === undefined) return
          const isThere = (): boolean =>
            viewOf(tree, bitsOf(weight), params).listed.some(({ shareHash }) => shareHash === share.shareHash)
          let tip = tree.shares.length - 1
          for (let more = 1; more <= share.sharesUntilGone; more++) {
            expect(isThere()).toBe(true)
            tip = tree.add({ prev: tip, miner: 2, bits: EVEN })
          }
          expect(isThere()).toBe(false)
        }
      )
    )
  })
})
