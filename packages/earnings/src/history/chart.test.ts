import { describe, expect, it } from 'vitest'
import { levelFor, pointOf, workerPointOf } from './chart.ts'
import { emptyFrame, type Frame } from './frame.ts'

const DAY = 86_400
const NOW = 20_000 * DAY

describe('the level of a chart', () => {
  it.each([
    ['an hour', 3600, 500, 'minute'],
    ['a day in few points', DAY, 200, 'hour'],
    ['a day in many points', DAY, 2000, 'minute'],
    ['a week', 7 * DAY, 500, 'hour'],
    ['a year in few points', 365 * DAY, 500, 'day'],
    ['a year in all points', 365 * DAY, 10_000, 'hour'],
    ['ten years', 3650 * DAY, 10_000, 'day']
  ])('of %s', (_name, lastSec, maxPoints, level) => {
    expect(levelFor({ fromSec: NOW - lastSec, toSec: NOW }, { nowSec: NOW, maxPoints })).toBe(level)
  })

  it('of an hour long ago is one that is still kept', () => {
    const range = (ago: number) => ({ fromSec: NOW - ago, toSec: NOW - ago + 3600 })
    expect(levelFor(range(3 * DAY), { nowSec: NOW, maxPoints: 500 })).toBe('hour')
    expect(levelFor(range(500 * DAY), { nowSec: NOW, maxPoints: 500 })).toBe('day')
  })
})

describe('a point', () => {
  const frame: Frame = {
    ...emptyFrame('hour', 7200),
    observedMs: 1_800_000,
    household: { accepted: 9, rejected: 1, workHashes: 3.6e12, bestDifficulty: 7 },
    workers: new Map([[4, { accepted: 3, rejected: 0, workHashes: 1.8e12, bestDifficulty: 0, onlineMs: 900_000 }]])
  }

  it('has rates over the time that was observed, and nothing where nothing was seen', () => {
    const point = pointOf({ ...frame, gauges: { ...frame.gauges, peers: { sum: 6000, seenMs: 1000, min: 5, max: 8 } } })
    expect(point).toMatchObject({ startSec: 7200, spanSec: 3600, observed: 0.5 })
    expect(point.household).toEqual({ hps: 2e9, accepted: 9, rejected: 1, bestDifficulty: 7 })
    expect(point.gauges).toEqual({
      poolHps: null,
      peers: { mean: 6, min: 5, max: 8 },
      shareDifficulty: null,
      bitcoinDifficulty: null
    })
    expect(pointOf(emptyFrame('day', 0)).household.hps).toBeNull()
  })

  it('of a worker is there if the stretch kept it apart', () => {
    expect(workerPointOf(frame, 4)).toMatchObject({ hps: 1e9, online: 0.5, accepted: 3 })
    expect(workerPointOf(frame, 5)).toBeNull()
  })
})
