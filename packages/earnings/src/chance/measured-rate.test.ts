import { seededRng } from '@p2poolv2/primitives'
import fc from 'fast-check'
import { expect, it } from 'vitest'
import { carryInterval, measuredHashrate } from './measured-rate.ts'

it('ten finds in a hundred seconds are known as well as a Poisson count of ten', () => {
  const rate = measuredHashrate([{ count: 10, workHashes: 10_000 }], 100)
  expect(rate.hps).toBe(100)
  expect(rate.effectiveFinds).toBeCloseTo(10, 9)
  // Garwood's interval for a count of 10 at 90 %, from printed tables: 5.43 to 16.96.
  expect(rate.interval90Hps.low / 10).toBeCloseTo(5.43, 2)
  expect((rate.interval90Hps.high ?? 0) / 10).toBeCloseTo(16.96, 2)
})

it('without finds the rate is 0 and nothing bounds it', () => {
  expect(measuredHashrate([], 60)).toEqual({
    hps: 0,
    interval90Hps: { low: 0, high: null },
    windowSec: 60,
    effectiveFinds: 0
  })
  expect(measuredHashrate([{ count: 0, workHashes: 0 }], 60).hps).toBe(0)
})

it('one heavy source makes the whole as uncertain as itself', () => {
  const alone = measuredHashrate([{ count: 4, workHashes: 4e12 }], 60)
  const both = measuredHashrate(
    [
      { count: 4, workHashes: 4e12 },
      { count: 400, workHashes: 4e9 }
    ],
    60
  )
  expect(both.effectiveFinds).toBeCloseTo(alone.effectiveFinds, 1)
})

it('sources of one difficulty say as much together as their finds in one', () => {
  fc.assert(
    fc.property(fc.array(fc.integer({ min: 1, max: 1000 }), { minLength: 1, maxLength: 20 }), counts => {
      const split = measuredHashrate(
        counts.map(count => ({ count, workHashes: count * 7e9 })),
        3600
      )
      const count = counts.reduce((sum, part) => sum + part, 0)
      const whole = measuredHashrate([{ count, workHashes: count * 7e9 }], 3600)
      expect(split.effectiveFinds / whole.effectiveFinds).toBeCloseTo(1, 9)
      expect(split.hps / whole.hps).toBeCloseTo(1, 9)
    })
  )
})

it('the interval shrinks with the number of finds and always holds the rate', () => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 10_000 }), count => {
      const few = measuredHashrate([{ count, workHashes: count }], 1)
      const many = measuredHashrate([{ count: count * 4, workHashes: count * 4 }], 4)
      expect(few.interval90Hps.low).toBeLessThan(few.hps)
      expect(few.interval90Hps.high ?? 0).toBeGreaterThan(few.hps)
      expect(many.interval90Hps.low).toBeGreaterThan(few.interval90Hps.low)
      expect(many.interval90Hps.high ?? 0).toBeLessThan(few.interval90Hps.high ?? 0)
    })
  )
})

it('nine of ten intervals hold the true rate, also of miners of different difficulty', () => {
  const rng = seededRng('rates')
  const runs = 4000
  const sources = [
    { expected: 30, difficulty: 1 },
    { expected: 12, difficulty: 10 }
  ]
  const truth = 30 + 120
  let held = 0
  for (let run = 0; run < runs; run++) {
    const finds = sources.map(({ expected, difficulty }) => {
      let count = -1
      for (let sec = 0; sec < expected; count++) sec -= Math.log((rng.u32() + 0.5) / 2 ** 32)
      return { count, workHashes: count * difficulty }
    })
    const { low, high } = measuredHashrate(finds, 1).interval90Hps
    if (low <= truth && high !== null && truth <= high) held += 1
  }
  // Exact intervals of counts hold at least what they promise; mixed difficulties cost at most two points of it.
  expect(held / runs).toBeGreaterThan(0.88)
})

it('what follows from a rate has the interval of the rate', () => {
  const rate = measuredHashrate([{ count: 10, workHashes: 10_000 }], 100)
  const rising = carryInterval(rate, hps => 2 * hps)
  expect(rising.value).toBe(200)
  expect(rising.interval90?.low).toBeCloseTo(2 * rate.interval90Hps.low, 9)
  const falling = carryInterval(rate, hps => 1 / hps)
  expect(falling.interval90?.low).toBeCloseTo(1 / (rate.interval90Hps.high ?? 1), 9)
  expect(falling.interval90?.high).toBeCloseTo(1 / rate.interval90Hps.low, 9)
  expect(carryInterval(measuredHashrate([], 60), hps => hps)).toEqual({ value: 0, interval90: null })
})
