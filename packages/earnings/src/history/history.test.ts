import { unixMs } from '@p2poolv2/primitives'
import fc from 'fast-check'
import { beforeEach, describe, expect, it } from 'vitest'
import { emptyFrame, type Frame, LEVELS, type Level, MAX_FRAME_WORKERS, withPart } from './frame.ts'
import { History, type HistorySample, type WorkerCounters } from './history.ts'
import { MAX_SERIES } from './series-book.ts'
import { MemoryHistoryStore } from './store.ts'

const ALL = { fromSec: 0, toSec: 2 ** 32 - 1 }
/** A whole day of the calendar. */
const DAY = 20_000 * 86_400
const NO_GAUGES = { poolHps: null, peers: null, shareDifficulty: null, bitcoinDifficulty: null }

function sampleOf(accepted: number, over: Partial<HistorySample> = {}): HistorySample {
  const counters = {
    accepted,
    rejected: Math.floor(accepted / 10),
    workHashes: accepted * 1000,
    bestDifficulty: accepted
  }
  return {
    workers: [{ address: 'bc1q', worker: 'garage', isConnected: true, ...counters }],
    household: counters,
    gauges: { poolHps: 5e15, peers: 8, shareDifficulty: 1e6, bitcoinDifficulty: 1e14 },
    ...over
  }
}

let store: MemoryHistoryStore
let history: History

function restart(sec: number, counted?: HistorySample): void {
  const frames = (['minute', 'hour', 'day'] as const).flatMap(level => store.framesNow(level, ALL))
  history = new History({ series: store.seriesNow(), frames }, unixMs(sec * 1000), counted)
}

function sample(sec: number, what: HistorySample): void {
  store.commitNow(history.sample(what, unixMs(sec * 1000)))
  history.checkInvariants()
}

const framesOf = (level: Level): Frame[] => store.framesNow(level, ALL)
const acceptedOf = (level: Level): number[] => framesOf(level).map(({ household }) => household.accepted)

beforeEach(() => {
  store = new MemoryHistoryStore()
  restart(DAY)
})

