import { readFileSync } from 'node:fs'
import { encodeShare } from '@p2poolv2/consensus'
import { bytesToHex, hexToBytes, shareHash, txId, ZERO_SHARE_HASH } from '@p2poolv2/primitives'
import { codecCode } from '@p2poolv2/primitives/testing'
import { describe, expect, it } from 'vitest'
import { decodeFrame, encodeFrame } from './frame.ts'
import { decodeMessage, encodeMessage, MAX_INVENTORY_HASHES, MAX_LOCATOR_HASHES, type PeerMessage } from './messages.ts'
import { MAX_PAYLOAD_BYTES } from './protocols.ts'

const vectors = JSON.parse(readFileSync(new URL('../vectors/frames.json', import.meta.url), 'utf8')) as {
  handshakeFrames: Record<string, string>
  getShareHeadersFrames: Record<string, string>
  genesisShareHashes: Record<string, string>
  emptyShareHeadersFrame: string
  syntheticShareBlock: string
  syntheticShareHash: string
  syntheticShareHeadersFrame: string
}

const hash = (byte: string) => shareHash(byte.repeat(32))
const share = decodeMessage(hexToBytes(`05${vectors.syntheticShareBlock}`))
const messages: readonly PeerMessage[] = [
  { type: 'inventory', kind: 'share', hashes: [hash('11'), hash('22')] },
  { type: 'inventory', kind: 'transaction', hashes: [] },
  { type: 'notFound', kind: 'share', hash: hash('33') },
  { type: 'getShareHeaders', locator: [hash('44')], stop: ZERO_SHARE_HASH },
  { type: 'getShareBlocks', locator: [hash('44'), hash('55')], stop: hash('66') },
  { type: 'getData', kind: 'transaction', hash: txId('77'.repeat(32)) },
  { type: 'handshake', tipHeight: 7, tipHash: hash('88') },
  { type: 'ack' },
  ...(share.type === 'shareBlock' ? [share] : []),
  { type: 'shareHeaders', items: [] }
]

describe.each(['signet', 'main', 'regtest'])('on %s', network => {
  const genesis = shareHash(vectors.genesisShareHashes[network] ?? '')

  it('a handshake with the genesis share is the known frame', () => {
    const frame = encodeFrame(encodeMessage({ type: 'handshake', tipHeight: 0, tipHash: genesis }))
    expect(bytesToHex(frame)).toBe(vectors.handshakeFrames[network])
    expect(decodeMessage(decodeFrame(frame))).toEqual({ type: 'handshake', tipHeight: 0, tipHash: genesis })
  })

  it('a request for headers from genesis is the known frame', () => {
    const frame = encodeFrame(encodeMessage({ type: 'getShareHeaders', locator: [genesis], stop: ZERO_SHARE_HASH }))
    expect(bytesToHex(frame)).toBe(vectors.getShareHeadersFrames[network])
  })
})

it('an empty header batch is the known frame', () => {
  expect(bytesToHex(encodeFrame(encodeMessage({ type: 'shareHeaders', items: [] })))).toBe(
    vectors.emptyShareHeadersFrame
  )
})

it('a header batch of a synthetic share is read and written back as the known frame', () => {
  const message = decodeMessage(decodeFrame(hexToBytes(vectors.syntheticShareHeadersFrame)))
  if (message.type !== 'shareHeaders') throw new Error('not a header batch')
  expect(message.items.map(item => item.hash)).toContain(vectors.syntheticShareHash)
  expect(bytesToHex(encodeFrame(encodeMessage(message)))).toBe(vectors.syntheticShareHeadersFrame)
})

it('a share block carries the known share', () => {
  if (share.type !== 'shareBlock') throw new Error('not a share')
  expect(share.share.hash).toBe(vectors.syntheticShareHash)
  expect(bytesToHex(encodeShare(share.share))).toBe(vectors.syntheticShareBlock)
})

it.each(messages.map(message => [message.type, message] as const))('%s survives a round trip', (_type, message) => {
  expect(bytesToHex(encodeMessage(decodeMessage(encodeMessage(message))))).toBe(bytesToHex(encodeMessage(message)))
})

it.each(messages.map(message => [message.type, message] as const))(
  '%s is refused when cut short or followed by more',
  (_type, message) => {
    const bytes = encodeMessage(message)
    for (let length = 0; length < bytes.length; length++) {
      expect(
        codecCode(() => decodeMessage(bytes.subarray(0, length))),
        `${length} bytes`
      ).not.toBe('accepted')
    }
    expect(codecCode(() => decodeMessage(new Uint8Array([...bytes, 0])))).toBe('trailing')
  }
)

it('refuses unknown types, unknown kinds, too many items and numbers in a longer form than needed', () => {
  expect(codecCode(() => decodeMessage(hexToBytes('0a')))).toBe('malformed')
  expect(codecCode(() => decodeMessage(hexToBytes(`0602${'00'.repeat(32)}`)))).toBe('malformed')
  expect(codecCode(() => decodeMessage(hexToBytes(`02fd0100${'00'.repeat(64)}`)))).toBe('non-minimal')
  const many = Array.from({ length: MAX_LOCATOR_HASHES + 1 }, () => ZERO_SHARE_HASH)
  expect(
    codecCode(() => decodeMessage(encodeMessage({ type: 'getShareHeaders', locator: many, stop: ZERO_SHARE_HASH })))
  ).toBe('oversize')
  const heaps = Array.from({ length: MAX_INVENTORY_HASHES + 1 }, () => ZERO_SHARE_HASH)
  expect(codecCode(() => decodeMessage(encodeMessage({ type: 'inventory', kind: 'share', hashes: heaps })))).toBe(
    'oversize'
  )
})

it('refuses a frame with a wrong checksum, a wrong length or a payload over 1 MiB', () => {
  const frame = encodeFrame(encodeMessage({ type: 'ack' }))
  expect(codecCode(() => decodeFrame(frame.map((byte, i) => (i === 5 ? byte ^ 1 : byte))))).toBe('malformed')
  expect(codecCode(() => decodeFrame(frame.subarray(0, 8)))).toBe('truncated')
  expect(codecCode(() => decodeFrame(new Uint8Array([...frame, 0])))).toBe('trailing')
  expect(codecCode(() => encodeFrame(new Uint8Array(MAX_PAYLOAD_BYTES + 1)))).toBe('oversize')
  expect(codecCode(() => decodeFrame(hexToBytes('010010000000000000')))).toBe('oversize')
})
