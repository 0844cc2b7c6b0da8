import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  bytesEqual,
  bytesToHex,
  bytesToHexReversed,
  compareBytes,
  concatBytes,
  hexIntoBytes,
  hexToBytes,
  ownBytes,
  reversed
} from './bytes.ts'
import { CodecError } from './codec-error.ts'

describe('hex', () => {
  it('is what Buffer makes of the same bytes', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 300 }), bytes => {
        const hex = Buffer.from(bytes).toString('hex')
        expect(bytesToHex(bytes)).toBe(hex)
        expect(hexToBytes(hex)).toEqual(bytes)
        expect(hexToBytes(hex.toUpperCase())).toEqual(bytes)
        expect(bytesToHexReversed(bytes)).toBe(Buffer.from(bytes).reverse().toString('hex'))
      })
    )
  })

  it('of an odd length or with any other character is refused', () => {
    for (const bad of [
      '0',
      'abc',
      '0g',
      'g0',
      '0x',
      ' 0',
      '0\n',
      '0\u0130',
      '\uff10\uff10',
      '0\u0000',
      '/0',
      ':0',
      '@a'
    ]) {
      expect(() => hexToBytes(bad), JSON.stringify(bad)).toThrow(CodecError)
    }
  })

  it('accepts the 22 digits and no other character', () => {
    for (let code = 0; code < 0x300; code++) {
      const digit = String.fromCharCode(code)
      if (/[0-9a-fA-F]/.test(digit)) expect(hexToBytes(`0${digit}`)).toEqual(Uint8Array.of(Number.parseInt(digit, 16)))
      else expect(() => hexToBytes(`0${digit}`), `code ${code}`).toThrow(CodecError)
    }
  })

  it('is written into the middle of given bytes', () => {
    const out = new Uint8Array(6).fill(0xee)
    expect(hexIntoBytes('0aFf', out, 2)).toBe(4)
    expect(bytesToHex(out)).toBe('eeee0affeeee')
  })

  it('that does not fit is our bug', () => {
    expect(() => hexIntoBytes('0000', new Uint8Array(3), 2)).toThrow(RangeError)
    expect(() => hexIntoBytes('00', new Uint8Array(3), -1)).toThrow(RangeError)
  })
})

describe('order and equality', () => {
  it('agree with Buffer', () => {
    const small = fc.uint8Array({ maxLength: 4, max: 3 })
    const pairs = fc.oneof(fc.tuple(small, small), fc.tuple(fc.uint8Array(), fc.uint8Array()))
    fc.assert(
      fc.property(pairs, ([a, b]) => {
        expect(compareBytes(a, b)).toBe(Buffer.compare(a, b))
        expect(bytesEqual(a, b)).toBe(Buffer.compare(a, b) === 0)
      }),
      { numRuns: 500 }
    )
  })

  it('compare bytes without sign', () => {
    expect(compareBytes(Uint8Array.of(0x80), Uint8Array.of(0x7f))).toBe(1)
  })
})

describe('copies', () => {
  it('reversed leaves its input alone', () => {
    const bytes = Uint8Array.of(1, 2, 3)
    expect(reversed(bytes)).toEqual(Uint8Array.of(3, 2, 1))
    expect(bytes).toEqual(Uint8Array.of(1, 2, 3))
  })

  it('concatenation is the parts in order', () => {
    expect(concatBytes()).toEqual(new Uint8Array(0))
    expect(concatBytes(Uint8Array.of(1), new Uint8Array(0), Uint8Array.of(2, 3))).toEqual(Uint8Array.of(1, 2, 3))
  })
})

it('bytes in memory of their own stay where they are, and those of a larger piece are copied, a Buffer too', () => {
  const whole = Uint8Array.of(1, 2, 3)
  expect(ownBytes(whole)).toBe(whole)
  for (const view of [whole.subarray(1), Buffer.from(whole.buffer, 1)]) {
    expect(ownBytes(view)).toEqual(Uint8Array.of(2, 3))
    expect(ownBytes(view).buffer.byteLength).toBe(2)
  }
})
