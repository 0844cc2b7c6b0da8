import { workFromBits } from '@p2poolv2/primitives'
import { describe, expect, it } from 'vitest'
import { HEAVIEST, HEAVY, LIGHT, Scenario } from '../testing/scenario.ts'

describe('the candidate chain', () => {
  it('begins with the first header on the genesis and adds its work', () => {
    const scenario = new Scenario()
    scenario.header('s1', 'G')
    expect(scenario.candidate).toBe('s1')
    expect(scenario.work('s1')).toBe(2n * workFromBits(LIGHT))
    expect(workFromBits(LIGHT)).toBe(0x49d414n)
    expect([workFromBits(HEAVY), workFromBits(HEAVIEST)]).toEqual([0x24ea0a1488n, 0x189c06b85b35c7n])
    scenario.check()
  })

  it('turns to a heavier sibling', () => {
    const scenario = new Scenario()
    scenario.header('s1 s2', 'G')
    scenario.header('f2', 's1', HEAVY)
    expect(scenario.candidate).toBe('f2')
    expect([scenario.membership('s1'), scenario.membership('s2')]).toEqual(['candidate', 'none'])
    scenario.check()
  })

  it('turns to a shorter branch that is heavier', () => {
    const scenario = new Scenario()
    scenario.header('s1 s2 s3', 'G')
    scenario.header('f2', 's1', HEAVY)
    expect(scenario.candidate).toBe('f2')
    scenario.body('s1 s2 s3 f2')
    expect(scenario.promote().confirmed).toBe('s1 f2')
  })

  it('stays with the first seen of two equals', () => {
    const scenario = new Scenario()
    scenario.header('s1 s2', 'G')
    scenario.header('x1 x2', 'G')
    expect(scenario.candidate).toBe('s2')
    expect(scenario.membership('x1')).toBe('none')
    scenario.check()
  })

  it('branches off the genesis while the genesis stays confirmed', () => {
    const scenario = new Scenario()
    scenario.header('s1 s2', 'G')
    scenario.body('s1 s2')
    scenario.promote()
    scenario.header('x1', 'G')
    expect(scenario.candidate).toBe('s2')
    scenario.header('x2', 'x1', HEAVY)
    expect(scenario.candidate).toBe('x2')
    expect([scenario.confirmed, scenario.membership('G'), scenario.membership('x1')]).toEqual([
      's2',
      'confirmed',
      'candidate'
    ])
    scenario.check()
  })
})

describe('an invalid share', () => {
  it('takes its descendants with it and gives the chain back to the best branch left', () => {
    const scenario = new Scenario()
    scenario.header('s1 s2', 'G')
    scenario.header('f2 f3', 's1', HEAVY)
    scenario.header('g3', 'f2')
    expect(scenario.invalid('f2').split(' ').sort()).toEqual(['f2', 'f3', 'g3'])
    expect(scenario.candidate).toBe('s2')
  })

  it('says of what is built on it that its parent is invalid', () => {
    const scenario = new Scenario()
    scenario.header('s1 s2 s3', 'G')
    scenario.invalid('s2')
    expect([scenario.verdict('s2'), scenario.verdict('s3')]).toEqual(['coinbase-payout', 'share-parent-invalid'])
  })

  it('leaves the confirmed tip when there is nothing else', () => {
    const scenario = new Scenario()
    scenario.header('s1', 'G')
    scenario.body('s1')
    scenario.promote()
    scenario.header('s2 s3', 's1')
    scenario.invalid('s2')
    expect([scenario.candidate, scenario.confirmed]).toEqual(['s1', 's1'])
    expect(scenario.invalid('s2')).toBe('')
  })

  it('makes what is later built on it invalid at once', () => {
    const scenario = new Scenario()
    scenario.header('s1', 'G')
    scenario.invalid('s1')
    scenario.header('s2', 's1', HEAVIEST)
    expect(scenario.candidate).toBe('G')
    scenario.check()
  })

  it('that was confirmed gives the confirmed chain back to its parent', () => {
    const scenario = new Scenario()
    scenario.header('s1 s2 s3', 'G')
    scenario.body('s1 s2 s3')
    scenario.promote()
    scenario.invalid('s2')
    expect([scenario.candidate, scenario.confirmed, scenario.miningBase]).toEqual(['s1', 's1', 's1'])
  })

  it('of two equal branches left, the confirmed one is kept', () => {
    const scenario = new Scenario()
    scenario.header('s1', 'G')
    scenario.body('s1')
    scenario.promote()
    scenario.header('a1', 'G')
    scenario.header('h1', 'G', HEAVY)
    expect(scenario.candidate).toBe('h1')
    scenario.invalid('h1')
    expect(scenario.candidate).toBe('s1')
  })
})

