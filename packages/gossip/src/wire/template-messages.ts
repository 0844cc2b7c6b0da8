import {
  type BlockHash,
  ByteReader,
  ByteWriter,
  blockHashFromWire,
  CodecError,
  type Sha256d,
  sha256d,
  wireFromDisplay
} from '@p2poolv2/primitives'

/**
 * Our own messages about templates. They travel on our own topic and protocol only; a node that knows nothing of them loses
 * nothing but the chance to help submit a block. Transactions are named by wtxid, because two transactions of one txid
 * can differ in their witness and only one of them makes the block valid.
 */

/** A template in at most 256 bytes, for the topic `templates`. */
export interface TemplateAnnouncement {
  readonly prevHash: BlockHash
  readonly bitcoinHeight: number
  readonly coinbaseValueSats: bigint
  readonly transactionCount: number
  /** 32 bytes, wire order: names the template by its merkle branch, which every share made from it carries. */
  readonly branchKey: Uint8Array
}

/** Wtxids of one answer at most: what a block of 4,000,000 weight units can hold of the smallest transactions. */
export const MAX_TEMPLATE_TRANSACTIONS = 16_384
/** Transactions asked for in one request at most; the answer stays within a frame or is cut short. */
export const MAX_REQUESTED_TRANSACTIONS = 4_096
/** Transaction bytes of one answer at most, below the frame's limit. */
export const MAX_TRANSACTION_ANSWER_BYTES = 1_000_000
/** Pieces a list is described in at most; a list that needs more is sent whole. */
export const MAX_LIST_PIECES = 1_024
/** A larger transaction does not fit an answer; templates that have one are not shared. */
const MAX_TRANSACTION_BYTES = MAX_TRANSACTION_ANSWER_BYTES
const ANNOUNCEMENT_VERSION = 1

/**
 * A stretch of a list of wtxids: `copyCount` of the base list from `copyFrom` on, then the new ones in `fresh`
 * (32 bytes each, wire order, concatenated). Lists of one peer change little, and then a few hundred bytes describe one.
 */
export interface ListPiece {
  readonly copyFrom: number
  readonly copyCount: number
  readonly fresh: Uint8Array
}

export type TemplateMessage =
  /** Which transactions has the template with this branch? `baseId` names a list the asker has, 32 zero bytes none. */
  | { readonly type: 'getTemplate'; readonly branchKey: Uint8Array; readonly baseId: Uint8Array }
  /**
   * Its list in pieces over the base named here: the one asked for, or none. No pieces: the template is not known (one
   * without transactions is never asked for).
   */
  | {
      readonly type: 'templateList'
      readonly branchKey: Uint8Array
      readonly baseId: Uint8Array
      readonly pieces: readonly ListPiece[]
    }
  /** Some transactions of it, by rising index. */
  | { readonly type: 'getTemplateTransactions'; readonly branchKey: Uint8Array; readonly indexes: readonly number[] }
  /** The first of the transactions asked for that fit, BIP144 encoded; none when the template is not known any more. */
  | {
      readonly type: 'templateTransactions'
      readonly branchKey: Uint8Array
      readonly transactions: readonly Uint8Array[]
    }

/**
 * The name of a template's list of transactions: SHA256d over the concatenated wtxids, wire order.
 * @param hash the host's double hash, for lists of 100 kB
 */
export function templateId(wtxidsWire: Uint8Array, hash: Sha256d = sha256d): Uint8Array {
  return hash(wtxidsWire)
}

export function encodeAnnouncement(announcement: TemplateAnnouncement): Uint8Array {
  return new ByteWriter()
    .u8(ANNOUNCEMENT_VERSION)
    .bytes(wireFromDisplay(announcement.prevHash))
    .u32(announcement.bitcoinHeight)
    .u64(announcement.coinbaseValueSats)
    .compactSize(announcement.transactionCount)
    .bytes(announcement.branchKey)
    .finish()
}

/** @throws CodecError for anything but one whole announcement of this version */
export function decodeAnnouncement(data: Uint8Array): TemplateAnnouncement {
  const reader = new ByteReader(data)
  if (reader.u8() !== ANNOUNCEMENT_VERSION)
    throw new CodecError('malformed', 'an announcement is of an unknown version')
  const announcement = {
    prevHash: blockHashFromWire(reader.bytes(32)),
    bitcoinHeight: reader.u32(),
    coinbaseValueSats: reader.u64(),
    transactionCount: reader.compactSize(MAX_TEMPLATE_TRANSACTIONS),
    branchKey: reader.bytes(32).slice()
  }
  reader.expectEnd()
  return announcement
}

