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

const ROOT_OF_2_PI = 2.5066282746310002

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
    // The mean of |X - np| / n of a binomial X, by its normal approximation: sqrt(2 p (1 - p) / (pi n)).
    expected += (2 * Math.sqrt((part.work * (1 - part.work)) / Math.max(1, shares))) / ROOT_OF_2_PI
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
