import { decodeTransaction, encodeTransaction, type Transaction, txidWire, wtxidWire } from '@p2poolv2/bitcoin'
import { ByteReader, bytesToHex, bytesToHexReversed, concatBytes, hexToBytes, sha256d } from '@p2poolv2/primitives'
import { describe, expect, it } from 'vitest'
import { decodeShareHeader } from '../encoding/share-codec.ts'
import derived from '../vectors/derived.json' with { type: 'json' }
import { SHARE_COINBASE_BYTES, shareCoinbase, shareWitnessRoot } from './share-coinbase.ts'

const vectors = [...Object.values(derived.genesis), ...derived.syntheticShares]

function transaction(lockTime: number): Transaction {
  const coinbase = decodeTransaction(new ByteReader(hexToBytes(vectors[0]?.shareCoinbaseHex ?? '')))
  return { ...coinbase, lockTime }
}

describe('the share coinbase', () => {
  it.each(vectors)('is the derived one: $shareCoinbaseTxid', vector => {
    const header = decodeShareHeader(new ByteReader(hexToBytes(vector.headerHex)))
    const coinbase = shareCoinbase(header)
    expect(bytesToHex(encodeTransaction(coinbase))).toBe(vector.shareCoinbaseHex)
    expect(encodeTransaction(coinbase)).toHaveLength(210)
    expect(encodeTransaction(coinbase)).toHaveLength(SHARE_COINBASE_BYTES)
    expect(bytesToHexReversed(txidWire(coinbase))).toBe(vector.shareCoinbaseTxid)
  })

  it('commits to a root of zeros with the well-known commitment', () => {
    const header = decodeShareHeader(new ByteReader(hexToBytes(vectors[0]?.headerHex ?? '')))
    expect(bytesToHex(shareCoinbase(header).outputs[1]?.script ?? new Uint8Array(0))).toBe(
      '6a24aa21a9ede2f61c3f71d1defd3fa999dfa36953755c690689799962b48bebd836974e8cf9'
    )
  })
})

describe('the share witness root', () => {
  // Derived independently for revision 0.13, whose witness root is made as in protocol §4.2.
  it('of two further transactions is the derived one, and so is its commitment', () => {
    const other = (byte: number, witnessByte: number, valueSats: bigint): Transaction => ({
      version: 2,
      inputs: [
        {
          prevTxidWire: new Uint8Array(32).fill(byte),
          prevIndex: 0,
          scriptSig: new Uint8Array(0),
          sequence: 0xffffffff,
          witness: [new Uint8Array(32).fill(witnessByte)]
        }
      ],
      outputs: [{ valueSats, script: new Uint8Array(0) }],
      lockTime: 0
    })
    const [first, second] = [other(0x11, 0xaa, 1000n), other(0x22, 0xbb, 2000n)]
    expect([first, second].map(each => bytesToHexReversed(wtxidWire(each)))).toEqual([
      '367699a9cb27e04a821d600edfcae1c718636fbaf2e88ce73c14b06e3c18c586',
      '6bb1cfd06da72a65b961bccea6f2b363233b377e898560226aa64cd6114f3aad'
    ])
    expect([first, second].map(each => bytesToHexReversed(txidWire(each)))).toEqual([
      'ea25fee4f2e42d1044a0e81009d02faeda50e12e4078663dd069fb454271ed48',
      '2b1aac0db2e692496e9be558e68183f66d6c2c34a56cf67580834736096e6d64'
    ])
    const shareWitness = shareWitnessRoot([transaction(0), first, second])
    expect(bytesToHex(shareWitness)).toBe('ade5fa9132717e04c38021d9f3066cd71ae4fde14e1dabdf5f45957cbeddfb8b')
    const header = decodeShareHeader(new ByteReader(hexToBytes(vectors[0]?.headerHex ?? '')))
    const coinbaseProof = { ...header.coinbaseProof, shareWitnessRoot: shareWitness }
    expect(bytesToHex(shareCoinbase({ ...header, coinbaseProof }).outputs[1]?.script ?? new Uint8Array(0))).toBe(
      '6a24aa21a9edadffc11796809d614aa890cc43f695b16dde55cced7fb317a219a06d0e9df055'
    )
  })

  const [coinbase, a, b] = [transaction(0), transaction(1), transaction(2)]
  const zero = new Uint8Array(32)
  const pair = (left: Uint8Array, right: Uint8Array): Uint8Array => sha256d(concatBytes(left, right))

  it('is zero for the coinbase alone, whatever its wtxid', () => {
    expect(bytesToHex(shareWitnessRoot([coinbase]))).toBe('00'.repeat(32))
  })

  it('takes wtxids for the others and doubles a last odd node', () => {
    expect(shareWitnessRoot([coinbase, a])).toEqual(pair(zero, wtxidWire(a)))
    expect(shareWitnessRoot([coinbase, a, b])).toEqual(pair(pair(zero, wtxidWire(a)), pair(wtxidWire(b), wtxidWire(b))))
  })
})
