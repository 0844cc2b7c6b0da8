import { decodeTransaction, encodeTransaction, type Transaction, txidWire, wtxidWire } from '@p2poolv2/bitcoin'
import { ByteReader, bytesToHex, bytesToHexReversed, concatBytes, hexToBytes, sha256d } from '@p2poolv2/primitives'
import { describe, expect, it } from 'vitest'
import { decodeShareHeader } from './share-codec.ts'
import { shareCoinbase, shareWitnessRoot } from './share-coinbase.ts'
import derived from './vectors/derived.json' with { type: 'json' }

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
