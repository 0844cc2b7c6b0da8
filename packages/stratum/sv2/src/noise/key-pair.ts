import { schnorr, secp256k1 } from '@noble/curves/secp256k1.js'
import { bytesToHex, concatBytes, invariant, sha256 } from '@p2poolv2/primitives'
import { elligatorSwift } from '@scure/btc-signer/p2p.js'
import { type Curve, portableCurve } from './curve.ts'

export const ELLSWIFT_BYTES = 64
export const SECRET_BYTES = 32

/** A key of the handshake. */
export interface KeyPair {
  readonly secret: Uint8Array
  /** ElligatorSwift: one of the many encodings of the public key. What was sent is what is hashed. */
  readonly ellSwift: Uint8Array
}

/** What makes a handshake of bytes from a random source. Each costs some milliseconds. */
export interface KeyEntropy {
  /** 32 bytes, from a source fit for keys. */
  readonly secret: Uint8Array
  /** 32 more: which of its encodings a public key travels in. */
  readonly encoding: Uint8Array
}

const FIELD = secp256k1.Point.Fp

/** @returns null for the one secret in 2^127 that is none: take other bytes */
export function keyPairFrom({ secret, encoding }: KeyEntropy, curve: Curve = portableCurve): KeyPair | null {
  invariant(secret.length === SECRET_BYTES && encoding.length === 32, 'a key is made of 64 bytes of chance')
  if (!secp256k1.utils.isValidSecretKey(secret)) return null
  return { secret, ellSwift: encode(curve.xOf(secret), encoding) }
}

/**
 * X coordinate of the public key, 32 bytes big-endian: the form in which keys sign and are shown.
 * @param secret a valid one
 */
export function xOf(secret: Uint8Array): Uint8Array {
  return portableCurve.xOf(secret)
}

/** X coordinate that an encoding stands for. All 64-byte strings stand for one. */
export function xOfEllSwift(ellSwift: Uint8Array): Uint8Array {
  invariant(ellSwift.length === ELLSWIFT_BYTES, 'an encoded key has 64 bytes')
  return elligatorSwift.decode(ellSwift)
}

/** A key of the other side: the bytes that it sent, and what they stand for, which costs half a millisecond to find out. */
export interface TheirKey {
  readonly ellSwift: Uint8Array
  readonly x: Uint8Array
}

export function theirKey(ellSwift: Uint8Array): TheirKey {
  return { ellSwift, x: xOfEllSwift(ellSwift) }
}

/**
 * The shared secret of BIP 324: the initiator's bytes are hashed before the responder's, whoever computes it.
 * @param role which of the two `ours` is
 */
export function sharedSecret(
  ours: KeyPair,
  theirs: TheirKey,
  { role, curve = portableCurve }: { readonly role: 'initiator' | 'responder'; readonly curve?: Curve }
): Uint8Array {
  const keys = role === 'initiator' ? [ours.ellSwift, theirs.ellSwift] : [theirs.ellSwift, ours.ellSwift]
  return schnorr.utils.taggedHash('bip324_ellswift_xonly_ecdh', ...keys, curve.multiply(ours.secret, theirs.x))
}

/**
 * XElligatorSwift of BIP 324 with given chance: u and the case are drawn until x has a preimage there, every fourth time.
 * The library draws from a source of its own, which would leave nothing to be replayed.
 */
function encode(x: Uint8Array, chance: Uint8Array): Uint8Array {
  const wanted = numberFrom(x)
  for (let draw = chance; ; draw = sha256(draw)) {
    const u = FIELD.create(numberFrom(draw))
    const which = (sha256(concatBytes(draw, x))[0] as number) & 7
    const t = elligatorSwift._inv(wanted, u, which)
    if (typeof t === 'bigint') return concatBytes(FIELD.toBytes(u), FIELD.toBytes(t))
  }
}

function numberFrom(bytes: Uint8Array): bigint {
  return BigInt(`0x${bytesToHex(bytes)}`)
}
