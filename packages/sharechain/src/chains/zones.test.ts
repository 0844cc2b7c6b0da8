import { expect, it } from 'vitest'
import { easyParams } from '../testing/build-chain.ts'
import { inPayoutZone, isComparable, pruneHeightOf } from './zones.ts'

const PARAMS = easyParams({ windowMaxShares: 6, pruneDepth: 12 })

it('payouts are looked at within a full payout window of the tip, and never at the genesis', () => {
  const zone = (candidateHeight: number) =>
    Array.from({ length: candidateHeight + 1 }, (_, height) => height).filter(height =>
      inPayoutZone(PARAMS, height, candidateHeight)
    )
  expect(zone(10)).toEqual([5, 6, 7, 8, 9, 10])
  expect(zone(3)).toEqual([1, 2, 3])
  expect(zone(0)).toEqual([])
})

it('bodies are needed down to the prune depth, and all of them on a chain that is shorter', () => {
  expect([0, 12, 13, 20].map(height => pruneHeightOf(PARAMS, height))).toEqual([0, 0, 1, 8])
})

it('two chains are held beside each other for twice the prune depth', () => {
  const isHeld = (fork: number): boolean => isComparable(PARAMS, 100, fork)
  expect([75, 76, 100].map(isHeld)).toEqual([false, true, true])
})
