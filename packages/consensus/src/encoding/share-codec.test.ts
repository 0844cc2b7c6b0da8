import { ByteReader, ByteWriter, bytesToHex, CodecError, concatBytes, hexToBytes } from '@p2poolv2/primitives'
import { codecCode } from '@p2poolv2/primitives/testing'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { ShareHeader } from '../share.ts'
import derived from '../vectors/derived.json' with { type: 'json' }
import {
  decodeShare,
  decodeShareHeader,
  encodeShare,
  encodeShareHeader,
  peekShare,
  shareBodyBytes,
  shareHashOf
} from './share-codec.ts'

const synthetic = derived.syntheticShares
const headerVectors = [
  ...Object.values(derived.genesis),
  ...synthetic.map(share => ({
    headerHex: share.headerHex,
    headerBytes: share.headerBytes,
    shareHash: share.shareHash
  })),
  derived.everyOption
]
const SHARE = hexToBytes(synthetic[0]?.shareHex ?? '')
const HEADER = hexToBytes(synthetic[0]?.headerHex ?? '')
const EVERY_OPTION = hexToBytes(derived.everyOption.headerHex)

/** Offsets inside a header without uncles and with P2WPKH: see protocol §3.1. */
const AT_UNCLE_COUNT = 32
const AT_CLASS = 33
const AT_SCRIPT_LENGTH = 34
const AT_PROGRAM_VERSION = 57
const AT_PROGRAM_LENGTH = 58
const AT_DONATION_FLAG = 179

function decodeHeader(bytes: Uint8Array): ShareHeader {
  const reader = new ByteReader(bytes)
  const header = decodeShareHeader(reader)
  reader.expectEnd()
  return header
}

function patched(bytes: Uint8Array, offset: number, ...values: number[]): Uint8Array {
  const copy = Uint8Array.from(bytes)
  copy.set(values, offset)
  return copy
}

function spliced(bytes: Uint8Array, range: readonly [number, number], insert: Uint8Array): Uint8Array {
  return concatBytes(bytes.subarray(0, range[0]), insert, bytes.subarray(range[1]))
}

