import { steadyMs } from '@p2poolv2/primitives'
import { describe, expect, it } from 'vitest'
import type { DifficultyLimits } from '../contract.ts'
import { SimulatedMiner } from '../testing/simulated-miner.ts'
import { DEFAULT_VARDIFF } from './difficulty.ts'
import { Vardiff } from './vardiff.ts'

const TERA = 1e12
const MINUTE = 60
const HOUR = 3600

/** The difficulty that gives 0.3 shares a second. */
function idealOf(hashrateHps: number): number {
  return hashrateHps / 0.3 / 2 ** 32
}

function limitedTo(shareDifficulty: number | null, bitcoinDifficulty = 1e15): DifficultyLimits {
  return { shareDifficulty, bitcoinDifficulty }
}

describe('Vardiff', () => {
  const machines: readonly [name: string, hashrateHps: number, startDifficulty: number, withinSec: number][] = [
    ['a hall of 20 PH/s behind one proxy', 20_000 * TERA, 1024, MINUTE],
    ['an S21 of 200 TH/s that nobody knows', 200 * TERA, 1024, 2 * MINUTE],
    ['a bitaxe of 1.2 TH/s', 1.2 * TERA, 512, 15 * MINUTE],
    ['a bitaxe that was given ten times too much', 1.2 * TERA, 10_000, 25 * MINUTE],
    ['a cpu of 20 MH/s', 20e6, 0.01, 15 * MINUTE],
    ['a microcontroller of 350 kH/s', 350e3, 0.0005, 15 * MINUTE],
    ['a laptop against the start of a hall', 20e6, 65_536, 2 * HOUR]
  ]
  for (const [name, hashrateHps, startDifficulty, withinSec] of machines) {
    it(`finds the rate of ${name}, and stays`, () => {
      const miner = new SimulatedMiner({ seed: name, startDifficulty })
      miner.mine(hashrateHps, withinSec)
      const found = miner.vardiff.difficulty
      expect(found / idealOf(hashrateHps)).toBeGreaterThan(0.5)
      expect(found / idealOf(hashrateHps)).toBeLessThan(2)
      const changesBefore = miner.changes.length
      const rate = miner.mine(hashrateHps, 12 * HOUR)
      expect(rate).toBeGreaterThan(0.15)
      expect(rate).toBeLessThan(0.42)
      expect(miner.changes.length - changesBefore).toBeLessThanOrEqual(3)
    })
  }

  it('follows a miner that becomes ten times faster, and slower again', () => {
    const miner = new SimulatedMiner({ seed: 'overclocked', startDifficulty: 512 })
    miner.mine(1.2 * TERA, HOUR)
    miner.mine(12 * TERA, 10 * MINUTE)
    expect(miner.mine(12 * TERA, HOUR)).toBeLessThan(0.42)
    miner.mine(1.2 * TERA, 30 * MINUTE)
    expect(miner.mine(1.2 * TERA, HOUR)).toBeGreaterThan(0.14)
  })

  it('jumps straight to the difficulty that a flood shows', () => {
    const miner = new SimulatedMiner({ seed: 'flood', startDifficulty: 1 })
    miner.mine(100 * TERA, 30)
    expect(miner.changes.length).toBeLessThanOrEqual(3)
    expect(miner.changes[0]?.atSec).toBe(0)
    expect(miner.vardiff.difficulty / idealOf(100 * TERA)).toBeGreaterThan(0.7)
  })

  it('quarters the difficulty of a silent miner every two minutes, down to its floor', () => {
    const miner = new SimulatedMiner({ seed: 'silent', startDifficulty: 1_000_000, floor: 3000 })
    miner.mine(0, HOUR)
    expect(miner.changes.map(({ difficulty }) => difficulty)).toEqual([250_000, 62_500, 15_600, 3900, 3000])
    expect(miner.changes.map(({ atSec }) => atSec)).toEqual([120, 240, 360, 480, 600])
  })

  it('leaves alone a slow miner at the least difficulty', () => {
    const miner = new SimulatedMiner({ seed: 'slow', startDifficulty: 0.0001 })
    miner.mine(1_000, 2 * HOUR)
    expect(miner.changes).toEqual([])
  })

  it('never goes below what the miner or its operator set', () => {
    const miner = new SimulatedMiner({ seed: 'floor', startDifficulty: 1000, floor: 1000 })
    miner.mine(0.1 * TERA, 3 * HOUR)
    expect(miner.vardiff.difficulty).toBe(1000)
    miner.vardiff.setFloor({ floor: 1234, demandedFloor: 0 }, steadyMs(Math.floor(miner.nowMs)))
    expect(miner.vardiff.difficulty).toBe(1234)
  })

  it('never goes above options', () => {
    const miner = new SimulatedMiner({ seed: 'max', startDifficulty: 1, vardiff: { maxDifficulty: 2000 } })
    miner.mine(100 * TERA, 10 * MINUTE)
    expect(miner.vardiff.difficulty).toBeLessThanOrEqual(2000)
    expect(miner.vardiff.difficulty).toBeGreaterThan(1500)
  })

  it('asks no more than the share chain, so that every share is reported', () => {
    const limits = limitedTo(100)
    const miner = new SimulatedMiner({ seed: 'capped', startDifficulty: 512, limits })
    expect(miner.vardiff.difficulty).toBe(87)
    miner.mine(0.4 * TERA, 3 * HOUR)
    expect(miner.changes).toEqual([])
  })

  it('asks no more than a floor above the limits either', () => {
    const vardiff = new Vardiff(DEFAULT_VARDIFF, {
      difficulty: 5000,
      isGuess: false,
      floor: 5000,
      demandedFloor: 0,
      limits: limitedTo(null, 0.0039),
      nowMs: steadyMs(0)
    })
    expect(vardiff.difficulty).toBeLessThanOrEqual(0.0039)
    vardiff.setFloor({ floor: 6000, demandedFloor: 0 }, steadyMs(1))
    vardiff.ask(7000, steadyMs(2))
    expect(vardiff.difficulty).toBeLessThanOrEqual(0.0039)
  })

  it('asks what somebody demands above the limits too, and no more', () => {
    const limits = limitedTo(100)
    const miner = new SimulatedMiner({ seed: 'demanded', startDifficulty: 524_288, demandedFloor: 8192, limits })
    expect(miner.vardiff.difficulty).toBe(8192)
    expect(miner.vardiff.useful).toBe(100)
    miner.vardiff.setLimits(limitedTo(50), steadyMs(1))
    expect(miner.vardiff.difficulty).toBe(8192)
    miner.mine(0, HOUR)
    expect(miner.vardiff.difficulty).toBe(8192)
    miner.vardiff.setFloor({ floor: 0, demandedFloor: 0 }, steadyMs(miner.nowMs))
    miner.vardiff.setLimits(limitedTo(40), steadyMs(miner.nowMs))
    expect(miner.vardiff.difficulty).toBe(35)
  })

  it('is within minutes where a miner can follow of whom it guesses, and never heard a share', () => {
    const miner = new SimulatedMiner({ seed: 'unknown', startDifficulty: 1024, isGuess: true })
    miner.mine(0, 5 * MINUTE)
    expect(miner.vardiff.difficulty).toBe(0.0001)
    expect(miner.changes[0]).toEqual({ atSec: 30, difficulty: 128 })
  })

  it('waits for who sent a share as for anybody, although it began with a guess', () => {
    const miner = new SimulatedMiner({ seed: 'guessed', startDifficulty: 1024, isGuess: true })
    miner.vardiff.credit(1024, steadyMs(1))
    miner.mine(0, 2 * MINUTE)
    expect(miner.changes).toEqual([])
  })

  it('follows limits at once: down always, up when they give a third more room', () => {
    const vardiff = new Vardiff(DEFAULT_VARDIFF, {
      difficulty: 512,
      isGuess: false,
      floor: 0,
      demandedFloor: 0,
      limits: limitedTo(100),
      nowMs: steadyMs(0)
    })
    const after = [95, 90, 80, 100, 110, 200, 5000].map((shareDifficulty, i) => {
      vardiff.setLimits(limitedTo(shareDifficulty), steadyMs(i + 1))
      return vardiff.difficulty
    })
    expect(after).toEqual([87, 87, 70, 70, 96, 175, 512])
  })

  it('goes above the limits only against a flood of submits, and back when it ends', () => {
    const miner = new SimulatedMiner({ seed: 'guard', startDifficulty: 1, limits: limitedTo(1) })
    // 100 shares a second at the limit; two a second are borne.
    const hashrateHps = 100 * 2 ** 32
    miner.mine(hashrateHps, 5 * MINUTE)
    const rate = miner.mine(hashrateHps, HOUR)
    expect(rate).toBeGreaterThan(1.4)
    expect(rate).toBeLessThan(3)
    const { length } = miner.changes
    miner.mine(hashrateHps, 3 * HOUR)
    expect(miner.changes.length - length).toBeLessThanOrEqual(6)
    miner.mine(2 ** 32 / 2, 30 * MINUTE)
    expect(miner.vardiff.difficulty).toBeLessThanOrEqual(1)
  })

  it('stays within the limits of a network that anybody can mine', () => {
    const miner = new SimulatedMiner({ seed: 'regtest', startDifficulty: 0.01, limits: limitedTo(null, 4.656e-10) })
    expect(miner.vardiff.difficulty).toBe(4e-10)
    miner.mine(1e6, MINUTE)
    // A million hashes a second would be half a million blocks: two submits a second it is.
    expect(miner.mine(1e6, 10 * MINUTE)).toBeLessThan(3)
  })

  it('changes nothing but by hints and limits when it is off', () => {
    const miner = new SimulatedMiner({ seed: 'off', startDifficulty: 100, vardiff: { retarget: 'off' } })
    miner.mine(100 * TERA, 1)
    miner.mine(0, HOUR)
    expect(miner.changes).toEqual([])
    miner.vardiff.setLimits(limitedTo(10), steadyMs(Math.floor(miner.nowMs)))
    expect(miner.vardiff.difficulty).toBe(8)
  })
})
