import { connect, type Socket } from 'node:net'
import { EndOfBytes, Inlet } from './inlet.ts'
import { ACK, frame, takePayload } from './messages.ts'
import { agree, propose } from './multistream.ts'
import { type Identity, MAX_PLAIN_BYTES, newIdentity, peerId, type Secured, secure } from './noise.ts'
import { decodeRpc, type Rpc, subscribe } from './pubsub.ts'
import { bytesOf, decodeFields, encodeFields, prefixed, takePrefixed } from './varint.ts'
import { Mux, type Stream } from './yamux.ts'

const IDENTIFY = '/ipfs/id/1.0.0'
const IDENTIFY_PUSH = '/ipfs/id/push/1.0.0'
const PING = '/ipfs/ping/1.0.0'
const MESHSUB = '/meshsub/1.1.0'
const MAX_RPC_BYTES = 16_777_216

export interface RawOptions {
  readonly port: number
  /** `/p2pool/<net>/<tag>`; every name is made from it. */
  readonly base: string
  /** Default: the protocol of requests. */
  readonly prologue?: string
  readonly identity?: Identity
  readonly agent?: string
  /** Speaks gossipsub and the template protocol as well: then it is waited for in the topics. Default false. */
  readonly isOurs?: boolean
  /** Put behind what identify tells. */
  readonly identifyPadding?: Buffer
}

/** What the other says of itself. */
export interface Identified {
  readonly agent: string
  readonly protocolVersion: string
  readonly protocols: readonly string[]
  readonly bytes: number
}

/**
 * A peer on a bare TCP socket: multistream, Noise, yamux, identify, ping, frames and gossipsub by hand, sharing nothing with the
 * project or with libp2p. It answers what an honest peer answers, and a test can write anything at any layer.
 */
export class RawPeer {
  readonly base: string
  readonly identity: Identity
  /** Requests that came, in order. */
  readonly asked: { readonly protocol: string; readonly payload: Buffer }[] = []
  readonly heard: Rpc[] = []
  /** Streams of gossipsub that the other opened, in order. */
  readonly topicStreams: Stream[] = []
  mux: Mux
  /** What a request is answered with; null closes the stream without data, `silent` leaves it open. */
  answers: (payload: Buffer, protocol: string) => Buffer | null | 'silent' = payload =>
    [0, 5, 8].includes(payload[0] ?? -1) ? ACK : null
  readonly #options: RawOptions
  readonly #socket: Socket
  readonly #secured: Secured
  readonly #plain = new Inlet()
  readonly #changed: (() => void)[] = []
  /** Set once the connection is over, with what was wrong with it, if anything. */
  over: Error | null = null

