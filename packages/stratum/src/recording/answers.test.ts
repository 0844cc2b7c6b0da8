import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { type Answer, answerOf, answerText, differences } from './answers.ts'

describe('answerOf', () => {
  it.each([
    ['{"id":4,"result":true,"error":null}', '4: true'],
    ['{"id":"auth","result":true,"error":null}', '"auth": true'],
    ['{"id":4,"result":false,"error":[23,"Low difficulty share",null]}', '4: error 23'],
    ['{"id":9,"result":null,"error":[20,"Method not found",null]}', '9: error 20'],
    [
      '{"id":1,"result":[[["mining.notify","0a"],["mining.set_difficulty","0a"]],"0a000001",8],"error":null}',
      '1: subscribed, 8 bytes to search'
    ],
    [
      '{"id":1,"result":{"version-rolling":true,"version-rolling.mask":"1fffe000"},"error":null}',
      '1: {"version-rolling":true,"version-rolling.mask":"1fffe000"}'
    ],
    ['{"id":null,"method":"mining.set_difficulty","params":[0.00015]}', 'set_difficulty 0.00015'],
    ['{"id":null,"method":"mining.notify","params":["j","","","",[],"","","",true]}', 'notify, clean'],
    ['{"id":null,"method":"mining.notify","params":["j","","","",[],"","","",false]}', 'notify'],
    ['{"id":null,"method":"client.reconnect","params":[]}', 'client.reconnect'],
    ['no JSON', 'not JSON']
  ])('tells %s', (line, kind) => {
    expect(answerText(answerOf(line))).toBe(kind)
  })
})

const timed = (kinds: string): { at: number; item: Answer }[] =>
  [...kinds].map((kind, at) => ({ at, item: { kind, difficulty: null } }))

function found(recorded: string, replayed: string): string[] {
  return differences(timed(recorded), timed(replayed)).map(
    ({ recorded: was, replayed: is }) => `${was?.kind ?? ''}>${is?.kind ?? ''}`
  )
}

describe('differences', () => {
  it.each([
    ['abc', 'abc', []],
    ['abc', 'ac', ['b>']],
    ['ac', 'abc', ['>b']],
    ['axc', 'ayc', ['x>y']],
    ['abcd', 'acbd', ['>c', 'c>']],
    ['ab', '', ['a>', 'b>']]
  ])('between %s and %s are %j', (recorded, replayed, expected) => {
    expect(found(recorded, replayed)).toEqual(expected)
  })

  it('are none between an order and itself, and account for every answer of two others', () => {
    const kinds = fc.string({ unit: fc.constantFrom('a', 'b', 'c'), maxLength: 150 })
    fc.assert(
      fc.property(kinds, kinds, (recorded, replayed) => {
        expect(found(recorded, recorded)).toEqual([])
        const all = differences(timed(recorded), timed(replayed))
        const missing = all.filter(({ recorded: was }) => was !== null).length
        const added = all.filter(({ replayed: is }) => is !== null).length
        expect(recorded.length - missing).toBe(replayed.length - added)
      })
    )
  })

  it('count no difficulty within a quarter', () => {
    const of = (difficulty: number) => [{ at: 0, item: { kind: 'set_difficulty', difficulty } }]
    expect(differences(of(1000), of(1200))).toEqual([])
    expect(differences(of(1000), of(1300))).toHaveLength(1)
  })
})
