import { describe, expect, it } from 'vitest'
import { chainParams } from '../params.ts'
import { testAddress } from '../testing/build-share.ts'
import { ShareTree } from '../testing/share-tree.ts'
import { payoutOutputs } from './payout.ts'
import { PayoutWindow } from './payout-window.ts'
import { LIMBS, WideSums, writeLimbs } from './wide-sums.ts'
import { naivePayoutWeights } from './window-source.ts'

const SIGNET = chainParams('signet')
/** A share of it weighs 10, and so does a window. */
const EASY = 0x1e0377ae
const HARD = 0x03000001

/** Slots 0 to `length - 1`, each on the one before. */
function chain(length: number, minerOf = (slot: number): number => slot): ShareTree {
  const tree = new ShareTree({ miner: minerOf(0), bits: EASY })
  for (let slot = 1; slot < length; slot++) tree.add({ prev: slot - 1, miner: minerOf(slot), bits: EASY })
  return tree
}

describe('a window that is full to the very weight', () => {
  it('needs nothing of the share before its oldest', () => {
    const params = { ...SIGNET, difficultyMultiplier: 3n }
    const tree = chain(8)
    tree.heldFrom = 5
    const window = new PayoutWindow(params, tree)
    expect(window.weights(7, EASY)?.total).toBe(30n)
    expect(window.length).toBe(3)
    expect(naivePayoutWeights(params, tree, { anchorSlot: 7, bitcoinBits: EASY })?.total).toBe(30n)
  })

  it('is not known by either way of walking it when it goes on beyond what is held', () => {
    const tree = chain(8)
    tree.heldFrom = 5
    expect(new PayoutWindow(SIGNET, tree).weights(7, HARD)).toBeNull()
    expect(naivePayoutWeights(SIGNET, tree, { anchorSlot: 7, bitcoinBits: HARD })).toBeNull()
  })

  it('lets go of a share that it does not need, and of no other', () => {
    const params = { ...SIGNET, difficultyMultiplier: 3n }
    const tree = chain(8)
    const window = new PayoutWindow(params, tree)
    expect(window.weights(7, HARD)?.total).toBe(80n)
    expect(window.weights(7, EASY)?.total).toBe(30n)
    expect(window.weights(6, EASY)?.byAddress.size).toBe(3)
  })
})

it('two numbers of one address are paid as one', () => {
  class Twins extends ShareTree {
    override minerAddress(miner: number) {
      return { ...testAddress(miner === 2 ? 1 : miner) }
    }
  }
  const tree = new Twins({ miner: 0, bits: EASY })
  for (const [prev, miner] of [1, 2, 3, 2].entries()) tree.add({ prev, miner, bits: EASY })
  const weights = new PayoutWindow(SIGNET, tree).weights(4, HARD)
  if (weights === null) throw new Error('the window is held')
  expect(weights.byAddress.get(testAddress(1).text)?.weight).toBe(30n)
  const outputs = payoutOutputs({ valueSats: 50n, donation: null, fee: null, weights })
  expect(outputs.map(({ valueSats }) => valueSats).toSorted()).toEqual([10n, 10n, 30n])
})

it('who keeps the weights of a window does not keep outputs that were asked for before it moved on', () => {
  const window = new PayoutWindow(SIGNET, chain(4))
  const weights = window.weights(2, HARD)
  if (weights === null) throw new Error('the window is held')
  const request = { valueSats: 50n, donation: null, fee: null, weights }
  const outputs = payoutOutputs(request)
  expect(payoutOutputs(request)).toBe(outputs)
  window.weights(3, HARD)
  expect(payoutOutputs(request)).not.toBe(outputs)
  expect(payoutOutputs(request)).toEqual(outputs)
})

