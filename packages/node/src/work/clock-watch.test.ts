import { describe, expect, it } from 'vitest'
import { A_SHARE, address, factsOf, Rig, START_MS } from '../testing/rig.ts'
import { BELIEVED_AFTER_MS } from './clock-watch.ts'

const START_SEC = START_MS / 1000

function rigWithSkew(skewSec: number): Rig {
  const rig = new Rig()
  rig.skewMs = skewSec * 1000
  return rig
}

describe('a clock that is not bitcoind’s', () => {
  it.each([
    ['ahead', 180],
    ['behind', -6_901]
  ])('is told of once, and in the status until it is right: %s', (_what, skewSec) => {
    const rig = rigWithSkew(skewSec)
    rig.template({ curTimeSec: START_SEC })
    expect(rig.facts('clocksDiffer')).toEqual([{ type: 'clocksDiffer', differenceSec: skewSec }])
    rig.template({ curTimeSec: START_SEC, valueSats: 1 })
    expect(rig.facts('clocksDiffer')).toHaveLength(1)
    expect(rig.core.queries.status(rig.now).clockDifferenceSec).toBe(skewSec)
    rig.skewMs = 0
    rig.template({ curTimeSec: START_SEC, valueSats: 2 })
    expect(rig.core.queries.status(rig.now).clockDifferenceSec).toBe(null)
    expect(rig.facts('clocksDiffer')).toHaveLength(1)
  })

  it('is nothing to speak of below two minutes', () => {
    const rig = rigWithSkew(119)
    expect(factsOf(rig.template({ curTimeSec: START_SEC }), 'clocksDiffer')).toEqual([])
    expect(rig.core.queries.status(rig.now).clockDifferenceSec).toBe(null)
  })

  it('is not seen in the time of a template that is the least its chain allows', () => {
    const rig = rigWithSkew(-600)
    expect(factsOf(rig.template({ curTimeSec: START_SEC, minTimeSec: START_SEC }), 'clocksDiffer')).toEqual([])
  })
})

describe('a share chain that is dated later than it is', () => {
  const AHEAD_SEC = 3_600

  /** Has made a share while the clock was an hour ahead, and the clock is right now. */
  function setRight(): Rig {
    const rig = rigWithSkew(AHEAD_SEC)
    rig.template()
    rig.connect(1, address(1))
    rig.mine(1, A_SHARE)
    rig.skewMs = 0
    rig.advance(1_000)
    expect(rig.chain.confirmedTip().height).toBe(1)
    return rig
  }

  it('is left where it goes on from the time that bitcoind and this computer agree on', () => {
    const rig = setRight()
    rig.template()
    rig.advance(BELIEVED_AFTER_MS - 1)
    expect(rig.chain.confirmedTip().height).toBe(1)
    rig.advance(BELIEVED_AFTER_MS)
    expect(rig.facts('sharesAhead')).toEqual([{ type: 'sharesAhead', shares: 1, height: 0 }])
    expect(rig.core.queries.work()).toMatchObject({ jobs: 'full', reason: null })
  })

  it.each([
    ['bitcoind has given no template since the clock was set', null],
    ['bitcoind’s clock is with the chain', { curTimeSec: START_SEC + AHEAD_SEC }],
    ['bitcoin’s blocks are with the chain', { curTimeSec: START_SEC + AHEAD_SEC, minTimeSec: START_SEC + AHEAD_SEC }]
  ])('is followed on where %s', (_what, template) => {
    const rig = setRight()
    if (template !== null) rig.template(template)
    rig.advance(4 * BELIEVED_AFTER_MS)
    expect(rig.chain.confirmedTip().height).toBe(1)
    expect(rig.core.queries.work()).toMatchObject({ jobs: 'bitcoin-only', reason: 'clock-behind-chain' })
  })

  it('is followed on where the clock goes forth and back', () => {
    const rig = setRight()
    for (let times = 0; times < 6; times++) {
      rig.skewMs = times % 2 === 0 ? 0 : AHEAD_SEC * 1_000
      rig.template({ valueSats: times + 1 })
      rig.advance(BELIEVED_AFTER_MS / 2)
    }
    expect(rig.facts('sharesAhead')).toEqual([])
    expect(rig.chain.confirmedTip().height).toBe(1)
  })
})
