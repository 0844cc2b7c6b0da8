import { describe, expect, it } from 'vitest'
import { HEAVIEST, HEAVY, Scenario } from '../testing/scenario.ts'

describe('the ends of the tree', () => {
  /** Four heights confirmed, the end `x2` beside them; above them one heavier header and one that is invalid. */
  function forked(): Scenario {
    const scenario = new Scenario()
    scenario.header('s1', 'G')
    scenario.header('x2', 's1')
    scenario.header('s2 s3 s4', 's1')
    scenario.body('s1 s2 s3 s4')
    scenario.promote()
    scenario.header('h5', 's4', HEAVY)
    scenario.header('bad5', 's4')
    scenario.invalid('bad5')
    return scenario
  }
  function prune(scenario: Scenario): void {
    scenario.index.dropLowest(slot => {
      scenario.organiser.forget(slot)
      scenario.base.forget(slot)
    })
  }
  function evict(scenario: Scenario, name: string): void {
    const slot = scenario.slot(name)
    scenario.organiser.evicted(slot)
    scenario.index.dropLeaf(slot)
    scenario.check()
  }
  /** What the chain turns to when its top is found to be invalid. */
  function without(scenario: Scenario, top: string): string {
    scenario.invalid(top)
    return scenario.candidate
  }

  it.each<[string, (scenario: Scenario) => void]>([
    [
      'pruned',
      scenario => {
        prune(scenario)
        prune(scenario)
      }
    ],
    ['evicted', scenario => evict(scenario, 'x2')]
  ])('hold no share that was %s, whose place in memory an invalid one may get', (_, letGo) => {
    const scenario = forked()
    const place = scenario.slot('x2')
    letGo(scenario)
    scenario.header('bad6', 'bad5', HEAVIEST)
    expect([scenario.slot('bad6'), scenario.verdict('bad6')]).toEqual([place, 'share-parent-invalid'])
    expect(without(scenario, 'h5')).toBe('s4')
  })

  it('hold nothing in place of one evicted whose parent is pruned, or invalid', () => {
    const scenario = forked()
    prune(scenario)
    evict(scenario, 'x2')
    scenario.header('bad6', 'bad5', HEAVIEST)
    scenario.header('bad7', 'bad6')
    evict(scenario, 'bad7')
    expect(without(scenario, 'h5')).toBe('s4')
  })

  it('hold the parent of one evicted, if nothing else is built on it', () => {
    const scenario = forked()
    scenario.header('h6 h7', 'h5')
    scenario.header('k7 k8', 'h6')
    // A lighter one of two children goes: what they are built on is no end.
    scenario.organiser.withhold(scenario.slot('h7'))
    expect(scenario.candidate).toBe('k8')
    evict(scenario, 'h7')
    expect(without(scenario, 'k7')).toBe('h6')
    evict(scenario, 'k8')
    evict(scenario, 'k7')
    expect(without(scenario, 'h6')).toBe('h5')
  })
})