describe('confirmation', () => {
  it('needs bodies', () => {
    const scenario = new Scenario()
    scenario.header('s1 s2', 'G')
    expect(scenario.promote()).toEqual({ confirmed: '', unconfirmed: '' })
  })

  it('goes as far as bodies are here', () => {
    const scenario = new Scenario()
    scenario.header('s1 s2 s3', 'G')
    scenario.body('s1 s2')
    expect(scenario.promote().confirmed).toBe('s1 s2')
    scenario.body('s3')
    expect(scenario.promote().confirmed).toBe('s3')
  })

  it('needs the uncles’ bodies too and counts the uncles', () => {
    const scenario = new Scenario()
    scenario.header('s1', 'G')
    scenario.header('u1', 'G')
    scenario.header('s2', 's1', LIGHT, ['u1'])
    scenario.body('s1 s2')
    expect(scenario.promote().confirmed).toBe('s1')
    scenario.body('u1')
    expect(scenario.promote().confirmed).toBe('s2')
    expect(scenario.organiser.uncleCount).toBe(1)
  })

  it.each([3, 2])('below the prune height %i a header is enough, once the top is valid', pruneHeight => {
    const scenario = new Scenario()
    scenario.header('s1 s2 s3', 'G')
    expect(scenario.promote(pruneHeight).confirmed).toBe('')
    scenario.body(pruneHeight === 3 ? 's3' : 's2 s3')
    expect(scenario.promote(pruneHeight).confirmed).toBe('s1 s2 s3')
  })

  it('confirms nothing by headers alone, however many there are and however heavy they are', () => {
    const scenario = new Scenario()
    scenario.header('s1 s2', 'G')
    scenario.body('s1 s2')
    scenario.promote()
    scenario.header('h1 h2 h3 h4 h5', 'G', HEAVY)
    expect(scenario.candidate).toBe('h5')
    for (const pruneHeight of [0, 3, 5, 6]) {
      expect(scenario.promote(pruneHeight)).toEqual({ confirmed: '', unconfirmed: '' })
    }
  })

  it('needs a verdict and the body, not the one or the other', () => {
    const scenario = new Scenario()
    scenario.header('s1 s2', 'G')
    scenario.validWithoutBody('s1')
    expect(scenario.promote().confirmed).toBe('')
    scenario.body('s1')
    scenario.unjudged('s2')
    expect(scenario.promote().confirmed).toBe('s1')
  })

  it('needs the body at the prune height itself, of a share and of an uncle', () => {
    const share = new Scenario()
    share.header('s1 s2 s3', 'G')
    share.body('s1 s3')
    expect(share.promote(2).confirmed).toBe('s1')
    share.body('s2')
    expect(share.promote(2).confirmed).toBe('s2 s3')
    const uncle = new Scenario()
    uncle.header('s1', 'G')
    uncle.header('u1', 'G')
    uncle.header('s2', 's1', LIGHT, ['u1'])
    uncle.body('s1 s2')
    expect(uncle.promote(1).confirmed).toBe('s1')
    expect(uncle.promote(2).confirmed).toBe('s2')
  })

  it.each([0, 1])('goes on by bodies from the prune height %i on while many headers above have none', pruneHeight => {
    const scenario = new Scenario()
    scenario.header('s1 s2 h1 h2 h3 h4 h5 h6 h7 h8 h9', 'G')
    scenario.body('s1')
    expect(scenario.promote(pruneHeight).confirmed).toBe('s1')
    scenario.body('s2')
    expect(scenario.promote(pruneHeight).confirmed).toBe('s2')
  })

  it('turns to another branch only when its valid part is heavier', () => {
    const scenario = new Scenario()
    scenario.header('s1 s2', 'G')
    scenario.body('s1 s2')
    scenario.promote()
    scenario.header('y1 y2 y3', 'G')
    expect(scenario.candidate).toBe('y3')
    scenario.body('y1 y2')
    expect(scenario.promote()).toEqual({ confirmed: '', unconfirmed: '' })
    scenario.body('y3')
    expect(scenario.promote()).toEqual({ confirmed: 'y1 y2 y3', unconfirmed: 's2 s1' })
    expect([scenario.membership('s1'), scenario.membership('s2')]).toEqual(['none', 'none'])
  })

  it('takes uncles back when it turns', () => {
    const scenario = new Scenario()
    scenario.header('s1', 'G')
    scenario.header('u1', 'G')
    scenario.header('s2', 's1', LIGHT, ['u1'])
    scenario.body('s1 u1 s2')
    scenario.promote()
    scenario.header('t2', 's1', HEAVY)
    scenario.body('t2')
    expect(scenario.promote()).toEqual({ confirmed: 't2', unconfirmed: 's2' })
    expect(scenario.organiser.uncleCount).toBe(0)
  })

  // The 0.13 fallback (any child of the confirmed tip) is gone: a withheld heavier header does not get its rival confirmed.
  it('waits for the candidate chain', () => {
    const scenario = new Scenario()
    scenario.header('s1', 'G')
    scenario.body('s1')
    scenario.promote()
    scenario.header('y2 y3', 's1')
    scenario.header('z2', 's1')
    scenario.body('z2')
    expect(scenario.promote().confirmed).toBe('')
    expect(scenario.miningBase).toBe('z2')
  })
})

