import {
  ByteReader,
  bytesToHex,
  bytesToHexReversed,
  concatBytes,
  hexToBytes,
  sha256,
  sha256FromMidstate,
  sha256Midstate
} from '@p2poolv2/primitives'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { CoinbaseParts } from './coinbase.ts'
import {
  buildCoinbase,
  COINBASE_TAIL_BYTES,
  coinbaseWeight,
  coinbaseWithWitness,
  MAX_POOL_SIGNATURE_BYTES
} from './coinbase.ts'
import { foldBranch } from './merkle.ts'
import { PADDING_FORMS } from './padding.ts'
import { decodeTransaction, encodeTransaction, encodeTransactionStripped, txidWire } from './transaction.ts'
import vector from './vectors/share-coinbase.json' with { type: 'json' }

const asciiBytes = (text: string): Uint8Array => Uint8Array.from(text, character => character.charCodeAt(0))

const VECTOR_PARTS: CoinbaseParts = {
  bitcoinHeight: vector.bitcoinHeight,
  auxFlags: hexToBytes(vector.auxFlagsHex),
  poolSignature: asciiBytes(vector.poolSignature),
  outputs: vector.outputs.map(output => ({
    valueSats: BigInt(output.valueSats),
    script: hexToBytes(output.scriptHex)
  })),
  witnessCommitmentScript: hexToBytes(vector.witnessCommitmentScriptHex),
  padding: 'A'
}

const anyParts: fc.Arbitrary<CoinbaseParts> = fc.record({
  bitcoinHeight: fc.integer({ min: 1, max: 500_000_000 }),
  auxFlags: fc.uint8Array({ maxLength: 75 }),
  poolSignature: fc.uint8Array({ maxLength: 75 }),
  outputs: fc.array(
    fc.record({ valueSats: fc.bigInt(0n, 2_100_000_000_000_000n), script: fc.uint8Array({ maxLength: 42 }) }),
    { maxLength: 6 }
  ),
  witnessCommitmentScript: fc.option(fc.constant(hexToBytes(`6a24aa21a9ed${'77'.repeat(32)}`))),
  padding: fc.constantFrom(...PADDING_FORMS, null)
})

