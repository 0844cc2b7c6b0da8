/**
 * How long until a block of the pool pays us. Shares of ours are found at a rate p, each is in the payout window for a time L; blocks
 * of the pool come at a rate q; the first that comes while a share of ours is in the window pays. At the beginning the window holds
 * shares of ours for another time a, 0 if it holds none.
 *
 * Let S(t) be the chance that no block has paid by t, and N(t) the chance that none has and no share of ours is in the window.
 * A block pays unless no share is there, and the window becomes empty of ours when a share found L ago was the last:
 *
 *   S' = -q (S - N)
 *   N' = -p N + p exp(-(p+q) L) S(t - L), the second part from t = L on; N = 0 before a and exp(-(p+q) a) at a
 *
 * For t ≤ a that is S = exp(-q t). Behind a the two are stepped on a grid that divides L, and after a few L the past is forgotten
 * and S falls by exp(-s t), where s below both p and q solves (q - s)(p - s) = p q exp(-(p + q - s) L).
 */
import { invariant } from '@p2poolv2/primitives'
import type { WaitSec } from '../chance/waiting.ts'
import { waitFromQuantiles } from '../chance/waiting.ts'
import type { Pace } from './pool.ts'

export interface PayoutWaitInput extends Pick<Pace, 'sharesPerSec' | 'blocksPerSec' | 'windowSec'> {
  /** How long the window holds shares of ours without new ones; at most `windowSec`. */
  readonly coveredSec: number
}

/** Steps to the length of the window; the error of a chance is some 1e-6. */
const STEPS = 256
/** Lengths of the window that are stepped; what is left of the beginning after them is below 1e-6. */
const STEPPED_WINDOWS = 8
const BISECTIONS = 200

/** The distribution of the wait for the next payout. */
export class PayoutWait {
  readonly #p: number
  readonly #q: number
  readonly #windowSec: number
  readonly #coveredSec: number
  /** S at `coveredSec` and each step behind it. */
  readonly #noPayout: Float64Array
  readonly #stepSec: number
  /** s of the tail. */
  readonly #tailPerSec: number

  constructor({ sharesPerSec, blocksPerSec, windowSec, coveredSec }: PayoutWaitInput) {
    invariant(sharesPerSec >= 0 && blocksPerSec >= 0 && coveredSec >= 0, 'rates and times are not negative')
    invariant(coveredSec <= windowSec, 'no share outstays the window')
    this.#p = sharesPerSec
    this.#q = blocksPerSec
    this.#windowSec = windowSec
    this.#coveredSec = coveredSec
    this.#stepSec = windowSec / STEPS
    const canStep = this.#p > 0 && this.#q > 0 && Number.isFinite(windowSec)
    this.#noPayout = canStep ? this.#step() : new Float64Array(0)
    this.#tailPerSec = canStep ? tailRate(this.#p, this.#q, windowSec) : 0
  }

  /** The chance that at least one block pays us within a time. */
  chanceWithin(sec: number): number {
    if (sec <= this.#coveredSec) return -Math.expm1(-this.#q * sec)
    // Without new shares only what is in the window now can be paid.
    if (this.#noPayout.length === 0) return -Math.expm1(-this.#q * this.#coveredSec)
    const at = (sec - this.#coveredSec) / this.#stepSec
    const last = this.#noPayout.length - 1
    if (at >= last) return 1 - this.#at(last) * Math.exp(-this.#tailPerSec * (at - last) * this.#stepSec)
    const below = Math.floor(at)
    return 1 - this.#at(below) - (this.#at(below + 1) - this.#at(below)) * (at - below)
  }

  /** Null where it may never come: nothing is mined, or the pool finds no blocks. */
  wait(): WaitSec | null {
    if (this.#noPayout.length === 0) return null
    return waitFromQuantiles(this.meanSec(), chance => this.#quantileSec(chance))
  }

  /**
   * The mean, the integral of S. With A(x) = (1 - exp(-(p+q) x)) / (p+q) and B(x) = exp(-(p+q) x): from the moment a share is found
   * U = (1 + B(L) / (p A(L))) / q, from an empty window V = 1/p + U, and from now A(a) (1 + p U) + B(a) V.
   */
  meanSec(): number {
    const both = this.#p + this.#q
    const reach = (sec: number): number => -Math.expm1(-both * sec) / both
    const miss = (sec: number): number => Math.exp(-both * sec)
    const fromShare = (1 + miss(this.#windowSec) / (this.#p * reach(this.#windowSec))) / this.#q
    const fromEmpty = 1 / this.#p + fromShare
    return reach(this.#coveredSec) * (1 + this.#p * fromShare) + miss(this.#coveredSec) * fromEmpty
  }

  #quantileSec(chance: number): number {
    const left = 1 - chance
    if (left >= this.#at(0)) return -Math.log(left) / this.#q
    const last = this.#noPayout.length - 1
    if (left < this.#at(last)) {
      return this.#coveredSec + last * this.#stepSec + Math.log(this.#at(last) / left) / this.#tailPerSec
    }
    let [above, below] = [0, last]
    while (below - above > 1) {
      const middle = (above + below) >> 1
      if (this.#at(middle) > left) above = middle
      else below = middle
    }
    const fall = this.#at(above) - this.#at(below)
    const part = fall > 0 ? (this.#at(above) - left) / fall : 0
    return this.#coveredSec + (above + part) * this.#stepSec
  }

  #at(step: number): number {
    return this.#noPayout[step] ?? 0
  }

  /** S from `coveredSec` on. Each step is exact for what it takes as constant within it: the mean of N, and S one window ago. */
  #step(): Float64Array {
    const [p, q, h, a] = [this.#p, this.#q, this.#stepSec, this.#coveredSec]
    const steps = STEPS * STEPPED_WINDOWS
    const s = new Float64Array(steps + 1)
    s[0] = Math.exp(-q * a)
    let n = Math.exp(-(p + q) * a)
    const lastOne = Math.exp(-(p + q) * this.#windowSec)
    const [keepN, keepS] = [Math.exp(-p * h), Math.exp(-q * h)]
    const [gainN, gainS] = [-Math.expm1(-p * h), -Math.expm1(-q * h)]
    for (let k = 0; k < steps; k++) {
      const agoSec = a + (k - STEPS) * h
      // The part of the step that lies behind t = L.
      const part = Math.min(1, Math.max(0, agoSec / h + 1))
      const middleSec = Math.max(0, agoSec + h * (1 - part / 2))
      const middle =
        k < STEPS ? Math.exp(-q * middleSec) : ((s[k - STEPS] as number) + (s[k - STEPS + 1] as number)) / 2
      const next = n * keepN + gainN * lastOne * part * middle
      s[k + 1] = (s[k] as number) * keepS + (gainS * (n + next)) / 2
      n = next
    }
    return s
  }
}

/** The s of the tail by halving: the difference of both sides is positive at 0 and negative at the smaller rate. */
function tailRate(p: number, q: number, windowSec: number): number {
  let [low, high] = [0, Math.min(p, q)]
  for (let i = 0; i < BISECTIONS; i++) {
    const s = (low + high) / 2
    if (s === low || s === high) break
    const difference = s * (s - p - q) - p * q * Math.expm1(-(p + q - s) * windowSec)
    if (difference > 0) low = s
    else high = s
  }
  return (low + high) / 2
}
