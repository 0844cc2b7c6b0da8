import fc from 'fast-check'
import { expect, it } from 'vitest'
import { Latencies } from './latencies.ts'

const times = fc.array(fc.integer({ min: 1, max: 60_000_000 }), { minLength: 1, maxLength: 300 })

it('a quantile is within three percent of the measured value of that rank, and the highest is exact', () => {
  fc.assert(
    fc.property(times, fc.constantFrom(0.5, 0.9, 0.99, 1), (measured, part) => {
      const latencies = Latencies.empty()
      for (const us of measured) latencies.add(us)
      const sorted = [...measured].sort((a, b) => a - b)
      const exact = sorted[Math.ceil(part * sorted.length) - 1] ?? Number.NaN
      expect(latencies.quantileUs(part)).toBeGreaterThanOrEqual(exact * 0.97)
      expect(latencies.quantileUs(part)).toBeLessThanOrEqual(exact * 1.03)
      expect(latencies.maxUs).toBe(sorted.at(-1))
    })
  )
})

it('what two processes measured is as if one had measured it all', () => {
  fc.assert(
    fc.property(times, times, (left, right) => {
      const [one, two, both] = [Latencies.empty(), Latencies.empty(), Latencies.empty()]
      for (const us of left) one.add(us)
      for (const us of right) two.add(us)
      for (const us of [...left, ...right]) both.add(us)
      const sum = Latencies.of(one.plain())
      sum.addAll(Latencies.of(two.plain()))
      expect(sum.plain()).toEqual(both.plain())
      expect(sum.count).toBe(both.count)
    })
  )
})
