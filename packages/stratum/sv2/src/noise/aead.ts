import { chacha20poly1305 } from '@noble/ciphers/chacha.js'

/** Bytes that sealing adds. */
export const TAG_BYTES = 16

/** ChaCha20-Poly1305 (RFC 8439) under one key that is used in one direction, its nonces counted from 0. */
export interface Cipher {
  /** @returns the sealed bytes, `TAG_BYTES` longer */
  seal(plain: Uint8Array, associated?: Uint8Array): Uint8Array
  /** @returns null where the bytes are not what was sealed; the cipher is of no use any more then */
  open(sealed: Uint8Array, associated?: Uint8Array): Uint8Array | null
}

/** Makes ciphers. The one given here runs anywhere; a program with a faster one passes that in. */
export type NewCipher = (key: Uint8Array) => Cipher

const NONCE_BYTES = 12

/** Four zero bytes and the count as u64, little-endian. Source: sv2 §2.1. */
export class NonceCounter {
  readonly #bytes = new Uint8Array(NONCE_BYTES)
  readonly #view = new DataView(this.#bytes.buffer)
  #count = 0

  /** The next nonce; valid until the one after it is taken. */
  take(): Uint8Array {
    this.#view.setUint32(4, this.#count, true)
    this.#view.setUint32(8, Math.floor(this.#count / 2 ** 32), true)
    this.#count += 1
    return this.#bytes
  }
}

const NOTHING = new Uint8Array()

export const portableCipher: NewCipher = key => {
  const nonces = new NonceCounter()
  return {
    seal: (plain, associated = NOTHING) => chacha20poly1305(key, nonces.take(), associated).encrypt(plain),
    open: (sealed, associated = NOTHING) => {
      try {
        return chacha20poly1305(key, nonces.take(), associated).decrypt(sealed)
      } catch {
        // The library throws for a wrong tag and for too few bytes: both come from the other side.
        return null
      }
    }
  }
}
