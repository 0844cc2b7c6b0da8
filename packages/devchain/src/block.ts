import {
  type BitcoinHeader,
  bitcoinHeaderHashWire,
  decodeBitcoinHeader,
  decodeTransaction,
  encodeBitcoinHeader,
  encodeTransaction,
  encodeTransactionStripped,
  type Transaction
} from '@p2poolv2/bitcoin'
import {
  type BlockHash,
  ByteReader,
  ByteWriter,
  blockHashFromWire,
  CodecError,
  compactSizeLength
} from '@p2poolv2/primitives'

/** A block as decoded; nothing in it is checked. */
export interface DecodedBlock {
  readonly hash: BlockHash
  readonly hashWire: Uint8Array
  readonly header: BitcoinHeader
  readonly transactions: readonly Transaction[]
}

/** A whole block is at most this long (BIP141); a longer one is not looked at. */
export const MAX_BLOCK_BYTES = 4_000_000

/** The smallest transaction has 60 bytes, so no more than this many fit. */
const MAX_BLOCK_TRANSACTIONS = Math.floor(MAX_BLOCK_BYTES / 60)

/**
 * @param trailing bytes after the block: bitcoind's submitblock ignores them
 * @returns null for what is not a block
 */
export function decodeBlock(bytes: Uint8Array, trailing: 'ignored' | 'refused' = 'ignored'): DecodedBlock | null {
  if (bytes.length > MAX_BLOCK_BYTES) return null
  try {
    const reader = new ByteReader(bytes)
    const header = decodeBitcoinHeader(reader)
    const count = reader.compactSize(MAX_BLOCK_TRANSACTIONS)
    // Until the bytes run out at the latest: room for all that a count promises would be half a megabyte for 83 bytes.
    const transactions: Transaction[] = []
    for (let i = 0; i < count; i++) transactions.push(decodeTransaction(reader))
    if (trailing === 'refused') reader.expectEnd()
    const hashWire = bitcoinHeaderHashWire(header)
    return { hash: blockHashFromWire(hashWire), hashWire, header, transactions }
  } catch (error) {
    if (error instanceof CodecError) return null
    throw error
  }
}

/** The whole block, witnesses included. */
export function encodeBlock(block: Pick<DecodedBlock, 'header' | 'transactions'>): Uint8Array {
  const writer = new ByteWriter().bytes(encodeBitcoinHeader(block.header)).compactSize(block.transactions.length)
  for (const transaction of block.transactions) writer.bytes(encodeTransaction(transaction))
  return writer.finish()
}

/** Bytes of the block without witnesses. */
export function strippedBlockBytes(block: Pick<DecodedBlock, 'transactions'>): number {
  const transactions = block.transactions.map(transaction => encodeTransactionStripped(transaction).length)
  return transactions.reduce((sum, bytes) => sum + bytes, 80 + compactSizeLength(transactions.length))
}
