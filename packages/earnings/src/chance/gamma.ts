/**
 * The gamma distribution and, through it, Poisson's: everything that is found by chance at a constant rate is described by these two.
 * Formulas: NIST Digital Library of Mathematical Functions, chapters 5 and 8.
 */
import { invariant } from '@p2poolv2/primitives'

/** Below this the asymptotic series is not exact to a double; the recurrence lifts smaller arguments above it. */
const STIRLING_FROM = 10
const HALF_LOG_TWO_PI = 0.918_938_533_204_672_8
const EPSILON = 1e-15
const TINY = 1e-300
/** No argument that comes up needs a tenth of it; a loop without an end is worse than a wrong digit. */
const MAX_TERMS = 100_000
const MAX_NEWTON_STEPS = 60

/**
 * ln Γ(x) for x > 0, within some 1e-14 relative: Γ(x) = Γ(x+n) / (x (x+1) … (x+n-1)), then Stirling's series
 * (x - ½) ln x - x + ½ ln 2π + 1/(12x) - 1/(360x³) + 1/(1260x⁵) - 1/(1680x⁷) + 1/(1188x⁹).
 */
export function logGamma(x: number): number {
  invariant(x > 0 && Number.isFinite(x), 'the logarithm of gamma is asked of positive numbers')
  let shift = 0
  while (x < STIRLING_FROM) {
    shift += Math.log(x)
    x += 1
  }
  const inverse = 1 / x
  const square = inverse * inverse
  const series = inverse * (1 / 12 - square * (1 / 360 - square * (1 / 1260 - square * (1 / 1680 - square / 1188))))
  return (x - 0.5) * Math.log(x) - x + HALF_LOG_TWO_PI + series - shift
}

/**
 * P(shape, x) = γ(shape, x) / Γ(shape): the chance that a gamma variable of this shape and scale 1 is at most x; for a whole
 * shape k the chance that at least k events came where x were expected. A power series below the middle, a continued fraction
 * above it.
 * @param shape positive
 * @param x at least 0
 */
export function gammaCdf(shape: number, x: number): number {
  invariant(shape > 0 && x >= 0, 'a gamma distribution has a positive shape and no negative values')
  if (x === 0) return 0
  if (x === Number.POSITIVE_INFINITY) return 1
  const front = Math.exp(shape * Math.log(x) - x - logGamma(shape))
  return x < shape + 1 ? front * lowerSeries(shape, x) : 1 - front * upperFraction(shape, x)
}

/** Σ xⁿ / (shape (shape+1) … (shape+n)). */
function lowerSeries(shape: number, x: number): number {
  let term = 1 / shape
  let sum = term
  for (let n = 1; n < MAX_TERMS && term > sum * EPSILON; n++) {
    term *= x / (shape + n)
    sum += term
  }
  return sum
}

/** 1 / (x+1-shape - 1(1-shape) / (x+3-shape - 2(2-shape) / …)), evaluated forwards. */
function upperFraction(shape: number, x: number): number {
  let denominator = x + 1 - shape
  let c = 1 / TINY
  let d = 1 / denominator
  let value = d
  for (let n = 1; n < MAX_TERMS; n++) {
    const numerator = -n * (n - shape)
    denominator += 2
    d = 1 / awayFromZero(numerator * d + denominator)
    c = awayFromZero(denominator + numerator / c)
    const factor = c * d
    value *= factor
    if (Math.abs(factor - 1) < EPSILON) break
  }
  return value
}

function awayFromZero(value: number): number {
  return Math.abs(value) < TINY ? TINY : value
}

/**
 * The x with gammaCdf(shape, x) = chance, within some 1e-10 relative: Newton's steps inside a bracket that only shrinks.
 * @param shape at least ½; whoever counts events has at least 1, and far below the quantiles are too small for a double
 * @param chance from 0 to below 1
 */
export function gammaQuantile(shape: number, chance: number): number {
  invariant(shape >= 0.5, 'a quantile is asked of shapes from a half')
  invariant(chance >= 0 && chance < 1, 'a quantile is asked for a chance from 0 to below 1')
  if (chance === 0) return 0
  let low = 0
  let high = shape + 1
  while (gammaCdf(shape, high) < chance) high *= 2
  let x = shape < 1 ? high / 2 : shape
  for (let step = 0; step < MAX_NEWTON_STEPS; step++) {
    const error = gammaCdf(shape, x) - chance
    if (error > 0) high = x
    else low = x
    const slope = Math.exp((shape - 1) * Math.log(x) - x - logGamma(shape))
    const newton = x - error / slope
    const next = newton > low && newton < high ? newton : (low + high) / 2
    if (Math.abs(next - x) <= 1e-12 * x || next === 0) return next
    x = next
  }
  return x
}

/**
 * The chance of at most `count` events where `expected` come on average: Q(count + 1, expected).
 * @param count a whole number, at least 0
 * @param expected at least 0
 */
export function poissonAtMost(count: number, expected: number): number {
  invariant(Number.isSafeInteger(count) && count >= 0, 'events are counted in whole numbers')
  return 1 - gammaCdf(count + 1, expected)
}

/** The chance of at least `count` events where `expected` come on average: P(count, expected). */
export function poissonAtLeast(count: number, expected: number): number {
  invariant(Number.isSafeInteger(count) && count >= 0, 'events are counted in whole numbers')
  return count === 0 ? 1 : gammaCdf(count, expected)
}
