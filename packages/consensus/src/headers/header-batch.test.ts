import { bytesToHex, concatBytes, hexToBytes, sha256d } from '@p2poolv2/primitives'
import { codecCode } from '@p2poolv2/primitives/testing'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { decodeShare } from '../encoding/share-codec.ts'
import { genesisShare } from '../genesis/genesis.ts'
import { chainParams } from '../params.ts'
import derived from '../vectors/derived.json' with { type: 'json' }
import { decodeHeaderBatch, encodeHeaderBatch, type HeaderBatchItem, MAX_BATCH_HEADERS } from './header-batch.ts'

const FRAME_HEAD_BYTES = 8
const HEADERS_TYPE = 4

/** What follows the message type in a frame, after checking the frame itself (protocol §18.3). */
function batchOfFrame(frameHex: string): Uint8Array {
  const frame = hexToBytes(frameHex)
  const payload = frame.subarray(FRAME_HEAD_BYTES)
  expect(new DataView(frame.buffer).getUint32(0, true)).toBe(payload.length)
  expect(bytesToHex(sha256d(payload).subarray(0, 4))).toBe(bytesToHex(frame.subarray(4, 8)))
  expect(payload[0]).toBe(HEADERS_TYPE)
  return payload.subarray(1)
}

const codeOf = (bytes: Uint8Array) => codecCode(() => decodeHeaderBatch(bytes))

const genesis: HeaderBatchItem = {
  header: genesisShare(chainParams('signet')).header,
  merkleBranch: new Uint8Array(0)
}
const shares = derived.syntheticShares.map(({ shareHex }) => decodeShare(hexToBytes(shareHex)))
const [first, second] = shares.map(({ header, merkleBranch }) => ({ header, merkleBranch })) as [
  HeaderBatchItem,
  HeaderBatchItem
]
const FIRST_ONLY = encodeHeaderBatch([first])

describe('header batches', () => {
  it.each(derived.syntheticShares)('of genesis with root and share without are as derived, form $padding', vector => {
    const batch = batchOfFrame(vector.headerBatchFrameHex)
    expect(batch.length + 1).toBe(vector.headerBatchBytes)
    const items = decodeHeaderBatch(batch)
    expect(items.map(item => item.hash)).toEqual([vector.shareHash, derived.genesis.signet.shareHash].reverse())
    expect(items.map(item => bytesToHex(item.merkleBranch)).sort()).toEqual(['', vector.branchHex])
    expect(bytesToHex(encodeHeaderBatch(items))).toBe(bytesToHex(batch))
  })

  it('are two zero bytes when empty', () => {
    const batch = batchOfFrame(derived.emptyHeaderBatchFrameHex)
    expect(bytesToHex(batch)).toBe('0000')
    expect(decodeHeaderBatch(batch)).toEqual([])
    expect(bytesToHex(encodeHeaderBatch([]))).toBe('0000')
  })

  it('cost 232 bytes for a header without root', () => {
    const two = encodeHeaderBatch([first, first])
    expect(two.length - FIRST_ONLY.length).toBe(232)
  })

  it('list each branch once, in order of first use', () => {
    const decoded = decodeHeaderBatch(encodeHeaderBatch([first, genesis, second, genesis]))
    expect(decoded.map(item => item.hash)).toEqual([
      shares[0]?.hash,
      derived.genesis.signet.shareHash,
      shares[1]?.hash,
      derived.genesis.signet.shareHash
    ])
    expect(encodeHeaderBatch([first, genesis])[0]).toBe(2)
    expect(encodeHeaderBatch([first, second])[0]).toBe(1)
  })

  it('keep the root of a header whose proof does not give it', () => {
    const foreignBranch = { ...first, merkleBranch: new Uint8Array(96).fill(3) }
    const [item] = decodeHeaderBatch(encodeHeaderBatch([foreignBranch]))
    expect(item?.hash).toBe(shares[0]?.hash)
    expect(encodeHeaderBatch([foreignBranch]).length - FIRST_ONLY.length).toBe(64)
  })

  it('refuse every truncation and anything that follows', () => {
    for (let length = 0; length < FIRST_ONLY.length; length++) {
      expect(codeOf(FIRST_ONLY.subarray(0, length)), `${length} bytes`).not.toBe('accepted')
    }
    expect(codeOf(concatBytes(FIRST_ONLY, Uint8Array.of(0)))).toBe('trailing')
  })

  it.each([
    ['a branch of 17 nodes', concatBytes(Uint8Array.of(1, 17), new Uint8Array(17 * 32), Uint8Array.of(0)), 'oversize'],
    ['a branch that is not there', Uint8Array.of(0, 1, 0, 0, 1), 'malformed'],
    ['more branches than the limit', Uint8Array.of(0xfd, 0xd1, 0x07), 'oversize'],
    ['more headers than the limit', Uint8Array.of(0, 0xfd, 0xd1, 0x07), 'oversize'],
    ['a non-minimal branch count', Uint8Array.of(0xfd, 0, 0, 0), 'non-minimal']
  ])('with %s are refused', (_name, bytes, code) => {
    expect(codeOf(bytes)).toBe(code)
  })

  it('are refused when a left-out root follows from no proof', () => {
    const withoutProof = Uint8Array.from(FIRST_ONLY)
    // The prefix length stands 36 bytes before the end of the last header.
    withoutProof[withoutProof.length - 36] = 0
    expect(codeOf(withoutProof)).toBe('malformed')
  })

  it('hold as many headers as the limit says', () => {
    const items = new Array<HeaderBatchItem>(MAX_BATCH_HEADERS).fill(genesis)
    expect(decodeHeaderBatch(encodeHeaderBatch(items))).toHaveLength(MAX_BATCH_HEADERS)
    expect(() => encodeHeaderBatch([...items, genesis])).toThrow()
  })

  it('never fail in another way than with a codec error', () => {
    const mutations = fc.array(fc.tuple(fc.nat({ max: FIRST_ONLY.length - 1 }), fc.nat({ max: 255 })), { maxLength: 4 })
    fc.assert(
      fc.property(mutations, changes => {
        const bytes = Uint8Array.from(FIRST_ONLY)
        for (const [at, value] of changes) bytes[at] = value
        expect(codeOf(bytes)).toBeTypeOf('string')
      })
    )
  })
})
