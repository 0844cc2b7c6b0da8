import { shareHash } from '@p2poolv2/primitives'
import { beforeEach, describe, expect, it } from 'vitest'
import { requiredBits } from '../asert.ts'
import { RULES, type RuleCode } from '../rule-code.ts'
import type { Checked, ShareFacts } from '../share.ts'
import { TEST_PARAMS } from '../testing/build-share.ts'
import { ShareTree } from '../testing/share-tree.ts'
import {
  checkParentAndBits,
  checkPlacement,
  checkUncleBodies,
  medianTimePast,
  medianTimePastOrNull
} from './check-placement.ts'

const EASY = 0x2000ffff
const UNKNOWN = shareHash('ff'.repeat(32))

/** A chain of heights 0 to 9 in slots 0 to 9, and beside it one sibling of each: slot 10 + h is a child of slot h. */
let tree: ShareTree

beforeEach(() => {
  tree = new ShareTree({ miner: 0, bits: EASY })
  for (let prev = 0; prev < 9; prev++) tree.add({ prev, miner: 1, bits: EASY })
  for (let prev = 0; prev < 10; prev++) tree.add({ prev, miner: 2, bits: EASY })
})

function codeOf(checked: Checked): string {
  return checked.ok ? 'passed' : checked.code
}

/** A header on slot 9 (height 9), so at height 10, with the bits its parent demands. */
function onTip(uncles: readonly number[], change: Partial<ShareFacts> = {}): Parameters<typeof checkPlacement>[1] {
  const parent = { ...(tree.facts(tree.hash(9)) as ShareFacts), ...change }
  return {
    prevShareHash: tree.hash(9),
    uncles: uncles.map(slot => tree.hash(slot)),
    bits: requiredBits(TEST_PARAMS, parent.timeSec, parent.height)
  }
}

describe('the place of a share', () => {
  it('is right with a known parent, its bits and no uncles', () => {
    expect(codeOf(checkPlacement(TEST_PARAMS, onTip([]), tree))).toBe('passed')
  })

  it('is open while the parent is unknown and refused when it is invalid', () => {
    const header = onTip([])
    expect(codeOf(checkPlacement(TEST_PARAMS, { ...header, prevShareHash: UNKNOWN }, tree))).toBe(
      'share-parent-unknown'
    )
    tree.overrides.set(9, { validity: 'invalid' })
    expect(codeOf(checkPlacement(TEST_PARAMS, header, tree))).toBe('share-parent-invalid')
  })

  it('is refused for bits that differ from the parent’s demand by one', () => {
    const header = onTip([])
    for (const bits of [header.bits - 1, header.bits + 1]) {
      expect(codeOf(checkParentAndBits(TEST_PARAMS, { ...header, bits }, tree)), String(bits)).toBe('share-bits')
    }
  })

  it('takes uncles one to three heights below, from any branch, used before or invalid', () => {
    // Children of slots 6, 7 and 8 stand at heights 7, 8 and 9.
    tree.referenced.add(18)
    tree.overrides.set(17, { validity: 'invalid' })
    expect(codeOf(checkPlacement(TEST_PARAMS, onTip([18, 17, 16]), tree))).toBe('passed')
    const cousin = tree.add({ prev: 17, miner: 3, bits: EASY })
    expect(codeOf(checkPlacement(TEST_PARAMS, onTip([cousin]), tree))).toBe('passed')
  })

  it.each<[RuleCode, string, number[]]>([
    ['share-uncle-count', 'four uncles', [15, 16, 17, 18]],
    ['uncle-repeated', 'one uncle twice', [18, 18]],
    ['uncle-height', 'an uncle at its own height', [19]],
    ['uncle-depth', 'an uncle four heights below', [15]],
    ['uncle-is-ancestor', 'its parent', [9]],
    ['uncle-is-ancestor', 'its grandparent', [18, 8]],
    ['uncle-is-ancestor', 'its great-grandparent', [7]],
    ['uncle-depth', 'an older ancestor', [6]]
  ])('is refused with %s: %s', (code, _name, uncles) => {
    expect(codeOf(checkPlacement(TEST_PARAMS, onTip(uncles), tree))).toBe(code)
    expect(RULES[code].verdict).not.toBe('recoverable')
  })

  it('is refused with the genesis for an uncle: it is an ancestor of all, as far down as an uncle may be', () => {
    const parent = tree.facts(tree.hash(2)) as ShareFacts
    const bits = requiredBits(TEST_PARAMS, parent.timeSec, parent.height)
    const header = { prevShareHash: tree.hash(2), uncles: [tree.hash(0)], bits }
    expect(codeOf(checkPlacement(TEST_PARAMS, header, tree))).toBe('uncle-is-ancestor')
  })

  it('is open while an uncle is unknown, whatever the others break', () => {
    const header = { ...onTip([15]), uncles: [tree.hash(15), UNKNOWN] }
    expect(codeOf(checkPlacement(TEST_PARAMS, header, tree))).toBe('uncle-unknown')
    expect(RULES['uncle-unknown'].verdict).toBe('recoverable')
  })

  it('is open while an uncle’s body is missing', () => {
    expect(codeOf(checkUncleBodies(onTip([18, 17]), tree))).toBe('passed')
    tree.overrides.set(17, { hasBody: false })
    expect(codeOf(checkUncleBodies(onTip([18, 17]), tree))).toBe('uncle-body-missing')
    expect(codeOf(checkUncleBodies({ uncles: [UNKNOWN] }, tree))).toBe('uncle-unknown')
  })
})

