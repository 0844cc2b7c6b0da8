import { type DecodedMessage, decodeFrame, decodeMessage, encodeFrame, encodeMessage } from '@p2poolv2/gossip'
import { blockHash, concatBytes, sha256, sha256d, shareHash, txId } from '@p2poolv2/primitives'
import { listOf } from '../../../packages/gossip/src/wire/list-pieces.ts'
import {
  decodeRulesMessage,
  encodeRulesMessage,
  type RulesMessage
} from '../../../packages/gossip/src/wire/rules-messages.ts'
import {
  decodeAnnouncement,
  decodeTemplateMessage,
  encodeAnnouncement,
  encodeTemplateMessage,
  type TemplateAnnouncement,
  type TemplateMessage
} from '../../../packages/gossip/src/wire/template-messages.ts'
import { asBytes } from '../engine/change.ts'
import { hold, type Target } from '../engine/target.ts'
import { fresh, holdCanonical, holdSettled, isCodecError } from './same.ts'
import { SAMPLE_SHARES } from './sample-shares.ts'

const HASH = shareHash('ab'.repeat(32))
const OTHER = shareHash('01'.repeat(32))
const KEY = new Uint8Array(32).fill(9)
const NONE = new Uint8Array(32)

const MESSAGES: readonly Uint8Array[] = [
  encodeMessage({ type: 'inventory', kind: 'share', hashes: [HASH, OTHER] }),
  encodeMessage({ type: 'inventory', kind: 'transaction', hashes: [txId('cd'.repeat(32))] }),
  encodeMessage({ type: 'notFound', kind: 'share', hash: HASH }),
  encodeMessage({ type: 'getData', kind: 'transaction', hash: txId('cd'.repeat(32)) }),
  encodeMessage({ type: 'getShareHeaders', locator: [HASH, OTHER], stop: HASH }),
  encodeMessage({ type: 'getShareBlocks', locator: [], stop: OTHER }),
  encodeMessage({ type: 'handshake', tipHeight: 77, tipHash: HASH }),
  encodeMessage({ type: 'ack' }),
  ...SAMPLE_SHARES.slice(0, 2).map(share => encodeMessage({ type: 'shareBlock', share })),
  encodeMessage({ type: 'shareHeaders', items: SAMPLE_SHARES.slice(0, 3) }),
  ...SAMPLE_SHARES.slice(0, 1).map(share => encodeMessage({ type: 'transaction', transaction: share.bitcoinCoinbase }))
]

const frame: Target<Uint8Array> = {
  name: 'gossip-frame',
  door: 'peers',
  maxBytes: 2_048,
  seeds: () => [encodeFrame(new Uint8Array(0)), ...MESSAGES.slice(0, 8).map(payload => encodeFrame(payload))],
  isRefusal: isCodecError,
  decode: decodeFrame,
  laws: (payload, bytes) => holdCanonical(encodeFrame(payload), bytes),
  mend(bytes) {
    if (bytes.length < 8) return bytes
    const payload = bytes.subarray(8)
    const head = new Uint8Array(8)
    new DataView(head.buffer).setUint32(0, payload.length, true)
    head.set(sha256d(payload).subarray(0, 4), 4)
    return concatBytes(head, payload)
  }
}

const message: Target<DecodedMessage> = {
  name: 'gossip-message',
  door: 'peers',
  maxBytes: 8_192,
  seeds: () => MESSAGES,
  isRefusal: isCodecError,
  decode: decodeMessage,
  laws(read, bytes) {
    const written = encodeMessage(fresh(read))
    // Headers have several forms that are read, and one that is written.
    if (read.type !== 'shareBlock' && read.type !== 'shareHeaders') holdCanonical(written, bytes)
    holdSettled(read, decodeMessage(written))
    hold(written.length <= bytes.length, 'is longer when it is written again')
  }
}

const LINES = 'difficultyMultiplier=1\nwindowMaxShares=120960\n'

const rules: Target<RulesMessage> = {
  name: 'gossip-rules',
  door: 'peers',
  maxBytes: 4_300,
  seeds: () => [
    encodeRulesMessage({ type: 'getRules' }),
    encodeRulesMessage({ type: 'rules', fingerprint: KEY, lines: '' }),
    encodeRulesMessage({ type: 'rules', fingerprint: sha256(asBytes(LINES)), lines: LINES })
  ],
  isRefusal: isCodecError,
  decode: decodeRulesMessage,
  laws: (read, bytes) => holdCanonical(encodeRulesMessage(read), bytes),
  mend(bytes) {
    if (bytes.length < 35 || bytes.length > 33 + 252) return bytes
    const lines = bytes.slice(34)
    return concatBytes(Uint8Array.of(1), sha256(lines), Uint8Array.of(lines.length), lines)
  }
}

const templates: Target<TemplateMessage> = {
  name: 'gossip-templates',
  door: 'peers',
  maxBytes: 4_096,
  seeds: () => [
    encodeTemplateMessage({ type: 'getTemplate', branchKey: KEY, baseId: NONE }),
    encodeTemplateMessage({ type: 'templateList', branchKey: KEY, baseId: NONE, pieces: [] }),
    encodeTemplateMessage({
      type: 'templateList',
      branchKey: KEY,
      baseId: KEY,
      pieces: [
        { copyFrom: 0, copyCount: 2, fresh: KEY },
        { copyFrom: 1, copyCount: 1, fresh: new Uint8Array(0) }
      ]
    }),
    encodeTemplateMessage({ type: 'getTemplateTransactions', branchKey: KEY, indexes: [0, 1, 5, 300] }),
    encodeTemplateMessage({ type: 'templateTransactions', branchKey: KEY, transactions: [KEY, NONE] })
  ],
  isRefusal: isCodecError,
  decode: decodeTemplateMessage,
  laws(read, bytes) {
    holdCanonical(encodeTemplateMessage(read), bytes)
    if (read.type !== 'templateList') return
    const list = listOf(read.pieces, concatBytes(KEY, NONE, KEY))
    hold(
      list === null || (list.length % 32 === 0 && list.length <= 16_384 * 32),
      'describes a list beyond any template'
    )
  }
}

const announcement: Target<TemplateAnnouncement> = {
  name: 'gossip-announcement',
  door: 'peers',
  maxBytes: 300,
  seeds: () => [
    encodeAnnouncement({
      prevHash: blockHash('07'.repeat(32)),
      bitcoinHeight: 900_000,
      coinbaseValueSats: 312_500_000n,
      transactionCount: 3_000,
      branchKey: KEY
    })
  ],
  isRefusal: isCodecError,
  decode: decodeAnnouncement,
  laws: (read, bytes) => holdCanonical(encodeAnnouncement(read), bytes)
}

export const TARGETS: readonly Target[] = [frame, message, rules, templates, announcement] as Target[]
