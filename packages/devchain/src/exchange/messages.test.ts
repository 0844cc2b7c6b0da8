import { blockHash, bytesToHex, hexToBytes } from '@p2poolv2/primitives'
import { codecCode } from '@p2poolv2/primitives/testing'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { decodeBlock } from '../block.ts'
import { checkBlockAlone, checkBlockInContext } from '../check-block.ts'
import { DevChain } from '../dev-chain.ts'
import { buildBlock, REGTEST_DIFFICULTY } from '../testing/build-block.ts'
import { exchangeProtocol } from './contract.ts'
import {
  decodeMessage,
  type ExchangeMessage,
  encodeMessage,
  MAX_ANSWER_BLOCKS,
  MAX_LOCATOR_HASHES,
  MAX_MESSAGE_BLOCK_BYTES,
  MAX_PAYLOAD_BYTES
} from './messages.ts'

const hash = (byte: string) => blockHash(byte.repeat(32))
const block = new Uint8Array(141).fill(7)

const codeOf = (payload: Uint8Array) => codecCode(() => decodeMessage(payload))

const MESSAGES: readonly [ExchangeMessage, string][] = [
  [{ type: 'getBlocks', locator: [] }, '0000'],
  [{ type: 'getBlocks', locator: [hash('12'), hash('34')] }, `0002${'12'.repeat(32)}${'34'.repeat(32)}`],
  [{ type: 'newBlock', block }, `018d000000${'07'.repeat(141)}`],
  [{ type: 'blocks', firstHeight: 1, tipHeight: 0, blocks: [] }, '0201000000000000000000'],
  [
    { type: 'blocks', firstHeight: 0x01020304, tipHeight: 0xfffffffe, blocks: [block, block] },
    `0204030201feffffff0200${`8d000000${'07'.repeat(141)}`.repeat(2)}`
  ],
  [{ type: 'noted' }, '03']
]

describe('messages of the block exchange', () => {
  it.each(MESSAGES)('%j has its bytes at their places', (message, hex) => {
    expect(bytesToHex(encodeMessage(message))).toBe(hex)
    expect(decodeMessage(hexToBytes(hex))).toEqual(message)
  })

  it.each(MESSAGES)('%j is refused when cut short or followed by more', message => {
    const payload = encodeMessage(message)
    for (let length = 0; length < payload.length; length++) {
      expect(codeOf(payload.subarray(0, length)), `${length} bytes`).toBe('truncated')
    }
    expect(codeOf(Uint8Array.of(...payload, 0))).toBe('trailing')
  })

  it('hashes travel in wire order', () => {
    const locator = [blockHash(`ff${'00'.repeat(31)}`)]
    expect(bytesToHex(encodeMessage({ type: 'getBlocks', locator }))).toBe(`0001${'00'.repeat(31)}ff`)
  })

  it('refuses what is unknown, too much or too small before it takes memory for it', () => {
    expect(codeOf(hexToBytes('04'))).toBe('malformed')
    expect(codeOf(Uint8Array.of(0, MAX_LOCATOR_HASHES + 1))).toBe('oversize')
    expect(codeOf(hexToBytes(`020000000000000000fb00`))).toBe('oversize')
    expect(MAX_ANSWER_BLOCKS).toBe(0xfa)
    expect(codeOf(hexToBytes(`01${'8c000000'}${'07'.repeat(140)}`))).toBe('malformed')
    const large = (bytes: number) => encodeMessage({ type: 'newBlock', block: new Uint8Array(bytes) })
    expect(codeOf(large(MAX_MESSAGE_BLOCK_BYTES))).toBe('accepted')
    expect(codeOf(large(MAX_MESSAGE_BLOCK_BYTES + 1))).toBe('oversize')
    expect(codeOf(new Uint8Array(MAX_PAYLOAD_BYTES + 1).fill(3))).toBe('oversize')
  })

  it('never fails otherwise, whatever comes', () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 4 }), fc.uint8Array({ maxLength: 400 }), (type, rest) => {
        const payload = Uint8Array.of(type, ...rest)
        if (codeOf(payload) === 'accepted') expect(encodeMessage(decodeMessage(payload))).toEqual(payload)
      })
    )
  })

  it('has room for the largest block there can be', () => {
    const template = new DevChain(REGTEST_DIFFICULTY).template(1_795_360_577)
    const withScript = (bytes: number) =>
      buildBlock(template, {
        coinbase: tx => ({ ...tx, outputs: [...tx.outputs, { valueSats: 0n, script: new Uint8Array(bytes) }] })
      })
    const reasonOf = (bytes: Uint8Array): string | null => {
      const decoded = decodeBlock(bytes)
      if (decoded === null) return 'undecodable'
      const context = { bitcoinHeight: 1, allowedBits: [0x207f_ffff], medianTimePastSec: 0, nowSec: 2_000_000_000 }
      return checkBlockAlone(decoded, 0x207f_ffff) ?? checkBlockInContext(decoded, context)
    }
    // Stripped bytes count four times, the 36 of marker, flag and witness once; the length of a long script takes 4 bytes more.
    const fits = 999_991 - (withScript(0).length - 36) - 4
    expect(reasonOf(withScript(fits + 1))).toBe('bad-blk-weight')
    const largest = withScript(fits)
    expect(reasonOf(largest)).toBeNull()
    expect(largest.length).toBeGreaterThan(999_900)
    expect(largest.length).toBeLessThanOrEqual(MAX_MESSAGE_BLOCK_BYTES)
    const answer = encodeMessage({ type: 'blocks', firstHeight: 1, tipHeight: 1, blocks: [largest] })
    expect(answer.length).toBeLessThan(MAX_PAYLOAD_BYTES)
  })

  it('speaks under a name with the devnet’s tag', () => {
    expect(exchangeProtocol('0a1b2c3d')).toBe('/p2pool/devnet/0a1b2c3d/blocks/1.0.0')
  })
})
