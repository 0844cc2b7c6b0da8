import { ByteReader, bytesToHex, hexToBytes, type ShareHash, shareHash } from '@p2poolv2/primitives'
import { describe, expect, it } from 'vitest'
import { decodeShareHeader } from '../encoding/share-codec.ts'
import { type ConsensusAddress, consensusAddress } from '../share.ts'
import derived from '../vectors/derived.json' with { type: 'json' }
import { commitmentOf, commitmentOfHeader, commitmentPrefix, commitmentPreimage } from './commitment.ts'

function signetAddress(text: string): ConsensusAddress {
  const address = consensusAddress(text, 'test')
  if (address === null) throw new Error('a signet address')
  return address
}

const MINER = {
  minerBitcoinAddress: signetAddress('tb1q4axuxtvt0q6x4r7g8qjqmzfhkkw4tjgvjrxe7q'),
  minerAddress: { version: 1, program: hexToBytes('da4710964f7852695de2da025290e24af6d8c281de5a0b902b7135fd9fd74d21') }
}
const DONATION = signetAddress('tb1qw508d6qejxtdg4y5r3zarvary0c5xw7kxpjzsx')
const PLAIN = {
  prevShareHash: shareHash(derived.genesis.signet.shareHash),
  uncles: [] as ShareHash[],
  bits: 0x1b384bd7,
  timeSec: 1788250798,
  donationAddress: null as ConsensusAddress | null,
  donationBps: 0,
  feeAddress: null as ConsensusAddress | null,
  feeBps: 0,
  shareWitnessRoot: new Uint8Array(32)
}

describe('the share commitment', () => {
  it.each([
    [PLAIN, derived.commitments[0], 137],
    [
      { ...PLAIN, uncles: [shareHash('11'.repeat(32))], donationAddress: DONATION, donationBps: 100 },
      derived.commitments[1],
      212
    ]
  ] as const)('has the derived preimage and hash (case %#)', (fields, vector, bytes) => {
    const prefix = commitmentPrefix(fields)
    const preimage = commitmentPreimage(prefix, MINER)
    expect(preimage.length).toBe(bytes)
    expect(bytesToHex(preimage)).toBe(vector?.preimageHex)
    const commitment = commitmentOf(prefix, MINER.minerBitcoinAddress, MINER.minerAddress)
    expect(bytesToHex(commitment)).toBe(vector?.commitmentHex)
  })

  it('of a header is the one its fields give', () => {
    const header = decodeShareHeader(new ByteReader(hexToBytes(derived.syntheticShares[0]?.headerHex ?? '')))
    expect(bytesToHex(commitmentOfHeader(header))).toBe(derived.commitments[0]?.commitmentHex)
  })

  it('leaves out the addresses a stand-alone connection does not have', () => {
    const prefix = commitmentPrefix(PLAIN)
    const preimage = commitmentPreimage(prefix, { minerBitcoinAddress: null, minerAddress: null })
    expect(bytesToHex(preimage)).toBe(bytesToHex(prefix))
    expect(commitmentPreimage(prefix, { ...MINER, minerAddress: null }).length).toBe(prefix.length + 24)
  })

  it('changes with every field it covers', () => {
    const other = shareHash('22'.repeat(32))
    const variants = [
      PLAIN,
      { ...PLAIN, prevShareHash: other },
      { ...PLAIN, uncles: [other] },
      { ...PLAIN, bits: PLAIN.bits + 1 },
      { ...PLAIN, timeSec: PLAIN.timeSec + 1 },
      { ...PLAIN, donationAddress: DONATION },
      { ...PLAIN, donationBps: 1 },
      { ...PLAIN, feeAddress: DONATION },
      { ...PLAIN, feeBps: 1 },
      { ...PLAIN, shareWitnessRoot: new Uint8Array(32).fill(1) }
    ].map(fields => bytesToHex(commitmentOf(commitmentPrefix(fields), MINER.minerBitcoinAddress, MINER.minerAddress)))
    expect(new Set(variants).size).toBe(variants.length)
  })
})
