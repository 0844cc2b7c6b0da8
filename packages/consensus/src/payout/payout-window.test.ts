import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { type ChainParams, chainParams } from '../params.ts'
import { type ConsensusAddress, consensusAddress } from '../share.ts'
import { testAddress } from '../testing/build-share.ts'
import { ShareTree } from '../testing/share-tree.ts'
import vectors from '../vectors/payout.json' with { type: 'json' }
import { type PayoutWeights, payoutOutputs } from './payout.ts'
import { PayoutWindow } from './payout-window.ts'
import { naivePayoutWeights, type WindowSource } from './window-source.ts'

const SIGNET = chainParams('signet')
const REGTEST = chainParams('regtest')
/** Difficulty 32,768 on signet, the target of the reference's own tests. */
const TEST_BITS = 0x3c06ef5c
/** Bitcoin targets that ask for nearly nothing and for more than any window holds. */
const EASY = 0x1e0377ae
const HARD = 0x03000001

function comparable(weights: PayoutWeights | null): unknown {
  if (weights === null) return null
  const rows = [...weights.byAddress].map(([text, { weight }]) => [text, weight] as const)
  return { total: weights.total, rows: rows.sort(([a], [b]) => (a < b ? -1 : 1)) }
}

/** A source over miners that are addresses, for the vectors. */
class AddressTree extends ShareTree {
  readonly addresses: ConsensusAddress[] = []

  number(text: string): number {
    const address = consensusAddress(text, 'test')
    if (address === null) throw new Error('a signet address')
    const known = this.addresses.findIndex(other => other.text === text)
    return known >= 0 ? known : this.addresses.push(address) - 1
  }

  override minerAddress(miner: number): ConsensusAddress {
    return this.addresses[miner] as ConsensusAddress
  }
}

interface VectorShare {
  readonly miner: string
  readonly bits: string
  readonly uncles: readonly { readonly miner: string; readonly bits: string }[]
}

/** A chain of the vector's shares on a first share that no window of theirs reaches. */
function treeOf(shares: readonly VectorShare[]): { tree: AddressTree; anchorSlot: number } {
  const tree = new AddressTree({ miner: 0, bits: TEST_BITS })
  let prev = -1
  for (const share of shares) {
    const uncles = share.uncles.map(uncle =>
      tree.add({ prev: 0, miner: tree.number(uncle.miner), bits: Number(uncle.bits) })
    )
    const entry = { miner: tree.number(share.miner), bits: Number(share.bits), uncles }
    if (prev === -1) tree.shares[0] = { ...entry, prev: -1, height: 0 }
    prev = prev === -1 ? 0 : tree.add({ ...entry, prev })
  }
  return { tree, anchorSlot: prev }
}

describe('payout weights', () => {
  it.each(vectors.walks)('and outputs are those of the reference: $name', vector => {
    const { tree, anchorSlot } = treeOf(vector.shares)
    const threshold = vector.windowDifficulty
    const bitcoinBits = threshold === undefined ? Number(vector.bitcoinBits ?? HARD) : TEST_BITS
    // A bitcoin target of difficulty 32,768 times the multiplier gives the thresholds of the reference's tests.
    const params = { ...SIGNET, difficultyMultiplier: BigInt((threshold ?? 32768) / 32768) }
    const expected = Object.entries(vector.weights).map(([text, weight]) => [text, BigInt(weight)] as const)
    const weights = new PayoutWindow(params, tree).weights(anchorSlot, bitcoinBits)
    expect(comparable(weights)).toEqual({
      total: expected.reduce((sum, [, weight]) => sum + weight, 0n),
      rows: expected.toSorted(([a], [b]) => (a < b ? -1 : 1))
    })
    expect(comparable(naivePayoutWeights(params, tree, { anchorSlot, bitcoinBits }))).toEqual(comparable(weights))
    if (vector.outputs === undefined || weights === null) return
    const outputs = payoutOutputs({ valueSats: BigInt(vector.valueSats), donation: null, fee: null, weights })
    expect(outputs.map(({ address, valueSats }) => [address.text, String(valueSats)])).toEqual(vector.outputs)
  })

  it.each(vectors.anchors)('at the easiest bitcoin target come from the parent alone: $name', vector => {
    const tree = new AddressTree({ miner: 0, bits: 0x1b4188f5 })
    tree.number('tb1q0ht9tyks4vh7p5p904t340cr9nvahy7um9zdem')
    const anchorSlot = tree.add({ prev: 0, miner: tree.number(vector.anchorMiner), bits: Number(vector.anchorBits) })
    const window = new PayoutWindow(SIGNET, tree)
    const weights = window.weights(anchorSlot, Number(vector.bitcoinBits))
    if (weights === null) throw new Error('the window is held')
    expect(window.length).toBe(1)
    const outputs = payoutOutputs({ valueSats: BigInt(vector.valueSats), donation: null, fee: null, weights })
    expect(outputs.map(({ address, valueSats }) => [address.text, String(valueSats)])).toEqual(vector.outputs)
  })
})

