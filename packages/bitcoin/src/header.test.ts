import { ByteReader, bytesToHex, bytesToHexReversed, CodecError, hexToBytes } from '@p2poolv2/primitives'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { BITCOIN_HEADER_BYTES, bitcoinHeaderHashWire, decodeBitcoinHeader, encodeBitcoinHeader } from './header.ts'

/** Bitcoin's genesis header and one of mainnet with a rolled version, with their block hashes. */
const KNOWN: readonly (readonly [string, string])[] = [
  [
    '0100000000000000000000000000000000000000000000000000000000000000000000003ba3edfd7a7b12b27ac72c3e67768f617fc81bc3888a51323a9fb8aa4b1e5e4a29ab5f49ffff001d1dac2b7c',
    '000000000019d6689c085ae165831e934ff763ae46a2a6c172b3f1b60a8ce26f'
  ],
  [
    '0000ff3faa64ac9d27b16cf94fd9020fa413dcd86b68cae24e4101000000000000000000d6af432d111240d92605242f9b38ef8df4e5b7aa75e390a7f1a668ed9bb422cb754c046af01f0217ca5570cd',
    '000000000000000000006fa29653a523d531657ad20d6f946d0fef88c97cd935'
  ]
]

describe('bitcoin header', () => {
  it.each(KNOWN)('reads, writes and hashes a known header', (hex, hashDisplay) => {
    const header = decodeBitcoinHeader(new ByteReader(hexToBytes(hex)))
    expect(bytesToHex(encodeBitcoinHeader(header))).toBe(hex)
    expect(bytesToHexReversed(bitcoinHeaderHashWire(header))).toBe(hashDisplay)
  })

  it('names the fields of the genesis header', () => {
    const header = decodeBitcoinHeader(new ByteReader(hexToBytes(KNOWN[0]?.[0] ?? '')))
    expect(header).toMatchObject({ version: 1, timeSec: 1231006505, bits: 0x1d00ffff, nonce: 2083236893 })
  })

  it('round-trips any 80 bytes', () => {
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 80, maxLength: 80 }), bytes => {
        expect(encodeBitcoinHeader(decodeBitcoinHeader(new ByteReader(bytes)))).toEqual(bytes)
      })
    )
  })

  it('refuses every truncation', () => {
    for (let length = 0; length < BITCOIN_HEADER_BYTES; length++) {
      expect(() => decodeBitcoinHeader(new ByteReader(new Uint8Array(length)))).toThrow(CodecError)
    }
  })
})
