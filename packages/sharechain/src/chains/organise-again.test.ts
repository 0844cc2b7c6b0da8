import { describe, expect, it } from 'vitest'
import { HEAVIEST, HEAVY, LIGHT, Scenario } from '../testing/scenario.ts'
import { MiningBase } from './mining-base.ts'
import { Organiser } from './organise.ts'

describe('chains read back', () => {
  /** What a store knows of a scenario, taken over by an organiser that begins. */
  function restored(scenario: Scenario, tips: { readonly confirmed: string; readonly candidate: string }) {
    for (const slot of scenario.index.slots()) scenario.index.setMembership(slot, 'none')
    const organiser = new Organiser(scenario.index)
    const base = new MiningBase(scenario.index, organiser)
    const { uncleCount } = scenario.organiser
    const [confirmed, candidate] = [scenario.slot(tips.confirmed), scenario.slot(tips.candidate)]
    organiser.restore({ confirmed, candidate, uncleCount })
    base.restore()
    organiser.checkInvariants()
    base.checkInvariants()
    const memberships = [...scenario.index.slots()].map(slot => [
      scenario.text([slot]),
      scenario.index.membership(slot)
    ])
    return { organiser, base, memberships: Object.fromEntries(memberships) }
  }

  it('are as they were, with what is mined on and the uncles counted', () => {
    const scenario = new Scenario()
    scenario.header('s1', 'G')
    scenario.header('u1', 'G')
    scenario.header('s2', 's1', LIGHT, ['u1'])
    scenario.header('h3 h4', 's2', HEAVY)
    scenario.header('s3', 's2')
    scenario.body('s1 u1 s2 s3')
    scenario.promote()
    const { organiser, base, memberships } = restored(scenario, { confirmed: 's2', candidate: 'h4' })
    expect(scenario.text([organiser.confirmedTip, organiser.candidateTip, base.slot])).toBe('s2 h4 s3')
    expect(organiser.uncleCount).toBe(1)
    expect(memberships).toEqual({
      G: 'confirmed',
      s1: 'confirmed',
      s2: 'confirmed',
      u1: 'none',
      s3: 'none',
      h3: 'candidate',
      h4: 'candidate'
    })
    expect([0, 1, 2, 3, 4, 5].map(height => scenario.text([organiser.candidateAt(height)]))).toEqual([
      'G',
      's1',
      's2',
      'h3',
      'h4',
      ''
    ])
  })

  it('turn to what is heavier by now, and not to what is as heavy', () => {
    const scenario = new Scenario()
    scenario.header('b1', 'G')
    scenario.header('a1', 'G')
    // By its digest the second would be the one.
    expect(scenario.text([restored(scenario, { confirmed: 'G', candidate: 'b1' }).organiser.candidateTip])).toBe('b1')
    scenario.header('c1', 'G', HEAVIEST)
    expect(scenario.text([restored(scenario, { confirmed: 'G', candidate: 'b1' }).organiser.candidateTip])).toBe('c1')
  })
})

describe('an invalid share that is taken back', () => {
  it('brings back what is invalid for its sake alone, parents first', () => {
    const scenario = new Scenario()
    scenario.header('s1', 'G')
    scenario.header('f1 f2 f3', 'G', HEAVY)
    scenario.header('g2 g3', 'f1', HEAVIEST)
    scenario.invalid('g2')
    scenario.invalid('f1')
    expect(scenario.candidate).toBe('s1')
    expect(scenario.organiser.reopen(scenario.slot('f2'))).toEqual([])
    expect(scenario.organiser.reopen(scenario.slot('s1'))).toEqual([])
    expect(scenario.text(scenario.organiser.reopen(scenario.slot('f1')))).toBe('f1 f2 f3')
    expect([scenario.candidate, scenario.verdict('g2'), scenario.verdict('g3')]).toEqual([
      'f3',
      'coinbase-payout',
      'share-parent-invalid'
    ])
    scenario.check()
  })
})

