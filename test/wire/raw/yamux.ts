import { EndOfBytes, Inlet, type Pipe } from './inlet.ts'

// yamux: frames of a 12-byte head `version 0 | kind | flags u16 | stream u32 | length u32`, all big-endian, and data.

export const KIND = { data: 0, window: 1, ping: 2, goAway: 3 } as const
export const FLAG = { none: 0, syn: 1, ack: 2, fin: 4, rst: 8 } as const
const HEAD_BYTES = 12
/** Bytes each side may send on a stream before it is given more. */
const WINDOW_BYTES = 262_144
const PIECE_BYTES = 16_384

export interface YamuxFrame {
  readonly kind: number
  readonly flags: number
  readonly stream: number
  /** Bytes of data, or the number that a frame without data carries. */
  readonly length: number
  readonly data: Buffer
}

export function encodeFrame(frame: Partial<YamuxFrame>): Buffer {
  const { kind = KIND.data, flags = FLAG.none, stream = 0, data = Buffer.alloc(0), length = data.length } = frame
  const head = Buffer.alloc(HEAD_BYTES)
  head.writeUInt8(kind, 1)
  head.writeUInt16BE(flags, 2)
  head.writeUInt32BE(stream, 4)
  head.writeUInt32BE(length, 8)
  return Buffer.concat([head, data])
}

export async function takeFrame(pipe: Pick<Pipe, 'take'>): Promise<YamuxFrame> {
  const head = await pipe.take(HEAD_BYTES)
  const kind = head.readUInt8(1)
  const length = head.readUInt32BE(8)
  const data = kind === KIND.data ? await pipe.take(length) : Buffer.alloc(0)
  return { kind, flags: head.readUInt16BE(2), stream: head.readUInt32BE(4), length, data }
}

/** One stream, seen from us. */
export class Stream implements Pipe {
  readonly id: number
  readonly inlet = new Inlet()
  /** While true the other is given no more window, as by a peer that does not read. */
  isStalled = false
  readonly #mux: Mux
  #sendable = WINDOW_BYTES
  #waiting: (() => void) | null = null
  #isOver = false
  #isFinished = false
  #isHeard = false

  constructor(mux: Mux, id: number) {
    this.#mux = mux
    this.id = id
  }

  take(bytes: number): Promise<Buffer> {
    return this.inlet.take(bytes)
  }

  rest(): Promise<{ readonly bytes: Buffer; readonly end: Error }> {
    return this.inlet.rest()
  }

  /** At once, whatever the window: for what is small, and for what is wrong. */
  write(data: Uint8Array): void {
    this.#sendable -= data.length
    this.#mux.send({ stream: this.id, data: Buffer.from(data) })
  }

  /** As the window allows; over when everything is sent, or the stream is over. */
  async send(data: Uint8Array): Promise<void> {
    for (let at = 0; at < data.length && !this.#isOver; ) {
      const bytes = Math.min(PIECE_BYTES, this.#sendable, data.length - at)
      if (bytes <= 0) {
        await new Promise<void>(resolve => {
          this.#waiting = resolve
        })
        continue
      }
      this.write(data.subarray(at, at + bytes))
      at += bytes
    }
  }

  /** Closes our half. */
  finish(): void {
    this.#mux.send({ stream: this.id, flags: FLAG.fin })
    this.#isFinished = true
    this.#forget()
  }

  reset(): void {
    this.#mux.send({ kind: KIND.window, stream: this.id, flags: FLAG.rst })
    this.over(new EndOfBytes('rst'))
  }

  /** A frame of this stream came. */
  came(frame: YamuxFrame): void {
    if (frame.kind === KIND.window) {
      this.#sendable += frame.length
      this.#waiting?.()
    } else if (frame.data.length > 0) {
      this.inlet.push(frame.data)
      if (!this.isStalled) this.#mux.send({ kind: KIND.window, stream: this.id, length: frame.data.length })
    }
    if ((frame.flags & FLAG.rst) !== 0) this.over(new EndOfBytes('rst'))
    else if ((frame.flags & FLAG.fin) !== 0) {
      this.inlet.end(new EndOfBytes('fin'))
      this.#isHeard = true
      this.#forget()
    }
  }

  over(reason: EndOfBytes): void {
    this.#isOver = true
    this.inlet.end(reason)
    this.#waiting?.()
    this.#mux.streams.delete(this.id)
  }

  #forget(): void {
    if (this.#isFinished && this.#isHeard) this.#mux.streams.delete(this.id)
  }
}

/** A connection cut into streams. */
export class Mux {
  readonly streams = new Map<number, Stream>()
  /** Frames that belong to no stream: pings, and the other's last word. */
  readonly control: YamuxFrame[] = []
  readonly #write: (bytes: Buffer) => void
  readonly #accept: (stream: Stream) => void
  #nextId: number

  constructor(options: {
    readonly isDialer: boolean
    readonly write: (bytes: Buffer) => void
    readonly accept: (stream: Stream) => void
  }) {
    this.#write = options.write
    this.#accept = options.accept
    this.#nextId = options.isDialer ? 1 : 2
  }

  send(frame: Partial<YamuxFrame>): void {
    this.#write(encodeFrame(frame))
  }

  open(): Stream {
    const stream = new Stream(this, this.#nextId)
    this.#nextId += 2
    this.streams.set(stream.id, stream)
    this.send({ kind: KIND.window, flags: FLAG.syn, stream: stream.id, length: 0 })
    return stream
  }

  /** Reads frames until the bytes end. */
  async run(pipe: Pick<Pipe, 'take'>): Promise<void> {
    try {
      for (;;) this.#came(await takeFrame(pipe))
    } catch (error) {
      for (const stream of this.streams.values()) stream.over(new EndOfBytes('closed'))
      if (!(error instanceof EndOfBytes)) throw error
    }
  }

  #came(frame: YamuxFrame): void {
    if (frame.stream === 0) {
      this.control.push(frame)
      if (frame.kind === KIND.ping && (frame.flags & FLAG.syn) !== 0) {
        this.send({ kind: KIND.ping, flags: FLAG.ack, length: frame.length })
      }
      return
    }
    const known = this.streams.get(frame.stream)
    if (known !== undefined) {
      known.came(frame)
    } else if ((frame.flags & FLAG.syn) !== 0) {
      const stream = new Stream(this, frame.stream)
      this.streams.set(stream.id, stream)
      this.send({ kind: KIND.window, flags: FLAG.ack, stream: stream.id, length: 0 })
      stream.came(frame)
      this.#accept(stream)
    }
  }
}
