import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { csvText, utcText } from './csv.ts'

/** A reader by the grammar of RFC 4180, section 2. */
function parsed(text: string): string[][] {
  const rows: string[][] = []
  let [row, cell, quoted] = [[] as string[], '', false]
  for (let i = 0; i < text.length; i++) {
    const char = text[i] ?? ''
    if (quoted && char === '"' && text[i + 1] === '"') {
      cell += char
      i += 1
    } else if (char === '"') quoted = !quoted
    else if (!quoted && (char === ',' || text.startsWith('\r\n', i))) {
      row.push(cell)
      cell = ''
      if (char === ',') continue
      rows.push(row)
      row = []
      i += 1
    } else cell += char
  }
  return rows
}

describe('a table as text', () => {
  it('is quoted as RFC 4180 says', () => {
    expect(
      csvText(
        ['a', 'b'],
        [
          ['x, y', 'say "yes"'],
          ['two\r\nlines', 7n]
        ]
      )
    ).toBe('a,b\r\n"x, y","say ""yes"""\r\n"two\r\nlines",7\r\n')
  })

  it.each(['=1+1', '+1', '-1', '@SUM(A1)', '\t=1', '\r=1'])('gives %j to nobody as a formula', hostile => {
    const text = csvText(['a'], [[hostile]])
    expect(parsed(text)[1]?.[0]).toBe(`'${hostile}`)
    expect(text.split('\r\n')[1]).toMatch(/^"?'/)
  })

  it('leaves numbers alone, negative ones too', () => {
    expect(csvText(['a', 'b'], [[-5, -7n]])).toBe('a,b\r\n-5,-7\r\n')
  })

  it('is read back as it was, whatever text is in it', () => {
    const anyRow = fc.array(fc.string({ unit: 'binary' }), { minLength: 2, maxLength: 2 })
    fc.assert(
      fc.property(fc.array(anyRow, { maxLength: 5 }), rows => {
        const back = parsed(csvText(['a', 'b'], rows)).slice(1)
        expect(back.map(row => row.map(cell => cell.replace(/^'(?=[=+\-@\t\r])/, '')))).toEqual(rows)
      })
    )
  })
})

describe('a time as text', () => {
  it.each([
    [0, '1970-01-01T00:00:00Z'],
    [951_782_399, '2000-02-28T23:59:59Z'],
    [951_782_400, '2000-02-29T00:00:00Z'],
    [1_234_567_890, '2009-02-13T23:31:30Z'],
    [1_231_006_505, '2009-01-03T18:15:05Z'],
    [4_107_542_400, '2100-03-01T00:00:00Z']
  ])('%i is %s', (sec, text) => {
    expect(utcText(sec)).toBe(text)
  })

  it('is what the platform says', () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 2 ** 32 - 1 }), sec => {
        expect(utcText(sec)).toBe(new Date(sec * 1000).toISOString().replace('.000', ''))
      })
    )
  })
})
