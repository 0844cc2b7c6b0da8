import { describe, expect, it } from 'vitest'
import { measuredHashrate } from '../chance/measured-rate.ts'
import { pointOf } from './chart.ts'
import { emptyFrame, type Frame, type WorkerMined } from './frame.ts'
import { householdHashrate, workerHashrate } from './frame-rates.ts'
import { historyCsv } from './history-csv.ts'

function minuteOf(
  startSec: number,
  workers: readonly [id: number, accepted: number, workHashes: number][],
  more = 0
): Frame {
  const mined = (accepted: number, workHashes: number): WorkerMined => ({
    accepted,
    rejected: 0,
    workHashes,
    bestDifficulty: 0,
    onlineMs: 60_000
  })
  const sum = (of: 1 | 2): number => workers.reduce((total, worker) => total + worker[of], 0)
  return {
    ...emptyFrame('minute', startSec),
    observedMs: 60_000,
    household: mined(sum(1) + more, sum(2) + more * 1e9),
    workers: new Map(workers.map(([id, accepted, workHashes]) => [id, mined(accepted, workHashes)]))
  }
}

describe('a hash rate out of the history', () => {
  it('is the work of the stretches over the time observed, as certain as its sources', () => {
    const frames = [0, 60, 120].map(startSec =>
      minuteOf(startSec, [
        [1, 20, 20e9],
        [2, 2, 200e9]
      ])
    )
    const rate = householdHashrate(frames)
    expect(rate).toEqual(
      measuredHashrate(
        [
          { count: 60, workHashes: 60e9 },
          { count: 6, workHashes: 600e9 }
        ],
        180
      )
    )
    expect(workerHashrate(frames, 2)).toEqual(measuredHashrate([{ count: 6, workHashes: 600e9 }], 180))
  })

  it('takes workers that were not kept apart as one source more', () => {
    const rate = householdHashrate([minuteOf(0, [[1, 20, 20e9]], 10)])
    expect(rate).toEqual(
      measuredHashrate(
        [
          { count: 20, workHashes: 20e9 },
          { count: 10, workHashes: 10e9 }
        ],
        60
      )
    )
  })

  it('of a worker that found nothing is 0, and of no time nothing', () => {
    expect(workerHashrate([minuteOf(0, [])], 7)).toMatchObject({ hps: 0, windowSec: 60 })
    expect(householdHashrate([])).toBeNull()
    expect(householdHashrate([emptyFrame('hour', 0)])).toBeNull()
  })
})

it('points of the history are a table, with nothing where nothing was measured', () => {
  const seen = minuteOf(951_782_400, [[1, 20, 20e9]])
  const gauges = { ...seen.gauges, peers: { sum: 480_000, seenMs: 60_000, min: 7, max: 9 } }
  expect(historyCsv([pointOf({ ...seen, gauges }), pointOf(emptyFrame('minute', 951_782_460))])).toBe(
    'start_utc,span_sec,observed,hashrate_hps,accepted,rejected,best_difficulty,pool_hashrate_hps,peers,share_difficulty,bitcoin_difficulty\r\n' +
      '2000-02-29T00:00:00Z,60,1,333333333.3333333,20,0,0,,8,,\r\n' +
      '2000-02-29T00:01:00Z,60,0,,0,0,0,,,,\r\n'
  )
})
