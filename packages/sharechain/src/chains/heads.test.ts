import { expect, it } from 'vitest'
import { HEAVIEST, HEAVY, Scenario } from '../testing/scenario.ts'

it('an end of the tree that is pruned is none any more, also when an invalid share gets its place in memory', () => {
  const scenario = new Scenario()
  scenario.header('s1', 'G')
  scenario.header('x2', 's1')
  scenario.header('s2 s3 s4', 's1')
  scenario.body('s1 s2 s3 s4')
  scenario.promote()
  scenario.header('h5', 's4', HEAVY)
  scenario.header('bad5', 's4')
  scenario.invalid('bad5')
  const place = scenario.slot('x2')
  for (const _height of [1, 2]) {
    scenario.index.dropLowest(slot => {
      scenario.organiser.forget(slot)
      scenario.base.forget(slot)
    })
  }
  scenario.header('bad6', 'bad5', HEAVIEST)
  expect([scenario.slot('bad6'), scenario.verdict('bad6')]).toEqual([place, 'share-parent-invalid'])
  scenario.invalid('h5')
  expect(scenario.candidate).toBe('s4')
})
