import type { StreamMuxer, StreamMuxerFactory } from '@libp2p/interface'
import { invariant } from '@p2poolv2/primitives'

/** Largest data frame of a connection; the reference's bound, four times the window that a stream begins with. */
export const MAX_DATA_FRAME_BYTES = 1_048_576

const DATA = 0
const HEAD_BYTES = 12
const KIND_AT = 1
const LENGTH_AT = 8

/** The part of the muxer's reader that is used here; it is looked for when a connection is made. */
interface FrameReader {
  readonly buffer: { readonly byteLength: number; subarray(from: number, to: number): Uint8Array }
  readFrame(): unknown
}

/**
 * Makes a muxer refuse a data frame by its head. The library's own reader collects a frame whole before it looks at the window, so that
 * one connection could make it hold four gibibytes.
 */
export function boundedFrames<C>(make: (components: C) => StreamMuxerFactory): (components: C) => StreamMuxerFactory {
  return components => {
    const factory = make(components)
    const createStreamMuxer: StreamMuxerFactory['createStreamMuxer'] = connection => {
      const muxer = factory.createStreamMuxer(connection)
      bound(readerOf(muxer))
      return muxer
    }
    return { protocol: factory.protocol, createStreamMuxer }
  }
}

function readerOf(muxer: StreamMuxer): FrameReader {
  const { decoder } = muxer as unknown as { readonly decoder?: FrameReader }
  invariant(typeof decoder?.readFrame === 'function', 'the muxer reads frames with a decoder')
  return decoder
}

function bound(reader: FrameReader): void {
  const read = reader.readFrame.bind(reader)
  reader.readFrame = () => {
    const { buffer } = reader
    if (buffer.byteLength >= HEAD_BYTES) {
      const head = buffer.subarray(0, HEAD_BYTES)
      const length = new DataView(head.buffer, head.byteOffset, HEAD_BYTES).getUint32(LENGTH_AT)
      if (head[KIND_AT] === DATA && length > MAX_DATA_FRAME_BYTES) throw new RangeError('a data frame is over 1 MiB')
    }
    return read()
  }
}
