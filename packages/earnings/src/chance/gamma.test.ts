import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { gammaCdf, gammaQuantile, logGamma, poissonAtLeast, poissonAtMost } from './gamma.ts'

/** Shapes and arguments from a single rare event to a window of 120,960 shares. */
const anyShape = fc.double({ min: 0.5, max: 150_000, noNaN: true })
const anyChance = fc.double({ min: 0.001, max: 0.999, noNaN: true })

describe('the logarithm of gamma', () => {
  it.each([
    [0.5, Math.log(Math.sqrt(Math.PI))],
    [1, 0],
    [2, 0],
    [5, Math.log(24)],
    [11, Math.log(3_628_800)],
    // Γ(3/2) = √π / 2
    [1.5, Math.log(Math.sqrt(Math.PI) / 2)]
  ])('of %f is %f', (x, expected) => {
    expect(logGamma(x)).toBeCloseTo(expected, 13)
  })

  it('rises by the logarithm of its argument with each step of one', () => {
    fc.assert(
      fc.property(fc.double({ min: 0.01, max: 1e6, noNaN: true }), x => {
        const scale = Math.max(1, Math.abs(logGamma(x + 1)))
        expect(Math.abs(logGamma(x + 1) - logGamma(x) - Math.log(x)) / scale).toBeLessThan(1e-12)
      })
    )
  })
})

describe('Poisson’s distribution', () => {
  // Printed tables of the cumulative Poisson distribution, four digits.
  it.each([
    [0, 1, 0.3679],
    [2, 3, 0.4232],
    [4, 2.5, 0.8912],
    [10, 10, 0.583],
    [3, 0.5, 0.9982],
    [15, 20, 0.1565]
  ])('has at most %i where %f are expected with a chance of %f', (count, expected, chance) => {
    expect(poissonAtMost(count, expected)).toBeCloseTo(chance, 4)
  })

  it('is the sum of its terms', () => {
    fc.assert(
      fc.property(fc.nat(60), fc.double({ min: 0, max: 40, noNaN: true }), (count, expected) => {
        let term = Math.exp(-expected)
        let sum = term
        for (let k = 1; k <= count; k++) {
          term *= expected / k
          sum += term
        }
        expect(poissonAtMost(count, expected)).toBeCloseTo(sum, 11)
        expect(poissonAtLeast(count + 1, expected)).toBeCloseTo(1 - sum, 11)
      })
    )
  })

  it('has at least none for certain', () => {
    expect(poissonAtLeast(0, 0)).toBe(1)
    expect(poissonAtLeast(1, 0)).toBe(0)
    expect(poissonAtMost(0, 0)).toBe(1)
  })
})

describe('the gamma distribution', () => {
  // Half the quantiles of chi square with twice the degrees of freedom, from printed tables.
  it.each([
    [0.5, 0.5, 0.4549 / 2],
    [5, 0.95, 18.307 / 2],
    [5, 0.05, 3.94 / 2],
    [50, 0.95, 124.342 / 2],
    [1, 0.95, 5.991 / 2],
    [15, 0.25, 24.478 / 2]
  ])('of shape %f has its %f quantile at %f', (shape, chance, x) => {
    expect(gammaQuantile(shape, chance)).toBeCloseTo(x, 3)
  })

  it('of shape 1 is exponential', () => {
    fc.assert(
      fc.property(anyChance, chance => {
        expect(gammaQuantile(1, chance)).toBeCloseTo(-Math.log1p(-chance), 9)
      })
    )
  })

  it('has quantiles that its distribution function takes back', () => {
    fc.assert(
      fc.property(anyShape, anyChance, (shape, chance) => {
        expect(gammaCdf(shape, gammaQuantile(shape, chance))).toBeCloseTo(chance, 9)
      })
    )
  })

  it('never falls and stays between 0 and 1', () => {
    fc.assert(
      fc.property(anyShape, fc.tuple(anyChance, anyChance), (shape, chances) => {
        const [low = 0, high = 0] = chances.map(chance => shape * 2 * chance).sort((a, b) => a - b)
        const [atLow, atHigh] = [gammaCdf(shape, low), gammaCdf(shape, high)]
        expect(atLow).toBeGreaterThanOrEqual(0)
        expect(atHigh).toBeLessThanOrEqual(1)
        expect(atHigh).toBeGreaterThanOrEqual(atLow - 1e-12)
      })
    )
  })

  it('is nothing at 0 and all at infinity', () => {
    expect(gammaCdf(3, 0)).toBe(0)
    expect(gammaCdf(3, Number.POSITIVE_INFINITY)).toBe(1)
    expect(gammaQuantile(3, 0)).toBe(0)
  })
})
