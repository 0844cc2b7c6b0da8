import { invariant } from '@p2poolv2/primitives'

/** Terms of the series below; the rest is far under what a double holds. */
const LN_TERMS = 20
const EXP_TERMS = 16

/**
 * Natural logarithm and exponential from the operations that IEEE 754 fixes to the last bit. `Math.log` and `Math.exp`
 * may differ between engines and processors, and then a run with the same seed would too.
 * @param x positive and finite
 */
export function exactLn(x: number): number {
  invariant(x > 0 && Number.isFinite(x), 'a logarithm is of a positive number')
  let exponent = 0
  let mantissa = x
  while (mantissa >= 2) {
    mantissa /= 2
    exponent += 1
  }
  while (mantissa < 1) {
    mantissa *= 2
    exponent -= 1
  }
  // ln m = 2 artanh((m - 1) / (m + 1))
  const z = (mantissa - 1) / (mantissa + 1)
  const square = z * z
  let power = z
  let sum = 0
  for (let term = 0; term < LN_TERMS; term++) {
    sum += power / (2 * term + 1)
    power *= square
  }
  return exponent * Math.LN2 + 2 * sum
}

/** @param x within ±100 */
export function exactExp(x: number): number {
  invariant(Math.abs(x) <= 100, 'an exponent stays within its range')
  const halvings = Math.round(x / Math.LN2)
  const rest = x - halvings * Math.LN2
  let sum = 1
  let power = 1
  for (let term = 1; term < EXP_TERMS; term++) {
    power = (power * rest) / term
    sum += power
  }
  for (let i = 0; i < halvings; i++) sum *= 2
  for (let i = 0; i > halvings; i--) sum /= 2
  return sum
}
