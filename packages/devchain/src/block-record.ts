import { ByteReader, ByteWriter, bytesEqual, CodecError, sha256d } from '@p2poolv2/primitives'
import { MAX_BLOCK_BYTES } from './block.ts'

/** One accepted block in a file that only grows: length u32, height u32, checksum 4 bytes, the block. */
export interface BlockRecord {
  readonly bitcoinHeight: number
  /** The whole block. */
  readonly bytes: Uint8Array
}

const CHECKSUM_BYTES = 4

export function encodeBlockRecord({ bitcoinHeight, bytes }: BlockRecord): Uint8Array {
  const checksum = checksumOf(bitcoinHeight, bytes)
  return new ByteWriter().u32(bytes.length).u32(bitcoinHeight).bytes(checksum).bytes(bytes).finish()
}

/**
 * Reads records up to the first damaged one: after a crash in the middle of a write, that is the last.
 * @returns the records, and the length of the part of `file` that they fill
 */
export function decodeBlockRecords(file: Uint8Array): { readonly records: BlockRecord[]; readonly goodBytes: number } {
  const records: BlockRecord[] = []
  const reader = new ByteReader(file)
  let goodBytes = 0
  for (let record = readRecord(reader); record !== null; record = readRecord(reader)) {
    records.push(record)
    goodBytes = reader.offset
  }
  return { records, goodBytes }
}

function readRecord(reader: ByteReader): BlockRecord | null {
  if (reader.remaining === 0) return null
  try {
    const length = reader.u32()
    const bitcoinHeight = reader.u32()
    if (length > MAX_BLOCK_BYTES) return null
    const checksum = reader.bytes(CHECKSUM_BYTES)
    const bytes = reader.bytes(length)
    return bytesEqual(checksum, checksumOf(bitcoinHeight, bytes)) ? { bitcoinHeight, bytes } : null
  } catch (error) {
    if (error instanceof CodecError) return null
    throw error
  }
}

function checksumOf(bitcoinHeight: number, bytes: Uint8Array): Uint8Array {
  return sha256d(new ByteWriter().u32(bitcoinHeight).bytes(bytes).finish()).subarray(0, CHECKSUM_BYTES)
}
