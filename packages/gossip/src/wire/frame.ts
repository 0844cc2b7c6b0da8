import { ByteReader, ByteWriter, bytesEqual, CodecError, type Sha256d, sha256d } from '@p2poolv2/primitives'
import { FRAME_HEAD_BYTES, MAX_PAYLOAD_BYTES } from './protocols.ts'

/**
 * `length u32 LE | first 4 bytes of SHA256d(payload) | payload` (protocol §18.3).
 * @param hash a faster one for long payloads, where there is one
 * @throws CodecError `oversize` for a payload over the limit
 */
export function encodeFrame(payload: Uint8Array, hash: Sha256d = sha256d): Uint8Array {
  if (payload.length > MAX_PAYLOAD_BYTES) throw new CodecError('oversize', 'a payload is over 1 MiB')
  const writer = new ByteWriter(FRAME_HEAD_BYTES + payload.length)
  return writer.u32(payload.length).bytes(hash(payload).subarray(0, 4)).bytes(payload).finish()
}

/** What the first 8 bytes of a frame announce; to be checked before the payload is read. */
export interface FrameHead {
  readonly payloadBytes: number
  readonly checksum: Uint8Array
}

/** @throws CodecError `truncated` or `oversize` */
export function decodeFrameHead(head: Uint8Array): FrameHead {
  const reader = new ByteReader(head)
  const payloadBytes = reader.u32()
  if (payloadBytes > MAX_PAYLOAD_BYTES) throw new CodecError('oversize', 'a frame announces over 1 MiB')
  return { payloadBytes, checksum: reader.bytes(4).slice() }
}

export function payloadMatches(head: FrameHead, payload: Uint8Array, hash: Sha256d = sha256d): boolean {
  return payload.length === head.payloadBytes && bytesEqual(hash(payload).subarray(0, 4), head.checksum)
}

/**
 * A whole frame, for the simulator and tests.
 * @throws CodecError `truncated`, `trailing`, `oversize`, or `malformed` for a wrong checksum
 */
export function decodeFrame(frame: Uint8Array): Uint8Array {
  const head = decodeFrameHead(frame.subarray(0, FRAME_HEAD_BYTES))
  const payload = frame.subarray(FRAME_HEAD_BYTES)
  if (payload.length < head.payloadBytes) throw new CodecError('truncated', 'a frame ends before its payload')
  if (payload.length > head.payloadBytes) throw new CodecError('trailing', 'a frame goes on after its payload')
  if (!payloadMatches(head, payload)) throw new CodecError('malformed', 'the checksum of a frame is wrong')
  return payload
}