  /** Connects to a listener. @throws `EndOfBytes` or what Noise or multistream found wrong */
  static async dial(options: RawOptions): Promise<RawPeer> {
    const { socket, wire } = await dialSocket(options.port)
    const identity = options.identity ?? newIdentity()
    const pipe = { take: (bytes: number) => wire.take(bytes), write: (bytes: Uint8Array) => socket.write(bytes) }
    try {
      await propose(pipe, '/noise')
      const prologue = Buffer.from(options.prologue ?? `${options.base}/1.0.0`)
      const secured = await secure(pipe, { role: 'initiator', prologue, identity })
      const peer = new RawPeer({ ...options, identity }, socket, secured)
      await propose(peer.#sealedPipe(), '/yamux/1.0.0')
      peer.#run()
      return peer
    } catch (error) {
      socket.destroy()
      throw error
    }
  }

  private constructor(options: RawOptions & { readonly identity: Identity }, socket: Socket, secured: Secured) {
    this.#options = options
    this.base = options.base
    this.identity = options.identity
    this.#socket = socket
    this.#secured = secured
    this.mux = new Mux({
      isDialer: true,
      write: bytes => this.writeSealed(bytes),
      accept: stream => this.#serve(stream)
    })
    this.#open().catch(error => this.#end(error))
  }

  /** What the other calls us. */
  get name(): string {
    return peerId(this.identity.publicKey)
  }

  /** What it is called. */
  get remote(): string {
    return peerId(this.#secured.remoteKey)
  }

  /** Bytes below Noise. */
  writeBare(bytes: Uint8Array): void {
    this.#socket.write(bytes)
  }

  /** Bytes below yamux. */
  writeSealed(bytes: Uint8Array): void {
    for (let at = 0; at < bytes.length; at += MAX_PLAIN_BYTES) {
      this.#socket.write(this.#secured.seal(bytes.subarray(at, at + MAX_PLAIN_BYTES)))
    }
  }

  /** A stream on which a protocol was agreed. @throws when the connection is over, or the other does not speak it */
  async open(protocol: string): Promise<Stream> {
    if (this.over !== null) throw this.over
    const stream = this.mux.open()
    await propose(stream, protocol)
    return stream
  }

  /** A stream for a request. */
  openRequest(): Promise<Stream> {
    return this.open(`${this.base}/1.0.0`)
  }

  /** One request as it should be; null when the stream is closed without an answer. */
  async ask(payload: Uint8Array): Promise<Buffer | null> {
    const stream = await this.openRequest()
    await stream.send(frame(payload))
    stream.finish()
    try {
      return await takePayload(stream)
    } catch (error) {
      if (error instanceof EndOfBytes && error.how === 'fin') return null
      throw error
    }
  }

  async identify(): Promise<Identified> {
    const stream = await this.open(IDENTIFY)
    const message = await takePrefixed(stream, 1_000_000)
    stream.finish()
    const fields = decodeFields(message)
    const text = (number: number): string[] => bytesOf(fields, number).map(String)
    return {
      agent: text(6)[0] ?? '',
      protocolVersion: text(5)[0] ?? '',
      protocols: text(3),
      bytes: message.length
    }
  }

  /** Sends 32 bytes and gets them back. */
  async ping(): Promise<boolean> {
    const stream = await this.open(PING)
    const sent = Buffer.alloc(32, 7)
    stream.write(sent)
    const echo = await stream.take(32)
    stream.finish()
    return echo.equals(sent)
  }

  /** Says that it is in both topics, which makes it one of ours. @returns the stream to say more on */
  async joinTopics(): Promise<Stream> {
    const out = await this.open(MESHSUB)
    out.write(subscribe(['shares', 'templates'].map(topic => this.topic(topic))))
    return out
  }

  /** The name of the topic `shares` or `templates`. */
  topic(short: string): string {
    return `${this.base}/topic/${short}/1.0.0`
  }

  openPubsub(): Promise<Stream> {
    return this.open(MESHSUB)
  }

  /** Resolves once it is so; looked at whenever something came. @throws when the connection ends first */
  async until(holds: () => boolean): Promise<void> {
    while (!holds()) {
      if (this.over !== null) throw this.over
      await new Promise<void>(resolve => this.#changed.push(resolve))
    }
  }

  /** Resolves when the connection is over. */
  async closed(): Promise<void> {
    while (this.over === null) await new Promise<void>(resolve => this.#changed.push(resolve))
  }

  /** The other sees a FIN. */
  close(): void {
    this.#socket.end()
    this.#socket.destroySoon()
  }

  /** The other sees an RST. */
  reset(): void {
    this.#socket.resetAndDestroy()
  }

  #sealedPipe() {
    return { take: (bytes: number) => this.#plain.take(bytes), write: (bytes: Uint8Array) => this.writeSealed(bytes) }
  }

  /** Opens what comes until it ends. */
  async #open(): Promise<void> {
    for (;;) this.#plain.push(await this.#secured.take())
  }

  #run(): void {
    this.mux.run(this.#plain).catch(error => this.#end(error))
  }

  #end(error: Error): void {
    this.#plain.end(error instanceof EndOfBytes ? error : new EndOfBytes('closed'))
    this.over = error
    this.#tell()
    this.#socket.destroy()
  }

  #tell(): void {
    for (const resolve of this.#changed.splice(0)) resolve()
  }

  #serve(stream: Stream): void {
    this.#answer(stream).catch(() => stream.reset())
  }

  #protocols(): string[] {
    const all = [`${this.base}/1.0.0`, IDENTIFY, IDENTIFY_PUSH, PING]
    return this.#options.isOurs !== true ? all : [...all, `${this.base}/templates/1.0.0`, MESHSUB]
  }

  async #answer(stream: Stream): Promise<void> {
    const protocols = this.#protocols()
    const protocol = await agree(stream, proposed => protocols.includes(proposed))
    if (protocol === IDENTIFY) {
      stream.write(prefixed(this.#identifyMessage(protocols)))
      stream.finish()
    } else if (protocol === IDENTIFY_PUSH) {
      stream.finish()
    } else if (protocol === PING) {
      for (;;) stream.write(await stream.take(32))
    } else if (protocol === MESHSUB) {
      this.topicStreams.push(stream)
      for (;;) {
        this.heard.push(decodeRpc(await takePrefixed(stream, MAX_RPC_BYTES)))
        this.#tell()
      }
    } else {
      await this.#request(stream, protocol)
    }
  }

  async #request(stream: Stream, protocol: string): Promise<void> {
    const payload = await takePayload(stream)
    this.asked.push({ protocol, payload })
    this.#tell()
    const answer = this.answers(payload, protocol)
    if (answer === 'silent') return
    if (answer !== null) await stream.send(frame(answer))
    stream.finish()
  }

  #identifyMessage(protocols: readonly string[]): Buffer {
    const message = encodeFields([
      [1, this.identity.publicKey],
      ...protocols.map(protocol => [3, Buffer.from(protocol)] as const),
      [5, Buffer.from(`${this.base}/1.0.0`)],
      [6, Buffer.from(this.#options.agent ?? 'p2poolv2-test-raw/0.1.0')]
    ])
    return Buffer.concat([message, this.#options.identifyPadding ?? Buffer.alloc(0)])
  }
}

/** A bare connection and what comes over it. */
export async function dialSocket(port: number): Promise<{ readonly socket: Socket; readonly wire: Inlet }> {
  const wire = new Inlet()
  const socket = connect({ port, host: '127.0.0.1', noDelay: true })
  socket.on('data', chunk => wire.push(chunk))
  socket.on('end', () => wire.end(new EndOfBytes('fin')))
  socket.on('close', () => wire.end(new EndOfBytes('closed')))
  await new Promise<void>((resolve, reject) => {
    socket.once('connect', () => resolve())
    socket.once('error', reject)
  })
  socket.removeAllListeners('error')
  // A reset comes as an error as well as a close.
  socket.on('error', () => wire.end(new EndOfBytes('rst')))
  return { socket, wire }
}
