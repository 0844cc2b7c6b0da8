import { chainParams } from '@p2poolv2/consensus'
import { bigIntFromTarget, bitsFromBigInt, targetFromDifficulty } from '@p2poolv2/primitives'
import { describe, expect, it } from 'vitest'
import { chanceWithin } from '../chance/waiting.ts'
import { incomeOf } from './income.ts'
import { MAX_BLOCKS_PER_SEC, paceOf, poolOf, poolWithOwn } from './pool.ts'

const MAIN = chainParams('main')
const DAY_SEC = 86_400
const bitsOf = (difficulty: number): number => bitsFromBigInt(bigIntFromTarget(targetFromDifficulty(difficulty)))

/** A network of 1 ZH/s: difficulty 1.397e14; one small miner of 1.2 TH/s. */
const NETWORK_DIFFICULTY = 1.397e14
const OWN_HPS = 1.2e12

function mainPool(hps: number): ReturnType<typeof poolOf> {
  // At ten seconds a share: difficulty = rate × 10 / 2^32.
  const shareBits = bitsOf((hps * 10) / 2 ** 32)
  return poolOf(MAIN, { hps, shareBits, bitcoinBits: bitsOf(NETWORK_DIFFICULTY), minersSats: 312_500_000 })
}

describe('the pace of a miner of 1.2 TH/s on a network of 1 ZH/s', () => {
  // Worked by hand: shares every 10 s, blocks every 600 s × 1e21 / pool, window min(14 d, one block's work).
  it.each([
    { pool: 1e15, share: 2.3 / 24, block: 19 * 365, window: 14, own: 145, inWindow: 1, sats: 2583, in14: 0.002 },
    { pool: 1e16, share: 23 / 24, block: 1.9 * 365, window: 14, own: 14.5, inWindow: 1, sats: 2583, in14: 0.02 },
    { pool: 1e17, share: 9.6, block: 69, window: 14, own: 1.5, inWindow: 0.77, sats: 2583, in14: 0.18 },
    { pool: 5e17, share: 48, block: 13.9, window: 13.9, own: 0.29, inWindow: 0.25, sats: 2604, in14: 0.64 },
    { pool: 1e18, share: 96, block: 6.9, window: 6.9, own: 0.07, inWindow: 0.07, sats: 5208, in14: 0.87 },
    { pool: 1e19, share: 2.6 * 365, block: 17 / 24, window: 17 / 24, own: 0, inWindow: 0.001, sats: 52_083, in14: 1 }
  ])('in a pool of $pool H/s', row => {
    const pace = paceOf(mainPool(row.pool), OWN_HPS)
    const near = (value: number, expected: number): void => expect(Math.abs(value / expected - 1)).toBeLessThan(0.035)
    near(1 / pace.sharesPerSec / DAY_SEC, row.share)
    near(1 / pace.blocksPerSec / DAY_SEC, row.block)
    near(pace.windowSec / DAY_SEC, row.window)
    expect(Math.abs(pace.ownSharesInWindow - row.own)).toBeLessThan(0.05 + row.own / 100)
    expect(Math.abs(-Math.expm1(-pace.ownSharesInWindow) - row.inWindow)).toBeLessThan(0.01)
    near(pace.satsPerShareAndBlock, row.sats)
    expect(Math.abs(chanceWithin(pace.blocksPerSec, 14 * DAY_SEC) - row.in14)).toBeLessThan(0.0065)
  })
})

it('where every other hash is a block they come no more often than any chain lets them in the long run', () => {
  const pool = { ...mainPool(1e15), hps: 25_000, blockWorkHashes: 2 }
  const pace = paceOf(pool, 25_000)
  expect(pace.blocksPerSec).toBe(MAX_BLOCKS_PER_SEC)
  expect(incomeOf(pace).satsPerDay).toBeCloseTo(2_880 * pool.minersSats, -3)
})

describe('a changed hash rate', () => {
  it('changes the pool by the difference and the difficulty with it', () => {
    const pool = mainPool(1e16)
    const larger = poolWithOwn(pool, { from: 1e15, to: 1.1e16 })
    expect(larger.hps).toBeCloseTo(2e16, -3)
    expect(paceOf(larger, 1.1e16).poolSharesPerSec).toBeCloseTo(paceOf(pool, 1e15).poolSharesPerSec, 12)
  })

  it('of nothing changes nothing', () => {
    const pool = mainPool(1e16)
    expect(poolWithOwn(pool, { from: 1e12, to: 1e12 }).shareWorkHashes / pool.shareWorkHashes).toBeCloseTo(1, 12)
  })

  it('cannot make shares easier than the chain takes', () => {
    const pool = mainPool(1e13)
    const tiny = poolWithOwn(pool, { from: 1e13, to: 1e9 })
    expect(tiny.shareWorkHashes).toBe(pool.easiestShareWorkHashes)
    expect(1 / paceOf(tiny, 1e9).poolSharesPerSec).toBeGreaterThan(10)
  })

  it('to nothing leaves a pool that stands still', () => {
    const alone = poolWithOwn(mainPool(1e13), { from: 1e13, to: 0 })
    const pace = paceOf(alone, 0)
    expect(pace.blocksPerSec).toBe(0)
    expect(pace.windowSec).toBe(Number.POSITIVE_INFINITY)
    expect(pace.ownSharesInWindow).toBe(0)
  })
})
