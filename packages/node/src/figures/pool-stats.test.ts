import { type Moment, type SteadyMs, steadyMs, unixMs } from '@p2poolv2/primitives'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { PoolStats } from './pool-stats.ts'

const START = steadyMs(5_000)
const at = (sec: number) => steadyMs(START + sec * 1000)
/** The wall clock stands a long way off. */
const moment = (nowMs: SteadyMs): Moment => ({ steadyMs: nowMs, wallMs: unixMs(1_700_000_000_000 + nowMs) })
const key = (worker: string) => ({ payoutAddress: 'bcrt1qexample', worker })

describe('PoolStats', () => {
  it('counts a worker’s shares under its name and in all', () => {
    const stats = new PoolStats({ startedAtMs: START })
    stats.connect(key('a'), START)
    stats.accept(stats.connected(key('a')), { creditedDifficulty: 10, hashDifficulty: 70 }, moment(at(1)))
    stats.accept(stats.connected(key('a')), { creditedDifficulty: 10, hashDifficulty: 30 }, moment(at(2)))
    stats.reject(key('a'), 'Stale', START)
    stats.reject(null, 'Unauthorized worker', START)
    const [worker] = stats.workers(at(2))
    expect(worker).toMatchObject({
      accepted: 2,
      rejected: 1,
      creditedDifficulty: 20,
      bestDifficulty: 70,
      connections: 1
    })
    expect(worker?.lastAcceptedAtMs).toBe(moment(at(2)).wallMs)
    expect(stats.totals(at(2))).toMatchObject({ accepted: 2, rejected: 2, bestDifficulty: 70 })
  })

  it('a worker that comes back keeps its figures', () => {
    const stats = new PoolStats({ startedAtMs: START })
    stats.connect(key('a'), START)
    stats.accept(stats.connected(key('a')), { creditedDifficulty: 10, hashDifficulty: 10 }, moment(START))
    stats.disconnect(key('a'), moment(START))
    expect(stats.workers(START)[0]?.connections).toBe(0)
    stats.connect(key('a'), START)
    expect(stats.workers(START)).toMatchObject([{ worker: 'a', accepted: 1, connections: 1 }])
  })

  it('a worker that goes before anything was accepted is forgotten: names cost nothing', () => {
    const kept = { rows: [], now: moment(START) }
    const stats = new PoolStats({ startedAtMs: START, kept })
    for (let n = 0; n < 100; n++) {
      stats.connect(key(`n${n}`), START)
      stats.reject(key(`n${n}`), 'Stale', START)
    }
    expect([...stats.addresses()]).toEqual(['bcrt1qexample'])
    for (let n = 0; n < 100; n++) stats.disconnect(key(`n${n}`), moment(START))
    expect(stats.workers(START)).toEqual([])
    expect(stats.addresses().size).toBe(0)
    expect(stats.totals(START).rejected).toBe(100)
    stats.checkInvariants()
    expect(stats.takeDelta(moment(START))?.puts.map(([id]) => id)).toEqual(['all'])
  })

  it('at the cap the worker that has been gone longest is forgotten, its work stays in the totals', () => {
    const stats = new PoolStats({ startedAtMs: START, maxWorkers: 3 })
    for (const name of ['a', 'b', 'c']) {
      stats.connect(key(name), START)
      stats.accept(stats.connected(key(name)), { creditedDifficulty: 1, hashDifficulty: 1 }, moment(START))
    }
    stats.disconnect(key('b'), moment(START))
    stats.disconnect(key('a'), moment(START))
    stats.connect(key('d'), START)
    expect(stats.workers(START).map(worker => worker.worker)).toEqual(['c', 'd', 'a'])
    expect(stats.totals(START).accepted).toBe(3)
  })

  it('at the cap with everybody connected a further worker counts for the pool only', () => {
    const stats = new PoolStats({ startedAtMs: START, maxWorkers: 1 })
    stats.connect(key('a'), START)
    stats.connect(key('b'), START)
    stats.accept(stats.connected(key('b')), { creditedDifficulty: 5, hashDifficulty: 5 }, moment(START))
    expect(stats.workers(START).map(worker => worker.worker)).toEqual(['a'])
    expect(stats.totals(START).creditedDifficulty).toBe(5)
    stats.disconnect(key('b'), moment(START))
    stats.disconnect(key('a'), moment(START))
    stats.checkInvariants()
  })

  it('keeps its bounds and sums whatever connects, works and leaves', () => {
    const step = fc.record({ what: fc.constantFrom('connect', 'disconnect', 'accept', 'reject'), who: fc.nat(7) })
    fc.assert(
      fc.property(fc.array(step, { maxLength: 200 }), steps => {
        const stats = new PoolStats({ startedAtMs: START, maxWorkers: 4 })
        const connections = new Map<number, number>()
        let accepted = 0
        for (const { what, who } of steps) {
          const count = connections.get(who) ?? 0
          if (what === 'connect') connections.set(who, count + 1)
          if (what === 'connect') stats.connect(key(`${who}`), START)
          if (what === 'disconnect' && count > 0) {
            connections.set(who, count - 1)
            stats.disconnect(key(`${who}`), moment(START))
          }
          if (what === 'accept' && count > 0) {
            accepted += 1
            stats.accept(stats.connected(key(`${who}`)), { creditedDifficulty: 1, hashDifficulty: 1 }, moment(START))
          }
          if (what === 'reject') stats.reject(key(`${who}`), 'Stale', START)
          stats.checkInvariants()
        }
        expect(stats.totals(START).accepted).toBe(accepted)
      })
    )
  })
})

describe('hash rates', () => {
  it('a steady miner shows its rate in every window, from its first minutes on', () => {
    const stats = new PoolStats({ startedAtMs: START })
    stats.connect(key('a'), START)
    // Difficulty 1000 every 4 s is 2^32 * 250 hashes a second.
    for (let sec = 4; sec <= 1200; sec += 4)
      stats.accept(stats.connected(key('a')), { creditedDifficulty: 1000, hashDifficulty: 1000 }, moment(at(sec)))
    const { hashrates } = stats.totals(at(1202))
    for (const rate of Object.values(hashrates)) expect(rate / 2 ** 32 / 250).toBeCloseTo(1, 1)
  })

  it('a silent miner fades from the short window first', () => {
    const stats = new PoolStats({ startedAtMs: START })
    stats.connect(key('a'), START)
    for (let sec = 1; sec <= 3600; sec++)
      stats.accept(stats.connected(key('a')), { creditedDifficulty: 1, hashDifficulty: 1 }, moment(at(sec)))
    const { hashrates } = stats.totals(at(3900))
    expect(hashrates.m1).toBeLessThan(0.01 * 2 ** 32)
    expect(hashrates.m5).toBeGreaterThan(0.3 * 2 ** 32)
    expect(hashrates.h1).toBeGreaterThan(0.85 * 2 ** 32)
  })

  it('a clock that steps back gives no negative and no infinite rate', () => {
    const stats = new PoolStats({ startedAtMs: START })
    stats.connect(key('a'), START)
    stats.accept(stats.connected(key('a')), { creditedDifficulty: 1, hashDifficulty: 1 }, moment(at(10)))
    stats.accept(stats.connected(key('a')), { creditedDifficulty: 1, hashDifficulty: 1 }, moment(at(-1000)))
    for (const rate of Object.values(stats.totals(at(-2000)).hashrates)) {
      expect(rate).toBeGreaterThanOrEqual(0)
      expect(Number.isFinite(rate)).toBe(true)
    }
  })
})
