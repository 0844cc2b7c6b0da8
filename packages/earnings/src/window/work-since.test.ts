import { bigIntFromTarget, bitsFromBigInt, targetFromDifficulty } from '@p2poolv2/primitives'
import { expect, it } from 'vitest'
import { measuredHashrate } from '../chance/measured-rate.ts'
import { WindowTree } from '../testing/window-tree.ts'
import { workSince } from './work-since.ts'

const BITS = bitsFromBigInt(bigIntFromTarget(targetFromDifficulty(2 ** 20)))
/** 2^20 of difficulty 1, which takes 2^48 / 65,535 hashes. */
const WORK = 2 ** 20 * (2 ** 48 / 65_535)
const GENESIS_SEC = 1_800_000_000

/** A share every ten seconds, the first ten seconds after the genesis. */
function chainOf(shares: number): WindowTree {
  const tree = new WindowTree({ miner: 0, bits: BITS })
  for (let i = 1; i <= shares; i++) tree.add({ prev: i - 1, miner: 1, bits: BITS })
  return tree
}

it('an hour of shares every ten seconds is the pool’s hash rate', () => {
  const anchorSlot = 1000
  const nowSec = GENESIS_SEC + 10_000
  const { finds, fromSec } = workSince(chainOf(1000), { anchorSlot, sinceSec: nowSec - 3600, limit: 10_000 })
  expect(finds.count).toBe(360)
  expect(fromSec).toBe(nowSec - 3600)
  const rate = measuredHashrate([finds], nowSec - fromSec)
  expect(rate.hps / (WORK / 10)).toBeCloseTo(1, 6)
})

it('uncles count as work, and those no longer held do not', () => {
  const tree = chainOf(10)
  const uncle = tree.add({ prev: 9, miner: 1, bits: BITS })
  const anchorSlot = tree.add({ prev: 10, miner: 1, bits: BITS, uncles: [uncle, 2] })
  const sinceSec = GENESIS_SEC + 95
  // Slot 10, the uncle, slot 2 and the nephew; their slots are their times.
  const { finds } = workSince(tree, { anchorSlot, sinceSec, limit: 100 })
  expect(finds.count).toBe(4)
  expect(finds.workHashes / WORK).toBeCloseTo(4, 6)
  tree.heldFrom = 5
  expect(workSince(tree, { anchorSlot, sinceSec, limit: 100 }).finds.count).toBe(3)
})

it('a chain that is younger, cut off or longer than the limit says how far it was read', () => {
  const tree = chainOf(20)
  const from = (over: { limit?: number; sinceSec?: number }) =>
    workSince(tree, { anchorSlot: 20, sinceSec: 0, limit: 1000, ...over })
  // The genesis is where the time begins, not work done in it.
  expect(from({})).toMatchObject({ finds: { count: 20 }, fromSec: GENESIS_SEC })
  expect(from({ limit: 5 })).toMatchObject({ finds: { count: 5 }, fromSec: GENESIS_SEC + 160 })
  expect(from({ sinceSec: GENESIS_SEC + 500 })).toMatchObject({ finds: { count: 0 }, fromSec: GENESIS_SEC + 500 })
  tree.heldFrom = 11
  expect(from({})).toMatchObject({ finds: { count: 10 }, fromSec: GENESIS_SEC + 110 })
})
