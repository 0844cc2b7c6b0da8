import { concatBytes } from '@p2poolv2/primitives'
import {
  ACT_2_BYTES,
  type Cipher,
  type Fields,
  FrameOpener,
  finish,
  frameOf,
  isCertified,
  type KeyPair,
  type Message,
  type MessageName,
  type NewCipher,
  portableCipher,
  readMessage,
  sealFrame
} from '@p2poolv2/stratum/sv2'

export interface V2LinkOptions {
  /** Made for this connection and used once. */
  readonly ephemeral: KeyPair
  /** The x-only key of the server's authority; null: whoever answers is believed. */
  readonly authority: Uint8Array | null
  readonly nowSec: number
  readonly newCipher?: NewCipher
}

/** What a server may say at a time; jobs with the longest coinbases have two parts of 64 KiB. */
const MAX_PAYLOAD_BYTES = 256 * 1024

/** What the server is, or says, ends the connection. */
export class V2LinkError extends Error {
  override readonly name = 'V2LinkError'
}

/** A miner's end of a Stratum V2 connection: what to write, and the messages in what is read. Source: sv2 §2. */
export class V2Link {
  readonly #options: V2LinkOptions
  /** Of the second act, until it is whole. */
  #act2: Uint8Array | null = new Uint8Array()
  #sealer: Cipher | null = null
  #opener: FrameOpener | null = null

  constructor(options: V2LinkOptions) {
    this.#options = options
  }

  /** To be written first. */
  get act1(): Uint8Array {
    return this.#options.ephemeral.ellSwift
  }

  /** The server has answered as whom it should be: messages can be sealed. */
  get isReady(): boolean {
    return this.#sealer !== null
  }

  /** What to write for a message. */
  seal<N extends MessageName>(name: N, fields: Fields<N>): Uint8Array {
    return this.sealFrame(frameOf(name, fields))
  }

  /** @param frame whole, known or not */
  sealFrame(frame: Uint8Array): Uint8Array {
    if (this.#sealer === null) throw new V2LinkError('nothing can be said before the handshake is done')
    return sealFrame(frame, this.#sealer)
  }

  /**
   * All messages that end in what was read; unknown ones are left out.
   * @throws V2LinkError when the server is not whom its authority knows, or what it sends does not open
   * @throws CodecError when a message is cut off
   */
  received(bytes: Uint8Array): readonly Message[] {
    let rest = this.#act2 === null ? bytes : this.#shakeHands(this.#act2, bytes)
    const messages: Message[] = []
    while (this.#opener !== null) {
      const next = this.#opener.next(rest)
      if (next.fault !== null) throw new V2LinkError(`what the server sends does not open: ${next.fault}`)
      if (next.frame === null) break
      const message = readMessage(next.frame)
      if (message !== null) messages.push(message)
      rest = next.rest
    }
    return messages
  }

  /** @returns what was read after the second act */
  #shakeHands(before: Uint8Array, bytes: Uint8Array): Uint8Array {
    const read = concatBytes(before, bytes)
    if (read.length < ACT_2_BYTES) {
      this.#act2 = read
      return new Uint8Array()
    }
    this.#act2 = null
    const { ephemeral, authority, nowSec, newCipher = portableCipher } = this.#options
    const introduction = finish(read.subarray(0, ACT_2_BYTES), ephemeral, newCipher)
    if (introduction === null) throw new V2LinkError('the answer to the handshake is not one')
    const { keys, staticKey, certificate } = introduction
    if (authority !== null && !isCertified(certificate, staticKey, { authority, nowSec })) {
      throw new V2LinkError('the server is not certified by the authority that was expected, or not now')
    }
    this.#sealer = newCipher(keys.initiatorToResponder)
    this.#opener = new FrameOpener(newCipher(keys.responderToInitiator), MAX_PAYLOAD_BYTES)
    return read.subarray(ACT_2_BYTES)
  }
}
