import { type BlockHash, blockHash, bytesToHex } from '@p2poolv2/primitives'
import type { Subscriber } from 'zeromq'
import { systemReason } from '../rpc/rpc-error.ts'

export interface ZmqHashblockOptions {
  /** For example `tcp://127.0.0.1:28332` */
  readonly address: string
  /** Called for each block the node makes its tip; not for those made while we were not connected. */
  readonly onHash: (hash: BlockHash) => void
  /** Called when the reader has ended by itself: for the operator. Polling goes on without it. */
  readonly onProblem: (message: string) => void
  /** Called when notices before this one did not reach us: their numbers are missing. */
  readonly onMissed?: ((count: number) => void) | undefined
}

/** Three short frames are expected; a publisher that sends more than this is disconnected. */
const MAX_MESSAGE_BYTES = 4_096
/** Notices kept for us while we are busy; more are dropped, which polling makes good. */
const MAX_QUEUED_MESSAGES = 1_000

/**
 * Loads the native ZeroMQ package, or says why it cannot: it has no build for this system, or was left out of the
 * installation. Loaded on first use only, so that a node without it runs and polls.
 */
export async function loadZmq(): Promise<{ ok: true; zmq: typeof import('zeromq') } | { ok: false; message: string }> {
  try {
    return { ok: true, zmq: await import('zeromq') }
  } catch (error) {
    const why = systemReason(error)
    return { ok: false, message: `ZeroMQ is not available here (${why}): new blocks are noticed by polling instead` }
  }
}

/** Listens to bitcoind's `zmqpubhashblock`. The connection is made, kept and made again by libzmq. */
export class ZmqHashblock {
  readonly #options: ZmqHashblockOptions
  #socket: Subscriber | null = null
  #closed = false
  /** Of the last notice; null before the first. */
  #number: number | null = null

  constructor(options: ZmqHashblockOptions) {
    this.#options = options
  }

  /** Resolves when the reader has ended: by `close`, or after a problem was reported. Never rejects. */
  async run(): Promise<void> {
    const loaded = await loadZmq()
    if (this.#closed) return
    if (!loaded.ok) return this.#options.onProblem(loaded.message)
    try {
      const socket = new loaded.zmq.Subscriber({
        linger: 0,
        maxMessageSize: MAX_MESSAGE_BYTES,
        receiveHighWaterMark: MAX_QUEUED_MESSAGES,
        reconnectInterval: 100,
        reconnectMaxInterval: 5_000,
        // A node that lost power sends no FIN: without a heartbeat we would listen to it for ever.
        heartbeatInterval: 15_000,
        heartbeatTimeout: 30_000
      })
      this.#socket = socket
      socket.connect(this.#options.address)
      socket.subscribe('hashblock')
      for await (const frames of socket) this.#read(frames)
    } catch (error) {
      if (!this.#closed) this.#options.onProblem(this.#problem(error))
    } finally {
      this.close()
    }
  }

  close(): void {
    this.#closed = true
    if (this.#socket !== null && !this.#socket.closed) this.#socket.close()
  }

  #read(frames: readonly Uint8Array[]): void {
    const notice = readNotice(frames)
    if (notice === null) return
    if (notice.number !== null) this.#count(notice.number)
    this.#options.onHash(notice.hash)
  }

  /** bitcoind numbers its notices; one that starts again begins at 0. */
  #count(number: number): void {
    const missed = this.#number === null ? 0 : number - this.#number - 1
    this.#number = number
    if (missed > 0) this.#options.onMissed?.(missed)
  }

  #problem(error: unknown): string {
    const { address } = this.#options
    return `cannot listen at ${address} (${systemReason(error)}): correct [bitcoind] zmq_hashblock; new blocks are noticed by polling meanwhile`
  }
}

/** What the frames of a notice say: topic, hash in display order, number as u32 LE. Null for what is none of a block. */
export function readNotice(
  frames: readonly Uint8Array[]
): { readonly hash: BlockHash; readonly number: number | null } | null {
  const [topic, hashDisplay, number] = frames
  if (topic === undefined || hashDisplay === undefined || hashDisplay.length !== 32) return null
  if (Buffer.from(topic).toString('latin1') !== 'hashblock') return null
  // bitcoind sends the hash in display order, unlike everything else it sends as bytes.
  const hash = blockHash(bytesToHex(hashDisplay))
  return { hash, number: number?.length === 4 ? Buffer.from(number).readUInt32LE(0) : null }
}
