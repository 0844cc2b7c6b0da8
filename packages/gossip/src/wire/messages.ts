import { decodeTransaction, encodeTransaction, type Transaction } from '@p2poolv2/bitcoin'
import {
  decodeHeaderBatch,
  decodeShare,
  encodeShare,
  type HeaderBatchItem,
  type HeaderItem,
  type Share,
  writeHeaderBatch
} from '@p2poolv2/consensus'
import {
  ByteReader,
  ByteWriter,
  CodecError,
  type Height,
  type ShareHash,
  shareHashFromWire,
  type TxId,
  txIdFromWire,
  wireFromDisplay
} from '@p2poolv2/primitives'

/** Locator hashes read at most; an honest locator of a chain of 2^32 shares has 42. */
export const MAX_LOCATOR_HASHES = 128
/** Hashes of one inventory read at most. */
export const MAX_INVENTORY_HASHES = 1_024

/** What an item of GetData, NotFound and Inventory is about. */
export type ItemKind = 'share' | 'transaction'

/** The messages of the request/response protocol (protocol §18.4). A frame's payload is one message. */
export type PeerMessage =
  | { readonly type: 'inventory'; readonly kind: 'share'; readonly hashes: readonly ShareHash[] }
  | { readonly type: 'inventory'; readonly kind: 'transaction'; readonly hashes: readonly TxId[] }
  | { readonly type: 'notFound'; readonly kind: 'share'; readonly hash: ShareHash }
  | { readonly type: 'notFound'; readonly kind: 'transaction'; readonly hash: TxId }
  | { readonly type: 'getShareHeaders'; readonly locator: readonly ShareHash[]; readonly stop: ShareHash }
  | { readonly type: 'getShareBlocks'; readonly locator: readonly ShareHash[]; readonly stop: ShareHash }
  | { readonly type: 'shareHeaders'; readonly items: readonly HeaderBatchItem[] }
  | { readonly type: 'shareBlock'; readonly share: Share }
  | { readonly type: 'getData'; readonly kind: 'share'; readonly hash: ShareHash }
  | { readonly type: 'getData'; readonly kind: 'transaction'; readonly hash: TxId }
  | { readonly type: 'transaction'; readonly transaction: Transaction }
  | { readonly type: 'handshake'; readonly tipHeight: Height; readonly tipHash: ShareHash }
  | { readonly type: 'ack' }

/** A decoded message: headers come with the hashes that decoding computed anyway. */
export type DecodedMessage =
  | Exclude<PeerMessage, { readonly type: 'shareHeaders' }>
  | { readonly type: 'shareHeaders'; readonly items: readonly HeaderItem[] }

const TYPE_BYTE: Readonly<Record<PeerMessage['type'], number>> = {
  inventory: 0,
  notFound: 1,
  getShareHeaders: 2,
  getShareBlocks: 3,
  shareHeaders: 4,
  shareBlock: 5,
  getData: 6,
  transaction: 7,
  handshake: 8,
  ack: 9
}

const TYPE_NAMES = Object.keys(TYPE_BYTE) as readonly PeerMessage['type'][]

export function encodeMessage(message: PeerMessage): Uint8Array {
  const writer = new ByteWriter().u8(TYPE_BYTE[message.type])
  switch (message.type) {
    case 'inventory':
      writer.u8(kindByte(message.kind)).compactSize(message.hashes.length)
      for (const hash of message.hashes) writer.bytes(wireFromDisplay(hash))
      break
    case 'notFound':
    case 'getData':
      writer.u8(kindByte(message.kind)).bytes(wireFromDisplay(message.hash))
      break
    case 'getShareHeaders':
    case 'getShareBlocks':
      writer.compactSize(message.locator.length)
      for (const hash of message.locator) writer.bytes(wireFromDisplay(hash))
      writer.bytes(wireFromDisplay(message.stop))
      break
    case 'shareHeaders':
      writeHeaderBatch(writer, message.items)
      break
    case 'shareBlock':
      writer.bytes(encodeShare(message.share))
      break
    case 'transaction':
      writer.bytes(encodeTransaction(message.transaction))
      break
    case 'handshake':
      writer.u32(message.tipHeight).bytes(wireFromDisplay(message.tipHash))
      break
    case 'ack':
      break
    default:
      message satisfies never
  }
  return writer.finish()
}

/** The message around a share or header batch that is encoded already. */
export function wrapEncoded(type: 'shareBlock' | 'shareHeaders', encoded: Uint8Array): Uint8Array {
  return new ByteWriter(encoded.length + 1).u8(TYPE_BYTE[type]).bytes(encoded).finish()
}

/** The message type of a payload without decoding the rest; null when unknown. */
export function peekMessageType(payload: Uint8Array): PeerMessage['type'] | null {
  return TYPE_NAMES[payload[0] ?? -1] ?? null
}

/** @throws CodecError for an unknown type, truncation, trailing bytes, too many items or a number in a longer form than needed */
export function decodeMessage(payload: Uint8Array): DecodedMessage {
  const type = peekMessageType(payload)
  if (type === null) throw new CodecError('malformed', 'a message is of an unknown type')
  // Shares and header batches have decoders of their own that demand their whole input.
  if (type === 'shareBlock') return { type, share: decodeShare(payload.subarray(1)) }
  if (type === 'shareHeaders') return { type, items: decodeHeaderBatch(payload.subarray(1)) }
  const reader = new ByteReader(payload, 1)
  const message = decodeBody(type, reader)
  reader.expectEnd()
  return message
}

function decodeBody(
  type: Exclude<PeerMessage['type'], 'shareBlock' | 'shareHeaders'>,
  reader: ByteReader
): DecodedMessage {
  switch (type) {
    case 'inventory': {
      const kind = decodeKind(reader)
      const length = reader.compactSize(MAX_INVENTORY_HASHES)
      return kind === 'share'
        ? { type, kind, hashes: Array.from({ length }, () => shareHashFromWire(reader.bytes(32))) }
        : { type, kind, hashes: Array.from({ length }, () => txIdFromWire(reader.bytes(32))) }
    }
    case 'notFound':
    case 'getData': {
      const kind = decodeKind(reader)
      const hashWire = reader.bytes(32)
      return kind === 'share'
        ? { type, kind, hash: shareHashFromWire(hashWire) }
        : { type, kind, hash: txIdFromWire(hashWire) }
    }
    case 'getShareHeaders':
    case 'getShareBlocks': {
      const count = reader.compactSize(MAX_LOCATOR_HASHES)
      const locator = Array.from({ length: count }, () => shareHashFromWire(reader.bytes(32)))
      return { type, locator, stop: shareHashFromWire(reader.bytes(32)) }
    }
    case 'transaction':
      return { type, transaction: decodeTransaction(reader) }
    case 'handshake':
      return { type, tipHeight: reader.u32(), tipHash: shareHashFromWire(reader.bytes(32)) }
    case 'ack':
      return { type }
    default:
      return type satisfies never
  }
}

function kindByte(kind: ItemKind): number {
  return kind === 'share' ? 0 : 1
}

function decodeKind(reader: ByteReader): ItemKind {
  const byte = reader.u8()
  if (byte > 1) throw new CodecError('malformed', 'an item is of an unknown kind')
  return byte === 0 ? 'share' : 'transaction'
}
