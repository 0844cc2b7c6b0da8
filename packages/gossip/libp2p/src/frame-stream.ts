import type { Stream } from '@libp2p/interface'
import { type ByteStream, byteStream } from '@libp2p/utils'
import { decodeFrameHead, encodeFrame, FRAME_HEAD_BYTES, MAX_PAYLOAD_BYTES, payloadMatches } from '@p2poolv2/gossip'
import { asciiToBytes, bytesEqual, CodecError, concatBytes, invariant } from '@p2poolv2/primitives'
import { nodeSha256d } from '@p2poolv2/runtime'

/** Written at a time before the peer has to have taken some: a yamux frame must stay far below the reference's 1 MiB. */
const PIECE_BYTES = 65_536
/** yamux lets this much come before anybody has looked at it. */
const FIRST_WINDOW_BYTES = 262_144
/** Received and not read yet of one stream; beyond it the stream is reset. */
export const MAX_UNREAD_BYTES = FRAME_HEAD_BYTES + MAX_PAYLOAD_BYTES + FIRST_WINDOW_BYTES

/** One stream of protocol §18.3: a frame each way, each side closed after its frame. */
export class FrameStream {
  readonly #stream: Stream
  readonly #bytes: ByteStream<Stream>

  constructor(stream: Stream) {
    this.#stream = stream
    this.#bytes = byteStream(stream, { maxBufferSize: MAX_UNREAD_BYTES })
  }

  /**
   * Asks on a stream that is new: the choice of the protocol, the question and the end of our side go out as one, where libp2p would wait
   * for the peer's word on the protocol first.
   * @returns the answer; null if the stream was closed without one
   * @throws StreamRefused if the peer does not speak the protocol; what `read` throws
   */
  async ask(protocol: string, payload: Uint8Array): Promise<Uint8Array | null> {
    const chosen = choiceOf(protocol)
    await this.#bytes.write(chosen)
    await this.write(payload)
    // Who does not speak it says so in fewer bytes, and then nothing: its length tells.
    const upToLength = MULTISTREAM.length + 1
    for (const part of [chosen.subarray(0, upToLength), chosen.subarray(upToLength)]) {
      const said = await this.#next(part.length)
      if (said === null || !bytesEqual(said, part)) throw new StreamRefused('the peer does not speak the protocol')
    }
    return this.read()
  }

  /**
   * Reads a frame to its last byte and nothing behind it.
   * @param admits asked with the announced size of the payload before memory is taken for it
   * @returns null if the stream was closed without a byte
   * @throws CodecError `oversize`, `truncated` or `malformed` for what is no frame; what the stream throws when it is over
   */
  async read(admits?: (payloadBytes: number) => boolean): Promise<Uint8Array | null> {
    const first = await this.#next(1)
    if (first === null) return null
    const rest = await this.#next(FRAME_HEAD_BYTES - 1)
    if (rest === null) throw new CodecError('truncated', 'a frame ends inside its head')
    const head = decodeFrameHead(Uint8Array.of(...first, ...rest))
    if (admits?.(head.payloadBytes) === false) throw new StreamRefused('more than may wait for an answer')
    const payload = head.payloadBytes === 0 ? new Uint8Array() : await this.#next(head.payloadBytes)
    if (payload === null) throw new CodecError('truncated', 'a frame ends before its payload')
    if (!payloadMatches(head, payload, nodeSha256d))
      throw new CodecError('malformed', 'the checksum of a frame is wrong')
    // Whatever else comes is dropped, so that it does not pile up while the answer is made.
    await this.#stream.closeRead()
    return payload
  }

  /** Writes a frame, or nothing for null, and closes our side. Over when the network has taken all of it from us. */
  async write(payload: Uint8Array | null): Promise<void> {
    const frame = payload === null ? new Uint8Array() : encodeFrame(payload, nodeSha256d)
    for (let at = 0; at < frame.length; at += PIECE_BYTES) {
      await this.#bytes.write(frame.subarray(at, at + PIECE_BYTES))
    }
    await this.#stream.close()
  }

  /** @returns exactly that many bytes, its own copy; null if the stream ends before the first of them */
  async #next(bytes: number): Promise<Uint8Array | null> {
    try {
      return (await this.#bytes.read({ bytes })).slice()
    } catch (error) {
      if (nameOf(error) === 'UnexpectedEOFError') return null
      throw error
    }
  }
}

/** How a stream begins, from both ends: this line and the protocol's, each with its length. Source: multistream-select 1.0. */
const MULTISTREAM = line('/multistream/1.0.0')

function choiceOf(protocol: string): Uint8Array {
  return concatBytes(MULTISTREAM, line(protocol))
}

function line(text: string): Uint8Array {
  const bytes = asciiToBytes(`${text}\n`)
  invariant(bytes.length < 0x80, 'the length of a protocol’s name takes one byte')
  return concatBytes(Uint8Array.of(bytes.length), bytes)
}

/** A bound was reached, so the stream is reset. */
export class StreamRefused extends Error {
  readonly code = 'stream-refused'

  constructor(why: string) {
    super(why)
    this.name = 'StreamRefused'
  }
}

/** libp2p tells its errors apart by their names. */
export function nameOf(error: unknown): string {
  return error instanceof Error ? error.name : ''
}
