import { createHash } from 'node:crypto'

// Frames and messages of protocol §18.3 and §18.4, written and read by hand.

const FRAME_HEAD_BYTES = 8
const MAX_PAYLOAD_BYTES = 1_048_576

export function sha256d(bytes: Uint8Array): Buffer {
  return createHash('sha256').update(createHash('sha256').update(bytes).digest()).digest()
}

export function frame(payload: Uint8Array): Buffer {
  const length = Buffer.alloc(4)
  length.writeUInt32LE(payload.length)
  return Buffer.concat([length, sha256d(payload).subarray(0, 4), payload])
}

/** @throws if the flow ends first, or the frame is not right */
export async function takePayload(pipe: { take(bytes: number): Promise<Buffer> }): Promise<Buffer> {
  const head = await pipe.take(FRAME_HEAD_BYTES)
  const length = head.readUInt32LE(0)
  if (length > MAX_PAYLOAD_BYTES) throw new Error(`a frame of ${length} bytes`)
  const payload = await pipe.take(length)
  if (!sha256d(payload).subarray(0, 4).equals(head.subarray(4))) throw new Error('a frame with a wrong checksum')
  return payload
}

const u32 = (value: number): Buffer => {
  const bytes = Buffer.alloc(4)
  bytes.writeUInt32LE(value)
  return bytes
}

/** Below 253 hashes, which is all that is needed here. */
const hashes = (list: readonly Buffer[]): Buffer => Buffer.concat([Buffer.from([list.length]), ...list])

export const NO_HASH = Buffer.alloc(32)
export const ACK = Buffer.from([9])

export const handshake = (height: number, tip: Buffer): Buffer => Buffer.concat([Buffer.from([8]), u32(height), tip])
export const getShareHeaders = (locator: readonly Buffer[], stop = NO_HASH): Buffer =>
  Buffer.concat([Buffer.from([2]), hashes(locator), stop])
export const getShareBlocks = (locator: readonly Buffer[], stop = NO_HASH): Buffer =>
  Buffer.concat([Buffer.from([3]), hashes(locator), stop])
export const getShare = (hash: Buffer): Buffer => Buffer.concat([Buffer.from([6, 0]), hash])
export const inventory = (list: readonly Buffer[]): Buffer => Buffer.concat([Buffer.from([0, 0]), hashes(list)])
export const shareBlock = (share: Uint8Array): Buffer => Buffer.concat([Buffer.from([5]), share])

/** Reads forward; every method throws when there are too few bytes. */
class Reader {
  readonly #bytes: Buffer
  at: number

  constructor(bytes: Buffer, at = 0) {
    this.#bytes = bytes
    this.at = at
  }

  take(count: number): Buffer {
    if (this.at + count > this.#bytes.length) throw new Error('a message breaks off')
    this.at += count
    return this.#bytes.subarray(this.at - count, this.at)
  }

  compactSize(): number {
    const first = this.take(1).readUInt8()
    if (first < 253) return first
    if (first === 253) return this.take(2).readUInt16LE()
    if (first === 254) return this.take(4).readUInt32LE()
    throw new Error('a number over 32 bits')
  }

  address(): void {
    this.take(1)
    this.take(this.compactSize())
  }

  optionalAddress(): void {
    if (this.take(1).readUInt8() !== 0) this.address()
  }

  end(): void {
    if (this.at !== this.#bytes.length) throw new Error('a message goes on')
  }
}

/** A share header as it stands in a message: where its bitcoin header begins, and whether the merkle root is in it. */
export interface RawHeader {
  readonly prev: Buffer
  readonly bytes: Buffer
  readonly rootAt: number
}

/** Protocol §3.1. */
function takeHeader(bytes: Buffer, reader: Reader, hasRoot: boolean): RawHeader {
  const start = reader.at
  const prev = reader.take(32)
  reader.take(32 * reader.compactSize())
  reader.address()
  reader.take(1)
  reader.take(reader.take(1).readUInt8())
  const rootAt = reader.at + 36 - start
  reader.take(hasRoot ? 80 : 48)
  reader.take(8)
  reader.optionalAddress()
  reader.take(2)
  reader.optionalAddress()
  reader.take(2 + 8 + 32 + 4 + 32)
  return { prev, bytes: bytes.subarray(start, reader.at), rootAt }
}

export interface BatchEntry extends RawHeader {
  readonly branch: readonly Buffer[]
  readonly hasRoot: boolean
}

/** The headers in a ShareHeaders message (protocol §9). @throws for anything else */
export function readHeaderBatch(message: Buffer): BatchEntry[] {
  const reader = new Reader(message)
  if (reader.take(1)[0] !== 4) throw new Error('no header batch')
  const branches = Array.from({ length: reader.compactSize() }, () =>
    Array.from({ length: reader.compactSize() }, () => reader.take(32))
  )
  const entries = Array.from({ length: reader.compactSize() }, () => {
    const branch = branches[reader.take(2).readUInt16LE()]
    if (branch === undefined) throw new Error('a header names no branch')
    const hasRoot = reader.take(1)[0] !== 0
    return { ...takeHeader(message, reader, hasRoot), branch, hasRoot }
  })
  reader.end()
  return entries
}

/** A share in a ShareBlock message. @throws for anything else */
export function readShare(message: Buffer): {
  readonly hash: Buffer
  readonly header: RawHeader
  readonly bytes: Buffer
} {
  const reader = new Reader(message)
  if (reader.take(1)[0] !== 5) throw new Error('no share')
  const header = takeHeader(message, reader, true)
  return { hash: sha256d(header.bytes), header, bytes: message.subarray(1) }
}

/** The header of a batch is this share's, which may have brought the root that the batch left out. */
export function isHeaderOf(entry: BatchEntry, header: RawHeader): boolean {
  const { bytes, rootAt } = header
  const expected = entry.hasRoot ? bytes : Buffer.concat([bytes.subarray(0, rootAt), bytes.subarray(rootAt + 32)])
  return entry.bytes.equals(expected)
}