describe('the history', () => {
  it('writes a minute when it is over, and its hour and day as far as they have come', () => {
    for (let sec = 10; sec <= 180; sec += 10) sample(DAY + sec, sampleOf(sec))
    // The sample of second 60 begins the second minute and counts there.
    expect(framesOf('minute').map(({ startSec, household }) => [startSec - DAY, household.accepted])).toEqual([
      [0, 50],
      [60, 60],
      [120, 60]
    ])
    expect(acceptedOf('hour')).toEqual([170])
    expect(acceptedOf('day')).toEqual([170])
    const [minute] = framesOf('minute')
    expect(minute).toMatchObject({
      observedMs: 50_000,
      household: { rejected: 5, workHashes: 50_000, bestDifficulty: 50 }
    })
    expect(minute?.gauges.poolHps).toEqual({ sum: 5e15 * 50_000, seenMs: 50_000, min: 5e15, max: 5e15 })
    expect(minute?.workers.get(1)).toMatchObject({ accepted: 50, onlineMs: 50_000 })
    expect(store.seriesNow()).toMatchObject([{ id: 1, address: 'bc1q', worker: 'garage', firstSec: DAY }])
  })

  it('counts once what counters kept over a restart say of the time before', () => {
    for (let sec = 10; sec <= 60; sec += 10) sample(DAY + sec, sampleOf(sec))
    restart(DAY + 65, sampleOf(60))
    for (let sec = 70; sec <= 120; sec += 10) sample(DAY + sec, sampleOf(sec))
    expect(acceptedOf('minute')).toEqual([50, 50])
    expect(acceptedOf('hour')).toEqual([100])
    expect(framesOf('minute').at(-1)?.workers.get(1)).toMatchObject({ accepted: 50 })
  })

  it('loses the open minute in a crash and nothing else', () => {
    for (let sec = 10; sec <= 90; sec += 10) sample(DAY + sec, sampleOf(sec))
    restart(DAY + 100)
    for (let sec = 110; sec <= 130; sec += 10) sample(DAY + sec, sampleOf(sec - 100))
    expect(acceptedOf('minute')).toEqual([50, 10])
    expect(acceptedOf('hour')).toEqual([60])
    expect(acceptedOf('day')).toEqual([60])
  })

  it('stopped and started within a minute counts it once', () => {
    for (let sec = 10; sec <= 30; sec += 10) sample(DAY + sec, sampleOf(sec))
    store.commitNow(history.close())
    restart(DAY + 40)
    sample(DAY + 50, sampleOf(7))
    sample(DAY + 60, sampleOf(7))
    expect(acceptedOf('minute')).toEqual([37])
    expect(acceptedOf('hour')).toEqual([37])
    expect(framesOf('minute')[0]?.workers.get(1)?.accepted).toBe(37)
  })

  it('counts what counters gained, and all of one that began anew', () => {
    sample(DAY + 10, sampleOf(100))
    sample(DAY + 20, sampleOf(100))
    sample(DAY + 30, sampleOf(4))
    sample(DAY + 60, sampleOf(5))
    expect(acceptedOf('minute')).toEqual([104])
  })

  it('has a gap where the node was away, and no time where it slept', () => {
    sample(DAY + 10, sampleOf(1))
    sample(DAY + 5 * 3600, sampleOf(2))
    sample(DAY + 5 * 3600 + 10, sampleOf(3))
    sample(DAY + 5 * 3600 + 60, sampleOf(3))
    const minutes = framesOf('minute')
    expect(minutes.map(({ startSec, observedMs }) => [startSec - DAY, observedMs])).toEqual([
      [0, 10_000],
      [5 * 3600, 10_000]
    ])
    expect(framesOf('hour').map(({ startSec }) => (startSec - DAY) / 3600)).toEqual([0, 5])
  })

  it('does not know what nobody told it', () => {
    sample(DAY + 10, sampleOf(1, { gauges: NO_GAUGES }))
    sample(DAY + 20, sampleOf(1, { gauges: { ...NO_GAUGES, peers: 4 } }))
    sample(DAY + 60, sampleOf(1))
    expect(framesOf('minute')[0]?.gauges).toMatchObject({
      poolHps: { seenMs: 0 },
      peers: { sum: 40_000, seenMs: 10_000 }
    })
  })

  it('leaves out workers that are gone and did nothing', () => {
    const gone: WorkerCounters = {
      address: 'bc1q',
      worker: 'gone',
      isConnected: false,
      accepted: 0,
      rejected: 0,
      workHashes: 0,
      bestDifficulty: 0
    }
    sample(DAY + 10, sampleOf(1, { workers: [gone] }))
    sample(DAY + 60, sampleOf(1, { workers: [gone] }))
    expect(framesOf('minute')[0]?.workers.size).toBe(0)
    expect(store.seriesNow()).toEqual([])
  })
})

describe('a clock that people set', () => {
  it('waits in the open minute while it is a little behind', () => {
    sample(DAY + 3610, sampleOf(1))
    sample(DAY + 100, sampleOf(2))
    sample(DAY + 3670, sampleOf(3))
    expect(framesOf('minute').map(({ startSec, household }) => [startSec - DAY, household.accepted])).toEqual([
      [3600, 2]
    ])
  })

  it('begins anew when it falls far, and when it had been far ahead nothing was let go of', () => {
    for (let sec = 10; sec <= 120; sec += 10) sample(DAY + sec, sampleOf(sec))
    const ahead = DAY + 20 * 366 * 86_400
    for (let sec = 0; sec <= 3600; sec += 30) sample(ahead + sec, sampleOf(200 + sec))
    for (let sec = 200; sec <= 300; sec += 10) sample(DAY + sec, sampleOf(5000 + sec))
    const starts = framesOf('minute').map(({ startSec }) => startSec)
    expect(starts).toContain(DAY)
    expect(starts).toContain(DAY + 60)
    expect(starts).toContain(DAY + 180)
    expect(framesOf('day').map(({ startSec }) => startSec)).toEqual([DAY, ahead])
  })
})