describe('the median time past', () => {
  function timeAt(slot: number, timeSec: number): void {
    tree.overrides.set(slot, { timeSec })
  }

  it('is the element at floor(n/2) of the sorted times of up to eleven ancestors', () => {
    ;[50, 10, 40, 20, 30].forEach((timeSec, slot) => {
      timeAt(slot, timeSec)
    })
    expect(medianTimePast(TEST_PARAMS, tree, tree.hash(0))).toBe(50)
    expect(medianTimePast(TEST_PARAMS, tree, tree.hash(1))).toBe(50)
    expect(medianTimePast(TEST_PARAMS, tree, tree.hash(2))).toBe(40)
    expect(medianTimePast(TEST_PARAMS, tree, tree.hash(3))).toBe(40)
    expect(medianTimePast(TEST_PARAMS, tree, tree.hash(4))).toBe(30)
  })

  // As the reference tests it (protocol §12.7), with t = 1,000.
  it.each([
    [1000, 'eleven ancestors around t', [995, 996, 997, 998, 999, 1000, 1001, 1002, 1003, 1004, 1005]],
    [994, 'eleven ancestors before t', [989, 990, 991, 992, 993, 994, 995, 996, 997, 998, 999]],
    [998, 'three ancestors before t', [997, 998, 999]]
  ])('is %i for %s', (median, _name, times) => {
    const chain = new ShareTree({ miner: 0, bits: EASY })
    for (let prev = 0; prev < times.length - 1; prev++) chain.add({ prev, miner: 1, bits: EASY })
    times.forEach((timeSec, slot) => {
      chain.overrides.set(slot, { timeSec })
    })
    expect(medianTimePast(TEST_PARAMS, chain, chain.hash(times.length - 1))).toBe(median)
  })

  it('looks at eleven ancestors and no further', () => {
    let tip = 9
    for (let i = 0; i < 5; i++) tip = tree.add({ prev: tip, miner: 1, bits: EASY })
    const before = medianTimePast(TEST_PARAMS, tree, tree.hash(tip))
    // Heights 14 down to 4 count: the median is height 9's time.
    expect(before).toBe(1_700_000_009)
    for (let slot = 0; slot < 4; slot++) timeAt(slot, 4_000_000_000)
    expect(medianTimePast(TEST_PARAMS, tree, tree.hash(tip))).toBe(before)
    timeAt(4, 4_000_000_000)
    expect(medianTimePast(TEST_PARAMS, tree, tree.hash(tip))).toBe(before + 1)
  })

  it('has no answer when an ancestor it needs is gone', () => {
    tree.heldFrom = 5
    expect(medianTimePastOrNull(TEST_PARAMS, tree, tree.hash(9))).toBeNull()
    expect(() => medianTimePast(TEST_PARAMS, tree, tree.hash(9))).toThrow()
    expect(medianTimePastOrNull(TEST_PARAMS, tree, UNKNOWN)).toBeNull()
  })
})
