import { bytesEqual } from '@p2poolv2/primitives'
import { type KeyPair, respond, type SessionKeys } from '@p2poolv2/stratum/sv2'
import { nodeCipher } from './noise-cipher.ts'
import { nodeCurve } from './noise-curve.ts'
import { newKeyPair } from './noise-identity.ts'

/** One handshake to be answered, with what is the server's in it. */
export interface HandshakeOrder {
  readonly act1: Uint8Array
  readonly static: KeyPair
  readonly certificate: Uint8Array
}

export interface HandshakeAnswer {
  readonly act2: Uint8Array
  readonly keys: SessionKeys
}

/** Ephemeral keys made ahead while there is nothing else to do; each is used once. */
const KEYS_AHEAD = 32

/** Answers handshakes, one or two milliseconds each, and as many more where no key was made ahead. */
export class HandshakeAnswerer {
  readonly #ahead: KeyPair[] = []
  /** The server's, as the last order had it: the curve knows it by its array. */
  #static: KeyPair | null = null

  answer({ act1, static: own, certificate }: HandshakeOrder): HandshakeAnswer {
    const ephemeral = this.#ahead.pop() ?? newKeyPair()
    if (this.#static === null || !bytesEqual(this.#static.secret, own.secret)) this.#static = own
    return respond(act1, { ephemeral, static: this.#static, certificate, newCipher: nodeCipher, curve: nodeCurve })
  }

  /** Makes a key for later. @returns whether more are wanted */
  prepare(): boolean {
    if (this.#ahead.length < KEYS_AHEAD) this.#ahead.push(newKeyPair())
    return this.#ahead.length < KEYS_AHEAD
  }
}
