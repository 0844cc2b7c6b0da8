/** Whether what was found is what chance gives. */
import { poissonAtLeast, poissonAtMost } from '../chance/gamma.ts'

/**
 * How ordinary a shortfall is: `usual` happens in one of four spells or more, `long` in one of twenty, `rare` in one of a hundred,
 * `very-rare` in one of a thousand; beyond that a fault is likelier than bad luck. `unknown`: too little was measured to tell.
 */
export type Verdict = 'unknown' | 'usual' | 'long' | 'rare' | 'very-rare' | 'suspicious'

const VERDICTS: readonly (readonly [Verdict, number])[] = [
  ['usual', 1 / 4],
  ['long', 1 / 20],
  ['rare', 1 / 100],
  ['very-rare', 1 / 1000]
]

export interface Luck {
  readonly found: number
  /** What the work that was done gives on average. */
  readonly expected: number
  /** Work done for each find, in units of what one takes on average: 1 is average, 2 half as lucky; null without finds. */
  readonly effort: number | null
  /** The chance to find as few or fewer with as much work. */
  readonly chanceOfFewer: number
  /** The chance to find as many or more. */
  readonly chanceOfMore: number
  readonly verdict: Verdict
}

/**
 * Finds are Poisson distributed around the work that was done, divided by the work of one: whatever the hash rate was meanwhile. With
 * nothing found the chance of a spell as dry is exp(-expected).
 * @param found a whole number
 * @param expected work done / work of one, at least 0; where difficulty changed the sum over its times
 */
export function judgeLuck(found: number, expected: number): Luck {
  const chanceOfFewer = poissonAtMost(found, expected)
  return {
    found,
    expected,
    effort: found === 0 ? null : expected / found,
    chanceOfFewer,
    chanceOfMore: poissonAtLeast(found, expected),
    verdict: VERDICTS.find(([, chance]) => chanceOfFewer >= chance)?.[0] ?? 'suspicious'
  }
}
