import { randomBytes } from 'node:crypto'
import { secFromMs, type UnixMs } from '@p2poolv2/primitives'
import { authorityText, certify, type KeyPair, keyPairFrom, SECRET_BYTES, xOf } from '@p2poolv2/stratum/sv2'
import { nodeCurve } from './noise-curve.ts'

/** Clocks of miners differ by so much. */
const EARLIER_SEC = 86_400
const VALID_SEC = 2 * 86_400
/** Long before any certificate ends. */
const RENEW_EVERY_SEC = 43_200

/** A key of the handshake from the system's random source. About 1.5 ms, most of it for finding an encoding. */
export function newKeyPair(): KeyPair {
  for (;;) {
    const pair = keyPairFrom({ secret: randomBytes(SECRET_BYTES), encoding: randomBytes(32) }, nodeCurve)
    if (pair !== null) return pair
  }
}

/** Who this server is: a static key made at its start, and the authority's word for it, which is renewed in time. Source: sv2 §2.5. */
export class NoiseIdentity {
  readonly static: KeyPair
  /** The authority's public key, as miners are given it. */
  readonly authorityText: string
  readonly #secret: Uint8Array
  #certificate: { readonly bytes: Uint8Array; readonly madeAtSec: number } | null = null

  /** @param authoritySecret 32 bytes */
  constructor(authoritySecret: Uint8Array) {
    this.#secret = authoritySecret
    this.static = newKeyPair()
    this.authorityText = authorityText(xOf(authoritySecret))
  }

  /** 74 bytes, valid for at least a day and a half. A clock that was set back gets a new one too. */
  certificate(nowMs: UnixMs): Uint8Array {
    const nowSec = secFromMs(nowMs)
    const ageSec = this.#certificate === null ? null : nowSec - this.#certificate.madeAtSec
    if (this.#certificate === null || ageSec === null || ageSec < 0 || ageSec >= RENEW_EVERY_SEC) {
      const validity = { validFromSec: nowSec - EARLIER_SEC, notValidAfterSec: nowSec + VALID_SEC }
      const authority = { secret: this.#secret, auxiliary: randomBytes(32) }
      this.#certificate = { bytes: certify(this.static.ellSwift, validity, authority), madeAtSec: nowSec }
    }
    return this.#certificate.bytes
  }
}