const TYPE_BYTE: Readonly<Record<TemplateMessage['type'], number>> = {
  getTemplate: 0,
  templateList: 1,
  getTemplateTransactions: 2,
  templateTransactions: 3
}
const TYPE_NAMES = Object.keys(TYPE_BYTE) as readonly TemplateMessage['type'][]

export function encodeTemplateMessage(message: TemplateMessage): Uint8Array {
  const writer = new ByteWriter().u8(TYPE_BYTE[message.type]).bytes(message.branchKey)
  switch (message.type) {
    case 'getTemplate':
      writer.bytes(message.baseId)
      break
    case 'templateList':
      writer.bytes(message.baseId).compactSize(message.pieces.length)
      for (const { copyFrom, copyCount, fresh } of message.pieces) {
        writer
          .compactSize(copyFrom)
          .compactSize(copyCount)
          .compactSize(fresh.length / 32)
          .bytes(fresh)
      }
      break
    case 'getTemplateTransactions': {
      writer.compactSize(message.indexes.length)
      // Differences, so that a long run of neighbours costs a byte each.
      let next = 0
      for (const index of message.indexes) {
        writer.compactSize(index - next)
        next = index + 1
      }
      break
    }
    case 'templateTransactions':
      writer.compactSize(message.transactions.length)
      for (const transaction of message.transactions) writer.varBytes(transaction)
      break
    default:
      message satisfies never
  }
  return writer.finish()
}

/** @throws CodecError for an unknown type, truncation, trailing bytes, too many items or a number in a longer form than needed */
export function decodeTemplateMessage(payload: Uint8Array): TemplateMessage {
  const reader = new ByteReader(payload)
  const type = TYPE_NAMES[reader.u8()]
  if (type === undefined) throw new CodecError('malformed', 'a template message is of an unknown type')
  const branchKey = reader.bytes(32).slice()
  const message = decodeBody(type, branchKey, reader)
  reader.expectEnd()
  return message
}

function decodeBody(type: TemplateMessage['type'], branchKey: Uint8Array, reader: ByteReader): TemplateMessage {
  switch (type) {
    case 'getTemplate':
      return { type, branchKey, baseId: reader.bytes(32).slice() }
    case 'templateList': {
      const baseId = reader.bytes(32).slice()
      const pieces: ListPiece[] = []
      const count = reader.compactSize(MAX_LIST_PIECES)
      for (let i = 0; i < count; i++) pieces.push(decodePiece(reader))
      return { type, branchKey, baseId, pieces }
    }
    case 'getTemplateTransactions':
      return { type, branchKey, indexes: decodeIndexes(reader) }
    case 'templateTransactions': {
      const count = reader.compactSize(MAX_REQUESTED_TRANSACTIONS)
      const transactions: Uint8Array[] = []
      for (let i = 0; i < count; i++) transactions.push(reader.varBytes(MAX_TRANSACTION_BYTES).slice())
      return { type, branchKey, transactions }
    }
    default:
      return type satisfies never
  }
}

function decodePiece(reader: ByteReader): ListPiece {
  const copyFrom = reader.compactSize(MAX_TEMPLATE_TRANSACTIONS)
  const copyCount = reader.compactSize(MAX_TEMPLATE_TRANSACTIONS)
  const fresh = reader.bytes(reader.compactSize(MAX_TEMPLATE_TRANSACTIONS) * 32).slice()
  return { copyFrom, copyCount, fresh }
}

function decodeIndexes(reader: ByteReader): number[] {
  const count = reader.compactSize(MAX_REQUESTED_TRANSACTIONS)
  const indexes: number[] = []
  let next = 0
  for (let i = 0; i < count; i++) {
    const index = next + reader.compactSize(MAX_TEMPLATE_TRANSACTIONS)
    if (index >= MAX_TEMPLATE_TRANSACTIONS) throw new CodecError('oversize', 'a transaction index is out of range')
    indexes.push(index)
    next = index + 1
  }
  return indexes
}
