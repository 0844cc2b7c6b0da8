import {
  bigIntFromTarget,
  difficultyOfHash,
  hashMeetsTarget,
  hexToBytes,
  targetFromBigInt,
  targetFromDifficulty
} from '@p2poolv2/primitives'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { V1_HASH } from '../testing/vectors.ts'
import {
  DEFAULT_START_PROFILES,
  difficultyText,
  profileOf,
  roundedDown,
  sendable,
  sessionTarget
} from './difficulty.ts'

describe('session targets', () => {
  // stratum §2.19 "Targets", display order, as far as given there.
  const targets: readonly [difficulty: number, display: string][] = [
    [1, '00000000ffff00'],
    [512, '00000000007fff80'],
    [1000, '00000000004188f5c28f5c28f5'],
    [16384, '000000000003fffc'],
    [0.5, '00000001fffe00'],
    [0.001, '000003e7fc18'],
    [0.00015, '00001a0a90a0']
  ]
  for (const [difficulty, display] of targets) {
    it(`of difficulty ${difficulty}`, () => {
      const exact = bigIntFromTarget(targetFromDifficulty(difficulty))
      expect(exact.toString(16).padStart(64, '0').slice(0, display.length)).toBe(display)
      const lenient = bigIntFromTarget(sessionTarget(difficulty))
      expect(lenient - exact).toBe(exact / 1_000_000_000n)
    })
  }

  it('end exactly one part in a billion beyond the difficulty', () => {
    const target = sessionTarget(1000)
    const edge = bigIntFromTarget(target)
    expect(hashMeetsTarget(targetFromBigInt(edge), target)).toBe(true)
    expect(hashMeetsTarget(targetFromBigInt(edge + 1n), target)).toBe(false)
  })

  it('take a hash at its own difficulty, whatever floating point made of it', () => {
    const hash = hexToBytes(V1_HASH).reverse()
    const difficulty = difficultyOfHash(hash)
    expect(hashMeetsTarget(hash, sessionTarget(difficulty))).toBe(true)
    expect(hashMeetsTarget(hash, sessionTarget(difficulty * (1 + 9e-10)))).toBe(true)
    expect(hashMeetsTarget(hash, sessionTarget(difficulty * (1 + 11e-10)))).toBe(false)
  })

  it('are at most all ones', () => {
    expect(bigIntFromTarget(sessionTarget(1e-12))).toBe(2n ** 256n - 1n)
  })
})

describe('difficulties as sent', () => {
  const positive = fc.double({ min: 1e-12, max: 1e15, noNaN: true })

  it('have few digits, and are not above what was computed', () => {
    expect([16383.75, 999.9, 1000.4, 999_999, 0.99996, 0.00029, 4.07e-10, 1].map(roundedDown)).toEqual([
      16300, 999, 1000, 999_000, 0.99, 0.00029, 4e-10, 1
    ])
    fc.assert(
      fc.property(positive, difficulty => {
        const rounded = roundedDown(difficulty)
        expect(rounded).toBeLessThanOrEqual(difficulty)
        expect(rounded).toBeGreaterThan(difficulty * 0.49)
      })
    )
  })

  it('are decimal text without exponent that reads back the same', () => {
    expect([1, 512, 1e12, 0.00015, 5e-6, 1e-10].map(difficultyText)).toEqual([
      '1',
      '512',
      '1000000000000',
      '0.00015',
      '0.000005',
      '0.0000000001'
    ])
    fc.assert(
      fc.property(positive, difficulty => {
        for (const sent of [roundedDown(difficulty), sendable(difficulty)]) {
          expect(difficultyText(sent)).toMatch(sent >= 1 ? /^[1-9][0-9]*$/ : /^0\.[0-9]+$/)
          expect(Number(difficultyText(sent))).toBe(sent)
        }
      })
    )
  })
})

describe('start profiles', () => {
  const starts: readonly [userAgent: string, startDifficulty: number | null | undefined][] = [
    ['bitaxe/BM1370/v2.9.0', 512],
    ['NerdQAxe++/BM1370/v1.0.36', 2048],
    ['NerdMinerV2/V1.8.3', 0.0005],
    ['NiceHash/1.0.0', 524_288],
    ['cpuminer/2.5.1', 0.01],
    ['cgminer/4.11.1', null],
    ['', undefined]
  ]
  for (const [userAgent, startDifficulty] of starts) {
    it(`${userAgent || 'no user agent'} starts at ${startDifficulty ?? 'the default'}`, () => {
      expect(profileOf(userAgent, DEFAULT_START_PROFILES)?.startDifficulty).toBe(startDifficulty)
    })
  }

  const asics = [
    'Antminer S19/1.0',
    'whatsminer/v1.0',
    'bosminer-plus-tuner 0.2',
    'Avalon/1.0',
    'cgminer/4.11.1',
    'xminer-1.2'
  ]
  for (const userAgent of asics) {
    it(`${userAgent} is never asked for less than 1`, () => {
      expect(profileOf(userAgent, DEFAULT_START_PROFILES)?.floorDifficulty).toBe(1)
    })
  }
})
