import { expect, it } from 'vitest'
import { fairness, meanDeviation } from './fairness.ts'

const hashrate = new Map([
  ['large', 60],
  ['middle', 30],
  ['small', 10]
])

it('finds nothing misplaced when pay follows hashrate', () => {
  const pay = new Map([
    ['large', 0.6],
    ['middle', 0.3],
    ['small', 0.1]
  ])
  const found = fairness(hashrate, pay, 1_000)
  expect(found.misplacedPart).toBeCloseTo(0)
  expect(found.expectedByChance).toBeGreaterThan(0)
  expect(found.miners).toBe(3)
})

it('counts what went to somebody else, and who it was taken from', () => {
  const pay = new Map([
    ['large', 0.8],
    ['middle', 0.2]
  ])
  const found = fairness(hashrate, pay, 1_000)
  expect(found.misplacedPart).toBeCloseTo(0.2)
  expect(found.largeMiners).toBeGreaterThan(1)
  // A third of the hashrate is both of the others together: they were paid half of what they worked.
  expect(found.smallMiners).toBeCloseTo(0.5)
})

it('knows what chance alone misplaces, for many shares and for few', () => {
  // One share, p = 0.1: nine times in ten 0.1 off, once 0.9 off.
  expect(meanDeviation(1, 0.1)).toBeCloseTo(0.18)
  // Two shares, p = 0.5: 0, 1 or 2 successes.
  expect(meanDeviation(2, 0.5)).toBeCloseTo(0.25)
  // Many: the normal approximation sqrt(2 p (1 - p) / (pi n)).
  expect(meanDeviation(10_000, 0.3) / Math.sqrt((2 * 0.3 * 0.7) / (Math.PI * 10_000))).toBeCloseTo(1, 3)
})