describe('what is kept', () => {
  it('goes when it is older than its level keeps', () => {
    const old = DAY - LEVELS.minute.keepSec - 600
    restart(old)
    for (let sec = 0; sec <= 1200; sec += 30) sample(old + sec, sampleOf(sec))
    expect(framesOf('minute').length).toBe(20)
    restart(DAY)
    for (let sec = 0; sec <= 7 * 3600; sec += 30) sample(DAY + sec, sampleOf(sec))
    expect(framesOf('minute').every(({ startSec }) => startSec >= DAY + 5 * 3600 - LEVELS.minute.keepSec)).toBe(true)
    expect(framesOf('hour').length).toBeGreaterThan(7)
  })

  it('has a bounded number of workers, and all in the sum', () => {
    const crowd = Array.from(
      { length: 200 },
      (_, n): WorkerCounters => ({
        address: 'bc1q',
        worker: `w${n}`,
        isConnected: true,
        accepted: n,
        rejected: 0,
        workHashes: n * 1000,
        bestDifficulty: 0
      })
    )
    const household = { accepted: 19_900, rejected: 0, workHashes: 19_900_000, bestDifficulty: 0 }
    sample(DAY + 10, { workers: crowd, household, gauges: NO_GAUGES })
    sample(DAY + 60, { workers: crowd, household, gauges: NO_GAUGES })
    const [minute] = framesOf('minute')
    expect(minute?.workers.size).toBe(MAX_FRAME_WORKERS)
    expect(minute?.household.accepted).toBe(19_900)
    // The ones with the most work.
    const names = new Map(store.seriesNow().map(({ id, worker }) => [id, worker]))
    expect([...(minute?.workers.keys() ?? [])].map(id => names.get(id)).sort()).toEqual(
      crowd
        .slice(136)
        .map(({ worker }) => worker)
        .sort()
    )
  })

  it('forgets the name that was silent longest, never gives its id away, and refuses names without end', () => {
    const household = { accepted: 0, rejected: 0, workHashes: 0, bestDifficulty: 0 }
    const named = (worker: string): WorkerCounters => ({ ...household, address: 'bc1q', worker, isConnected: true })
    for (let n = 0; n < MAX_SERIES + 10; n++) {
      sample(DAY + n * 60, { workers: [named(`w${n}`)], household, gauges: NO_GAUGES })
    }
    const kept = store.seriesNow()
    expect(kept.length).toBeLessThanOrEqual(MAX_SERIES)
    expect(kept.some(({ worker }) => worker === 'w0')).toBe(false)
    expect(kept.some(({ worker }) => worker === `w${MAX_SERIES}`)).toBe(true)
    const highest = Math.max(...kept.map(({ id }) => id))
    sample(DAY + 100_000, { workers: [named('w0')], household, gauges: NO_GAUGES })
    sample(DAY + 100_060, { workers: [named('x'.repeat(1000))], household, gauges: NO_GAUGES })
    sample(DAY + 100_120, { workers: [], household, gauges: NO_GAUGES })
    expect(store.seriesNow().find(({ worker }) => worker === 'w0')?.id).toBeGreaterThan(highest)
    expect(store.seriesNow().some(({ worker }) => worker.length > 200)).toBe(false)
  })
})

it('hours and days are what their minutes add up to, whatever happens and wherever the node is started anew', () => {
  const anyStep = fc.record({
    gapSec: fc.constantFrom(5, 10, 30, 61, 700, 4000),
    gained: fc.nat(1000),
    restarts: fc.integer({ min: 0, max: 9 }).map(n => n === 0)
  })
  fc.assert(
    fc.property(fc.array(anyStep, { minLength: 1, maxLength: 120 }), steps => {
      store = new MemoryHistoryStore()
      restart(DAY)
      let [sec, accepted] = [DAY, 0]
      for (const { gapSec, gained, restarts } of steps) {
        if (restarts) {
          store.commitNow(history.close())
          restart(sec)
          accepted = 0
        }
        sec += gapSec
        accepted += gained
        sample(sec, sampleOf(accepted))
      }
      store.commitNow(history.close())
      for (const level of ['hour', 'day'] as const) {
        for (const frame of framesOf(level)) {
          const toSec = frame.startSec + LEVELS[level].spanSec
          const minutes = store.framesNow('minute', { fromSec: frame.startSec, toSec })
          expect(minutes.reduce(withPart, emptyFrame(level, frame.startSec))).toEqual(frame)
        }
      }
    })
  )
})
