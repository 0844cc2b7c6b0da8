import type { Connection, Libp2p, Stream } from '@libp2p/interface'
import type { PeerId, RequestFailure } from '@p2poolv2/gossip'
import { CodecError } from '@p2poolv2/primitives'
import { type Deadline, Deadlines } from './deadlines.ts'
import { FrameStream, nameOf, StreamRefused } from './frame-stream.ts'

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
  readonly #deadlines = new Deadlines()

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
    if (connection === null || this.#deadlines.isStopped) return { type: 'failed', reason: 'closed' }
    const deadline = this.#deadlines.after(order.timeoutMs)
    try {
      return { type: 'answer', payload: await exchange(connection, order, deadline.signal) }
    } catch (error) {
      return { type: 'failed', reason: failureOf(error, { connection, deadline }) }
    } finally {
      deadline.end()
    }
  }

  /** Resets every stream under way. */
  stop(): void {
    this.#deadlines.stop()
  }

  async #receive(stream: Stream, connection: Connection, take: (request: ServedRequest) => void): Promise<void> {
    const peer = connection.remotePeer.toString()
    const over = new AbortController()
    stream.addEventListener('close', () => over.abort(), { once: true })
    const frames = new FrameStream(stream)
    const deadline = this.#deadlines.after(READ_WITHIN_MS)
    let heldBytes = 0
    const letGo = (): void => {
      this.#letGo(peer, heldBytes)
      heldBytes = 0
    }
    try {
      await unless(this.#peers.whenReady(peer), deadline.signal)
      over.signal.throwIfAborted()
      const payload = await frames.read({
        signal: deadline.signal,
        admits: bytes => {
          if (!this.#hold(peer, bytes)) return false
          heldBytes = bytes
          return true
        }
      })
      if (payload === null) throw new StreamRefused('a stream without a request')
      const answered = this.#deadlines.after(ANSWER_WITHIN_MS)
      answered.signal.addEventListener('abort', () => stream.abort(new StreamRefused('no answer')), { once: true })
      const ended = (): void => {
        letGo()
        answered.end()
      }
      over.signal.addEventListener('abort', ended, { once: true })
      if (over.signal.aborted) ended()
      else
        take({
          peer,
          payload,
          answer: given => this.#answer({ stream, frames, over, answered }, given)
        })
    } catch (error) {
      letGo()
      stream.abort(error instanceof Error ? error : new StreamRefused('the stream failed'))
    } finally {
      deadline.end()
    }
  }

  async #answer({ stream, frames, over, answered }: Answering, payload: Uint8Array | null): Promise<void> {
    answered.end()
    const deadline = this.#deadlines.after(TAKE_WITHIN_MS)
    deadline.signal.addEventListener('abort', () => stream.abort(new StreamRefused('an answer not taken')), {
      once: true
    })
    // It stands until the asker has closed its side too, which honest ones did before.
    over.signal.addEventListener('abort', () => deadline.end(), { once: true })
    if (over.signal.aborted) deadline.end()
    try {
      await frames.write(payload, deadline.signal)
    } catch (error) {
      stream.abort(error instanceof Error ? error : new StreamRefused('the stream failed'))
    }
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

interface Answering {
  readonly stream: Stream
  readonly frames: FrameStream
  readonly over: AbortController
  readonly answered: Deadline
}

async function exchange(
  connection: Connection,
  order: { readonly protocol: string; readonly payload: Uint8Array },
  signal: AbortSignal
): Promise<Uint8Array | null> {
  const stream = await connection.newStream(order.protocol, { signal, maxOutboundStreams: MAX_STREAMS_PER_PEER })
  const frames = new FrameStream(stream)
  try {
    await frames.write(order.payload, signal)
    return await frames.read({ signal })
  } finally {
    // Closed on both sides by now if all went well; a stream half open would count against the peer for ever.
    if (stream.status === 'open') stream.abort(new StreamRefused('done with'))
  }
}

function failureOf(
  error: unknown,
  { connection, deadline }: { readonly connection: Connection; readonly deadline: Deadline }
): RequestFailure {
  if (deadline.isOver) return 'timeout'
  if (error instanceof CodecError) return 'malformed'
  if (connection.status !== 'open' || nameOf(error) === 'ConnectionClosedError') return 'closed'
  // Reset by the peer, a protocol it does not speak, or too many streams.
  return 'refused'
}

/** The promise, or an error once the signal is aborted. */
async function unless(promise: Promise<void>, signal: AbortSignal): Promise<void> {
  const aborted = Promise.withResolvers<never>()
  const abort = (): void => aborted.reject(signal.reason)
  signal.addEventListener('abort', abort, { once: true })
  if (signal.aborted) abort()
  try {
    await Promise.race([promise, aborted.promise])
  } finally {
    signal.removeEventListener('abort', abort)
  }
}
