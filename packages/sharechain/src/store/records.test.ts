import { PADDING_MARKS } from '@p2poolv2/consensus'
import { CodecError, shareHash } from '@p2poolv2/primitives'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { foundBlock, hashOf, TEST_IDENTITY } from '../testing/deltas.ts'
import {
  blockKey,
  bodyKey,
  confirmedKey,
  headerKey,
  identityKey,
  indexKey,
  journalKey,
  KEY_PREFIX,
  parseIndexKey,
  stateKey
} from './keys.ts'
import {
  decodeFoundBlock,
  decodeIdentity,
  decodeIndexRow,
  decodeState,
  encodeFoundBlock,
  encodeIdentity,
  encodeIndexRow,
  encodeState,
  type IndexRow
} from './records.ts'

const arbitraryHash = fc
  .uint8Array({ minLength: 32, maxLength: 32 })
  .map(bytes => shareHash(Buffer.from(bytes).toString('hex')))

const arbitraryRow: fc.Arbitrary<IndexRow> = fc.record({
  prevHash: arbitraryHash,
  bits: fc.nat(0xffff_ffff),
  timeSec: fc.nat(0xffff_ffff),
  chainWork: fc.bigInt(0n, (1n << 256n) - 1n),
  miner: fc.record({
    addressClass: fc.constantFrom(0 as const, 1 as const, 2 as const),
    script: fc.uint8Array({ minLength: 2, maxLength: 42 })
  }),
  uncles: fc.array(arbitraryHash, { maxLength: 3 }),
  validity: fc.constantFrom('headerValid' as const, 'invalid' as const, 'blockValid' as const),
  hasBody: fc.boolean(),
  bodyBytes: fc.nat(0xffff_ffff),
  verdict: fc.constantFrom('', 'coinbase-payout', 'a-rule-of-another-day'),
  rulesVersion: fc.nat(0xffff),
  contextSkipped: fc.boolean(),
  scriptsUnchecked: fc.boolean(),
  padding: fc.constantFrom(...PADDING_MARKS)
})

/** Every strictly shorter form of the bytes has to be refused. */
function expectNoPrefixDecodes(bytes: Uint8Array, decode: (bytes: Uint8Array) => unknown): void {
  for (let length = 0; length < bytes.length; length++) {
    expect(() => decode(bytes.subarray(0, length)), `${length} of ${bytes.length} bytes`).toThrow(CodecError)
  }
}

describe('index rows', () => {
  it('come back as they were written', () => {
    fc.assert(
      fc.property(arbitraryRow, row => {
        expect(decodeIndexRow(encodeIndexRow(row))).toEqual(row)
      })
    )
  })

  it('are refused when cut off, followed by more, or of unknown flags', () => {
    fc.assert(
      fc.property(arbitraryRow, row => {
        const bytes = encodeIndexRow(row)
        expectNoPrefixDecodes(bytes, decodeIndexRow)
        expect(() => decodeIndexRow(Uint8Array.of(...bytes, 0))).toThrow(CodecError)
        for (const flags of [3, 0x50, 0xff]) {
          expect(() => decodeIndexRow(Uint8Array.of(flags, ...bytes.subarray(1)))).toThrow(CodecError)
        }
      }),
      { numRuns: 20 }
    )
  })

  it('of a usual share take less than a hundred bytes', () => {
    const row: IndexRow = {
      prevHash: hashOf(1),
      bits: 0x1b384bd7,
      timeSec: 1_788_250_798,
      chainWork: 1n << 90n,
      miner: { addressClass: 1, script: new Uint8Array(22) },
      uncles: [],
      validity: 'blockValid',
      hasBody: true,
      bodyBytes: 1_000,
      verdict: '',
      rulesVersion: 1,
      contextSkipped: false,
      scriptsUnchecked: false,
      padding: 'unseen'
    }
    expect(encodeIndexRow(row).length).toBe(86)
  })
})

describe('other records', () => {
  it('the state comes back as it was written and is refused when cut off', () => {
    const state = { sequence: 2 ** 40, confirmedTip: hashOf(1), candidateTip: hashOf(2), uncleCount: 7 }
    expect(decodeState(encodeState(state))).toEqual(state)
    expectNoPrefixDecodes(encodeState(state), decodeState)
  })

  it('a found block comes back as it was written and is refused when cut off', () => {
    for (const block of [
      foundBlock(900_000),
      foundBlock(900_001, 'rejected: bad-cb-amount'),
      { ...foundBlock(1), outputs: [] }
    ]) {
      expect(decodeFoundBlock(encodeFoundBlock(block))).toEqual(block)
      expectNoPrefixDecodes(encodeFoundBlock(block), decodeFoundBlock)
    }
  })

  it('an identity comes back as it was written', () => {
    expect(decodeIdentity(encodeIdentity(TEST_IDENTITY))).toEqual(TEST_IDENTITY)
  })

  it.each([
    '',
    'null',
    '[]',
    '{"schemaVersion":1}',
    '{"schemaVersion":1,"chain":"main","fingerprint":"","genesisHash":"00"}'
  ])('an identity of the form %s is refused', text => {
    expect(() => decodeIdentity(Buffer.from(text))).toThrow(CodecError)
  })
})

describe('keys', () => {
  it('every kind has a prefix of its own', () => {
    expect(new Set(Object.values(KEY_PREFIX)).size).toBe(Object.keys(KEY_PREFIX).length)
    const keys = [
      identityKey(),
      stateKey(),
      indexKey(1, hashOf(1)),
      headerKey(hashOf(1)),
      bodyKey(hashOf(1)),
      confirmedKey(1)
    ]
    keys.push(blockKey(1, foundBlock(1).blockHash), journalKey(1))
    expect(keys.map(key => key[0])).toEqual(Object.values(KEY_PREFIX))
  })

  it('index keys sort by height', () => {
    fc.assert(
      fc.property(fc.nat(0xffff_ffff), fc.nat(0xffff_ffff), arbitraryHash, (a, b, hash) => {
        expect(Math.sign(Buffer.compare(indexKey(a, hash), indexKey(b, hash)))).toBe(Math.sign(a - b))
        expect(parseIndexKey(indexKey(a, hash))).toEqual({ height: a, hash })
      })
    )
  })

  it('what is no index key is not taken for one', () => {
    expect(parseIndexKey(bodyKey(hashOf(1)))).toBeNull()
    expect(parseIndexKey(indexKey(1, hashOf(1)).subarray(1))).toBeNull()
    expect(parseIndexKey(new Uint8Array(37))).toBeNull()
  })
})
