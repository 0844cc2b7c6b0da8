import type { Connection, Libp2p, Stream } from '@libp2p/interface'
import type { PeerId, RequestFailure } from '@p2poolv2/gossip'
import { CodecError, invariant } from '@p2poolv2/primitives'
import { FrameStream, nameOf, StreamRefused } from './frame-stream.ts'
import { TimeOuts } from './time-outs.ts'

/** Streams of one protocol with one peer, each way; the reference opens a hundred. A further one is reset. */
export const MAX_STREAMS_PER_PEER = 128
/** Payloads of one peer that wait for our answer; a stream above it is reset, unless it is the only one. Ten pushes of the largest usual kind. */
export const MAX_UNANSWERED_BYTES_PER_PEER = 2_097_152
/** For a request to come whole, and for its answer to be taken; the reference's times (protocol §18.2). */
export const READ_WITHIN_MS = 10_000
export const TAKE_WITHIN_MS = 10_000
/** For the answer to be made: three times as long as anybody waits for it. Then the stream is reset and forgotten. */
export const ANSWER_WITHIN_MS = 30_000

/** A request of a peer, read whole. */
export interface ServedRequest {
  readonly peer: PeerId
  readonly payload: Uint8Array
  /** Answers it; null closes the stream without data. Resolves when the peer has taken all, or the stream is over. Never rejects. */
  answer(payload: Uint8Array | null): Promise<void>
}

export type Outcome =
  | { readonly type: 'answer'; readonly payload: Uint8Array | null }
  | { readonly type: 'failed'; readonly reason: RequestFailure }

/** Answers a request of a protocol of our own; null closes the stream without data. What it throws is logged, and closes it too. */
export type Handler = (request: { readonly peer: PeerId; readonly payload: Uint8Array }) => Promise<Uint8Array | null>

/** Where requests find the peers, and peers that are not ready yet wait. */
export interface RequestPeers {
  connectionOf(peer: PeerId): Connection | null
  /** Resolves, in bounded time, once the peer's requests may be told. */
  whenReady(peer: PeerId): Promise<void>
}

/** Requests and answers over streams of their own: protocol §18.3, whichever protocol they belong to. */
export class Requests {
  readonly #node: Pick<Libp2p, 'handle'>
  readonly #peers: RequestPeers
  readonly #unansweredBytes = new Map<PeerId, number>()
  readonly #timeOuts = new TimeOuts()

  constructor(node: Pick<Libp2p, 'handle'>, peers: RequestPeers) {
    this.#node = node
    this.#peers = peers
  }

  /** Streams that are neither answered nor reset yet, in payload bytes; for tests and status. */
  get unansweredBytes(): number {
    return [...this.#unansweredBytes.values()].reduce((sum, bytes) => sum + bytes, 0)
  }

  /** Hands requests on a protocol to `take` as they come. */
  async serve(protocol: string, take: (request: ServedRequest) => void): Promise<void> {
    const limits = { maxInboundStreams: MAX_STREAMS_PER_PEER, maxOutboundStreams: MAX_STREAMS_PER_PEER }
    await this.#node.handle(protocol, (stream, connection) => this.#receive(stream, connection, take), limits)
  }

  /** Asks; over within `timeoutMs`. Never rejects. */
  async ask(order: {
    readonly peer: PeerId
    readonly protocol: string
    readonly payload: Uint8Array
    readonly timeoutMs: number
  }): Promise<Outcome> {
    const connection = this.#peers.connectionOf(order.peer)
    if (connection === null || this.#timeOuts.isStopped) return { type: 'failed', reason: 'closed' }
    let stream: Stream | null = null
    let isLate = false
    const end = this.#timeOuts.call(order.timeoutMs, why => {
      isLate = why === 'out of time'
      stream?.abort(new StreamRefused('no answer in time'))
    })
    try {
      stream = await openStream(connection, order.protocol)
      return { type: 'answer', payload: await new FrameStream(stream).ask(order.protocol, order.payload) }
    } catch (error) {
      return { type: 'failed', reason: isLate ? 'timeout' : failureOf(error, connection) }
    } finally {
      end()
      // Closed on both sides by now if all went well; a stream half open would count against the peer for ever.
      if (stream?.status === 'open') stream.abort(new StreamRefused('done with'))
    }
  }

