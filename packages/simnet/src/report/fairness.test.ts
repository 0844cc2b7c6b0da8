import { expect, it } from 'vitest'
import { fairness } from './fairness.ts'

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
