import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { bytesToHex, hexToBytes } from './bytes.ts'
import { CodecError } from './codec-error.ts'
import { asciiToBytes, bytesToAscii, utf8FromString, utf8ToString } from './text.ts'

const platformDecoder = new TextDecoder('utf-8', { ignoreBOM: true })

describe('ASCII', () => {
  it('goes both ways for every character it has', () => {
    const all = String.fromCharCode(...Array(128).keys())
    expect(Array.from(asciiToBytes(all))).toEqual([...Array(128).keys()])
    expect(bytesToAscii(asciiToBytes(all))).toBe(all)
  })

  it('refuses what it does not have', () => {
    for (const bad of ['\u0080', 'a\u00e9', '\u0161', '\ud83d\ude00']) {
      expect(() => asciiToBytes(bad), JSON.stringify(bad)).toThrow(CodecError)
    }
    expect(() => bytesToAscii(Uint8Array.of(0x61, 0x80))).toThrow(CodecError)
  })
})

describe('UTF-8', () => {
  it('of any text is what the platform writes', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary', maxLength: 60 }), text => {
        const bytes = utf8FromString(text)
        expect(bytesToHex(bytes)).toBe(bytesToHex(new TextEncoder().encode(text)))
        expect(utf8ToString(bytes)).toBe(text)
      })
    )
  })

  it('of a lone surrogate is a replacement character', () => {
    expect(bytesToHex(utf8FromString('a\ud800b\udc00'))).toBe('61efbfbd62efbfbd')
  })

  // Unicode §3.9, tables 3-8 to 3-11.
  const bad: readonly [hex: string, text: string][] = [
    ['c0afe080bff0818241', `${'\ufffd'.repeat(8)}A`],
    ['eda080edbfbfedaf41', `${'\ufffd'.repeat(8)}A`],
    ['f4919293ff4180bf42', `${'\ufffd'.repeat(5)}A${'\ufffd'.repeat(2)}B`],
    ['e180e2f09192f1bf41', `${'\ufffd'.repeat(4)}A`]
  ]
  it.each(bad)('%s reads with a replacement for each bad part', (hex, text) => {
    expect(utf8ToString(hexToBytes(hex))).toBe(text)
  })

  it('keeps a byte order mark', () => {
    expect(utf8ToString(hexToBytes('efbbbf61'))).toBe('\ufeffa')
  })

  it('of any bytes reads as the platform reads it', () => {
    const awkward = fc.constantFrom(
      0x00,
      0x41,
      0x7f,
      0x80,
      0x8f,
      0x90,
      0x9f,
      0xa0,
      0xbf,
      0xc0,
      0xc1,
      0xc2,
      0xdf,
      0xe0,
      0xe1,
      0xed,
      0xef,
      0xf0,
      0xf1,
      0xf4,
      0xf5,
      0xff
    )
    const bytes = fc.oneof(
      fc.uint8Array({ maxLength: 40 }),
      fc.array(awkward, { maxLength: 12 }).map(all => Uint8Array.from(all))
    )
    fc.assert(
      fc.property(bytes, all => {
        expect(utf8ToString(all)).toBe(platformDecoder.decode(all))
      }),
      { numRuns: 5000 }
    )
  })
})
