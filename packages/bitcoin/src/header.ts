import type { ByteReader, Bytes32, CompactBits } from '@p2poolv2/primitives'
import { ByteWriter, sha256d } from '@p2poolv2/primitives'

export const BITCOIN_HEADER_BYTES = 80

/** A bitcoin block header, as decoded; nothing in it is checked. */
export interface BitcoinHeader {
  /** i32 */
  readonly version: number
  /** 32 bytes, wire order */
  readonly prevHashWire: Bytes32
  /** 32 bytes, wire order */
  readonly merkleRootWire: Bytes32
  /** u32, seconds since 1970 */
  readonly timeSec: number
  readonly bits: CompactBits
  /** u32 */
  readonly nonce: number
}

/** The 80 bytes that are hashed. */
export function encodeBitcoinHeader(header: BitcoinHeader): Uint8Array {
  return writeBitcoinHeader(new ByteWriter(BITCOIN_HEADER_BYTES), header).finish()
}

/** @param root other bytes, or none, in the place of the merkle root */
export function writeBitcoinHeader(
  writer: ByteWriter,
  header: BitcoinHeader,
  root: Uint8Array = header.merkleRootWire
): ByteWriter {
  return writer
    .i32(header.version)
    .bytes(header.prevHashWire)
    .bytes(root)
    .u32(header.timeSec)
    .u32(header.bits)
    .u32(header.nonce)
}

/**
 * Reads 80 bytes, or 48 if the merkle root is not among them. The two hashes are views into the reader's bytes.
 * @param root the merkle root, where it is known from elsewhere
 * @throws CodecError `truncated`
 */
export function decodeBitcoinHeader(reader: ByteReader, root?: Bytes32): BitcoinHeader {
  return {
    version: reader.i32(),
    prevHashWire: reader.bytes(32),
    merkleRootWire: root ?? reader.bytes(32),
    timeSec: reader.u32(),
    bits: reader.u32(),
    nonce: reader.u32()
  }
}

/** A header never changes, and each rule about a share asks for its hash. */
const HASHES = new WeakMap<BitcoinHeader, Bytes32>()

/** The block hash, 32 bytes, wire order. */
export function bitcoinHeaderHashWire(header: BitcoinHeader): Bytes32 {
  const known = HASHES.get(header)
  if (known !== undefined) return known
  const hash = writeBitcoinHeader(new ByteWriter(BITCOIN_HEADER_BYTES), header).lend(sha256d)
  HASHES.set(header, hash)
  return hash
}
