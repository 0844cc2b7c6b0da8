import { seededRng } from '@p2poolv2/primitives'
import { expect, it } from 'vitest'
import { chanceWithin, waitForCount, waitForNext } from './waiting.ts'

const DAY_SEC = 86_400

it('a share every ten days comes within a week for half of all miners, and may take a month', () => {
  const wait = waitForNext(1 / (10 * DAY_SEC))
  // ln 2 × 10 = 6.93 days is the middle; -ln 0.95 = 0.0513, -ln 0.75 = 0.2877, -ln 0.25 = 1.3863, -ln 0.05 = 2.9957.
  expect(wait?.meanSec).toBeCloseTo(10 * DAY_SEC, 5)
  expect((wait?.band50Sec.low ?? 0) / DAY_SEC).toBeCloseTo(2.877, 3)
  expect((wait?.band50Sec.high ?? 0) / DAY_SEC).toBeCloseTo(13.863, 3)
  expect((wait?.band90Sec.low ?? 0) / DAY_SEC).toBeCloseTo(0.513, 3)
  expect((wait?.band90Sec.high ?? 0) / DAY_SEC).toBeCloseTo(29.957, 3)
})

it('the wait for one of a count is the wait for the next', () => {
  const next = waitForNext(0.37)
  const one = waitForCount(1, 0.37)
  expect(one?.meanSec).toBeCloseTo(next?.meanSec ?? 0, 9)
  expect(one?.band90Sec.high).toBeCloseTo(next?.band90Sec.high ?? 0, 8)
  expect(one?.band50Sec.low).toBeCloseTo(next?.band50Sec.low ?? 0, 8)
})

it('what never comes has no wait', () => {
  expect(waitForNext(0)).toBeNull()
  expect(waitForCount(5, 0)).toBeNull()
  expect(chanceWithin(0, DAY_SEC)).toBe(0)
})

it('a time as long as the mean wait brings it with 63 %', () => {
  expect(chanceWithin(1 / 3600, 3600)).toBeCloseTo(1 - Math.exp(-1), 12)
  // Small chances keep their digits.
  expect(chanceWithin(1e-12, 1) / 1e-12).toBeCloseTo(1, 11)
})

it('in 20,000 drawn waits the bands hold what they say', () => {
  const rng = seededRng('waits')
  const draws = 20_000
  for (const count of [1, 5]) {
    const wait = waitForCount(count, 1)
    if (wait === null) throw new Error('a rate above 0 has a wait')
    const inside = { band50Sec: 0, band90Sec: 0 }
    for (let draw = 0; draw < draws; draw++) {
      let sec = 0
      for (let event = 0; event < count; event++) sec -= Math.log((rng.u32() + 0.5) / 2 ** 32)
      for (const band of ['band50Sec', 'band90Sec'] as const) {
        if (sec >= wait[band].low && sec <= wait[band].high) inside[band] += 1
      }
    }
    // Four standard deviations of the counts are 1.4 % and 0.85 %.
    expect(Math.abs(inside.band50Sec / draws - 0.5)).toBeLessThan(0.015)
    expect(Math.abs(inside.band90Sec / draws - 0.9)).toBeLessThan(0.009)
  }
})
