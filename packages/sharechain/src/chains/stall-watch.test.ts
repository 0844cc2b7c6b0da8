import { type UnixMs, unixMs } from '@p2poolv2/primitives'
import { beforeEach, describe, expect, it } from 'vitest'
import { easyParams } from '../testing/build-chain.ts'
import { HEAVIEST, HEAVY, Scenario } from '../testing/scenario.ts'
import { StallWatch } from './stall-watch.ts'

class Stalled extends Scenario {
  readonly watch = new StallWatch(easyParams({ pruneDepth: 100 }), this.index, this.organiser)

  /** @returns what is to be turned away from, and when to look again */
  at(ms: number): [string, UnixMs | null] {
    const slot = this.watch.update(this.base.slot, unixMs(ms))
    this.watch.checkInvariants()
    return [this.text(slot === -1 ? [] : [slot]), this.watch.nextDeadlineMs]
  }

  /** A valid share of ours beside the candidate chain. */
  mine(name: string, parent: string): void {
    this.header(name, parent)
    this.body(name)
    this.base.update([this.slot(name)])
  }
}

describe('a chain that does not come on', () => {
  let chain: Stalled
  beforeEach(() => {
    chain = new Stalled()
    chain.header('s1 s2', 'G')
    chain.body('s1 s2')
    chain.promote()
    chain.header('h2 h3 h4 h5', 's1', HEAVY)
  })

  it('is waited for as long as nothing valid is kept waiting and no bodies are awaited', () => {
    expect(chain.at(1_000)).toEqual(['', null])
    expect(chain.at(500_000)).toEqual(['', null])
  })

  it('is turned away from after a minute of valid work beside it', () => {
    chain.mine('s3', 's2')
    expect(chain.at(1_000)).toEqual(['', 61_000])
    expect(chain.at(60_999)).toEqual(['', 61_000])
    expect(chain.at(61_000)).toEqual(['h2', null])
  })

  it('is turned away from after a minute of waiting for bodies as well, and then the next has a quarter of one', () => {
    chain.watch.setWait({ isAwaited: true, isOtherShown: false })
    expect(chain.at(1_000)).toEqual(['', 61_000])
    expect(chain.at(61_000)).toEqual(['h2', null])
    expect(chain.at(61_000)).toEqual(['', 76_000])
    chain.watch.setWait({ isAwaited: false, isOtherShown: true })
    expect(chain.at(61_000)).toEqual(['', null])
  })

  it('has no minute more for a clock that steps back', () => {
    chain.mine('s3', 's2')
    chain.at(100_000)
    chain.at(130_000)
    expect(chain.at(50_000)).toEqual(['', 80_000])
  })

  it('has two seconds more for each share that became valid', () => {
    chain.mine('s3', 's2')
    chain.at(1_000)
    expect(chain.at(31_000)).toEqual(['', 61_000])
    chain.body('h2')
    expect(chain.at(31_000)).toEqual(['', 63_000])
    expect(chain.at(31_000)).toEqual(['', 63_000])
    chain.body('h3 h4')
    expect(chain.at(32_000)).toEqual(['', 67_000])
  })

  it('never has more than a minute', () => {
    chain.mine('s3', 's2')
    chain.at(1_000)
    chain.body('h2 h3')
    expect(chain.at(2_000)).toEqual(['', 62_000])
  })

  it('has a tenth of the time that nothing was held up, after another had its minute', () => {
    chain.mine('s3', 's2')
    chain.at(1_000)
    chain.at(61_000)
    chain.organiser.withhold(chain.slot('h2'))
    chain.promote()
    expect(chain.confirmed).toBe('s3')
    expect(chain.at(161_000)).toEqual(['', null])
    chain.header('k3 k4', 's2', HEAVIEST)
    chain.mine('s4', 's3')
    expect(chain.at(161_000)).toEqual(['', 171_000])
    expect(chain.at(171_000)).toEqual(['k3', null])
  })

  it('is not held up by our work where that is on it, or confirmed', () => {
    chain.body('h2')
    chain.base.update([chain.slot('h2')])
    expect(chain.at(1_000)).toEqual(['', null])
  })

  it('is forgotten with the share that is missing, which then has earned nothing', () => {
    chain.mine('s3', 's2')
    chain.at(1_000)
    chain.at(31_000)
    chain.watch.forget(chain.slot('h3'))
    expect(chain.watch.nextDeadlineMs).toBe(61_000)
    chain.watch.forget(chain.slot('h2'))
    expect(chain.watch.nextDeadlineMs).toBeNull()
    chain.body('h2')
    expect(chain.at(31_000)).toEqual(['', 61_000])
  })
})

describe('a chain that forks below everything kept', () => {
  it('is turned away from where another was shown and what is missing is built on something valid', () => {
    const chain = new Stalled()
    chain.header(Array.from({ length: 25 }, (_, n) => `s${n + 1}`).join(' '), 'G')
    for (const _height of [1, 2, 3]) chain.index.dropLowest(slot => chain.organiser.forget(slot))
    const blocked = (isOtherShown: boolean): boolean => {
      chain.watch.setWait({ isAwaited: true, isOtherShown })
      return chain.at(1_000)[1] !== null
    }
    // Bodies are needed from height 20 on.
    expect([blocked(true), blocked(false)]).toEqual([false, false])
    chain.validWithoutBody('s19')
    expect([blocked(false), blocked(true)]).toEqual([false, true])
    expect(chain.at(61_000)).toEqual(['s20', null])
    chain.validWithoutBody('s20 s21 s22 s23 s24 s25')
    expect(blocked(true)).toBe(false)
  })
})
