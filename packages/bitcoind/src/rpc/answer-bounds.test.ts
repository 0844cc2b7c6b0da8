import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { ANSWER_BOUNDS, isBounded } from './answer-bounds.ts'

const bounded = (value: unknown): boolean => isBounded(Buffer.from(JSON.stringify(value)))
const { values, names, nameBytes, depth } = ANSWER_BOUNDS

describe('what an answer may hold', () => {
  it('has room for the template of a block that is as full as one can be', () => {
    const hex = (bytes: number): string => 'ab'.repeat(bytes)
    const transactions = Array.from({ length: 16_600 }, (_, index) => ({
      data: hex(240),
      txid: hex(32),
      hash: hex(32),
      depends: index % 2 === 0 ? [] : [index - 1, index],
      fee: 1_000,
      sigops: 4,
      weight: 960
    }))
    expect(bounded({ id: 1, error: null, result: { version: 1, transactions, rules: ['csv', '!segwit'] } })).toBe(true)
  })

  it.each([
    ['lists', Array(values).fill([])],
    ['objects', Array(values).fill({})],
    ['numbers', Array(values + 2).fill(0)],
    ['names', Object.fromEntries(Array.from({ length: names + 1 }, (_, index) => [`n${index}`, 0]))],
    ['a name without end', { ['n'.repeat(nameBytes + 1)]: 0 }]
  ])('has none for %s beyond it', (_what, value) => {
    expect(bounded(value)).toBe(false)
  })

  it('has none for what goes deep, and for names of the same object told again and again', () => {
    const nested = (levels: number): Buffer => Buffer.from('['.repeat(levels) + ']'.repeat(levels))
    expect(isBounded(nested(depth))).toBe(true)
    expect(isBounded(nested(depth + 1))).toBe(false)
    expect(isBounded(Buffer.from(`{${'"a":'.repeat(values + 1)}`))).toBe(false)
  })

  it('counts nothing that stands in texts', () => {
    expect(bounded([`[{,:"\\`.repeat(values), { [`[{,:"\\`]: '"' }])).toBe(true)
    expect(isBounded(Buffer.from(`["${'\\"['.repeat(100)}"]`))).toBe(true)
    expect(isBounded(Buffer.from(`["\\\\",${'['.repeat(depth)}`))).toBe(false)
  })

  it('finds the end of a text of any length, whatever is escaped in it', () => {
    const text = fc
      .array(fc.constantFrom('"', '\\', 'a', '[', '\\"', '\\\\'), { maxLength: 200 })
      .map(parts => parts.join(''))
    // Too deep, if anything in the text is taken for what is not; deep enough to be refused, if its end is missed.
    const deep = JSON.parse('['.repeat(depth) + ']'.repeat(depth)) as unknown
    fc.assert(
      fc.property(text, fc.nat(90), (end, pad) => {
        const long = '['.repeat(pad) + end
        expect(isBounded(Buffer.from(`{"t":${JSON.stringify(long)}}`))).toBe(true)
        expect(isBounded(Buffer.from(`[${JSON.stringify(long)},${JSON.stringify(deep)}]`))).toBe(false)
      })
    )
  })

  it('lets every answer of an ordinary size pass', () => {
    fc.assert(fc.property(fc.jsonValue({ maxDepth: 5 }), value => bounded(value)))
  })
})
