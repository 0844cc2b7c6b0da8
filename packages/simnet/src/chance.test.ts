import { seededRng } from '@p2poolv2/primitives'
import { expect, it } from 'vitest'
import { exponential, logNormal, pickSome } from './chance.ts'

const DRAWS = 20_000

function draws(draw: () => number): number[] {
  return Array.from({ length: DRAWS }, draw).sort((a, b) => a - b)
}

it('exponential waits have the mean and the median of their kind', () => {
  const rng = seededRng('exponential')
  const waits = draws(() => exponential(rng, 10))
  expect(waits.reduce((sum, wait) => sum + wait, 0) / DRAWS).toBeCloseTo(10, 0)
  expect(waits[DRAWS / 2]).toBeCloseTo(10 * Math.LN2, 0)
})

it('log-normal values lie half below their median and two thirds within one deviation', () => {
  const rng = seededRng('log-normal')
  const values = draws(() => logNormal(rng, 100, 0.25))
  expect(values[DRAWS / 2]).toBeGreaterThan(99)
  expect(values[DRAWS / 2]).toBeLessThan(101)
  const within = values.filter(value => value > 100 / Math.exp(0.25) && value < 100 * Math.exp(0.25)).length
  expect(within / DRAWS).toBeGreaterThan(0.66)
  expect(within / DRAWS).toBeLessThan(0.7)
})

it('picks each item at most once, and all when asked for more than there are', () => {
  const rng = seededRng('pick')
  const items = [1, 2, 3, 4, 5]
  expect(new Set(pickSome(rng, items, 3)).size).toBe(3)
  expect(pickSome(rng, items, 9).sort()).toEqual(items)
})
