import { describe, expect, it } from 'vitest'
import { ago, bytes, grouped, percent, scaled, span, utc } from './amounts.ts'

describe('amounts', () => {
  it.each([
    [grouped(1234567), '1,234,567'],
    [grouped(123n), '123'],
    [scaled(0), '0'],
    [scaled(0.0000163), '1.63e-5'],
    [scaled(999.6), '1 k'],
    [scaled(1.234e12), '1.23 T'],
    [span(59), '59 s'],
    [span(600), '10 min'],
    [span(7_200), '2 h'],
    [span(864_000), '10 days'],
    [ago(null, 5), '–'],
    [ago(10, 70), '60 s ago'],
    [utc(0), '1970-01-01 00:00:00'],
    [bytes(999), '999 B'],
    [bytes(13_100), '13.1 kB'],
    [percent(0.0313), '3.13 %']
  ])('%s', (said, expected) => {
    expect(said).toBe(expected)
  })
})
