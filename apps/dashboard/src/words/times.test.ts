import { expect, it } from 'vitest'
import { agoText, spanText } from './times.ts'

it('says how long something lasts in at most two units', () => {
  expect([-5, 0, 59, 60, 3599, 3600, 7800, 86_400, 90_000, 180_000].map(spanText)).toEqual([
    '0 s',
    '0 s',
    '59 s',
    '1 min',
    '59 min',
    '1 h',
    '2 h 10 min',
    '1 day',
    '1 day 1 h',
    '2 days 2 h'
  ])
})

it('says how long ago something was, and never that it comes from the future', () => {
  expect([agoText(100, 100), agoText(105, 100), agoText(40, 100)]).toEqual(['just now', 'just now', '60 seconds ago'])
})
