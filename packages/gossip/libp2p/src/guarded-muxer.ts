import type { MessageStream, StreamMuxer, StreamMuxerFactory } from '@libp2p/interface'
import { invariant, RateLimit, steadyMs } from '@p2poolv2/primitives'
import { GatheredWrites, type SentData } from './gathered-writes.ts'

/** Largest data frame of a connection; the reference's bound (protocol §18.2), four times the window that a stream begins with. */
export const MAX_DATA_FRAME_BYTES = 1_048_576

/**
 * Pings and new streams of a connection: 1,000 a second, and 4,000 at once, twice what a sync takes with a stream for each body. Each costs its
 * sender 12 bytes, and us an answer that waits in memory for whoever does not read.
 */
const OPENINGS = { unitMs: 1, burst: 4_000 }

const DATA = 0
const PING = 2
const SYN = 1
const HEAD_BYTES = 12
const KIND_AT = 1
const LENGTH_AT = 8

/** The parts of the muxer that are used here and its type leaves out; they are looked for when a connection is made. */
interface MuxerInternals {
  readonly decoder?: FrameReader
  send?(data: SentData): boolean
}

interface FrameReader {
  readonly buffer: { readonly byteLength: number; subarray(from: number, to: number): Uint8Array }
  readFrame(): { readonly header: { readonly type: number; readonly flag: number } } | undefined
}

/**
 * A muxer that no stranger can turn against the process. The library's own collects a data frame whole before it looks at the window,
 * so that one connection could make it hold four gibibytes; and it opens streams in a turn of their own, where writing to a connection
 * that has ended meanwhile is an error nobody can catch.
 */
export function guardedMuxer<C>(make: (components: C) => StreamMuxerFactory): (components: C) => StreamMuxerFactory {
  return components => {
    const factory = make(components)
    const createStreamMuxer: StreamMuxerFactory['createStreamMuxer'] = connection => {
      const muxer = factory.createStreamMuxer(connection)
      guard(muxer, connection)
      return muxer
    }
    return { protocol: factory.protocol, createStreamMuxer }
  }
}

function guard(muxer: StreamMuxer, connection: MessageStream): void {
  const internals = muxer as unknown as MuxerInternals
  const { decoder } = internals
  const send = internals.send?.bind(muxer)
  invariant(typeof decoder?.readFrame === 'function', 'the muxer reads frames with a decoder')
  invariant(send !== undefined, 'the muxer sends by a method of its own')
  boundFrames(decoder)
  // Its streams hear from the connection itself that it is over.
  const gathered = new GatheredWrites(
    data => (canWrite(connection) ? send(data) : false),
    error => connection.abort(error),
    () => performance.now()
  )
  internals.send = data => gathered.write(data)
}

/** @returns true also for a connection that does not say */
function canWrite(connection: MessageStream): boolean {
  const { writeStatus } = connection as { readonly writeStatus?: string }
  return writeStatus !== 'closing' && writeStatus !== 'closed'
}

function boundFrames(reader: FrameReader): void {
  const openings = new RateLimit(OPENINGS)
  const read = reader.readFrame.bind(reader)
  reader.readFrame = () => {
    const { buffer } = reader
    if (buffer.byteLength >= HEAD_BYTES) {
      const head = buffer.subarray(0, HEAD_BYTES)
      const length = new DataView(head.buffer, head.byteOffset, HEAD_BYTES).getUint32(LENGTH_AT)
      if (head[KIND_AT] === DATA && length > MAX_DATA_FRAME_BYTES) throw new RangeError('a data frame is over 1 MiB')
    }
    const frame = read()
    const isOpening = frame !== undefined && (frame.header.type === PING || (frame.header.flag & SYN) !== 0)
    if (isOpening && !openings.take(1, steadyMs(Math.floor(performance.now()))))
      throw new RangeError('too many pings or streams')
    return frame
  }
}
