import { describe, expect, it } from 'vitest'
import { bytesToHex } from './bytes.ts'
import { InvariantError } from './invariant.ts'
import { seededRng, xoshiro128 } from './rng.ts'

describe('xoshiro128**', () => {
  it("repeats the authors' implementation, version 1.1, from state 1 2 3 4", () => {
    const next = xoshiro128([1, 2, 3, 4])
    expect(Array.from({ length: 10 }, next)).toEqual([
      11520, 0, 5927040, 70819200, 2031721883, 1637235492, 1287239034, 3734860849, 3729100597, 4258142804
    ])
  })

  it('refuses the state it could never leave', () => {
    expect(() => xoshiro128([0, 0, 0, 0])).toThrow(InvariantError)
  })
})

describe('seededRng', () => {
  it('says the same for the same seed and something else for another', () => {
    const draw = (seed: number | string) => bytesToHex(seededRng(seed).bytes(64))
    expect(draw('a')).toBe(draw('a'))
    expect(draw(7)).toBe(draw('7'))
    expect(new Set([draw('a'), draw('b'), draw(0), draw(1), draw('')]).size).toBe(5)
  })

  it('forks by name, whatever was drawn before', () => {
    const root = seededRng('root')
    const early = bytesToHex(root.fork('peers').bytes(32))
    root.bytes(100)
    expect(bytesToHex(root.fork('peers').bytes(32))).toBe(early)
    expect(bytesToHex(root.fork('miners').bytes(32))).not.toBe(early)
    expect(bytesToHex(root.fork('a').fork('b').bytes(32))).not.toBe(bytesToHex(root.fork('b').fork('a').bytes(32)))
  })

  it('forks by its own seed too: one name under two seeds is two streams', () => {
    const draw = (seed: string) => bytesToHex(seededRng(seed).fork('peers').bytes(32))
    expect(draw('a')).not.toBe(draw('b'))
  })

  it('gives any number of bytes, the words little-endian', () => {
    const word = seededRng(1).u32()
    expect(Array.from(seededRng(1).bytes(4))).toEqual([0, 8, 16, 24].map(shift => (word >>> shift) & 0xff))
    expect(seededRng(1).bytes(0)).toEqual(new Uint8Array(0))
    expect(seededRng(1).bytes(7)).toEqual(seededRng(1).bytes(8).subarray(0, 7))
  })

  it('gives u32 that are spread over their range', () => {
    const rng = seededRng('spread')
    const buckets = new Array<number>(16).fill(0)
    for (let i = 0; i < 16_000; i++) {
      const bucket = Math.floor(rng.u32() / 2 ** 28)
      buckets[bucket] = (buckets[bucket] ?? 0) + 1
    }
    expect(Math.min(...buckets)).toBeGreaterThan(850)
    expect(Math.max(...buckets)).toBeLessThan(1150)
  })
})