describe('share headers', () => {
  it.each(headerVectors)('decode, encode back and hash as derived: $shareHash', vector => {
    const bytes = hexToBytes(vector.headerHex)
    const header = decodeHeader(bytes)
    expect(bytes.length).toBe(vector.headerBytes)
    expect(bytesToHex(encodeShareHeader(header))).toBe(vector.headerHex)
    expect(shareHashOf(header)).toBe(vector.shareHash)
  })

  it('carry every option where it was put', () => {
    const header = decodeHeader(EVERY_OPTION)
    expect(header.uncles).toEqual(['11'.repeat(32), '22'.repeat(32)])
    expect(header.donationAddress?.text).toBe('tb1qw508d6qejxtdg4y5r3zarvary0c5xw7kxpjzsx')
    expect(header.donationBps).toBe(150)
    expect(header.feeAddress?.text).toBe('tb1qx6e0gj7q7xurl08cwnpmeve6w6zf4tw6vfwe3f')
    expect(header.feeBps).toBe(75)
    expect(bytesToHex(header.coinbaseProof.shareWitnessRoot)).toBe('33'.repeat(32))
  })

  it('grow by 32 bytes with each uncle (protocol §3.1)', () => {
    const header = decodeHeader(HEADER)
    const sizes = [0, 1, 2, 3].map(count =>
      encodeShareHeader({ ...header, uncles: Array(count).fill(shareHashOf(header)) })
    )
    expect(sizes.map(bytes => bytes.length)).toEqual([261, 293, 325, 357])
  })

  it('refuse every truncation', () => {
    for (let length = 0; length < EVERY_OPTION.length; length++) {
      expect(
        codecCode(() => decodeHeader(EVERY_OPTION.subarray(0, length))),
        `${length} bytes`
      ).not.toBe('accepted')
    }
  })

  it('are hashed over their re-encoding: any non-zero byte is the flag true', () => {
    const at = AT_DONATION_FLAG + 64
    expect(EVERY_OPTION[at]).toBe(1)
    expect(shareHashOf(decodeHeader(patched(EVERY_OPTION, at, 0x7f)))).toBe(derived.everyOption.shareHash)
  })

  it('turn regtest class with a base58 script into the test networks’ class', () => {
    const p2pkh = hexToBytes('76a914751e76e8199196d454941c45d1b3a323f1433bd688ac')
    const received = spliced(HEADER, [AT_CLASS, AT_PROGRAM_VERSION], concatBytes(Uint8Array.of(2, 25), p2pkh))
    const canonical = patched(received, AT_CLASS, 1)
    const header = decodeHeader(received)
    expect(header.minerBitcoinAddress.addressClass).toBe(1)
    expect(header.minerBitcoinAddress.text).toBe('mrCDrCybB6J1vRfbwM5hemdJz73FwDBC8r')
    expect(bytesToHex(encodeShareHeader(header))).toBe(bytesToHex(canonical))
    expect(shareHashOf(header)).toBe(shareHashOf(decodeHeader(canonical)))
  })

  it.each([
    ['an address class above 2', patched(HEADER, AT_CLASS, 3), 'malformed'],
    ['a script that is no address', patched(HEADER, AT_SCRIPT_LENGTH + 1, 0x6a), 'malformed'],
    ['a script longer than any address', patched(HEADER, AT_SCRIPT_LENGTH, 43), 'oversize'],
    ['a script length of 2^32-1', patched(HEADER, AT_SCRIPT_LENGTH, 0xfe, 0xff, 0xff, 0xff, 0xff), 'oversize'],
    ['a non-minimal script length', patched(HEADER, AT_SCRIPT_LENGTH, 0xfd, 22, 0), 'non-minimal'],
    ['a witness version of 17', patched(HEADER, AT_PROGRAM_VERSION, 17), 'malformed'],
    ['a program of 41 bytes', patched(HEADER, AT_PROGRAM_LENGTH, 41), 'oversize'],
    ['a program of 1 byte', patched(HEADER, AT_PROGRAM_LENGTH, 1), 'malformed'],
    ['a version 0 program of 31 bytes', patched(HEADER, AT_PROGRAM_VERSION, 0, 31), 'malformed'],
    ['more uncles than bytes', patched(HEADER, AT_UNCLE_COUNT, 200), 'oversize'],
    ['2^32-1 uncles', patched(HEADER, AT_UNCLE_COUNT, 0xfe, 0xff, 0xff, 0xff, 0xff), 'oversize'],
    ['a non-minimal uncle count', patched(HEADER, AT_UNCLE_COUNT, 0xfd, 0, 0), 'non-minimal']
  ])('with %s are refused', (_name, bytes, code) => {
    expect(codecCode(() => decodeHeader(bytes))).toBe(code)
  })

  it('decode with programs and uncle counts that only validation refuses', () => {
    for (const [version, length] of [
      [0, 20],
      [0, 32],
      [1, 2],
      [16, 40]
    ] as const) {
      const written = Uint8Array.of(version, length, ...new Uint8Array(length))
      const bytes = spliced(HEADER, [AT_PROGRAM_VERSION, AT_PROGRAM_LENGTH + 33], written)
      expect(decodeHeader(bytes).minerAddress).toEqual({ version, program: new Uint8Array(length) })
      expect(peekShare(bytes)).toEqual(peekShare(HEADER))
    }
    const uncles = concatBytes(Uint8Array.of(5), new Uint8Array(160).fill(9))
    expect(decodeHeader(spliced(HEADER, [AT_UNCLE_COUNT, AT_CLASS], uncles)).uncles).toHaveLength(5)
    const many = (count: number): Uint8Array =>
      concatBytes(new ByteWriter().compactSize(count).finish(), new Uint8Array(count * 32))
    expect(decodeHeader(spliced(HEADER, [AT_UNCLE_COUNT, AT_CLASS], many(256))).uncles).toHaveLength(256)
    expect(codecCode(() => peekShare(spliced(HEADER, [AT_UNCLE_COUNT, AT_CLASS], many(257))))).toBe('oversize')
  })

  it('round-trip with any field values', () => {
    const base = decodeHeader(EVERY_OPTION)
    const u32 = fc.integer({ min: 0, max: 0xffffffff })
    const u16 = fc.integer({ min: 0, max: 0xffff })
    const bytes32 = fc.uint8Array({ minLength: 32, maxLength: 32 })
    const fields = fc.record({
      bits: u32,
      timeSec: u32,
      donationBps: u16,
      feeBps: u16,
      bitcoinHeight: fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }),
      minerAddress: fc.record({
        version: fc.integer({ min: 1, max: 16 }),
        program: fc.uint8Array({ minLength: 2, maxLength: 40 })
      }),
      coinbaseProof: fc.record({ midstate: bytes32, prefixLengthBytes: u32, shareWitnessRoot: bytes32 }),
      donationAddress: fc.constantFrom(null, base.donationAddress)
    })
    fc.assert(
      fc.property(fields, values => {
        const header: ShareHeader = { ...base, ...values }
        expect(decodeHeader(encodeShareHeader(header))).toEqual(header)
      })
    )
  })
})

