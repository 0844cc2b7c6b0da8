import { seededRng } from '@p2poolv2/primitives'
import { describe, expect, it } from 'vitest'
import { incomeOf, incomeSpread } from './income.ts'
import type { Pace } from './pool.ts'

/** Time in lengths of the window, money in what a share gets from a block. */
function paceIn({ ownShares, blocks }: { ownShares: number; blocks: number }): Pace {
  return {
    poolSharesPerSec: 1000,
    sharesPerSec: ownShares,
    blocksPerSec: blocks,
    windowShares: 1000,
    windowSec: 1,
    ownSharesInWindow: ownShares,
    satsPerShareAndBlock: 1
  }
}

describe('long-run income', () => {
  it('is a part of what the network pays that does not depend on the pool', () => {
    // 1.2 TH/s of 1 ZH/s: 1.2e-9 of 144 × 312,500,000 sats a day.
    const part = 1.2e12 / 1e21
    for (const poolHps of [1e15, 1e17, 1e19]) {
      const windowShares = 1000
      const pace: Pace = {
        poolSharesPerSec: 0.1,
        sharesPerSec: (0.1 * 1.2e12) / poolHps,
        blocksPerSec: poolHps / 1e21 / 600,
        windowShares,
        windowSec: windowShares / 0.1,
        ownSharesInWindow: (windowShares * 1.2e12) / poolHps,
        satsPerShareAndBlock: 312_500_000 / windowShares
      }
      expect(incomeOf(pace).satsPerDay).toBeCloseTo(part * 144 * 312_500_000, 6)
    }
  })

  it('of a large miner comes with every block, and varies as blocks do', () => {
    const pace = paceIn({ ownShares: 10_000, blocks: 0.5 })
    const income = incomeOf(pace)
    expect(income.satsPerPayout).toBeCloseTo(10_000, 6)
    // In 100 windows 50 blocks come: 1/√50.
    expect(incomeSpread(pace, 100)).toBeCloseTo(1 / Math.sqrt(50), 3)
    expect(income.unpaidPart).toBeCloseTo(Math.exp(-0.5), 12)
  })

  it('without miners or without blocks is nothing', () => {
    for (const pace of [paceIn({ ownShares: 0, blocks: 1 }), paceIn({ ownShares: 5, blocks: 0 })]) {
      const income = incomeOf(pace)
      expect(income.satsPerDay).toBe(0)
      expect(income.payoutsPerYear).toBe(0)
      expect(income.satsPerPayout).toBeNull()
      expect(income.spread30d).toBeNull()
    }
    expect(incomeOf(paceIn({ ownShares: 5, blocks: 0 })).unpaidPart).toBe(1)
  })

  it.each([
    { ownShares: 3, blocks: 0.4, sec: 10 },
    { ownShares: 0.3, blocks: 1, sec: 6 },
    { ownShares: 8, blocks: 2, sec: 0.5 }
  ])('has the mean, spread, payouts and unpaid shares of 20,000 runs of chance: %o', ({ ownShares, blocks, sec }) => {
    const pace = paceIn({ ownShares, blocks })
    const rng = seededRng(`${ownShares} ${blocks} ${sec}`)
    const next = (rate: number): number => -Math.log((rng.u32() + 0.5) / 2 ** 32) / rate
    const timesOf = (rate: number, from: number, to: number): number[] => {
      const times: number[] = []
      for (let at = from + next(rate); at < to; at += next(rate)) times.push(at)
      return times
    }
    const runs = 20_000
    let [sum, squares, payouts, unpaid, shares] = [0, 0, 0, 0, 0]
    for (let run = 0; run < runs; run++) {
      // The window is as full as ever when the time begins.
      const found = timesOf(ownShares, -1, sec)
      const came = timesOf(blocks, 0, sec + 1)
      const paidBy = came.filter(at => at < sec).map(at => found.filter(share => share < at && at <= share + 1).length)
      const income = paidBy.reduce((total, held) => total + held, 0)
      sum += income
      squares += income * income
      payouts += paidBy.filter(held => held > 0).length
      const whole = found.filter(share => share >= 0)
      shares += whole.length
      unpaid += whole.filter(share => !came.some(at => share < at && at <= share + 1)).length
    }
    const mean = sum / runs
    const spread = Math.sqrt(squares / runs - mean * mean) / mean
    const income = incomeOf(pace)
    const near = (value: number, expected: number, within: number): void =>
      expect(Math.abs(value / expected - 1)).toBeLessThan(within)
    near(mean / sec, income.satsPerDay / 86_400, 0.04)
    near(spread, incomeSpread(pace, sec) ?? 0, 0.04)
    near(payouts / runs / sec, income.payoutsPerYear / (365.25 * 86_400), 0.04)
    near(sum / payouts, income.satsPerPayout ?? 0, 0.04)
    near(unpaid / shares, income.unpaidPart, 0.04)
  })
})
