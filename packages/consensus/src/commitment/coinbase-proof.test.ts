import { ByteReader, bytesToHex, bytesToHexReversed, hexToBytes, sha256d, sha256Midstate } from '@p2poolv2/primitives'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { decodeShareHeader, encodeShareHeader } from '../encoding/share-codec.ts'
import { genesisShare } from '../genesis/genesis.ts'
import { chainParams } from '../params.ts'
import type { Checked, ShareHeader } from '../share.ts'
import derived from '../vectors/derived.json' with { type: 'json' }
import {
  buildCoinbaseProof,
  coinbaseTxidFromProof,
  merkleRootFromProof,
  verifyCoinbaseProof
} from './coinbase-proof.ts'

interface Case {
  readonly header: ShareHeader
  readonly branch: Uint8Array
}

const CASES: Case[] = derived.syntheticShares.map(share => ({
  header: decodeShareHeader(new ByteReader(hexToBytes(share.headerHex))),
  branch: hexToBytes(share.branchHex)
}))
const [{ header: HEADER, branch: BRANCH }] = CASES as [Case]

function codeOf(checked: Checked): string {
  return checked.ok ? 'passed' : checked.code
}

function withProof(proof: Partial<ShareHeader['coinbaseProof']>): ShareHeader {
  return { ...HEADER, coinbaseProof: { ...HEADER.coinbaseProof, ...proof } }
}

describe('a coinbase proof', () => {
  it.each(derived.coinbases)('has the derived midstate and txid, padding form $padding', vector => {
    const coinbase = hexToBytes(vector.prefixHex + vector.tailHex)
    const proof = buildCoinbaseProof(coinbase, vector.prefixLengthBytes, new Uint8Array(32))
    expect(bytesToHex(proof.midstate)).toBe(vector.midstateHex)
    expect(proof.prefixLengthBytes).toBe(vector.prefixLengthBytes)
    expect(bytesToHexReversed(sha256d(coinbase))).toBe(vector.txid)
  })

  it.each(CASES.map((entry, index) => ({ ...entry, index })))(
    'leads from the derived header to its coinbase txid and merkle root ($index)',
    ({ header, branch, index }) => {
      const proven = coinbaseTxidFromProof(header)
      expect(proven.ok && bytesToHexReversed(proven.txidWire)).toBe(derived.coinbases[index]?.txid)
      const root = merkleRootFromProof(header, branch)
      expect(root && bytesToHexReversed(root)).toBe(derived.syntheticShares[index]?.merkleRoot)
      expect(codeOf(verifyCoinbaseProof(header, branch))).toBe('passed')
    }
  )

  it.each<[string, ShareHeader, Uint8Array, string]>([
    ['a branch of 17 nodes', HEADER, new Uint8Array(17 * 32), 'proof-branch-length'],
    ['a branch of half a node', HEADER, new Uint8Array(16), 'proof-branch-length'],
    ['no prefix', withProof({ prefixLengthBytes: 0 }), BRANCH, 'proof-prefix-length'],
    ['a prefix of 191 bytes', withProof({ prefixLengthBytes: 191 }), BRANCH, 'proof-prefix-length'],
    ['bitcoin height 0', { ...HEADER, bitcoinHeight: 0n }, BRANCH, 'proof-bitcoin-height'],
    ['bitcoin height 500,000,001', { ...HEADER, bitcoinHeight: 500_000_001n }, BRANCH, 'proof-bitcoin-height'],
    ['bitcoin height 2^64 - 1', { ...HEADER, bitcoinHeight: 2n ** 64n - 1n }, BRANCH, 'proof-bitcoin-height'],
    [
      'the highest bitcoin height, but another',
      { ...HEADER, bitcoinHeight: 500_000_000n },
      BRANCH,
      'proof-merkle-root'
    ],
    ['another prefix length', withProof({ prefixLengthBytes: 256 }), BRANCH, 'proof-merkle-root'],
    ['the longest prefix length', withProof({ prefixLengthBytes: 0xffffffc0 }), BRANCH, 'proof-merkle-root'],
    ['another midstate', withProof({ midstate: new Uint8Array(32) }), BRANCH, 'proof-merkle-root'],
    ['a shorter branch', HEADER, BRANCH.subarray(0, 32), 'proof-merkle-root'],
    ['no branch', HEADER, new Uint8Array(0), 'proof-merkle-root']
  ])('with %s fails', (_name, header, branch, code) => {
    expect(codeOf(verifyCoinbaseProof(header, branch))).toBe(code)
  })

  it('is asked about one branch after another, and answers for each', () => {
    const header = { ...HEADER }
    const other = new Uint8Array(32).fill(7)
    const root = merkleRootFromProof(header, BRANCH)
    const otherRoot = merkleRootFromProof(header, other)
    expect(otherRoot).not.toEqual(root)
    expect(merkleRootFromProof(header, BRANCH)).toEqual(root)
    expect(merkleRootFromProof({ ...HEADER }, other)).toEqual(otherRoot)
    expect(merkleRootFromProof(header, new Uint8Array(17 * 32))).toBeNull()
    expect(merkleRootFromProof(header, new Uint8Array(33))).toBeNull()
    expect(merkleRootFromProof(header, new Uint8Array(16 * 32))).not.toBeNull()
  })

  it('of zeros fails: the genesis is never verified', () => {
    const { header } = genesisShare(chainParams('signet'))
    expect(codeOf(verifyCoinbaseProof(header, new Uint8Array(0)))).toBe('proof-prefix-length')
    expect(merkleRootFromProof(header, new Uint8Array(0))).toBeNull()
  })

  it('binds every byte of the header except the parts of the bitcoin header beside the root', () => {
    const encoded = encodeShareHeader(HEADER)
    const bitcoinHeaderAt = 91
    const isFree = (at: number): boolean =>
      at >= bitcoinHeaderAt && at < bitcoinHeaderAt + 80 && !(at >= bitcoinHeaderAt + 36 && at < bitcoinHeaderAt + 68)
    for (let at = 0; at < encoded.length; at++) {
      const changed = Uint8Array.from(encoded)
      changed[at] = (changed[at] as number) ^ 0x04
      let header: ShareHeader
      try {
        header = decodeShareHeader(new ByteReader(changed))
      } catch {
        continue
      }
      expect(verifyCoinbaseProof(header, BRANCH).ok, `byte ${at}`).toBe(isFree(at))
    }
  })

  it('finishes like a hash of the whole coinbase, for any number of blocks', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 40 }), fc.integer({ min: 1, max: 500_000_000 }), (blocks, height) => {
        const prefix = new Uint8Array(blocks * 64).map((_, at) => at * 7 + height)
        const coinbaseProof = {
          ...HEADER.coinbaseProof,
          midstate: sha256Midstate(prefix),
          prefixLengthBytes: prefix.length
        }
        const header = { ...HEADER, bitcoinHeight: BigInt(height), coinbaseProof }
        const tail = hexToBytes(derived.coinbases[0]?.tailHex ?? '')
        new DataView(tail.buffer).setUint32(43, height - 1, true)
        const whole = new Uint8Array(prefix.length + tail.length)
        whole.set(prefix)
        whole.set(tail, prefix.length)
        const proven = coinbaseTxidFromProof(header)
        expect(proven.ok && bytesToHex(proven.txidWire)).toBe(bytesToHex(sha256d(whole)))
        expect(buildCoinbaseProof(whole, prefix.length, new Uint8Array(32))).toEqual(coinbaseProof)
      }),
      { numRuns: 50 }
    )
  })
})
