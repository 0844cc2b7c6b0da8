import { createHash } from 'node:crypto'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { bytesToHex, bytesToHexReversed, concatBytes, hexToBytes } from './bytes.ts'
import { InvariantError } from './invariant.ts'
import { seededRng } from './rng.ts'
import {
  sha256,
  sha256d,
  sha256d64Into,
  sha256d80Into,
  sha256dFoldInto,
  sha256FromMidstate,
  sha256Midstate
} from './sha256.ts'
import { compress } from './sha256-compress.ts'
import { asciiToBytes } from './text.ts'

function platformSha256(data: Uint8Array): string {
  return createHash('sha256').update(data).digest('hex')
}

function platformSha256d(data: Uint8Array): string {
  return platformSha256(createHash('sha256').update(data).digest())
}

function sha256dInto(hash: typeof sha256d80Into, input: Uint8Array): Uint8Array {
  const out = new Uint8Array(32)
  hash(input, 0, out, 0)
  return out
}

describe('vectors', () => {
  // NIST, "SHA-256 examples" and the SHA-2 additional examples.
  const examples: readonly [name: string, message: string, digest: string][] = [
    ['no byte', '', 'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855'],
    ['24 bits', 'abc', 'ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad'],
    [
      '448 bits',
      'abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq',
      '248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1'
    ],
    [
      '896 bits',
      'abcdefghbcdefghicdefghijdefghijkefghijklfghijklmghijklmnhijklmnoijklmnopjklmnopqklmnopqrlmnopqrsmnopqrstnopqrstu',
      'cf5b16a778af8380036ce59e7b0492370b249b11e8f07a51afac45037afee9d1'
    ],
    ['a million a', 'a'.repeat(1_000_000), 'cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0']
  ]
  it.each(examples)('sha256 of %s is the digest NIST gives', (_name, message, digest) => {
    expect(bytesToHex(sha256(asciiToBytes(message)))).toBe(digest)
  })

  // Bitcoin's genesis block, and stratum §2.19 V1, V2, V3.
  const headers: readonly [header: string, hashDisplay: string][] = [
    [
      '01000000' +
        '00'.repeat(32) +
        '3ba3edfd7a7b12b27ac72c3e67768f617fc81bc3888a51323a9fb8aa4b1e5e4a29ab5f49ffff001d1dac2b7c',
      '000000000019d6689c085ae165831e934ff763ae46a2a6c172b3f1b60a8ce26f'
    ],
    [
      '000000206f564534231201f0efdecdbcab9a897867564534231201000000000000000000cb2a72e6288cade357ad58d2c4ab75eb7c98bf84880a15afccd67e1d776470680000a06800a00217e1144f00',
      '00000000a712a6ae973d1eb9f6353ac21aa7e30ee41cbd1341e94a022d917c62'
    ],
    [
      '00e0ab206f564534231201f0efdecdbcab9a897867564534231201000000000000000000cb2a72e6288cade357ad58d2c4ab75eb7c98bf84880a15afccd67e1d776470680500a06800a00217a9548d00',
      '00000008d53e8f24ba816e00587354c5463bea6401b7380e808f3f890956edc7'
    ],
    [
      '000000206f564534231201f0efdecdbcab9a897867564534231201000000000000000000e24f246e75ecdc8ad51adc49d6294344434c6218a7f27ca5e67f9f7d184c09a60100a068ffff001e0b351500',
      '000000496aa94d2fafca9840bf1979ce57a9e3693d8b9d88f076057ee6301edb'
    ]
  ]
  it.each(headers)('header %s has its block hash', (header, hashDisplay) => {
    const bytes = hexToBytes(header)
    expect(bytesToHexReversed(sha256d(bytes))).toBe(hashDisplay)
    expect(bytesToHexReversed(sha256dInto(sha256d80Into, bytes))).toBe(hashDisplay)
  })

  it('the two transactions of bitcoin block 170 hash to its merkle root', () => {
    const pair = concatBytes(
      hexToBytes('b1fea52486ce0c62bb442b530a3f0132b826c74e473d1f2c220bfa78111c5082').reverse(),
      hexToBytes('f4184fc596403b9d638783cf57adfe4c75c605f6356fbc91338530e9831e9e16').reverse()
    )
    const root = '7dac2c5666815c17a3b36427de37bb9d2e2c5ccec3f8633eb91a4205cb4c10ff'
    expect(bytesToHexReversed(sha256dInto(sha256d64Into, pair))).toBe(root)
  })
})