  /** Resets every stream under way. */
  stop(): void {
    this.#timeOuts.stop()
  }

  async #receive(stream: Stream, connection: Connection, take: (request: ServedRequest) => void): Promise<void> {
    const peer = connection.remotePeer.toString()
    const frames = new FrameStream(stream)
    let heldBytes = 0
    let end = this.#within(READ_WITHIN_MS, stream, 'no request in time')
    const over = (): void => {
      end()
      this.#letGo(peer, heldBytes)
      heldBytes = 0
    }
    // When it is answered it stands until the asker has closed its side too, which honest ones did before.
    stream.addEventListener('close', over, { once: true })
    try {
      await this.#peers.whenReady(peer)
      const payload = await frames.read(bytes => {
        if (!this.#hold(peer, bytes)) return false
        heldBytes = bytes
        return true
      })
      if (payload === null) throw new StreamRefused('a stream without a request')
      end()
      if (stream.status !== 'open') throw new StreamRefused('the stream is over')
      end = this.#within(ANSWER_WITHIN_MS, stream, 'no answer')
      const answer = async (given: Uint8Array | null): Promise<void> => {
        end()
        if (stream.status !== 'open') return
        end = this.#within(TAKE_WITHIN_MS, stream, 'an answer not taken')
        await frames.write(given).catch(error => stream.abort(errorOf(error)))
      }
      take({ peer, payload, answer })
    } catch (error) {
      over()
      stream.abort(errorOf(error))
    }
  }

  /** Resets the stream when the time is over. @returns ends the time-out */
  #within(ms: number, stream: Stream, why: string): () => void {
    return this.#timeOuts.call(ms, () => stream.abort(new StreamRefused(why)))
  }

  #hold(peer: PeerId, bytes: number): boolean {
    const held = this.#unansweredBytes.get(peer) ?? 0
    if (held > 0 && held + bytes > MAX_UNANSWERED_BYTES_PER_PEER) return false
    this.#unansweredBytes.set(peer, held + bytes)
    return true
  }

  #letGo(peer: PeerId, bytes: number): void {
    const left = (this.#unansweredBytes.get(peer) ?? 0) - bytes
    if (left > 0) this.#unansweredBytes.set(peer, left)
    else this.#unansweredBytes.delete(peer)
  }
}

/** What a connection of libp2p has and its type leaves out. */
interface Muxed {
  readonly muxer?: { createStream?(options: object): Promise<Stream> }
}

/** A stream of whose protocol nothing has been said yet: see `FrameStream.ask`. */
async function openStream(connection: Connection, protocol: string): Promise<Stream> {
  const { muxer } = connection as unknown as Muxed
  invariant(typeof muxer?.createStream === 'function', 'a connection makes its streams with a muxer')
  const others = connection.streams.filter(other => other.direction === 'outbound' && other.protocol === protocol)
  if (others.length >= MAX_STREAMS_PER_PEER) throw new StreamRefused('too many streams of one protocol')
  const stream = await muxer.createStream({})
  stream.protocol = protocol
  return stream
}

function failureOf(error: unknown, connection: Connection): RequestFailure {
  if (error instanceof CodecError) return 'malformed'
  if (connection.status !== 'open' || nameOf(error) === 'ConnectionClosedError') return 'closed'
  // Reset by the peer, a protocol it does not speak, or too many streams.
  return 'refused'
}

function errorOf(error: unknown): Error {
  return error instanceof Error ? error : new StreamRefused('the stream failed')
}
