import { bytesToAscii, utf8FromString } from '@p2poolv2/primitives'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { LineReader } from './line-reader.ts'

/** Pushes pieces of text and gives all lines as text. */
function read(reader: LineReader, ...pieces: readonly string[]): string[] {
  return pieces.flatMap(piece => reader.push(utf8FromString(piece)).lines.map(line => bytesToAscii(line)))
}

describe('LineReader', () => {
  it('cuts at LF, drops one CR and blank lines', () => {
    expect(read(new LineReader(), '{a}\n\r\n \t\n{b}\r\n{c}\r\r\n{d', '}\n')).toEqual(['{a}', '{b}', '{c}\r', '{d}'])
  })

  it('gives the same lines however the stream is cut', () => {
    const line = fc.string({ minLength: 1, maxLength: 40, unit: fc.constantFrom('{', '}', 'a', '7') })
    fc.assert(
      fc.property(fc.array(line, { maxLength: 8 }), fc.array(fc.nat(60)), (lines, cuts) => {
        const text = lines.map(each => `${each}\n`).join('')
        const reader = new LineReader()
        const pieces: string[] = []
        let at = 0
        for (const cut of cuts) {
          pieces.push(text.slice(at, at + cut))
          at += cut
        }
        expect(read(reader, ...pieces, text.slice(at))).toEqual(lines)
        expect(reader.pendingBytes).toBe(0)
      })
    )
  })

  it('takes a line of exactly the cap and no byte more', () => {
    expect(read(new LineReader(5), 'x', 'xxxx\n')).toEqual(['xxxxx'])
    for (const pieces of [['xxxxxx'], ['xxxxxx\n'], ['xxx', 'xxx']]) {
      const reader = new LineReader(5)
      expect(read(reader, ...pieces)).toEqual([])
      expect(reader.push(utf8FromString('x\n'))).toEqual({ lines: [], fault: 'line-too-long' })
      expect(reader.pendingBytes).toBe(0)
    }
  })

  it('gives the good lines before a fault', () => {
    const { lines, fault } = new LineReader(5).push(utf8FromString('ok\nmuch too long\nnot any more\n'))
    expect(lines.map(bytesToAscii)).toEqual(['ok'])
    expect(fault).toBe('line-too-long')
  })

  it('knows HTTP, TLS and PROXY by their first byte', () => {
    for (const first of ['GET / HTTP/1.1\r\n', 'POST', 'P', '\u0016\u0003\u0001', 'SSH-2.0\r\n']) {
      expect(new LineReader().push(utf8FromString(first)).fault).toBe('not-stratum')
    }
    for (const first of ['{"id":1}\n', '\n', 'hello\n'])
      expect(new LineReader().push(utf8FromString(first)).fault).toBe(null)
    const reader = new LineReader()
    expect(read(reader, '', '{}\n', 'GET\n')).toEqual(['{}', 'GET'])
  })

  it('gives lines that later reads do not touch', () => {
    const reader = new LineReader()
    reader.push(utf8FromString('ab'))
    const { lines } = reader.push(utf8FromString('cd\nef'))
    reader.push(utf8FromString('gh\n'))
    expect(lines.map(bytesToAscii)).toEqual(['abcd'])
  })
})