describe('buildCoinbase', () => {
  it('makes the prefix and the tail of protocol §5.5, byte for byte', () => {
    const { bytes, extranonceOffset, nsecsOffset, commitmentOffset, prefixLengthBytes } = buildCoinbase(VECTOR_PARTS)
    expect(prefixLengthBytes).toBe(vector.prefixLengthBytes)
    const filled = Uint8Array.from(bytes)
    filled.set(hexToBytes(vector.extranonceHex), extranonceOffset)
    new DataView(filled.buffer).setBigUint64(nsecsOffset, BigInt(vector.nsecs), true)
    filled.set(hexToBytes(vector.commitmentHex), commitmentOffset ?? -1)
    expect(bytesToHex(filled.subarray(0, prefixLengthBytes))).toBe(vector.prefixHex)
    expect(bytesToHex(filled.subarray(prefixLengthBytes))).toBe(vector.tailHex)

    const midstate = sha256Midstate(filled.subarray(0, prefixLengthBytes))
    expect(bytesToHex(midstate)).toBe(vector.midstateHex)
    const txid = sha256(sha256FromMidstate(midstate, prefixLengthBytes, filled.subarray(prefixLengthBytes)))
    expect(bytesToHexReversed(txid)).toBe(vector.txidDisplay)
    expect(txidWire(decodeTransaction(new ByteReader(filled)))).toEqual(txid)
    const branch = concatBytes(...vector.branchHex.map(hexToBytes))
    expect(bytesToHexReversed(foldBranch(txid, branch))).toBe(vector.merkleRootDisplay)
  })

  it('ends the prefix at a whole hash block for 1 to 600 outputs', () => {
    const outputs = Array.from({ length: 600 }, (_, i) => ({
      valueSats: BigInt(i),
      script: new Uint8Array(i % 3 === 0 ? 22 : i % 3 === 1 ? 34 : 25)
    }))
    for (let count = 1; count <= 600; count++) {
      const { bytes, prefixLengthBytes } = buildCoinbase({ ...VECTOR_PARTS, outputs: outputs.slice(0, count) })
      expect(prefixLengthBytes % 64, `${count} outputs`).toBe(0)
      expect(bytes.length).toBe(prefixLengthBytes + COINBASE_TAIL_BYTES)
    }
  })

  it('is a transaction in which every part stands where the skeleton says', () => {
    fc.assert(
      fc.property(anyParts, parts => {
        const { bytes, extranonceOffset, nsecsOffset, commitmentOffset, prefixLengthBytes } = buildCoinbase(parts)
        const reader = new ByteReader(bytes)
        const tx = decodeTransaction(reader)
        reader.expectEnd()
        expect(tx.version).toBe(2)
        expect(tx.lockTime).toBe(parts.bitcoinHeight - 1)
        expect(tx.inputs).toMatchObject([
          { prevTxidWire: new Uint8Array(32), prevIndex: 0xffffffff, sequence: 0xfffffffe }
        ])
        const extra = (parts.witnessCommitmentScript === null ? 0 : 1) + (parts.padding !== null ? 2 : 0)
        expect(tx.outputs.length).toBe(parts.outputs.length + extra)
        expect(tx.outputs.slice(0, parts.outputs.length)).toEqual(parts.outputs)
        expect(bytes[extranonceOffset - 1]).toBe(12)
        expect(bytes[nsecsOffset - 1]).toBe(8)
        expect(nsecsOffset).toBe(extranonceOffset + 13)
        if (parts.padding !== null) {
          expect(commitmentOffset).toBe(bytes.length - 36)
          expect(prefixLengthBytes).toBe(bytes.length - COINBASE_TAIL_BYTES)
          expect(prefixLengthBytes % 64).toBe(0)
        } else {
          expect({ commitmentOffset, prefixLengthBytes }).toEqual({ commitmentOffset: null, prefixLengthBytes: 0 })
        }
      })
    )
  })

  it('has an input script of 36 bytes at height 506, as the reference tests', () => {
    const { bytes } = buildCoinbase({ ...VECTOR_PARTS, bitcoinHeight: 506 })
    expect(decodeTransaction(new ByteReader(bytes)).inputs[0]?.scriptSig).toHaveLength(36)
  })

  it('keeps bitcoin’s 100 bytes of input script with the longest signature a node may be told to use', () => {
    const longest = { bitcoinHeight: 500_000_000, auxFlags: new Uint8Array(32) }
    const scriptBytes = (signatureBytes: number): number | undefined => {
      const parts = { ...VECTOR_PARTS, ...longest, poolSignature: new Uint8Array(signatureBytes) }
      return decodeTransaction(new ByteReader(buildCoinbase(parts).bytes)).inputs[0]?.scriptSig.length
    }
    expect(MAX_POOL_SIGNATURE_BYTES).toBe(39)
    expect(scriptBytes(MAX_POOL_SIGNATURE_BYTES)).toBe(100)
    expect(scriptBytes(75)).toBe(136)
  })

  it('pushes no flags as one zero byte and no signature as an empty push', () => {
    const parts: CoinbaseParts = { ...VECTOR_PARTS, poolSignature: new Uint8Array(0), padding: null }
    const { bytes } = buildCoinbase(parts)
    const [input] = decodeTransaction(new ByteReader(bytes)).inputs
    expect(bytesToHex(input?.scriptSig ?? bytes)).toBe(`02f3060100${`0c${'00'.repeat(12)}`}${`08${'00'.repeat(8)}`}00`)
  })

  it.each([
    ['height 0', { bitcoinHeight: 0 }],
    ['a height whose lock time is a time', { bitcoinHeight: 500_000_001 }],
    ['a signature of 76 bytes', { poolSignature: new Uint8Array(76) }],
    ['flags of 76 bytes', { auxFlags: new Uint8Array(76) }]
  ])('calls %s a bug', (_what, change) => {
    expect(() => buildCoinbase({ ...VECTOR_PARTS, ...change })).toThrow()
  })
})

describe('coinbaseWithWitness', () => {
  it('adds one witness item of 32 zero bytes and keeps everything else', () => {
    fc.assert(
      fc.property(anyParts, parts => {
        const skeleton = buildCoinbase(parts)
        const full = coinbaseWithWitness(skeleton.bytes)
        const tx = decodeTransaction(new ByteReader(full))
        expect(tx.inputs[0]?.witness).toEqual([new Uint8Array(32)])
        expect(encodeTransactionStripped(tx)).toEqual(skeleton.bytes)
        expect(encodeTransaction(tx)).toEqual(full)
        expect(coinbaseWeight(skeleton)).toBe(skeleton.bytes.length * 3 + full.length)
      })
    )
  })
})
