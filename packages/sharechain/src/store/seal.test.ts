import { CodecError, concatBytes, utf8FromString } from '@p2poolv2/primitives'
import fc from 'fast-check'
import { expect, it } from 'vitest'
import { sealed, unsealed } from './seal.ts'

const arbitraryBytes = fc.uint8Array({ maxLength: 60 })

// Published FNV-1a values: the hash of "a" and of "foobar".
it.each([
  ['', 'a', 0xe40c292c],
  ['foo', 'bar', 0xbf9cf968]
])('the checksum of %s and %s is FNV-1a of both', (key, value, checksum) => {
  const row = sealed(utf8FromString(key), utf8FromString(value))
  const expected = new Uint8Array(4)
  new DataView(expected.buffer).setUint32(0, checksum)
  expect(row.value).toEqual(concatBytes(utf8FromString(value), expected))
})

it('a sealed row gives its value back', () => {
  fc.assert(
    fc.property(arbitraryBytes, arbitraryBytes, (key, value) => {
      expect(unsealed(sealed(key, value))).toEqual(value)
    })
  )
})

it('a change of any byte of key or value shows, and so does a row cut off', () => {
  fc.assert(
    fc.property(arbitraryBytes, arbitraryBytes, fc.nat(), fc.integer({ min: 1, max: 255 }), (key, value, at, flip) => {
      const row = sealed(key, value)
      const place = at % (key.length + row.value.length)
      const flipped = (bytes: Uint8Array, offset: number) =>
        bytes.map((byte, i) => (i === place - offset ? byte ^ flip : byte))
      expect(() => unsealed({ key: flipped(key, 0), value: flipped(row.value, key.length) })).toThrow(CodecError)
      for (let length = 0; length < 4; length++) {
        expect(() => unsealed({ key, value: row.value.subarray(0, length) })).toThrow(CodecError)
      }
    })
  )
})
