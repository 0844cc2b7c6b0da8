import { BoundedSet, bytesToHex } from '@p2poolv2/primitives'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { SeenHashes } from './seen-hashes.ts'

/** Few different words, so that hashes share homes in the table, parts of each other, and come again. */
const word = fc.constantFrom(0, 1, 2, 31, 32, 33, 0xffff_ffff)
const hash = fc.tuple(word, word, word).map(([a, b, c]) => {
  const bytes = new Uint8Array(32)
  const view = new DataView(bytes.buffer)
  view.setUint32(0, a, true)
  view.setUint32(4, b, true)
  view.setUint32(12, c, true)
  return bytes
})

describe('SeenHashes', () => {
  it('knows the same hashes as a plain bounded set', () => {
    fc.assert(
      fc.property(fc.array(hash, { maxLength: 300, size: 'max' }), fc.constantFrom(16, 32, 64), (hashes, cap) => {
        const [seen, plain] = [new SeenHashes(cap), new BoundedSet<string>(cap)]
        for (const each of hashes) {
          expect(seen.has(each)).toBe(plain.has(bytesToHex(each)))
          expect(seen.add(each)).toBe(plain.add(bytesToHex(each)))
          expect(seen.size).toBe(plain.size)
          seen.checkInvariants()
        }
        for (const each of hashes) expect(seen.has(each)).toBe(plain.has(bytesToHex(each)))
      }),
      { numRuns: 50 }
    )
  })

  it('at its cap forgets the oldest, one for one', () => {
    const numbered = (n: number): Uint8Array => {
      const bytes = new Uint8Array(32)
      new DataView(bytes.buffer).setUint32(0, Math.imul(n, 0x9e37_79b1), true)
      return bytes
    }
    const seen = new SeenHashes(4_096)
    for (let n = 0; n < 10_000; n++) seen.add(numbered(n))
    seen.checkInvariants()
    expect([seen.size, seen.has(numbered(5_903)), seen.has(numbered(5_904)), seen.has(numbered(9_999))]).toEqual([
      4_096,
      false,
      true,
      true
    ])
  })

  it('tells hashes apart by every bit of their first 16 bytes', () => {
    const seen = new SeenHashes(256)
    for (let bit = 0; bit < 128; bit++) {
      const hash = new Uint8Array(32)
      hash[bit >> 3] = 1 << (bit & 7)
      expect(seen.add(hash)).toBe(true)
    }
    expect(seen.size).toBe(128)
  })
})
