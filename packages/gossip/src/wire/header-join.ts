import { MAX_BRANCH_NODES } from '@p2poolv2/consensus'
import { ByteReader, ByteWriter, bytesToHex, CodecError } from '@p2poolv2/primitives'

/**
 * Puts header batches of one header each together into one batch, as stored, without decoding a header: serving 900 headers
 * costs no hashing. The same bytes as `encodeHeaderBatch` of all of them (protocol §9).
 * @throws CodecError `malformed` if one is not a batch of one header
 */
export function joinHeaderBatches(batches: readonly Uint8Array[]): Uint8Array {
  const indexOf = new Map<string, number>()
  const branches: Uint8Array[] = []
  const headers = new ByteWriter(batches.length * 256).compactSize(batches.length)
  for (const batch of batches) {
    const reader = new ByteReader(batch)
    const branchCount = reader.compactSize(1)
    const branch = branchCount === 1 ? reader.bytes(reader.compactSize(MAX_BRANCH_NODES) * 32) : null
    if (branch === null || reader.compactSize(1) !== 1 || reader.u16() !== 0) {
      throw new CodecError('malformed', 'a stored header is not a batch of one')
    }
    const key = bytesToHex(branch)
    let index = indexOf.get(key)
    if (index === undefined) {
      index = branches.length
      indexOf.set(key, index)
      branches.push(branch)
    }
    headers.u16(index).bytes(reader.bytes(reader.remaining))
  }
  const writer = new ByteWriter(headers.length + branches.length * 256).compactSize(branches.length)
  for (const branch of branches) writer.compactSize(branch.length / 32).bytes(branch)
  return headers.lend(written => writer.bytes(written).finish())
}