describe('the mining base', () => {
  it('is the heaviest valid descendant of the confirmed tip, confirmed or not', () => {
    const scenario = new Scenario()
    scenario.header('s1', 'G')
    scenario.body('s1')
    scenario.promote()
    expect(scenario.miningBase).toBe('s1')
    scenario.header('h2 h3', 's1', HEAVY)
    scenario.header('a2 a3', 's1')
    scenario.body('a2 a3')
    scenario.promote()
    expect([scenario.candidate, scenario.confirmed, scenario.miningBase]).toEqual(['h3', 's1', 'a3'])
  })

  it('is reached by valid shares only, in whatever order they became valid', () => {
    const scenario = new Scenario()
    scenario.header('a b c', 'G')
    scenario.header('d', 'G')
    for (const name of ['c', 'b']) {
      scenario.body(name)
      scenario.promote()
      expect(scenario.miningBase).toBe('G')
    }
    scenario.body('d')
    scenario.promote()
    expect(scenario.miningBase).toBe('d')
    scenario.body('a')
    scenario.promote()
    expect(scenario.miningBase).toBe('c')
  })

  it('of equals is the one with the smaller digest', () => {
    for (const names of ['aa ba', 'ba aa']) {
      const scenario = new Scenario()
      scenario.header('h1', 'G', HEAVY)
      for (const name of names.split(' ')) scenario.header(name, 'G')
      scenario.body('aa ba')
      scenario.promote()
      // The names' last letters are the digests' first bytes; with those equal the letter before decides.
      expect(scenario.miningBase).toBe('aa')
    }
  })

  it('is never off the confirmed chain', () => {
    const scenario = new Scenario()
    scenario.header('s1', 'G')
    scenario.header('x1 x2', 'G')
    scenario.body('s1')
    scenario.promote()
    expect([scenario.candidate, scenario.confirmed, scenario.miningBase]).toEqual(['x2', 'G', 's1'])
    scenario.body('x1 x2')
    scenario.promote()
    expect([scenario.confirmed, scenario.miningBase]).toEqual(['x2', 'x2'])
  })
})
