import { CodecError } from '@p2poolv2/primitives'
import type { StoredRow } from './share-store.ts'

const SEAL_BYTES = 4

/**
 * A row with a checksum over its key and value behind the value. LevelDB does not verify its own on every read, and a
 * flipped bit in what is read on start would pay the wrong miners until somebody wondered why.
 */
export function sealed(key: Uint8Array, value: Uint8Array): StoredRow {
  const bytes = new Uint8Array(value.length + SEAL_BYTES)
  bytes.set(value)
  new DataView(bytes.buffer).setUint32(value.length, checksum(key, value))
  return { key, value: bytes }
}

/**
 * The value of a sealed row, a view.
 * @throws CodecError `malformed` when the checksum does not fit
 */
export function unsealed({ key, value }: StoredRow): Uint8Array {
  if (value.length < SEAL_BYTES) throw new CodecError('truncated', 'a row is too short for its checksum')
  const content = value.subarray(0, -SEAL_BYTES)
  const stored = new DataView(value.buffer, value.byteOffset, value.byteLength).getUint32(content.length)
  if (stored !== checksum(key, content)) throw new CodecError('malformed', 'the checksum of a row does not fit')
  return content
}

/** FNV-1a, 32 bits: every change of a single byte shows. Against accidents, not against people. */
function checksum(key: Uint8Array, value: Uint8Array): number {
  let hash = 0x811c9dc5
  for (const bytes of [key, value]) {
    for (let i = 0; i < bytes.length; i++) hash = Math.imul(hash ^ (bytes[i] as number), 0x01000193)
  }
  return hash >>> 0
}
