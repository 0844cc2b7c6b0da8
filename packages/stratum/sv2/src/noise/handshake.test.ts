import { bytesToHex, concatBytes, hexToBytes, sha256 } from '@p2poolv2/primitives'
import { createBase58check } from '@scure/base'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import vectors from '../vectors/stratum-v2.json' with { type: 'json' }
import { portableCipher } from './aead.ts'
import { authorityFromText, authorityText } from './authority-text.ts'
import { certify, digestOf, isCertified } from './certificate.ts'
import { finish, respond } from './handshake.ts'
import { type KeyPair, keyPairFrom, sharedSecret, theirKey, xOf, xOfEllSwift } from './key-pair.ts'

const { handshake, authority } = vectors

const keyPair = (key: { readonly used_secret: string; readonly ellswift: string }): KeyPair => ({
  secret: hexToBytes(key.used_secret),
  ellSwift: hexToBytes(key.ellswift)
})
const INITIATOR = keyPair(handshake.initiator_ephemeral)
const STATIC = keyPair(handshake.responder_static)
const VALIDITY = { validFromSec: handshake.now, notValidAfterSec: handshake.now + handshake.validity }
const CERTIFICATE = certify(STATIC.ellSwift, VALIDITY, {
  secret: hexToBytes(authority.secret),
  auxiliary: hexToBytes(handshake.schnorr_aux)
})
const RESPONDER = {
  ephemeral: keyPair(handshake.responder_ephemeral),
  static: STATIC,
  certificate: CERTIFICATE,
  newCipher: portableCipher
}

describe('the handshake', () => {
  it('answers the first act of the reference with all 234 bytes of the reference, and agrees on its keys', () => {
    const { act2, keys } = respond(hexToBytes(handshake.act1), RESPONDER)
    expect(bytesToHex(act2)).toBe(handshake.act2)
    expect(bytesToHex(keys.initiatorToResponder)).toBe(handshake.intermediate.key_i2r)
    expect(bytesToHex(keys.responderToInitiator)).toBe(handshake.intermediate.key_r2i)
  })

  it('comes to the same keys on the other side, which sees static key and certificate', () => {
    const introduction = finish(hexToBytes(handshake.act2), INITIATOR, portableCipher)
    expect(bytesToHex(introduction?.keys.responderToInitiator ?? INITIATOR.secret)).toBe(handshake.intermediate.key_r2i)
    expect(bytesToHex(introduction?.staticKey ?? INITIATOR.secret)).toBe(handshake.responder_static.ellswift)
    expect(bytesToHex(introduction?.certificate ?? INITIATOR.secret)).toBe(handshake.intermediate.certificate_plain)
  })

  it('fails on the other side for every bit that is not as it was sent', () => {
    fc.assert(
      fc.property(fc.nat(handshake.act2.length * 4 - 1), bit => {
        const act2 = hexToBytes(handshake.act2)
        act2[bit >> 3] = (act2[bit >> 3] as number) ^ (1 << (bit & 7))
        expect(finish(act2, INITIATOR, portableCipher)).toBeNull()
      }),
      { numRuns: 20 }
    )
  })

  it('answers 64 zero bytes as it answers any', () => {
    expect(respond(new Uint8Array(64), RESPONDER).act2).toHaveLength(234)
  })
})

