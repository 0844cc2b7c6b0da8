import { expect, it } from 'vitest'
import {
  aboutSatsFigure,
  bytesText,
  countOf,
  countText,
  difficultyText,
  hashrateFigure,
  percentOfHundred,
  satsFigure
} from './figures.ts'

it('sets the unit of a hash rate apart', () => {
  expect(hashrateFigure(1.21e12)).toEqual({ amount: '1.21', unit: 'TH/s' })
  expect(hashrateFigure(0)).toEqual({ amount: '0', unit: 'H/s' })
})

it('groups digits and counts in words', () => {
  expect(countText(1_234_567)).toBe('1,234,567')
  expect([countOf(1, 'peer'), countOf(0, 'peer'), countOf(2, 'try', 'tries')]).toEqual(['1 peer', '0 peers', '2 tries'])
})

it('writes every sum in sats, to the satoshi', () => {
  expect([0, 1, 374_535, 4_898_660_328].map(satsFigure)).toEqual([
    { amount: '0', unit: 'sats' },
    { amount: '1', unit: 'sat' },
    { amount: '374,535', unit: 'sats' },
    { amount: '4,898,660,328', unit: 'sats' }
  ])
})

it('writes averages in sats with three digits', () => {
  const texts = [0, 0.4, 54.3, 374_535, 123_456_789].map(sats => Object.values(aboutSatsFigure(sats)).join(' '))
  expect(texts).toEqual(['0 sats', 'under 1 sat', '54 sats', '375,000 sats', '123,000,000 sats'])
})

it('writes difficulties of every size in few digits', () => {
  expect([0, 0.00025, 1, 999.4, 999.6, 1211, 5.2e9, 1.397e14].map(difficultyText)).toEqual([
    '0',
    '0.00025',
    '1',
    '999',
    '1 k',
    '1.21 k',
    '5.2 G',
    '140 T'
  ])
  expect(difficultyText(4.66e-10)).toBe('4.7e-10')
})

it('writes bytes and percents', () => {
  expect([999, 1500, 2_500_000].map(bytesText)).toEqual(['999 B', '1.5 kB', '2.5 MB'])
  expect([0, 0.004, 0.12, 44.21, 99.999, 100].map(percentOfHundred)).toEqual([
    '0.00 %',
    'under 0.01 %',
    '0.12 %',
    '44.2 %',
    '100 %',
    '100 %'
  ])
})
