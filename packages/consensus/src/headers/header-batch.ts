/** Many headers in one message: shared branches once, merkle roots left out where the proof gives them. Source: protocol §9. */
import { ByteReader, ByteWriter, bytesEqual, bytesToHex, CodecError, invariant } from '@p2poolv2/primitives'
import { merkleRootFromProof } from '../commitment/coinbase-proof.ts'
import {
  decodeShareHeader,
  decodeShareHeaderWithoutRoot,
  readBranch,
  shareHashOf,
  writeBranch,
  writeShareHeader,
  writeShareHeaderWithoutRoot
} from '../encoding/share-codec.ts'
import type { ShareHeader } from '../share.ts'
import type { HeaderItem } from './header-item.ts'

/** What a batch carries of a header item: the hash follows from the header. */
export type HeaderBatchItem = Omit<HeaderItem, 'hash'>

/**
 * Most headers in a batch; a longer one is a decode error, before anything is allocated for it. An answer is 900 headers
 * rounded up to a whole height of at most 20, so honest batches stay below half of this.
 */
export const MAX_BATCH_HEADERS = 2_000
/**
 * Most headers of one height that are taken in a batch. Twenty is what an honest answer has (protocol §18.5), but for what the
 * chain names as uncles, and these in turn: of those none can be left out, or the chain could never be taken (protocol §12.3).
 */
export const MAX_BATCH_HEADERS_PER_HEIGHT = 128

/** Headers keep their order; distinct branches are listed in order of first use. */
export function encodeHeaderBatch(items: readonly HeaderBatchItem[]): Uint8Array {
  return writeHeaderBatch(new ByteWriter(items.length * 320), items).finish()
}

/** The bytes of `encodeHeaderBatch`. */
export function writeHeaderBatch(writer: ByteWriter, items: readonly HeaderBatchItem[]): ByteWriter {
  invariant(items.length <= MAX_BATCH_HEADERS, 'a header batch stays below its limit')
  const indexOfBranch = new Map<string, number>()
  const branches: Uint8Array[] = []
  const headers = new ByteWriter(items.length * 256)
  headers.compactSize(items.length)
  for (const { header, merkleBranch } of items) {
    const key = bytesToHex(merkleBranch)
    let index = indexOfBranch.get(key)
    if (index === undefined) {
      index = branches.length
      indexOfBranch.set(key, index)
      branches.push(merkleBranch)
    }
    const root = merkleRootFromProof(header, merkleBranch)
    const includesRoot = root === null || !bytesEqual(root, header.bitcoinHeader.merkleRootWire)
    headers.u16(index).bool(includesRoot)
    if (includesRoot) writeShareHeader(headers, header)
    else writeShareHeaderWithoutRoot(headers, header)
  }
  writer.compactSize(branches.length)
  for (const branch of branches) writeBranch(writer, branch)
  return headers.lend(written => writer.bytes(written))
}

/**
 * Reads a batch and puts left-out merkle roots back in. The result views into `bytes`.
 * @throws CodecError; also when a left-out root cannot be computed, which fails the whole batch
 */
export function decodeHeaderBatch(bytes: Uint8Array): HeaderItem[] {
  const reader = new ByteReader(bytes)
  const branches: Uint8Array[] = []
  const branchCount = reader.compactSize(MAX_BATCH_HEADERS)
  for (let i = 0; i < branchCount; i++) branches.push(readBranch(reader))
  const items: HeaderItem[] = []
  const headerCount = reader.compactSize(MAX_BATCH_HEADERS)
  for (let i = 0; i < headerCount; i++) {
    const merkleBranch = branches[reader.u16()]
    if (merkleBranch === undefined) throw new CodecError('malformed', 'a header names a branch that is not there')
    const header = reader.bool() ? decodeShareHeader(reader) : readRootless(reader, merkleBranch)
    items.push({ header, merkleBranch, hash: shareHashOf(header) })
  }
  reader.expectEnd()
  return items
}

function readRootless(reader: ByteReader, merkleBranch: Uint8Array): ShareHeader {
  const rootWire = new Uint8Array(32)
  const header = decodeShareHeaderWithoutRoot(reader, rootWire)
  // The proof is about everything in a header but the root, and nobody else has seen this one yet.
  const implied = merkleRootFromProof(header, merkleBranch)
  if (implied === null) throw new CodecError('malformed', 'a left-out merkle root follows from no proof')
  rootWire.set(implied)
  return header
}
