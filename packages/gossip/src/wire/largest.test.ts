import {
  consensusAddressFromScript,
  encodeShare,
  type HeaderBatchItem,
  MAX_BRANCH_NODES,
  MAX_ENCODED_SHARE_BYTES,
  type Share
} from '@p2poolv2/consensus'
import { CodecError, shareHash } from '@p2poolv2/primitives'
import { ChainBuilder, easyParams } from '@p2poolv2/sharechain/testing'
import { expect, it } from 'vitest'
import { FULL_ANSWER_HEADERS } from '../headers/full-answer.ts'
import { encodeFrame } from './frame.ts'
import { encodeMessage, MAX_INVENTORY_HASHES, MAX_LOCATOR_HASHES, wrapEncoded } from './messages.ts'
import { FRAME_HEAD_BYTES, MAX_PAYLOAD_BYTES } from './protocols.ts'
import {
  encodeTemplateMessage,
  MAX_LIST_PIECES,
  MAX_REQUESTED_TRANSACTIONS,
  MAX_TEMPLATE_TRANSACTIONS,
  MAX_TRANSACTION_ANSWER_BYTES
} from './template-messages.ts'

const params = easyParams()
const builder = new ChainBuilder(params)
const [share] = builder.row(builder.genesis, 1)
if (share === undefined) throw new Error('a share was built')

/** The share with a coinbase output so long that its encoding has this many bytes. */
function shareOf(bytes: number): Share {
  const wanted = (scriptBytes: number): Share => {
    const [first, ...others] = share?.bitcoinCoinbase.outputs ?? []
    const outputs = [{ valueSats: first?.valueSats ?? 0n, script: new Uint8Array(scriptBytes) }, ...others]
    return { ...(share as Share), bitcoinCoinbase: { ...(share as Share).bitcoinCoinbase, outputs } }
  }
  // Long enough that a script's length takes five bytes already.
  const over = encodeShare(wanted(70_000)).length - 70_000
  return wanted(bytes - over)
}

/** A header with every field as long as the gate lets it be, and a branch that no other header has. */
function largestHeader(number: number): HeaderBatchItem {
  const address = consensusAddressFromScript(1, Uint8Array.of(0x60, 40, ...new Uint8Array(40)))
  if (address === null || share === undefined) throw new Error('such an address is one')
  const merkleBranch = new Uint8Array(MAX_BRANCH_NODES * 32)
  new DataView(merkleBranch.buffer).setUint32(0, number)
  const header = {
    ...share.header,
    uncles: Array.from({ length: params.maxUncles }, () => shareHash('ab'.repeat(32))),
    minerBitcoinAddress: address,
    minerAddress: { version: 16, program: new Uint8Array(40) },
    donationAddress: address,
    feeAddress: address
  }
  return { header, merkleBranch }
}

it('the largest share that can be encoded fits a frame with its type, and a larger one cannot be encoded', () => {
  const bytes = encodeShare(shareOf(MAX_ENCODED_SHARE_BYTES))
  expect(encodeFrame(wrapEncoded('shareBlock', bytes))).toHaveLength(FRAME_HEAD_BYTES + MAX_PAYLOAD_BYTES)
  expect(() => encodeShare(shareOf(MAX_ENCODED_SHARE_BYTES + 1))).toThrow(CodecError)
})

it('the largest header answer fits a frame: 900 headers rounded up to a full height, nothing shared between them', () => {
  const count = FULL_ANSWER_HEADERS - 1 + params.maxSharesPerHeight
  const items = Array.from({ length: count }, (_, number) => largestHeader(number))
  expect(encodeMessage({ type: 'shareHeaders', items }).length).toBeLessThanOrEqual(MAX_PAYLOAD_BYTES)
})

it('the largest of every other message fits a frame', () => {
  const hash = shareHash('cd'.repeat(32))
  const hashes = (count: number) => Array.from({ length: count }, () => hash)
  const branchKey = new Uint8Array(32)
  const fresh = new Uint8Array(32)
  const copied = MAX_TEMPLATE_TRANSACTIONS - MAX_LIST_PIECES
  const pieces = Array.from({ length: MAX_LIST_PIECES }, () => ({ copyFrom: copied, copyCount: copied, fresh }))
  pieces.push({ copyFrom: 0, copyCount: 0, fresh: new Uint8Array(copied * 32) })
  // Each transaction is counted with nine bytes for its length, and takes no more than five.
  const each = Math.floor(MAX_TRANSACTION_ANSWER_BYTES / MAX_REQUESTED_TRANSACTIONS) - 9
  const transactions = Array.from({ length: MAX_REQUESTED_TRANSACTIONS }, () => new Uint8Array(each))
  const indexes = Array.from({ length: MAX_REQUESTED_TRANSACTIONS }, (_, i) => i * 4)
  const largest = [
    encodeMessage({ type: 'inventory', kind: 'share', hashes: hashes(MAX_INVENTORY_HASHES) }),
    encodeMessage({ type: 'getShareHeaders', locator: hashes(MAX_LOCATOR_HASHES), stop: hash }),
    encodeMessage({ type: 'getShareBlocks', locator: hashes(MAX_LOCATOR_HASHES), stop: hash }),
    encodeTemplateMessage({ type: 'templateList', branchKey, baseId: fresh, pieces }),
    encodeTemplateMessage({ type: 'getTemplateTransactions', branchKey, indexes }),
    encodeTemplateMessage({ type: 'templateTransactions', branchKey, transactions }),
    encodeTemplateMessage({
      type: 'templateTransactions',
      branchKey,
      transactions: [new Uint8Array(MAX_TRANSACTION_ANSWER_BYTES)]
    })
  ]
  for (const message of largest) expect(message.length).toBeLessThanOrEqual(MAX_PAYLOAD_BYTES)
  // An answer to `getShareBlocks` is never larger than the asker reads.
  expect(FULL_ANSWER_HEADERS - 1 + params.maxSharesPerHeight).toBeLessThanOrEqual(MAX_INVENTORY_HASHES)
})
