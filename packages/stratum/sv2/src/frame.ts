import { invariant } from '@p2poolv2/primitives'

/** What stands before every payload: extension (u16), message (u8), length of the payload (u24), little-endian. */
export const FRAME_HEADER_BYTES = 6
/** No frame of the protocol can be longer; whoever reads has a bound of its own. */
export const MAX_PAYLOAD_BYTES = 0xff_ffff

/** Top bit of the extension: the payload begins with the id of a channel, so that a proxy can pass it on unread. */
const CHANNEL_BIT = 0x8000

/** The head of a frame. Source: sv2 §1.1. */
export interface FrameHead {
  /** Without the channel bit: 0 is the protocol itself, 1 the negotiation of extensions. */
  readonly extension: number
  /** The payload says of itself that it begins with a channel's id. Not to be relied on: implementations differ. */
  readonly isForChannel: boolean
  /** Number of the message within its extension. */
  readonly type: number
  readonly payloadBytes: number
}

/** @param bytes at least the six of the head */
export function readHead(bytes: Uint8Array): FrameHead {
  invariant(bytes.length >= FRAME_HEADER_BYTES, 'a head has six bytes')
  const [low = 0, high = 0, type = 0, length0 = 0, length1 = 0, length2 = 0] = bytes
  const field = low | (high << 8)
  return {
    extension: field & ~CHANNEL_BIT,
    isForChannel: (field & CHANNEL_BIT) !== 0,
    type,
    payloadBytes: length0 | (length1 << 8) | (length2 << 16)
  }
}

/** Writes a head into the first six bytes of a frame; the rest of it is the payload. */
export function writeHead(frame: Uint8Array, head: Omit<FrameHead, 'payloadBytes'>): void {
  const payloadBytes = frame.length - FRAME_HEADER_BYTES
  invariant(payloadBytes >= 0 && payloadBytes <= MAX_PAYLOAD_BYTES, 'a payload has at most 2^24 - 1 bytes')
  const field = head.extension | (head.isForChannel ? CHANNEL_BIT : 0)
  frame.set([field, field >>> 8, head.type, payloadBytes, payloadBytes >>> 8, payloadBytes >>> 16])
}
