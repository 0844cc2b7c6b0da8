import type { Socket } from 'node:net'
import { concatBytes, type SteadyMs } from '@p2poolv2/primitives'
import {
  type ConnectionEffect,
  type ConnectionFault,
  framesIn,
  isWorkFrames,
  newestFrames,
  type SessionOutput,
  V2Connection
} from '@p2poolv2/stratum'
import { type Cipher, sealFrame } from '@p2poolv2/stratum/sv2'
import type { GoneReason } from '../contract.ts'
import { MinerSocket, type MinerSocketOptions } from '../miner-socket.ts'
import type { HandshakeAnswer } from './handshake-answer.ts'
import type { Handshakes } from './handshakes.ts'
import { nodeCipher } from './noise-cipher.ts'
import { SealedReader } from './sealed-reader.ts'

/** Who has not said the first act by then is closed; who waits for the answer to it has a little more. */
const ACT_1_WITHIN_MS = 10_000
const ANSWER_WITHIN_MS = 20_000
/** More than this does not wait for a flush: what the network does not take has to be seen. */
const MAX_SAID_BYTES = 16_384

export interface SealedSocketOptions extends Omit<MinerSocketOptions, 'reader' | 'onOutput' | 'onLines' | 'onDrained'> {
  readonly handshakes: Handshakes
  /** Whether miners of that address have been here for a while. */
  readonly isKnown: boolean
  /** It has something to say: `flush` is to be called before the server waits again. */
  readonly onOutput: (socket: SealedSocket) => void
  /** A number that no miner has had. */
  readonly newMiner: () => number
  /** A miner has come, by a channel of this connection. It may be refused in the call. */
  readonly onOpened: (miner: number, channel: number) => void
  /** Whole messages of one miner. */
  readonly onMessages: (miner: number, messages: readonly Uint8Array[]) => void
  /** The connection ends itself, and why. */
  readonly onFault: (reason: ConnectionFault) => void
  /** A miner has left, the connection has not. */
  readonly onLeft: (miner: number) => void
}

/** One connection of Stratum V2: its handshake, its sealed frames, and the miners that are its channels. */
export class SealedSocket {
  readonly #options: SealedSocketOptions
  readonly #socket: MinerSocket
  readonly #reader: SealedReader
  readonly #connection: V2Connection
  /** By channel, and the other way round; bounded as channels of a connection are. */
  readonly #minerOf = new Map<number, number>()
  readonly #channelOf = new Map<number, number>()
  #sealer: Cipher | null = null
  #isGone = false
  /** What was said since the last flush. */
  #said: Uint8Array[] = []
  #saidBytes = 0
  /** Work of a miner that waits for the socket to drain: only the newest is of any use then. */
  readonly #heldWork = new Map<number, Uint8Array>()