describe('keys', () => {
  it('are decoded as libsecp256k1 does', () => {
    for (const { name, ellswift, x } of vectors.ellswiftDecode) {
      expect(bytesToHex(xOfEllSwift(hexToBytes(ellswift))), name).toBe(x)
    }
  })

  it('agree on the secret that libsecp256k1 computes, whoever begins', () => {
    for (const { a_secret, b_secret, a_ellswift, b_ellswift, shared_a_initiates } of vectors.ellswiftXdh) {
      const a = { secret: hexToBytes(a_secret), ellSwift: hexToBytes(a_ellswift) }
      const b = { secret: hexToBytes(b_secret), ellSwift: hexToBytes(b_ellswift) }
      expect(bytesToHex(sharedSecret(a, theirKey(b.ellSwift), { role: 'initiator' }))).toBe(shared_a_initiates)
      expect(bytesToHex(sharedSecret(b, theirKey(a.ellSwift), { role: 'responder' }))).toBe(shared_a_initiates)
    }
  })

  it('made of chance are encoded so that they decode to themselves, each time otherwise', () => {
    const bytes = fc.uint8Array({ minLength: 32, maxLength: 32 })
    fc.assert(
      fc.property(bytes, bytes, bytes, (secret, encoding, other) => {
        const key = keyPairFrom({ secret, encoding })
        if (key === null) return
        expect(xOfEllSwift(key.ellSwift)).toEqual(xOf(secret))
        expect(keyPairFrom({ secret, encoding })?.ellSwift).toEqual(key.ellSwift)
        if (bytesToHex(encoding) !== bytesToHex(other)) {
          expect(keyPairFrom({ secret, encoding: other })?.ellSwift).not.toEqual(key.ellSwift)
        }
      }),
      { numRuns: 20 }
    )
    const none = keyPairFrom({ secret: new Uint8Array(32), encoding: new Uint8Array(32) })
    expect(none).toBeNull()
  })
})

describe('the certificate', () => {
  const isGood = (nowSec: number, certificate = CERTIFICATE, key = STATIC.ellSwift): boolean =>
    isCertified(certificate, key, { authority: hexToBytes(authority.xonly), nowSec })

  it('is the one of the reference', () => {
    expect(bytesToHex(CERTIFICATE)).toBe(handshake.intermediate.certificate_plain)
    expect(bytesToHex(digestOf(CERTIFICATE, STATIC.ellSwift))).toBe(handshake.intermediate.certificate_digest)
  })

  it('holds for its time and ten seconds at both ends', () => {
    const { validFromSec, notValidAfterSec } = VALIDITY
    const times = [validFromSec - 11, validFromSec - 10, notValidAfterSec, notValidAfterSec + 10, notValidAfterSec + 11]
    expect(times.map(time => isGood(time))).toEqual([false, true, true, true, false])
    expect(handshake.client_checks_reference.slice(0, 5).map(({ ok }) => ok)).toEqual([false, true, true, true, false])
  })

  it('holds for no other key, version or authority', () => {
    expect(isGood(handshake.now, CERTIFICATE, INITIATOR.ellSwift)).toBe(false)
    const version1 = CERTIFICATE.slice()
    version1[0] = 1
    expect(isGood(handshake.now, version1)).toBe(false)
    const other = hexToBytes(vectors.authoritySpec.xonly)
    expect(isCertified(CERTIFICATE, STATIC.ellSwift, { authority: other, nowSec: handshake.now })).toBe(false)
  })
})

describe("the authority's text", () => {
  it('is what the specification and the reference print', () => {
    for (const { xonly, public_base58check } of [authority, vectors.authoritySpec]) {
      expect(authorityText(hexToBytes(xonly))).toBe(public_base58check)
      expect(bytesToHex(authorityFromText(public_base58check) ?? new Uint8Array())).toBe(xonly)
    }
    expect(authorityText(xOf(hexToBytes(authority.secret)))).toBe(authority.public_base58check)
  })

  it('is refused with a wrong letter, without its prefix and with another', () => {
    const { public_base58check: text, secret_base58check } = authority
    expect(authorityFromText(`${text.slice(0, -1)}H`)).toBeNull()
    expect(authorityFromText(secret_base58check)).toBeNull()
    expect(authorityFromText('')).toBeNull()
    expect(authorityFromText('0OIl')).toBeNull()
    const version2 = concatBytes(Uint8Array.of(2, 0), hexToBytes(authority.xonly))
    expect(authorityFromText(createBase58check(sha256).encode(version2))).toBeNull()
  })
})
