import fc from 'fast-check'
import { expect, it } from 'vitest'
import { Histogram } from './histogram.ts'

it('gives the percentiles of the sorted list', () => {
  fc.assert(
    fc.property(
      fc.array(fc.integer({ min: 0, max: 500 }), { minLength: 1, maxLength: 200 }),
      fc.integer({ min: 1, max: 100 }),
      (values, percent) => {
        const histogram = new Histogram()
        for (const value of values) histogram.add(value)
        const sorted = [...values].sort((a, b) => a - b)
        const index = Math.ceil((percent / 100) * values.length) - 1
        expect(histogram.percentile(percent / 100)).toBe(sorted[Math.max(0, index)])
      }
    )
  )
})

it('knows nothing of no values', () => {
  expect(new Histogram().percentile(0.5)).toBeNull()
})