describe('whole shares', () => {
  const wholeShares = [
    ...synthetic,
    ...[derived.genesis.signet, derived.genesis.regtest].map(({ shareHex, shareBytes, shareHash }) => ({
      shareHex,
      shareBytes,
      shareHash
    }))
  ]

  it.each(wholeShares)('decode, encode back and hash as derived: $shareHash', vector => {
    const share = decodeShare(hexToBytes(vector.shareHex))
    expect(share.hash).toBe(vector.shareHash)
    expect(bytesToHex(encodeShare(share))).toBe(vector.shareHex)
    expect(shareBodyBytes(share)).toBe(vector.shareBytes)
  })

  it('refuse every truncation and anything that follows', () => {
    for (let length = 0; length < SHARE.length; length++) {
      expect(
        codecCode(() => decodeShare(SHARE.subarray(0, length))),
        `${length} bytes`
      ).not.toBe('accepted')
    }
    expect(codecCode(() => decodeShare(concatBytes(SHARE, Uint8Array.of(0))))).toBe('trailing')
  })

  it('are refused above the byte limit before anything is read', () => {
    expect(codecCode(() => decodeShare(SHARE, { maxBytes: SHARE.length - 1 }))).toBe('oversize')
    expect(codecCode(() => decodeShare(SHARE, { maxBytes: SHARE.length }))).toBe('accepted')
    expect(codecCode(() => decodeShare(new Uint8Array(1_048_577)))).toBe('oversize')
  })

  it('are refused with more than 16 branch nodes', () => {
    const at = HEADER.length + 1 + 210
    expect(SHARE[at]).toBe(2)
    const nodes = (count: number): Uint8Array => concatBytes(Uint8Array.of(count), new Uint8Array(count * 32))
    expect(codecCode(() => decodeShare(spliced(SHARE, [at, at + 65], nodes(16))))).toBe('accepted')
    expect(codecCode(() => decodeShare(spliced(SHARE, [at, at + 65], nodes(17))))).toBe('oversize')
  })

  it('are refused when they promise more transactions than bytes', () => {
    expect(codecCode(() => decodeShare(patched(SHARE, HEADER.length, 200)))).toBe('oversize')
  })

  it('of any bytes are refused with a codec error or are the same after another trip over the wire', () => {
    const change = fc.tuple(fc.nat(), fc.uint8Array({ maxLength: 40 }), fc.nat({ max: 40 }))
    const messages = fc.oneof(
      fc.uint8Array({ maxLength: 600 }),
      fc.tuple(fc.constantFrom(SHARE, EVERY_OPTION), fc.array(change, { maxLength: 4 })).map(([message, changes]) =>
        changes.reduce((bytes, [where, insert, cut]) => {
          const at = where % (bytes.length + 1)
          return concatBytes(bytes.subarray(0, at), insert, bytes.subarray(at + cut))
        }, message)
      )
    )
    fc.assert(
      fc.property(messages, message => {
        for (const decode of [decodeHeader, peekShare]) expect(codecCode(() => decode(message))).toBeTypeOf('string')
        let share: ReturnType<typeof decodeShare>
        try {
          share = decodeShare(message)
        } catch (error) {
          expect(error).toBeInstanceOf(CodecError)
          return
        }
        const again = decodeShare(encodeShare(share))
        expect(again).toEqual(share)
        expect(shareBodyBytes(share)).toBe(encodeShare(share).length)
      }),
      { numRuns: 500 }
    )
  })

  it('let the head be read without the rest', () => {
    const share = decodeShare(SHARE)
    const peek = peekShare(SHARE.subarray(0, AT_DONATION_FLAG))
    expect(peek.prevShareHash).toBe(share.header.prevShareHash)
    expect(peek.bits).toBe(share.header.bits)
    expect(peek.timeSec).toBe(share.header.timeSec)
    expect(bytesToHex(peek.bitcoinHeader)).toBe(synthetic[0]?.bitcoinHeaderHex)
    expect(peekShare(EVERY_OPTION).uncles).toEqual(['11'.repeat(32), '22'.repeat(32)])
    expect(codecCode(() => peekShare(SHARE.subarray(0, AT_DONATION_FLAG - 1)))).toBe('truncated')
    expect(codecCode(() => peekShare(patched(SHARE, AT_PROGRAM_LENGTH, 41)))).toBe('oversize')
  })

  it('are sent on as the very bytes they came in, and counted alike where they were made here', () => {
    const share = decodeShare(SHARE)
    expect(encodeShare(share)).toBe(SHARE)
    const made = { ...share }
    expect(encodeShare(made)).toEqual(SHARE)
    expect(shareBodyBytes(made)).toBe(SHARE.length)
  })

  it('may have as many bytes as a message can carry, and no more', () => {
    const share = decodeShare(SHARE)
    const longBy = (bytes: number) => {
      const { bitcoinCoinbase } = share
      const outputs = [{ valueSats: 0n, script: new Uint8Array(bytes) }]
      return { ...share, bitcoinCoinbase: { ...bitcoinCoinbase, outputs } }
    }
    const spare = 1_048_575 - shareBodyBytes(longBy(100_000))
    expect(encodeShare(longBy(100_000 + spare))).toHaveLength(1_048_575)
    expect(codecCode(() => encodeShare(longBy(100_001 + spare)))).toBe('oversize')
  })
})
