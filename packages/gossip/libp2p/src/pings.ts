import type { Stream } from '@libp2p/interface'
import { type ByteStream, byteStream } from '@libp2p/utils'
import { invariant } from '@p2poolv2/primitives'
import { TimeOuts } from './time-outs.ts'

/** For the next ping to come, and for its answer to be taken. The reference pings every 30 s on one stream (protocol §18.2). */
const NEXT_PING_WITHIN_MS = 120_000
/** Received and not sent back yet of one stream, 64 pings; beyond it the stream is reset. */
const MAX_UNREAD_BYTES = 2_048

/** The part of the library's service that is used here and its type leaves out. */
interface PingInternals {
  handlePing(stream: Stream): Promise<void>
}

/**
 * Answers pings as long as they come. The library's responder gives every stream one time to end in, and holds what has ended until then:
 * ten seconds are too short for the reference, and anything longer lets a stranger fill our memory with streams that are over.
 */
export function answeringWhileAsked<C, S>(make: (components: C) => S): (components: C) => S {
  return components => {
    const service = make(components)
    const internals = service as unknown as PingInternals
    invariant(typeof internals.handlePing === 'function', 'the service answers pings with a method of its own')
    internals.handlePing = answerPings
    return service
  }
}

/** Sends back what comes until the peer closes its side, or nothing has come for two minutes. Never rejects. */
export async function answerPings(stream: Stream): Promise<void> {
  const bytes = byteStream(stream, { maxBufferSize: MAX_UNREAD_BYTES })
  const timeOuts = new TimeOuts()
  try {
    while (await echo(stream, bytes, timeOuts));
  } catch (error) {
    // Silence, a stream that is over already, or more at once than any honest peer sends.
    stream.abort(error instanceof Error ? error : new Error('no further ping'))
  }
}

/** @returns false when the peer has closed its side, and we ours */
async function echo(stream: Stream, bytes: ByteStream<Stream>, timeOuts: TimeOuts): Promise<boolean> {
  const timeOut = timeOuts.after(NEXT_PING_WITHIN_MS)
  const { signal } = timeOut
  try {
    const said = await bytes.read({ signal })
    if (said === null) await stream.close({ signal })
    else await bytes.write(said, { signal })
    return said !== null
  } finally {
    timeOut.end()
  }
}
