import fc from 'fast-check'
import { expect, it } from 'vitest'
import { steadyMs } from './brand.ts'
import { RateLimit } from './rate-limit.ts'

const T = 1_700_000_000_000
const at = (ms: number) => steadyMs(T + ms)

it('lets a burst through at once and then one unit at a time', () => {
  const limit = new RateLimit({ unitMs: 10, burst: 3 })
  expect([1, 2, 3, 4].map(() => limit.take(1, at(0)))).toEqual([true, true, true, false])
  expect(limit.allowedAtMs(1, at(0))).toBe(T + 10)
  expect(limit.take(1, at(9))).toBe(false)
  expect(limit.take(1, at(10))).toBe(true)
  expect(limit.take(1, at(10))).toBe(false)
})

it('a pause fills the burst and no more', () => {
  const limit = new RateLimit({ unitMs: 10, burst: 2 })
  limit.take(2, at(0))
  expect(limit.take(2, at(100_000))).toBe(true)
  expect(limit.take(1, at(100_000))).toBe(false)
})

it('something larger than the burst passes when nothing is owed, and is paid for afterwards', () => {
  const limit = new RateLimit({ unitMs: 10, burst: 5 })
  expect(limit.take(20, at(0))).toBe(true)
  expect(limit.allowedAtMs(1, at(0))).toBe(T + 160)
})

it('never lets more through than the burst and the rate allow', () => {
  const steps = fc.array(fc.record({ waitMs: fc.nat(60), units: fc.integer({ min: 1, max: 4 }) }), { maxLength: 80 })
  fc.assert(
    fc.property(steps, waits => {
      const limit = new RateLimit({ unitMs: 7, burst: 6 })
      let nowMs = 0
      let taken = 0
      for (const { waitMs, units } of waits) {
        nowMs += waitMs
        const allowed = limit.allowedAtMs(units, at(nowMs)) <= T + nowMs
        const took = limit.take(units, at(nowMs))
        expect(took).toBe(allowed)
        if (took) taken += units
        expect(taken).toBeLessThanOrEqual(6 + nowMs / 7)
      }
    })
  )
})
