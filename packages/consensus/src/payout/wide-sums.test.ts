import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { LIMBS, WideSums, writeLimbs } from './wide-sums.ts'

const LARGEST_WEIGHT = 10n * (2n ** 128n - 1n)

function limbsOf(value: bigint): Float64Array {
  const limbs = new Float64Array(LIMBS)
  writeLimbs(value, limbs, 0)
  return limbs
}

describe('wide sums', () => {
  it('agree with big integers for any additions and later subtractions', () => {
    const value = fc.oneof(
      fc.bigInt({ min: 0n, max: LARGEST_WEIGHT }),
      fc.bigInt({ min: 0n, max: 2n ** 52n }),
      fc.constantFrom(0n, 2n ** 51n - 1n, 2n ** 51n, 2n ** 102n - 1n, 2n ** 102n, LARGEST_WEIGHT)
    )
    fc.assert(
      fc.property(fc.array(value, { maxLength: 60 }), values => {
        const sums = new WideSums()
        let expected = 0n
        for (const added of values) {
          sums.add(5, limbsOf(added), 0)
          expected += added
          expect(sums.get(5)).toBe(expected)
        }
        for (const removed of values) {
          sums.subtract(5, limbsOf(removed), 0)
          expected -= removed
          expect(sums.get(5)).toBe(expected)
        }
        expect(sums.get(4)).toBe(0n)
      })
    )
  })

  it('hold the heaviest window there can be', () => {
    const sums = new WideSums()
    const heaviest = LARGEST_WEIGHT * 4n * 120_960n
    sums.set(0, heaviest)
    sums.add(0, limbsOf(LARGEST_WEIGHT), 0)
    expect(sums.get(0)).toBe(heaviest + LARGEST_WEIGHT)
  })

  it('compare and copy like the numbers they stand for', () => {
    const sums = new WideSums()
    const pairs: readonly (readonly [bigint, bigint])[] = [
      [0n, 0n],
      [1n, 0n],
      [2n ** 51n, 2n ** 51n - 1n],
      [2n ** 102n, 2n ** 102n - 1n],
      [2n ** 130n + 5n, 2n ** 130n + 5n]
    ]
    for (const [a, b] of pairs) {
      sums.set(9, a)
      sums.set(1, b)
      expect(sums.compare(9, 1), `${a} and ${b}`).toBe(a === b ? 0 : 1)
      expect(sums.compare(1, 9), `${b} and ${a}`).toBe(a === b ? 0 : -1)
      sums.copy(9, 20)
      expect(sums.get(20)).toBe(a)
    }
  })

  it('refuse to fall below zero', () => {
    const sums = new WideSums()
    sums.add(0, limbsOf(4n), 0)
    expect(() => sums.subtract(0, limbsOf(5n), 0)).toThrow()
  })
})
