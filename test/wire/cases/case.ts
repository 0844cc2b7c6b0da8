import { EndOfBytes } from '../raw/inlet.ts'
import { ACK, frame } from '../raw/messages.ts'
import type { RawPeer } from '../raw/raw-peer.ts'
import type { Stream } from '../raw/yamux.ts'

/** One thing no honest peer does, and what it sees happen. */
export interface Case {
  readonly name: string
  /** Does it, and says what came of it in the words of `fate`. */
  readonly act: (peer: RawPeer) => Promise<string>
  readonly fate: string
  /** The connection it came on is over afterwards; default no. */
  readonly endsConnection?: true
}

/**
 * How a stream ended: `ack` with the acknowledgement and our FIN's answer, `fin` without data, `rst`, `closed` with its
 * connection, or the number of bytes and one of these.
 */
export async function fate(stream: Stream): Promise<string> {
  const { bytes, end } = await stream.rest()
  const how = end instanceof EndOfBytes ? end.how : end.message
  if (bytes.length === 0) return how
  return how === 'fin' && bytes.equals(frame(ACK)) ? 'ack' : `${bytes.length} bytes, ${how}`
}

/** The fate of a request stream after these bytes, and FIN unless told otherwise. */
export async function afterBytes(
  peer: RawPeer,
  bytes: Uint8Array,
  { finish = true }: { readonly finish?: boolean } = {}
): Promise<string> {
  const stream = await peer.openRequest()
  await stream.send(bytes)
  if (finish) stream.finish()
  return fate(stream)
}
