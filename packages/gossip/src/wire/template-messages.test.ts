import { blockHash, bytesToHex, CodecError, concatBytes } from '@p2poolv2/primitives'
import fc from 'fast-check'
import { expect, it } from 'vitest'
import {
  decodeAnnouncement,
  decodeTemplateMessage,
  encodeAnnouncement,
  encodeTemplateMessage,
  MAX_TEMPLATE_TRANSACTIONS,
  type TemplateMessage,
  templateId
} from './template-messages.ts'

const bytes32 = fc.uint8Array({ minLength: 32, maxLength: 32 })
const hashes = fc.array(bytes32, { maxLength: 6 }).map(list => concatBytes(...list))
const piece = fc.record({
  copyFrom: fc.integer({ min: 0, max: MAX_TEMPLATE_TRANSACTIONS }),
  copyCount: fc.integer({ min: 0, max: MAX_TEMPLATE_TRANSACTIONS }),
  fresh: hashes
})
const anyMessage: fc.Arbitrary<TemplateMessage> = fc.oneof(
  fc.record({ branchKey: bytes32, baseId: bytes32 }).map(message => ({ type: 'getTemplate' as const, ...message })),
  fc
    .record({ branchKey: bytes32, baseId: bytes32, pieces: fc.array(piece, { maxLength: 5 }) })
    .map(message => ({ type: 'templateList' as const, ...message })),
  fc
    .record({
      branchKey: bytes32,
      set: fc.uniqueArray(fc.integer({ min: 0, max: MAX_TEMPLATE_TRANSACTIONS - 1 }), { maxLength: 50 })
    })
    .map(({ branchKey, set }) => ({
      type: 'getTemplateTransactions' as const,
      branchKey,
      indexes: set.sort((a, b) => a - b)
    })),
  fc
    .record({ branchKey: bytes32, transactions: fc.array(fc.uint8Array({ maxLength: 300 }), { maxLength: 8 }) })
    .map(message => ({ type: 'templateTransactions' as const, ...message }))
)

it('reads every message back as it was written', () => {
  fc.assert(
    fc.property(anyMessage, message => {
      expect(decodeTemplateMessage(encodeTemplateMessage(message))).toEqual(message)
    })
  )
})

it('refuses every message that is cut short or goes on', () => {
  fc.assert(
    fc.property(anyMessage, fc.nat(), (message, cut) => {
      const bytes = encodeTemplateMessage(message)
      expect(() => decodeTemplateMessage(bytes.subarray(0, cut % bytes.length))).toThrow(CodecError)
      expect(() => decodeTemplateMessage(new Uint8Array([...bytes, 0]))).toThrow(CodecError)
    })
  )
})

it('refuses an index beyond the largest template, also one reached by adding up', () => {
  const branchKey = new Uint8Array(32)
  const wild = encodeTemplateMessage({
    type: 'getTemplateTransactions',
    branchKey,
    indexes: [MAX_TEMPLATE_TRANSACTIONS - 1, MAX_TEMPLATE_TRANSACTIONS]
  })
  expect(() => decodeTemplateMessage(wild)).toThrow(CodecError)
})

it('announces a template in less than 256 bytes and reads it back', () => {
  const announcement = {
    prevHash: blockHash('0d6c0fe71dc7ddb8f69feba780c66055ac7e3b99f8f871da8ae7ee157610e6e2'),
    bitcoinHeight: 961_640,
    coinbaseValueSats: 312_600_000n,
    transactionCount: 3_000,
    branchKey: new Uint8Array(32).fill(7)
  }
  const data = encodeAnnouncement(announcement)
  expect(data.length).toBeLessThanOrEqual(256)
  expect(decodeAnnouncement(data)).toEqual(announcement)
  for (let length = 0; length < data.length; length++) {
    expect(() => decodeAnnouncement(data.subarray(0, length))).toThrow(CodecError)
  }
  expect(() => decodeAnnouncement(new Uint8Array([...data, 0]))).toThrow(CodecError)
})

it('names different lists differently', () => {
  const [a, b] = [new Uint8Array(64), new Uint8Array(32)]
  expect(bytesToHex(templateId(a))).not.toBe(bytesToHex(templateId(b)))
})
