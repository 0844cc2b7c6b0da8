import { describe, expect, it } from 'vitest'
import { COLOURED, PLAIN, type Sheet, styleFor } from './style.ts'
import { textTable, wrapped } from './text-table.ts'

const sheet = (over: Partial<Sheet> = {}): Sheet => ({ style: PLAIN, columns: null, nowSec: 0, ...over })
const COLUMNS = [
  { title: 'name', cut: 'end' },
  { title: 'hash', cut: 'middle' },
  { title: 'n', align: 'right' }
] as const

describe('a table', () => {
  it('aligns its columns and leaves no spaces at the end', () => {
    const rows = [
      ['a', 'ff', '1'],
      ['attic', 'f', '1,000']
    ]
    expect(textTable(COLUMNS, rows, sheet())).toEqual([
      'name   hash      n',
      'a      ff        1',
      'attic  f     1,000'
    ])
  })

  it('cuts the widest columns that may be cut where the terminal is narrow, and nothing elsewhere', () => {
    const rows = [['x'.repeat(30), '0123456789abcdef0123456789abcdef', '1']]
    const cut = textTable(COLUMNS, rows, sheet({ columns: 40 }))
    expect(Math.max(...cut.map(line => [...line].length))).toBe(40)
    expect(cut[1]).toMatch(/^x+… +0123456.*…\w+ {2}1$/)
    expect(textTable(COLUMNS, rows, sheet())[1]).toContain('0123456789abcdef0123456789abcdef')
  })

  it('is as wide with colours as without', () => {
    const rows = [[{ text: 'down', look: COLOURED.bad }, 'ff', '1']]
    const plain = textTable(COLUMNS, [['down', 'ff', '1']], sheet())
    const coloured = textTable(COLUMNS, rows, sheet({ style: COLOURED }))
    // biome-ignore lint/suspicious/noControlCharactersInRegex: the looks are what is taken away
    expect(coloured.map(line => line.replace(/\u001b\[\d+m/g, ''))).toEqual(plain)
    expect(coloured[1]).toContain('\u001b[31mdown\u001b[39m')
  })

  it('lets nothing through that moves the cursor', () => {
    const [, row] = textTable(COLUMNS, [['\u001b[2Jevil\r\n', '\u202e', '1']], sheet())
    expect(row).toBe('?[2Jevil??  ?     1')
  })
})

it('breaks lines between words', () => {
  expect(wrapped('one two three', 7)).toEqual(['one two', 'three'])
  expect(wrapped('immeasurably', 4)).toEqual(['immeasurably'])
})

it.each([
  [true, {}, true],
  [false, {}, false],
  [true, { NO_COLOR: '1' }, false],
  [true, { NO_COLOR: '' }, true],
  [true, { TERM: 'dumb' }, false]
])('terminal %s with %j has colour: %s', (isTerminal, env, has) => {
  expect(styleFor(isTerminal, env) === COLOURED).toBe(has)
})
