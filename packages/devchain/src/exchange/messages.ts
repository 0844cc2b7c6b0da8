import {
  type BlockHash,
  ByteReader,
  ByteWriter,
  blockHashFromWire,
  CodecError,
  wireFromDisplay
} from '@p2poolv2/primitives'

/** What two development chains say to each other, each a whole payload; layouts are on the wire page. */
export type ExchangeMessage =
  /** What follows the first of these that is in your chain? */
  | { readonly type: 'getBlocks'; readonly locator: readonly BlockHash[] }
  | { readonly type: 'newBlock'; readonly block: Uint8Array }
  /** Blocks of a chain in a row, the first at `firstHeight`, out of one that ends at `tipHeight`. */
  | {
      readonly type: 'blocks'
      readonly firstHeight: number
      readonly tipHeight: number
      readonly blocks: readonly Uint8Array[]
    }
  /** The answer to a new block, whatever became of it. */
  | { readonly type: 'noted' }

/** Largest payload of one frame (protocol §18.3). */
export const MAX_PAYLOAD_BYTES = 1_048_576

/** Hashes of a locator; that of a whole kept chain has 23. */
export const MAX_LOCATOR_HASHES = 32

/** Blocks of an answer. Checking them takes some tens of milliseconds, during which nobody else is served. */
export const MAX_ANSWER_BLOCKS = 250

/**
 * Largest block of a message. A block of this chain holds one transaction: BIP141's weight leaves it a million bytes without
 * witness, and its witness is 32 bytes long.
 */
export const MAX_MESSAGE_BLOCK_BYTES = 1_000_100

/** A header, a count and the smallest transaction. */
const MIN_BLOCK_BYTES = 80 + 1 + 60

const TYPE = { getBlocks: 0, newBlock: 1, blocks: 2, noted: 3 } as const

export function encodeMessage(message: ExchangeMessage): Uint8Array {
  const writer = new ByteWriter().u8(TYPE[message.type])
  switch (message.type) {
    case 'getBlocks':
      writer.u8(message.locator.length)
      for (const hash of message.locator) writer.bytes(wireFromDisplay(hash))
      break
    case 'newBlock':
      writer.u32(message.block.length).bytes(message.block)
      break
    case 'blocks':
      writer.u32(message.firstHeight).u32(message.tipHeight).u16(message.blocks.length)
      for (const block of message.blocks) writer.u32(block.length).bytes(block)
      break
    case 'noted':
      break
    default:
      message satisfies never
  }
  return writer.finish()
}

/**
 * @returns views into `payload`; no block is decoded
 * @throws CodecError for anything but exactly one message within its bounds
 */
export function decodeMessage(payload: Uint8Array): ExchangeMessage {
  if (payload.length > MAX_PAYLOAD_BYTES) throw new CodecError('oversize', 'a payload fits a frame')
  const reader = new ByteReader(payload)
  const message = readMessage(reader)
  reader.expectEnd()
  return message
}

function readMessage(reader: ByteReader): ExchangeMessage {
  const type = reader.u8()
  switch (type) {
    case TYPE.getBlocks: {
      const count = bounded(reader.u8(), MAX_LOCATOR_HASHES)
      return { type: 'getBlocks', locator: Array.from({ length: count }, () => blockHashFromWire(reader.bytes(32))) }
    }
    case TYPE.newBlock:
      return { type: 'newBlock', block: readBlock(reader) }
    case TYPE.blocks: {
      const firstHeight = reader.u32()
      const tipHeight = reader.u32()
      const count = bounded(reader.u16(), MAX_ANSWER_BLOCKS)
      const blocks = Array.from({ length: count }, () => readBlock(reader))
      return { type: 'blocks', firstHeight, tipHeight, blocks }
    }
    case TYPE.noted:
      return { type: 'noted' }
    default:
      throw new CodecError('malformed', `there is no message of type ${type}`)
  }
}

function readBlock(reader: ByteReader): Uint8Array {
  const length = bounded(reader.u32(), MAX_MESSAGE_BLOCK_BYTES)
  if (length < MIN_BLOCK_BYTES) throw new CodecError('malformed', 'a block has a header and a transaction')
  return reader.bytes(length)
}

function bounded(value: number, max: number): number {
  if (value > max) throw new CodecError('oversize', `a count or length is above ${max}`)
  return value
}
