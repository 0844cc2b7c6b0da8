import { expect, it } from 'vitest'
import { chartSpanSec } from './chart-span.ts'

it('shows the hour around one point alone, whatever stretch the chart proposes', () => {
  const thousandDays = 86_400_000
  expect(chartSpanSec([1_000_000], 1_000_000, 1_000_000 + thousandDays)).toEqual([998_200, 1_001_800])
})

it('shows several points from the first to the last', () => {
  expect(chartSpanSec([100, 160, 220], 100, 220)).toEqual([100, 220])
})
