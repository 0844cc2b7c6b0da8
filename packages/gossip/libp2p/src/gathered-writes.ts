import type { MessageStream } from '@libp2p/interface'
import { concatBytes } from '@p2poolv2/primitives'

/** Bytes gathered at most: as many as Noise seals as one message. More, and what is larger by itself, goes at once. */
const MAX_GATHERED_BYTES = 61_440
/** Nor does anything wait longer, once more is written: in a sync the other end is at work on half of what it was asked meanwhile. */
const MAX_WAIT_MS = 4
/** In the second byte of a frame: the last word of a connection. */
const KIND_AT = 1
const GO_AWAY = 3

/** What a connection takes: bytes, or a list of pieces. */
export type SentData = Parameters<MessageStream['send']>[0]

/**
 * Sends what a connection's streams write in one turn of the event loop as one. Opening a stream, a question and closing our side are
 * four frames, and each by itself would be sealed by itself and handed to the system by itself.
 */
export class GatheredWrites {
  readonly #send: (data: SentData) => boolean
  readonly #failed: (error: Error) => void
  readonly #nowMs: () => number
  #pieces: Uint8Array[] = []
  #bytes = 0
  #isDue = false
  #sinceMs = 0

  /**
   * @param send gives to the connection; false when it wants no more for now
   * @param failed what was written does not reach the other end
   * @param nowMs a clock that nobody sets
   */
  constructor(send: (data: SentData) => boolean, failed: (error: Error) => void, nowMs: () => number) {
    this.#send = send
    this.#failed = failed
    this.#nowMs = nowMs
  }

  /** @returns false when the connection wants no more for now, as far as that is known already */
  write(frame: SentData): boolean {
    const bytes = frame.byteLength
    if (this.#bytes + bytes > MAX_GATHERED_BYTES) {
      const hasRoom = this.#flush()
      if (bytes > MAX_GATHERED_BYTES) return this.#send(frame) && hasRoom
    }
    if (this.#bytes === 0) this.#sinceMs = this.#nowMs()
    this.#bytes += bytes
    if (frame instanceof Uint8Array) this.#pieces.push(frame)
    else this.#pieces.push(...frame)
    // The connection is closed before the turn ends.
    const isLast = frame instanceof Uint8Array && frame[KIND_AT] === GO_AWAY
    if (isLast || this.#nowMs() - this.#sinceMs > MAX_WAIT_MS) return this.#flush()
    if (!this.#isDue) {
      this.#isDue = true
      // A tick asked for while bytes are read comes before what promises do with them; one asked for among those comes after it all.
      queueMicrotask(() => process.nextTick(() => this.#turnEnds()))
    }
    return true
  }

  #turnEnds(): void {
    this.#isDue = false
    try {
      this.#flush()
    } catch (error) {
      this.#failed(error instanceof Error ? error : new Error('what was written could not be sent'))
    }
  }

  #flush(): boolean {
    if (this.#bytes === 0) return true
    const pieces = this.#pieces
    this.#pieces = []
    this.#bytes = 0
    return this.#send(concatBytes(...pieces))
  }
}