it('a window has no answer where an uncle is gone of its newest share, of one between, or of the oldest', () => {
  const params = { ...SIGNET, difficultyMultiplier: 3n }
  const tree = chain(2)
  const uncle = tree.add({ prev: 0, miner: 9, bits: EASY })
  let tip = 1
  for (let i = 0; i < 4; i++) tip = tree.add({ prev: tip, miner: i, bits: EASY })
  const before = tip
  const nephew = tree.add({ prev: before, miner: 5, bits: EASY, uncles: [uncle] })
  const child = tree.add({ prev: nephew, miner: 6, bits: EASY })
  const grandchild = tree.add({ prev: child, miner: 7, bits: EASY })
  // All of the chain that a window of three needs is held.
  tree.heldFrom = uncle + 1
  for (const anchor of [nephew, child, grandchild]) {
    const fresh = new PayoutWindow(params, tree)
    expect(fresh.weights(anchor, EASY), `${anchor} by itself`).toBeNull()
    const moved = new PayoutWindow(params, tree)
    expect(moved.weights(before, EASY)?.total).toBe(30n)
    expect(moved.weights(anchor, EASY), `${anchor} after what was before it`).toBeNull()
    moved.checkInvariants()
    expect(moved.weights(before, EASY)?.total).toBe(30n)
    expect(naivePayoutWeights(params, tree, { anchorSlot: anchor, bitcoinBits: EASY })).toBeNull()
  }
})

it('a window says its miners by address text, whoever has come and gone', () => {
  const tree = chain(30, slot => (slot * 7) % 11)
  const window = new PayoutWindow({ ...SIGNET, windowMaxShares: 6 }, tree)
  for (const anchor of [3, 9, 4, 29, 12, 13, 11, 20]) {
    const texts = [...(window.weights(anchor, HARD)?.byAddress.keys() ?? [])]
    expect(texts, `anchor ${anchor}`).toEqual(texts.toSorted((a, b) => (a < b ? -1 : 1)))
    expect(texts).toHaveLength(Math.min(6, anchor + 1))
    window.checkInvariants()
  }
})

it('a window has room for more miners than it began with, each of them once', () => {
  const tree = chain(200, slot => slot % 70)
  const window = new PayoutWindow(SIGNET, tree)
  for (let anchor = 0; anchor < 200; anchor++) {
    expect(window.weights(anchor, HARD)?.byAddress.size).toBe(Math.min(70, anchor + 1))
    window.checkInvariants()
  }
})

it('a window that only gets shorter is in order as well', () => {
  const tree = chain(40, slot => (slot * 7) % 40)
  const window = new PayoutWindow({ ...SIGNET, difficultyMultiplier: 23n }, tree)
  expect(window.weights(39, HARD)?.byAddress.size).toBe(40)
  const texts = [...(window.weights(39, EASY)?.byAddress.keys() ?? [])]
  expect(texts).toHaveLength(23)
  expect(texts).toEqual(texts.toSorted((a, b) => (a < b ? -1 : 1)))
})

it('a window merges one text of several miners wherever they stand among the others', () => {
  const tree = chain(9, slot => 9 - slot)
  tree.minerAddress = miner => testAddress(miner % 3)
  const weights = new PayoutWindow(SIGNET, tree).weights(8, HARD)
  expect([...(weights?.byAddress.values() ?? [])].map(({ weight }) => weight)).toEqual([30n, 30n, 30n])
})

it('outputs stand by address text in whatever order the weights come', () => {
  const entries = [5, 2, 9, 1].map(number => {
    const address = testAddress(number)
    return [address.text, { address, weight: BigInt(number) }] as const
  })
  const outputs = (order: typeof entries) =>
    payoutOutputs({
      valueSats: 1_000n,
      donation: null,
      fee: null,
      weights: { total: 17n, byAddress: new Map(order) }
    }).map(({ address, valueSats }) => [address.text, valueSats])
  const sorted = entries.toSorted(([a], [b]) => (a < b ? -1 : 1))
  expect(outputs(entries)).toEqual(outputs(sorted))
  expect(outputs(entries).map(([text]) => text)).toEqual(sorted.map(([text]) => text))
  expect(outputs(entries.toReversed())).toEqual(outputs(sorted))
})

it.each([
  [2n ** 51n - 1n, 1n],
  [2n ** 102n - 2n ** 51n, 2n ** 51n],
  [2n ** 102n - 1n, 1n]
])('a sum of %s and %s is equal to what it comes to', (a, b) => {
  const sums = new WideSums()
  const limbs = new Float64Array(LIMBS)
  for (const value of [a, b]) {
    writeLimbs(value, limbs, 0)
    sums.add(0, limbs, 0)
  }
  sums.set(1, a + b)
  expect(sums.compare(0, 1)).toBe(0)
  writeLimbs(b, limbs, 0)
  sums.subtract(0, limbs, 0)
  sums.set(1, a)
  expect(sums.compare(0, 1)).toBe(0)
})
