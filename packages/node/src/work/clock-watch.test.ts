import { describe, expect, it } from 'vitest'
import { factsOf, Rig, START_MS } from '../testing/rig.ts'

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