describe('the payout window', () => {
  /** Each share weighs 10 on this scale: difficulty 1 at EASY. */
  function chain(length: number): { tree: ShareTree; tip: number } {
    const tree = new ShareTree({ miner: 1, bits: EASY })
    let tip = 0
    for (let i = 1; i < length; i++) tip = tree.add({ prev: tip, miner: 1 + (i % 3), bits: EASY })
    return { tree, tip }
  }

  it('counts the share that crosses the threshold in full', () => {
    const { tree, tip } = chain(10)
    const window = new PayoutWindow({ ...SIGNET, difficultyMultiplier: 3n }, tree)
    expect(window.weights(tip, EASY)?.total).toBe(30n)
    expect(window.length).toBe(3)
    const uneven = tree.add({ prev: tip, miner: 1, bits: 0x1e01bbd7 })
    expect(window.weights(uneven, EASY)?.total).toBe(30n)
    expect(window.weights(tree.add({ prev: uneven, miner: 2, bits: 0x1e01bbd7 }), EASY)?.total).toBe(40n)
    expect(window.length).toBe(2)
  })

  it('counts one share at least and includes the genesis', () => {
    const { tree, tip } = chain(4)
    const window = new PayoutWindow(SIGNET, tree)
    expect(window.weights(0, HARD)?.total).toBe(10n)
    expect(window.weights(tip, HARD)?.total).toBe(40n)
    expect(window.length).toBe(4)
    // A bitcoin target above the easiest has difficulty zero.
    expect(window.weights(tip, 0x1f0377ae)?.total).toBe(10n)
  })

  it('ends at its cap, counted from the anchor', () => {
    const params = { ...SIGNET, windowMaxShares: 5 }
    const { tree, tip } = chain(12)
    const window = new PayoutWindow(params, tree)
    for (const anchor of [tip, tip - 1, 3, 4, tip, 2]) {
      expect(window.weights(anchor, HARD)?.total, `anchor ${anchor}`).toBe(10n * BigInt(Math.min(5, anchor + 1)))
      window.checkInvariants()
    }
  })

  it('has no answer where a share or an uncle of it is gone, and recovers', () => {
    const { tree, tip } = chain(10)
    const uncle = tree.add({ prev: 1, miner: 9, bits: EASY })
    const nephew = tree.add({ prev: tip, miner: 1, bits: EASY, uncles: [uncle] })
    const params = { ...SIGNET, difficultyMultiplier: 5n }
    const window = new PayoutWindow(params, tree)
    tree.heldFrom = 7
    expect(window.weights(tip, EASY)).toBeNull()
    window.checkInvariants()
    expect(new PayoutWindow({ ...SIGNET, difficultyMultiplier: 2n }, tree).weights(tip, EASY)?.total).toBe(20n)
    tree.heldFrom = 0
    expect(window.weights(tip, EASY)?.total).toBe(50n)
    tree.heldFrom = uncle + 1
    expect(window.weights(nephew, EASY)).toBeNull()
    window.checkInvariants()
    tree.heldFrom = 0
    expect(window.weights(nephew, EASY)?.total).toBe(50n)
  })

  it('forgets a slot that is given to another share', () => {
    const { tree, tip } = chain(6)
    const window = new PayoutWindow(SIGNET, tree)
    expect(window.weights(tip, HARD)?.total).toBe(60n)
    window.forget(2)
    const share = tree.at(2)
    tree.shares[2] = { ...share, miner: 50 }
    expect(window.weights(tip, HARD)?.byAddress.has(testAddress(50).text)).toBe(true)
    window.forget(99)
    expect(window.length).toBe(6)
  })

  it('merges miners whose addresses have one text', () => {
    const { tree, tip } = chain(4)
    tree.minerAddress = () => testAddress(7)
    const weights = new PayoutWindow(SIGNET, tree).weights(tip, HARD)
    expect([...(weights?.byAddress.values() ?? [])].map(({ weight }) => weight)).toEqual([40n])
  })

  it('answers a repeated question without work', () => {
    const { tree, tip } = chain(4)
    const window = new PayoutWindow(SIGNET, tree)
    expect(window.weights(tip, HARD)).toBe(window.weights(tip, HARD))
  })

  interface Step {
    readonly parent: number
    readonly miner: number
    readonly bits: number
    readonly uncles: readonly number[]
    readonly anchor: number
    readonly bitcoinBits: number
  }

  // Real share targets, hard ones whose weights need all three limbs, and easy ones of no weight.
  const shareBits = fc.constantFrom(0x1b384bd7, 0x1b4188f5, 0x1b2e11dd, 0x1a4188f5, 0x04019b57, 0x01010000, 0x207fffff)
  const bitcoinBits = fc.constantFrom(
    0x1b384bd7,
    0x1a384bd7,
    0x1a0a0000,
    0x1b00ddeb,
    0x04019b57,
    0x01010000,
    0x207fffff
  )
  const step: fc.Arbitrary<Step> = fc.record({
    // Mostly on recent shares, so that trees grow long with forks.
    parent: fc.oneof({ weight: 5, arbitrary: fc.constant(0) }, { weight: 2, arbitrary: fc.nat({ max: 8 }) }),
    miner: fc.nat({ max: 5 }),
    bits: fc.oneof({ weight: 4, arbitrary: fc.constant(0x1b384bd7) }, shareBits),
    uncles: fc.oneof({ weight: 3, arbitrary: fc.constant([]) }, fc.array(fc.nat({ max: 9 }), { maxLength: 3 })),
    anchor: fc.oneof({ weight: 4, arbitrary: fc.constant(0) }, { weight: 1, arbitrary: fc.nat({ max: 40 }) }),
    bitcoinBits: fc.oneof({ weight: 4, arbitrary: fc.constant(0x1a384bd7) }, bitcoinBits)
  })

  function replay(params: ChainParams, steps: readonly Step[]): void {
    const tree = new ShareTree({ miner: 0, bits: 0x1b4188f5 })
    const window = new PayoutWindow(params, tree)
    for (const { parent, miner, bits, uncles, anchor, bitcoinBits } of steps) {
      const newest = tree.shares.length - 1
      const back = (distance: number): number => Math.max(0, newest - distance)
      const slot = tree.add({ prev: back(parent), miner, bits, uncles: [...new Set(uncles.map(back))] })
      const anchorSlot = Math.max(0, slot - anchor)
      const expected = naivePayoutWeights(params, tree, { anchorSlot, bitcoinBits })
      expect(comparable(window.weights(anchorSlot, bitcoinBits))).toEqual(comparable(expected))
      window.checkInvariants()
    }
  }

  it.each([
    ['signet', { ...SIGNET, windowMaxShares: 12 }],
    ['regtest', { ...REGTEST, windowMaxShares: 12 }],
    ['an uncapped devnet', { ...REGTEST, difficultyMultiplier: 10n }],
    ['a window of one share', { ...SIGNET, windowMaxShares: 1 }]
  ])('equals the naive walk on random trees with uncles, forks and retargets: %s', (_name, params) => {
    fc.assert(
      fc.property(fc.array(step, { minLength: 1, maxLength: 60 }), steps => replay(params, steps)),
      { numRuns: 60 }
    )
  })

  it('equals the naive walk at full length, on a fork and back, reading each share once', () => {
    const cap = 2_500
    const params = { ...REGTEST, windowMaxShares: cap }
    const tree = new ShareTree({ miner: 0, bits: 0x1b4188f5 })
    let tip = 0
    for (let i = 0; i < 3_000; i++) tip = tree.add({ prev: tip, miner: i % 97, bits: 0x1b384bd7 - (i % 1_000) })
    let fork = tip - 100
    for (let i = 0; i < 90; i++) fork = tree.add({ prev: fork, miner: 200, bits: 0x1b384bd7 })
    let reads = 0
    const counting: WindowSource = {
      prevSlot: slot => tree.prevSlot(slot),
      isGenesis: slot => tree.isGenesis(slot),
      bits: slot => tree.bits(slot),
      miner: slot => {
        reads++
        return tree.miner(slot)
      },
      uncleSlots: slot => tree.uncleSlots(slot),
      minerAddress: miner => tree.minerAddress(miner)
    }
    const window = new PayoutWindow(params, counting)
    const ask = (anchorSlot: number): void => {
      const expected = naivePayoutWeights(params, tree, { anchorSlot, bitcoinBits: 0x01010000 })
      expect(comparable(window.weights(anchorSlot, 0x01010000))).toEqual(comparable(expected))
      window.checkInvariants()
      expect(window.length).toBe(cap)
    }
    ask(tip)
    expect(reads).toBe(cap)
    ask(fork)
    // 90 shares of the fork, and 10 that came back in at the old end.
    expect(reads).toBe(cap + 100)
    ask(tip)
    expect(reads).toBe(cap + 200)
  })
})