  constructor(socket: Socket, address: string, options: SealedSocketOptions) {
    this.#options = options
    this.#reader = new SealedReader(act1 => void this.#shakeHands(act1))
    this.#connection = new V2Connection(options.nowMs())
    this.#socket = new MinerSocket(socket, address, {
      ...options,
      reader: this.#reader,
      onOutput: () => {},
      onLines: frames => this.#perform(this.#connection.received(frames, options.nowMs())),
      onDrained: () => this.#sayHeld(),
      onGone: why => {
        this.#isGone = true
        options.onGone(why)
      }
    })
  }

  get address(): string {
    return this.#socket.address
  }

  get connectedAtMs(): SteadyMs {
    return this.#socket.connectedAtMs
  }

  /** Whether there is a miner on it: to shake hands and set up a connection costs its client nothing. */
  get isInUse(): boolean {
    return this.#minerOf.size > 0 && this.#socket.isInUse
  }

  /** Those whose sessions speak through this connection. */
  get miners(): readonly number[] {
    return [...this.#minerOf.values()]
  }

  /** Sends whole frames of a miner's session with the next `flush`. Work is held back while earlier bytes wait for the network. */
  say(miner: number, output: SessionOutput): void {
    const channel = this.#channelOf.get(miner)
    if (channel === undefined || typeof output === 'string') return
    this.#connection.said(channel, output)
    if (this.#socket.isBacklogged && isWorkFrames(output)) {
      const held = this.#heldWork.get(miner)
      this.#heldWork.set(miner, held === undefined ? output : newestFrames(held, output))
    } else this.#say(output)
  }

  /** The session of a miner is over: its channel is closed, the others go on. */
  endMiner(miner: number, reason: string): void {
    const channel = this.#channelOf.get(miner)
    if (channel === undefined) return
    this.#forget(channel)
    this.#perform(this.#connection.ended(channel, reason, this.#options.nowMs()))
  }

  /** Seals and writes what was said as one. */
  flush(): void {
    const said = this.#said
    const sealer = this.#sealer
    if (said.length === 0 || sealer === null) return
    this.#said = []
    this.#saidBytes = 0
    const sealed: Uint8Array[] = []
    for (const frames of said) for (const frame of framesIn(frames)) sealed.push(sealFrame(frame, sealer))
    this.#socket.send(concatBytes(...sealed))
  }

  end(why: GoneReason): void {
    this.flush()
    this.#socket.end(why)
  }

  destroy(why: GoneReason): void {
    this.#socket.destroy(why)
  }

  /** To be called every few seconds. */
  sweep(nowMs: SteadyMs): void {
    this.#socket.sweep(nowMs)
    const ageMs = nowMs - this.connectedAtMs
    if (this.#sealer !== null) this.#perform(this.#connection.sweep(nowMs))
    else if (ageMs >= (this.#reader.isAwaitingAct1 ? ACT_1_WITHIN_MS : ANSWER_WITHIN_MS)) this.destroy('no-handshake')
  }

  async #shakeHands(act1: Uint8Array): Promise<void> {
    const { address } = this
    const { handshakes, isKnown } = this.#options
    const answer = await handshakes.request({ act1, address, isKnown, isWanted: () => !this.#isGone })
    if (this.#isGone) return
    if (answer === null) this.destroy('no-handshake')
    else this.#begin(answer)
  }

  #begin({ act2, keys }: HandshakeAnswer): void {
    this.#socket.send(act2)
    this.#sealer = nodeCipher(keys.responderToInitiator)
    this.#reader.begin(keys)
    this.#socket.readHeld()
  }

  #perform(effects: readonly ConnectionEffect[]): void {
    for (const effect of effects) {
      if (effect.type === 'send') this.#say(effect.frame)
      else if (effect.type === 'open') this.#opened(effect.channel, effect.messages)
      else if (effect.type === 'pass') this.#pass(effect.channel, effect.messages)
      else if (effect.type === 'gone') this.#left(effect.channel)
      else {
        this.#options.onFault(effect.reason)
        this.end('closed')
      }
    }
    if (this.#connection.isSetUp) this.#reader.setUp()
  }

  #opened(channel: number, messages: readonly Uint8Array[]): void {
    const { newMiner, onOpened, onMessages } = this.#options
    const miner = newMiner()
    this.#minerOf.set(channel, miner)
    this.#channelOf.set(miner, channel)
    onOpened(miner, channel)
    if (this.#channelOf.has(miner)) onMessages(miner, messages)
  }

  #pass(channel: number, messages: readonly Uint8Array[]): void {
    const miner = this.#minerOf.get(channel)
    // Its session ended over what came just before in the same read.
    if (miner !== undefined) this.#options.onMessages(miner, messages)
  }

  #left(channel: number): void {
    const miner = this.#minerOf.get(channel)
    if (miner === undefined) return
    this.#forget(channel)
    this.#options.onLeft(miner)
  }

  #forget(channel: number): void {
    const miner = this.#minerOf.get(channel)
    this.#minerOf.delete(channel)
    if (miner === undefined) return
    this.#channelOf.delete(miner)
    this.#heldWork.delete(miner)
  }

  #say(frames: Uint8Array): void {
    this.#said.push(frames)
    this.#saidBytes += frames.length
    if (this.#saidBytes > MAX_SAID_BYTES) this.flush()
    else if (this.#said.length === 1) this.#options.onOutput(this)
  }

  #sayHeld(): void {
    for (const output of this.#heldWork.values()) this.#say(output)
    this.#heldWork.clear()
  }
}
