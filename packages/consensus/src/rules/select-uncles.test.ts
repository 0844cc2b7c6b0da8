import fc from 'fast-check'
import { beforeEach, describe, expect, it } from 'vitest'
import { requiredBits } from '../asert.ts'
import { TEST_PARAMS } from '../testing/build-share.ts'
import { ShareTree } from '../testing/share-tree.ts'
import { checkUncles } from './check-placement.ts'
import { selectUncles } from './select-uncles.ts'

const BITS = 0x2000ffff

/** The chain of heights 0 to 6 in slots 0 to 6. */
let tree: ShareTree

beforeEach(() => {
  tree = new ShareTree({ miner: 0, bits: BITS })
  for (let prev = 0; prev < 6; prev++) tree.add({ prev, miner: 1, bits: BITS })
})

function sibling(prev: number, chainWork?: bigint): number {
  const slot = tree.add({ prev, miner: 2, bits: BITS })
  if (chainWork !== undefined) tree.overrides.set(slot, { chainWork })
  return slot
}

function selected(base = 6): number[] {
  const hashes = selectUncles(TEST_PARAMS, tree, tree.hash(base))
  return hashes.map(hash => tree.shares.findIndex((_, slot) => tree.hash(slot) === hash))
}

describe('the choice of uncles', () => {
  it('takes siblings of the last three ancestors: one uncle a height gives those of the last three', () => {
    // Uncle k is a child of share k-1, as in the reference's own test with the base at height 6.
    const uncles = [1, 2, 3, 4, 5].map(height => sibling(height - 1))
    expect(selected()).toEqual([uncles[4], uncles[3]])
    const beside = sibling(5)
    expect(selected()).toEqual([beside, uncles[4], uncles[3]])
  })

  it('takes the three heaviest by chain work, then the smaller digest', () => {
    const candidates = [sibling(5, 70n), sibling(5, 90n), sibling(4, 80n), sibling(4, 60n)]
    expect(selected()).toEqual([candidates[1], candidates[2], candidates[0]])
  })

  it('breaks ties by the digest’s bytes, not by its display form', () => {
    let tip = 6
    while (tree.shares.length < 254) tip = tree.add({ prev: tip, miner: 1, bits: BITS })
    const [low, high] = [sibling(tip - 1, 1n), sibling(tip - 1, 1n)] as const
    // Display forms end in 00ff and 0100; the digests begin with ff 00 and 00 01.
    expect([tree.hash(low).slice(-4), tree.hash(high).slice(-4)]).toEqual(['00ff', '0100'])
    expect(selected(tip)).toEqual([high, low])
  })

  it('passes over the confirmed, the already named, the invalid and those without a body', () => {
    const [confirmed, named, invalid, bodiless, good] = [5, 5, 5, 4, 4].map(prev => sibling(prev)) as [
      number,
      number,
      number,
      number,
      number
    ]
    tree.confirmed.add(confirmed)
    tree.referenced.add(named)
    tree.overrides.set(invalid, { validity: 'invalid' })
    tree.overrides.set(bodiless, { hasBody: false })
    tree.overrides.set(good, { validity: 'headerValid' })
    expect(selected()).toEqual([good])
  })

  it('has the siblings of the first share there is', () => {
    expect(selected(1)).toEqual([])
    const beside = sibling(0)
    expect([1, 2, 3, 4].map(base => selected(base))).toEqual([[beside], [beside], [beside], []])
  })

  it('is empty on the genesis and on a chain without forks', () => {
    expect(selected(0)).toEqual([])
    expect(selected()).toEqual([])
  })

  it('does not leave the data at hand', () => {
    sibling(5)
    tree.heldFrom = 6
    expect(selected()).toHaveLength(1)
  })

  it('always meets the uncle rules and never names the base’s own line', () => {
    const links = fc.array(fc.nat({ max: 6 }), { minLength: 1, maxLength: 40 })
    fc.assert(
      fc.property(links, distances => {
        const grown = new ShareTree({ miner: 0, bits: BITS })
        for (const distance of distances) {
          grown.add({ prev: Math.max(0, grown.shares.length - 1 - distance), miner: 1, bits: BITS })
        }
        for (let base = 0; base < grown.shares.length; base++) {
          const uncles = selectUncles(TEST_PARAMS, grown, grown.hash(base))
          const { height } = grown.at(base)
          const bits = requiredBits(TEST_PARAMS, 1_700_000_000 + height, height)
          const checked = checkUncles(TEST_PARAMS, { prevShareHash: grown.hash(base), uncles, bits }, grown)
          expect(checked.ok ? 'passed' : checked.code).toBe('passed')
        }
      }),
      { numRuns: 50 }
    )
  })
})
