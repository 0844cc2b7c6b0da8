import { schnorr } from '@noble/curves/secp256k1.js'
import { concatBytes, invariant, sha256 } from '@p2poolv2/primitives'
import { xOfEllSwift } from './key-pair.ts'

/** Version (u16, 0), valid from and not valid after (u32, unix seconds), BIP 340 signature. Source: sv2 §2.5. */
export const CERTIFICATE_BYTES = 74
const SIGNED_BYTES = 10
/** The reference bears clocks that differ by so much. */
const LEEWAY_SEC = 10

export interface Validity {
  readonly validFromSec: number
  readonly notValidAfterSec: number
}

export interface Authority {
  /** 32 bytes. */
  readonly secret: Uint8Array
  /** 32 bytes of chance that go into the signature. */
  readonly auxiliary: Uint8Array
}

/**
 * Says in the authority's name that a static key is a server's for a while. About 5 ms.
 * @param staticKey EllSwift
 */
export function certify(staticKey: Uint8Array, validity: Validity, authority: Authority): Uint8Array {
  const certificate = new Uint8Array(CERTIFICATE_BYTES)
  const view = new DataView(certificate.buffer)
  view.setUint32(2, validity.validFromSec, true)
  view.setUint32(6, validity.notValidAfterSec, true)
  const digest = digestOf(certificate, staticKey)
  certificate.set(schnorr.sign(digest, authority.secret, authority.auxiliary), SIGNED_BYTES)
  return certificate
}

/** Whether the authority, by its x-only key, says now that the static key is its server's. */
export function isCertified(
  certificate: Uint8Array,
  staticKey: Uint8Array,
  { authority, nowSec }: { readonly authority: Uint8Array; readonly nowSec: number }
): boolean {
  invariant(certificate.length === CERTIFICATE_BYTES, 'a certificate has 74 bytes')
  const view = new DataView(certificate.buffer, certificate.byteOffset)
  const isVersion0 = view.getUint16(0, true) === 0
  const hasBegun = nowSec >= view.getUint32(2, true) - LEEWAY_SEC
  const isOver = nowSec > view.getUint32(6, true) + LEEWAY_SEC
  if (!isVersion0 || !hasBegun || isOver) return false
  return schnorr.verify(certificate.subarray(SIGNED_BYTES), digestOf(certificate, staticKey), authority)
}

/** What is signed: the first ten bytes and the static key by its x coordinate. */
export function digestOf(certificate: Uint8Array, staticKey: Uint8Array): Uint8Array {
  return sha256(concatBytes(certificate.subarray(0, SIGNED_BYTES), xOfEllSwift(staticKey)))
}
