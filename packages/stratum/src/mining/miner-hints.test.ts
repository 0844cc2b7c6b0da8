import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { hintsIn } from './miner-hints.ts'

const NOTHING = { difficulty: null, minimumDifficulty: null, terahashes: null, shareAddress: null }

describe('a password', () => {
  const passwords: readonly [password: unknown, hints: Partial<typeof NOTHING | Record<string, unknown>>][] = [
    ['x', {}],
    ['', {}],
    [null, {}],
    [undefined, {}],
    [512, {}],
    ['d=512', { difficulty: 512 }],
    ['diff=0.5;md=0.1', { difficulty: 0.5, minimumDifficulty: 0.1 }],
    ['x,D=1024;foo=1\tTH=1.5', { difficulty: 1024, terahashes: 1.5 }],
    ['d=1e3,d=7', { difficulty: 1000 }],
    ['d= 5', {}],
    ['d=1e999', {}],
    ['d=0x10', {}],
    ['=5,d', {}],
    ['p2p=P2Qabc', { shareAddress: 'P2Qabc' }],
    ['d=2 P2P=p2qAbC=;x', { difficulty: 2, shareAddress: 'p2qAbC=' }],
    ['p2p=', {}],
    [`${'y'.repeat(600)},d=5`, {}]
  ]
  for (const [password, hints] of passwords) {
    it(`${JSON.stringify(password)?.slice(0, 40) ?? 'that is missing'} says what it says`, () => {
      expect(hintsIn(password)).toEqual({ ...NOTHING, ...hints })
    })
  }

  it('never yields a difficulty that is none', () => {
    fc.assert(
      fc.property(fc.string({ unit: fc.constantFrom(...'d=e+-.0159,; th') }), password => {
        for (const value of Object.values(hintsIn(password))) {
          if (typeof value === 'number') expect(value > 0 && Number.isFinite(value)).toBe(true)
        }
      })
    )
  })
})
