import { describe, expect, it } from 'vitest'
import { HEAVY, Scenario } from '../testing/scenario.ts'

/** More than what is looked at below a share that became valid. */
const HIGH = 1_100

describe('what is mined on', () => {
  /** A row of headers on the genesis, of which these became valid one by one while nothing was confirmed. */
  function mined(valid: readonly number[]): string {
    const scenario = new Scenario()
    scenario.header(Array.from({ length: HIGH }, (_, n) => `s${n + 1}`).join(' '), 'G')
    for (const height of valid) {
      scenario.body(`s${height}`)
      scenario.base.update([scenario.slot(`s${height}`)])
    }
    scenario.base.checkInvariants()
    return scenario.miningBase
  }

  it('goes on with each share on it, however far above the confirmed tip that is', () => {
    expect(mined(Array.from({ length: HIGH }, (_, n) => n + 1))).toBe(`s${HIGH}`)
  })

  it('is no share that nothing valid leads to, near or far', () => {
    expect(mined([1, 2, 4])).toBe('s2')
    expect(mined([1, 2, HIGH])).toBe('s2')
  })

  it('is what was confirmed first of all, also where another share was mined on before', () => {
    const scenario = new Scenario()
    scenario.header('s1', 'G', HEAVY)
    scenario.header('b1', 'G')
    scenario.body('b1')
    scenario.promote()
    expect([scenario.confirmed, scenario.miningBase]).toEqual(['G', 'b1'])
    scenario.body('s1')
    scenario.promote()
    expect([scenario.confirmed, scenario.miningBase]).toEqual(['s1', 's1'])
  })
})
