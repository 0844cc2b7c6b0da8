import { expect, it } from 'vitest'
import {
  aboutSatsText,
  chanceText,
  durationText,
  feeRateText,
  hashrateText,
  inAboutText,
  percentText,
  satsText
} from './amounts.ts'

it.each([
  [0.2, 'less than a second'],
  [1, '1 second'],
  [45, '45 seconds'],
  [89, '89 seconds'],
  [90, '1.5 minutes'],
  [3600, '60 minutes'],
  [2.3 * 3600, '2.3 hours'],
  [9.6 * 86_400, '9.6 days'],
  [9.97 * 86_400, '10 days'],
  [400 * 86_400, '400 days'],
  [19 * 31_557_600, '19 years'],
  [12_345 * 31_557_600, '12,345 years'],
  [Number.POSITIVE_INFINITY, 'for ever']
])('%f seconds are %s', (sec, text) => {
  expect(durationText(sec)).toBe(text)
})

it('says when something will be', () => {
  expect([inAboutText(0.2), inAboutText(1_036_800)]).toEqual(['in less than a second', 'in about 12 days'])
})

it.each([
  [1, 'almost certain'],
  [0.63, '63 in 100'],
  [0.5, '1 in 2'],
  [1 / 3, '1 in 3'],
  [0.018, '1 in 56'],
  [1 / 2500, '1 in 2,500'],
  [1e-9, 'next to none']
])('a chance of %f is %s', (chance, text) => {
  expect(chanceText(chance)).toBe(text)
})

it.each([
  [0, '0 %'],
  [0.002, '0.2 %'],
  [0.18, '18 %'],
  [0.9996, 'over 99.9 %'],
  [1, '100 %'],
  [1e-7, 'under 0.01 %']
])('%f is %s', (part, text) => {
  expect(percentText(part)).toBe(text)
})

it.each([
  [0n, '0 sats'],
  [1n, '1 sat'],
  [2583n, '2,583 sats'],
  [54.2, '54 sats'],
  [312_500_000n, '312,500,000 sats']
])('%s is %s', (sats, text) => {
  expect(satsText(sats)).toBe(text)
})

it.each([
  [0, '0 H/s'],
  [999.7, '1 kH/s'],
  [1.2e12, '1.2 TH/s'],
  [1.2345e15, '1.23 PH/s'],
  [4.567e17, '457 PH/s'],
  [3e25, '30000 ZH/s']
])('%f hashes a second are %s', (hps, text) => {
  expect(hashrateText(hps)).toBe(text)
})

it('averages have three digits, and fee rates none behind the point', () => {
  expect(aboutSatsText(269_995_518)).toBe('270,000,000 sats')
  expect(aboutSatsText(54.26)).toBe('54 sats')
  expect(aboutSatsText(0)).toBe('0 sats')
  expect(feeRateText(37.99)).toBe('37 sat/vB')
})
