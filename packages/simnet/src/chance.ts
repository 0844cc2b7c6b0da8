import type { Rng } from '@p2poolv2/primitives'
import { exactExp, exactLn } from './exact-math.ts'

const U32_RANGE = 0x1_0000_0000

/** A number from 0 up to but not including 1. */
export function unit(rng: Rng): number {
  return rng.u32() / U32_RANGE
}

export function below(rng: Rng, bound: number): number {
  return Math.floor(unit(rng) * bound)
}

export function happens(rng: Rng, probability: number): boolean {
  return unit(rng) < probability
}

/** A number from `low` up to but not including `high`. */
export function between(rng: Rng, low: number, high: number): number {
  return low + unit(rng) * (high - low)
}

/** @throws RangeError for an empty list (a bug) */
export function pick<T>(rng: Rng, items: readonly T[]): T {
  const item = items[below(rng, items.length)]
  if (item === undefined) throw new RangeError('nothing to pick from')
  return item
}

/** `count` of the items, or all if there are fewer, in the order of a shuffle. */
export function pickSome<T>(rng: Rng, items: readonly T[], count: number): T[] {
  const rest = [...items]
  for (let i = 0; i < Math.min(count, rest.length); i++) {
    const other = i + below(rng, rest.length - i)
    const [a, b] = [rest[i], rest[other]]
    if (a !== undefined && b !== undefined) [rest[i], rest[other]] = [b, a]
  }
  return rest.slice(0, count)
}

/** Waiting time until an event that comes `1/mean` times per unit of time on average. */
export function exponential(rng: Rng, mean: number): number {
  return -exactLn(1 - unit(rng)) * mean
}

/** Around `median`; `sigma` 0.25 puts two thirds of the values within about a quarter of it. */
export function logNormal(rng: Rng, median: number, sigma: number): number {
  return sigma === 0 ? median : median * exactExp(normal(rng) * sigma)
}

/** Bell-shaped around 0 with deviation 1 and within ±6: a sum of twelve even chances. */
function normal(rng: Rng): number {
  let sum = -6
  for (let i = 0; i < 12; i++) sum += unit(rng)
  return sum
}
