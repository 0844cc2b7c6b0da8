import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { judgeLuck } from './luck.ts'

describe('luck', () => {
  it.each([
    // exp(-1) = 0.368, exp(-2) = 0.135, exp(-4) = 0.018, exp(-6) = 0.0025, exp(-8) = 0.0003.
    [0, 1, 0.3679, 'usual'],
    [0, 2, 0.1353, 'long'],
    [0, 4, 0.0183, 'rare'],
    [0, 6, 0.0025, 'very-rare'],
    [0, 8, 0.0003, 'suspicious'],
    // Printed tables of the cumulative Poisson distribution.
    [2, 3, 0.4232, 'usual'],
    [15, 20, 0.1565, 'long']
  ])('of %i finds where %f are expected: a chance of %f, %s', (found, expected, chance, verdict) => {
    const luck = judgeLuck(found, expected)
    expect(luck.chanceOfFewer).toBeCloseTo(chance, 4)
    expect(luck.verdict).toBe(verdict)
  })

  it('before anything could be expected is usual', () => {
    expect(judgeLuck(0, 0)).toMatchObject({ chanceOfFewer: 1, chanceOfMore: 1, effort: null, verdict: 'usual' })
  })

  it('counts what was found on both sides', () => {
    fc.assert(
      fc.property(fc.nat(200), fc.double({ min: 0, max: 200, noNaN: true }), (found, expected) => {
        const { chanceOfFewer, chanceOfMore } = judgeLuck(found, expected)
        expect(chanceOfFewer + chanceOfMore).toBeGreaterThanOrEqual(1 - 1e-9)
        expect(chanceOfFewer + judgeLuck(found + 1, expected).chanceOfMore).toBeCloseTo(1, 9)
      })
    )
  })

  it('gets no better the longer nothing comes', () => {
    const order = ['usual', 'long', 'rare', 'very-rare', 'suspicious']
    const verdicts = Array.from({ length: 100 }, (_, n) => order.indexOf(judgeLuck(0, n / 10).verdict))
    expect(verdicts).toEqual(verdicts.toSorted((a, b) => a - b))
    expect(new Set(verdicts).size).toBe(5)
  })

  it('says effort as pools do', () => {
    expect(judgeLuck(4, 6).effort).toBe(1.5)
  })
})
