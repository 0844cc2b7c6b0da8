import { hmac } from '@noble/hashes/hmac.js'
import { sha256 as nobleSha256 } from '@noble/hashes/sha2.js'
import { asciiToBytes, concatBytes, invariant, sha256 } from '@p2poolv2/primitives'
import { type Cipher, type NewCipher, TAG_BYTES } from './aead.ts'
import { CERTIFICATE_BYTES } from './certificate.ts'
import type { Curve } from './curve.ts'
import { ELLSWIFT_BYTES, type KeyPair, sharedSecret, theirKey } from './key-pair.ts'

const PROTOCOL_NAME = asciiToBytes('Noise_NX_Secp256k1+EllSwift_ChaChaPoly_SHA256')
const NOTHING = new Uint8Array()

/** What the initiator, the miner, opens with: its ephemeral key. */
export const ACT_1_BYTES = ELLSWIFT_BYTES
/** The answer: an ephemeral key, and sealed the static key and the certificate. */
export const ACT_2_BYTES = 2 * ELLSWIFT_BYTES + CERTIFICATE_BYTES + 2 * TAG_BYTES

/** What a handshake comes to: a key for each direction. */
export interface SessionKeys {
  readonly initiatorToResponder: Uint8Array
  readonly responderToInitiator: Uint8Array
}

/** Both sides' view of a handshake so far. Source: sv2 §2.4; "SymmetricState" of the Noise framework, revision 34. */
class Transcript {
  readonly #newCipher: NewCipher
  #chainingKey = sha256(PROTOCOL_NAME)
  /** An empty prologue is mixed in all the same. */
  #hash = sha256(this.#chainingKey)
  #cipher: Cipher | null = null

  constructor(newCipher: NewCipher) {
    this.#newCipher = newCipher
  }

  mix(bytes: Uint8Array): void {
    this.#hash = sha256(concatBytes(this.#hash, bytes))
  }

  mixKey(secret: Uint8Array): void {
    const [chainingKey, key] = hkdf(this.#chainingKey, secret)
    this.#chainingKey = chainingKey
    this.#cipher = this.#newCipher(key)
  }

  seal(plain: Uint8Array): Uint8Array {
    const cipher = this.#cipher
    invariant(cipher !== null, 'a key is agreed on before anything is sealed')
    const sealed = cipher.seal(plain, this.#hash)
    this.mix(sealed)
    return sealed
  }

  open(sealed: Uint8Array): Uint8Array | null {
    const cipher = this.#cipher
    invariant(cipher !== null, 'a key is agreed on before anything is opened')
    const plain = cipher.open(sealed, this.#hash)
    this.mix(sealed)
    return plain
  }

  split(): SessionKeys {
    const [initiatorToResponder, responderToInitiator] = hkdf(this.#chainingKey, NOTHING)
    return { initiatorToResponder, responderToInitiator }
  }
}

export interface Responder {
  readonly ephemeral: KeyPair
  readonly static: KeyPair
  /** 74 bytes that `certify` made of the static key. */
  readonly certificate: Uint8Array
  readonly newCipher: NewCipher
  /** Default: the portable one. */
  readonly curve?: Curve
}

/**
 * The server's part. No act 1 is invalid: all 64-byte strings are keys.
 * Cost: one key decoded and two multiplied.
 */
export function respond(
  act1: Uint8Array,
  responder: Responder
): { readonly act2: Uint8Array; readonly keys: SessionKeys } {
  invariant(act1.length === ACT_1_BYTES, 'the first act has 64 bytes')
  const { ephemeral, static: own, certificate, newCipher, curve } = responder
  const theirs = theirKey(act1)
  const agreement = { role: 'responder', ...(curve !== undefined && { curve }) } as const
  const transcript = new Transcript(newCipher)
  transcript.mix(act1)
  // The empty payload of the first message, which no key seals yet.
  transcript.mix(NOTHING)
  transcript.mix(ephemeral.ellSwift)
  transcript.mixKey(sharedSecret(ephemeral, theirs, agreement))
  const sealedStatic = transcript.seal(own.ellSwift)
  transcript.mixKey(sharedSecret(own, theirs, agreement))
  const sealedCertificate = transcript.seal(certificate)
  return { act2: concatBytes(ephemeral.ellSwift, sealedStatic, sealedCertificate), keys: transcript.split() }
}

/** What the other side of a finished handshake has shown; whether to believe it is `isCertified`'s question. */
export interface Introduction {
  readonly keys: SessionKeys
  /** EllSwift. */
  readonly staticKey: Uint8Array
  readonly certificate: Uint8Array
}

/**
 * The miner's part, after it has sent its ephemeral key's 64 bytes.
 * @returns null when the answer is not by who made the keys in it, or not an answer to this
 */
export function finish(act2: Uint8Array, ephemeral: KeyPair, newCipher: NewCipher): Introduction | null {
  invariant(act2.length === ACT_2_BYTES, 'the second act has 234 bytes')
  const transcript = new Transcript(newCipher)
  transcript.mix(ephemeral.ellSwift)
  transcript.mix(NOTHING)
  const theirs = act2.subarray(0, ELLSWIFT_BYTES)
  transcript.mix(theirs)
  transcript.mixKey(sharedSecret(ephemeral, theirKey(theirs), { role: 'initiator' }))
  const afterStatic = 2 * ELLSWIFT_BYTES + TAG_BYTES
  const staticKey = transcript.open(act2.subarray(ELLSWIFT_BYTES, afterStatic))
  if (staticKey === null) return null
  transcript.mixKey(sharedSecret(ephemeral, theirKey(staticKey), { role: 'initiator' }))
  const certificate = transcript.open(act2.subarray(afterStatic))
  return certificate === null ? null : { keys: transcript.split(), staticKey, certificate }
}

/** HKDF of Noise with two outputs. */
function hkdf(chainingKey: Uint8Array, material: Uint8Array): readonly [Uint8Array, Uint8Array] {
  const temporary = hmac(nobleSha256, chainingKey, material)
  const first = hmac(nobleSha256, temporary, Uint8Array.of(1))
  return [first, hmac(nobleSha256, temporary, concatBytes(first, Uint8Array.of(2)))]
}
