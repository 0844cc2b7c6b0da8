import { exactExp, exactLn } from '../exact-math.ts'

/** How what miners were paid compares with what they worked. */
export interface Fairness {
  readonly miners: number
  /** Sum of |share of pay − share of hashrate| / 2: the part of all pay that went to somebody else. */
  readonly misplacedPart: number
  /** What chance alone would misplace with so many shares, on average. */
  readonly expectedByChance: number
  /** Pay over hashrate of the largest miners, of the middle ones and of the smallest, a third of the hashrate each. */
  readonly largeMiners: number
  readonly middleMiners: number
  readonly smallMiners: number
}

/**
 * Compares share of pay with share of hashrate.
 * @param hashrate by payout address, any unit
 * @param pay by payout address, as a part of all
 * @param shares how many shares the pay comes from
 */
export function fairness(
  hashrate: ReadonlyMap<string, number>,
  pay: ReadonlyMap<string, number>,
  shares: number
): Fairness {
  const total = [...hashrate.values()].reduce((sum, rate) => sum + rate, 0)
  const parts = [...hashrate]
    .map(([address, rate]) => ({ work: rate / total, pay: pay.get(address) ?? 0 }))
    .sort((a, b) => b.work - a.work)
  let misplaced = 0
  let expected = 0
  const thirds = [0, 1, 2].map(() => ({ work: 0, pay: 0 }))
  let workSoFar = 0
  for (const part of parts) {
    misplaced += Math.abs(part.pay - part.work)
    expected += meanDeviation(Math.max(1, shares), part.work)
    const third = thirds[Math.min(2, Math.floor((workSoFar + part.work / 2) * 3))]
    if (third !== undefined) {
      third.work += part.work
      third.pay += part.pay
    }
    workSoFar += part.work
  }
  const [large, middle, small] = thirds.map(third => (third.work === 0 ? 1 : third.pay / third.work))
  return {
    miners: parts.length,
    misplacedPart: misplaced / 2,
    expectedByChance: expected / 2,
    largeMiners: large ?? 1,
    middleMiners: middle ?? 1,
    smallMiners: small ?? 1
  }
}

/**
 * The mean of |X / n − p| for a binomial X: how far luck alone carries a miner with a part `p` of the hashrate in `n` shares.
 * De Moivre: E|X − np| = 2 m C(n, m) p^m (1 − p)^(n − m + 1) with m the first whole number above np.
 */
export function meanDeviation(n: number, p: number): number {
  if (p <= 0 || p >= 1) return 0
  const m = Math.floor(n * p) + 1
  let ln = exactLn(2 * m) + m * exactLn(p) + (n - m + 1) * exactLn(1 - p)
  for (let i = 1; i <= m; i++) ln += exactLn((n - m + i) / i)
  return ln < -60 ? 0 : exactExp(ln) / n
}