describe('a share that is withheld', () => {
  it('is so no more when it turns out invalid, or has left the tree', () => {
    const scenario = new Scenario()
    scenario.header('s1', 'G')
    scenario.header('x1', 'G', HEAVY)
    scenario.header('y1', 'G', HEAVY)
    for (const name of ['x1', 'y1']) scenario.organiser.withhold(scenario.slot(name))
    expect([scenario.candidate, scenario.text([...scenario.organiser.withheld])]).toEqual(['s1', 'x1 y1'])
    scenario.invalid('x1')
    expect(scenario.text([...scenario.organiser.withheld])).toBe('y1')
    scenario.organiser.evicted(scenario.slot('y1'))
    scenario.index.dropLeaf(scenario.slot('y1'))
    expect([...scenario.organiser.withheld]).toEqual([])
    scenario.check()
  })
})

it('a share whose only child has left the tree is an end of it again', () => {
  const scenario = new Scenario()
  scenario.header('s1 s2 s3', 'G')
  scenario.header('y1 y2', 'G')
  scenario.organiser.evicted(scenario.slot('y2'))
  scenario.index.dropLeaf(scenario.slot('y2'))
  scenario.check()
  scenario.invalid('s1')
  expect(scenario.candidate).toBe('y1')
})

describe('what stands where', () => {
  it('a share descends from itself and its ancestors', () => {
    const scenario = new Scenario()
    scenario.header('s1 s2 s3', 'G')
    scenario.header('x2', 's1')
    const descends = (slot: string, ancestor: string): boolean =>
      scenario.organiser.descends(scenario.slot(slot), scenario.slot(ancestor))
    expect([descends('s3', 's1'), descends('s3', 's3'), descends('x2', 'G')]).toEqual([true, true, true])
    expect([descends('s3', 'x2'), descends('s1', 's3'), descends('G', 's1')]).toEqual([false, false, false])
  })

  it('the next that has to be validated is the lowest above the confirmed chain, from the prune height on', () => {
    const scenario = new Scenario()
    scenario.header('s1 s2 s3 s4', 'G')
    scenario.body('s1')
    scenario.promote()
    const next = (pruneHeight: number): string => scenario.text([scenario.organiser.nextUnvalidated(pruneHeight)])
    expect([next(0), next(2), next(3), next(4)]).toEqual(['s2', 's2', 's3', 's4'])
    scenario.body('s2 s3 s4')
    expect(next(0)).toBe('')
  })
})

describe('the mining base far up', () => {
  it('is reached by a branch that is not the one mined on', () => {
    const scenario = new Scenario()
    let tip = 'G'
    for (let height = 1; height <= 600; height++) {
      scenario.header(`s${height}`, tip)
      scenario.body(`s${height}`)
      tip = `s${height}`
    }
    scenario.organiser.promote(0)
    scenario.base.restore()
    scenario.header('h', tip, HEAVIEST)
    scenario.header('aa', tip)
    scenario.header('ba bb', tip)
    scenario.body('aa')
    scenario.base.update([scenario.slot('aa')])
    scenario.body('ba')
    scenario.base.update([scenario.slot('ba')])
    expect([scenario.confirmed, scenario.miningBase]).toEqual(['s600', 'aa'])
    scenario.body('bb')
    scenario.base.update([scenario.slot('bb')])
    expect(scenario.miningBase).toBe('bb')
    scenario.check()
  })

  it('follows valid shares however far they are above the confirmed tip', () => {
    const scenario = new Scenario()
    scenario.header('h', 'G', HEAVIEST)
    let tip = 'G'
    for (let height = 1; height <= 1_030; height++) {
      scenario.header(`s${height}`, tip)
      tip = `s${height}`
      scenario.body(tip)
      scenario.base.update([scenario.slot(tip)])
    }
    expect([scenario.confirmed, scenario.miningBase]).toEqual(['G', 's1030'])
    scenario.check()
  })
})