describe("against the platform's SHA-256", () => {
  it('every length from 0 to 300 gives the same digests', () => {
    const rng = seededRng('sha256 lengths')
    for (let length = 0; length <= 300; length++) {
      const data = rng.bytes(length)
      expect(bytesToHex(sha256(data)), `sha256 of ${length} bytes`).toBe(platformSha256(data))
      expect(bytesToHex(sha256d(data)), `sha256d of ${length} bytes`).toBe(platformSha256d(data))
    }
  })

  it('the fixed lengths agree at any offset', () => {
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 80, maxLength: 200 }), fc.nat(50), (bytes, outOffset) => {
        const before = bytes.slice()
        const out = new Uint8Array(outOffset + 40).fill(0xaa)
        for (const [length, hash] of [[64, sha256d64Into] as const, [80, sha256d80Into] as const]) {
          const at = bytes.length - length
          hash(bytes, at, out, outOffset)
          expect(bytesToHex(out.subarray(outOffset, outOffset + 32))).toBe(platformSha256d(bytes.subarray(at)))
        }
        expect(bytes).toEqual(before)
        expect(bytesToHex(out.subarray(0, outOffset))).toBe('aa'.repeat(outOffset))
        expect(bytesToHex(out.subarray(outOffset + 32))).toBe('aa'.repeat(8))
      })
    )
  })

  it('any split into a midstate and a tail gives the digest of the whole', () => {
    const rng = seededRng('midstates')
    for (let length = 0; length <= 300; length++) {
      const data = rng.bytes(length)
      for (let split = 0; split <= length; split += 64) {
        const midstate = sha256Midstate(data.subarray(0, split))
        const digest = sha256FromMidstate(midstate, split, data.subarray(split))
        expect(bytesToHex(digest), `${length} bytes split at ${split}`).toBe(platformSha256(data))
      }
    }
  })
})

describe('use', () => {
  it('the input may be overwritten by its own hash', () => {
    const data = seededRng('in place').bytes(100)
    for (const [length, hash] of [[64, sha256d64Into] as const, [80, sha256d80Into] as const]) {
      for (const outOffset of [0, 16, 60]) {
        const buffer = data.slice()
        hash(buffer, 10, buffer, outOffset)
        const digest = platformSha256d(data.subarray(10, 10 + length))
        expect(bytesToHex(buffer.subarray(outOffset, outOffset + 32))).toBe(digest)
      }
    }
  })

  it('a hash does not depend on the one before it', () => {
    const short = asciiToBytes('abc')
    const first = sha256(short)
    sha256d(new Uint8Array(1000).fill(0xff))
    expect(sha256(short)).toEqual(first)
  })

  it('a midstate is not changed by finishing from it', () => {
    const midstate = sha256Midstate(new Uint8Array(64))
    const before = midstate.slice()
    sha256FromMidstate(midstate, 64, new Uint8Array(200))
    expect(midstate).toEqual(before)
  })

  it('a message above 2^32 bits writes both words of its length', () => {
    const midstate = sha256Midstate(new Uint8Array(64))
    const prefixLengthBytes = 3 * 2 ** 29 + 64
    const digest = sha256FromMidstate(midstate, prefixLengthBytes, Uint8Array.of(0x61, 0x62, 0x63))
    const view = new DataView(midstate.buffer)
    const state = Int32Array.from({ length: 8 }, (_, word) => view.getInt32(4 * word))
    const block = new Int32Array(16)
    block[0] = 0x6162_6380
    block[14] = 3
    block[15] = 67 * 8
    compress(state, block)
    expect(bytesToHex(digest)).toBe(Array.from(state, word => (word >>> 0).toString(16).padStart(8, '0')).join(''))
  })

  it('too short an input or output is refused', () => {
    const out = new Uint8Array(32)
    expect(() => sha256d80Into(new Uint8Array(79), 0, out, 0)).toThrow(RangeError)
    expect(() => sha256d80Into(new Uint8Array(80), 1, out, 0)).toThrow(RangeError)
    expect(() => sha256d80Into(new Uint8Array(80), -1, out, 0)).toThrow(RangeError)
    expect(() => sha256d64Into(new Uint8Array(63), 0, out, 0)).toThrow(RangeError)
    expect(() => sha256d64Into(new Uint8Array(64), 0, out, 1)).toThrow(RangeError)
    expect(() => sha256d64Into(new Uint8Array(64), 0, out, -1)).toThrow(RangeError)
  })

  it('a midstate inside a block is refused', () => {
    expect(() => sha256Midstate(new Uint8Array(63))).toThrow(InvariantError)
    expect(() => sha256FromMidstate(new Uint8Array(32), 65, new Uint8Array(0))).toThrow(InvariantError)
    expect(() => sha256FromMidstate(new Uint8Array(31), 64, new Uint8Array(0))).toThrow(InvariantError)
  })
})

it('folding hashes is hashing each with the next, by the platform’s own SHA-256', () => {
  const hashes = fc.array(fc.uint8Array({ minLength: 32, maxLength: 32 }), { maxLength: 16 })
  fc.assert(
    fc.property(fc.uint8Array({ minLength: 32, maxLength: 32 }), hashes, (leaf, others) => {
      let expected = bytesToHex(leaf)
      for (const other of others) expected = platformSha256d(concatBytes(hexToBytes(expected), other))
      const hash = leaf.slice()
      sha256dFoldInto(hash, concatBytes(...others))
      expect(bytesToHex(hash)).toBe(expected)
    })
  )
})
