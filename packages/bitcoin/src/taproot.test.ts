import { getPublicKey } from '@noble/secp256k1'
import { bytesToHex, hexToBytes } from '@p2poolv2/primitives'
import { crypto, initEccLib, payments } from 'bitcoinjs-lib'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { curveForBitcoinJs } from './secp256k1.ts'
import { bip86OutputKey, isSecretKey, isXOnlyPoint, xOnlyPublicKey } from './taproot.ts'

const CURVE_ORDER = 'fffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141'

/** Internal key and output key. */
const TWEAKED: readonly (readonly [string, string, string])[] = [
  [
    'the key of the share genesis (protocol §10)',
    'ac493f2130ca56cb5c3a559860cef9a84f90b5a85dfe4ec6e6067eeee17f4d2d',
    '66db9f0ac8ca0a00603027b3a445da6ee2df6c0e04f8dc6f996db4e59d0e45bf'
  ],
  [
    'BIP86, first receiving address',
    'cc8a4bc64d897bddc5fbc2f670f7a8ba0b386779106cf1223c6fc5d7cd6fc115',
    'a60869f0dbcf1dc659c9cecbaf8050135ea9e8cdc487053f1dc6880949dc684c'
  ],
  [
    'BIP86, second receiving address',
    '83dfe85a3151d2517290da461fe2815591ef69f2b18a2ce63f01697a8b313145',
    'a82f29944d65b86ae6b5e5cc75e294ead6c59391a1edc5e016e3498c67fc7bbb'
  ],
  [
    'BIP341, first wallet vector',
    'd6889cb081036e0faefa3a35157ad71086b123b2b144b649798b494c300a961d',
    '53a1f6e454df1aa2776a2814a721372d6258050de330b3c6d10ee8f4e0dda343'
  ]
]

const secretKeys = fc.uint8Array({ minLength: 32, maxLength: 32 }).filter(isSecretKey)

describe('taproot keys', () => {
  it.each(TWEAKED)('tweaks %s', (_what, internalKey, outputKey) => {
    expect(bytesToHex(bip86OutputKey(hexToBytes(internalKey)))).toBe(outputKey)
  })

  it('has the key of the share genesis hashed as its payout address says (protocol §10.1)', () => {
    const publicKey = hexToBytes('02ac493f2130ca56cb5c3a559860cef9a84f90b5a85dfe4ec6e6067eeee17f4d2d')
    expect(bytesToHex(crypto.hash160(publicKey))).toBe('36b2f44bc0f1b83fbcf874c3bcb33a76849aadda')
  })

  it('calls a tweak of bytes that are no point a bug', () => {
    expect(() => bip86OutputKey(new Uint8Array(32).fill(0xff))).toThrow('curve point')
  })

  it.each([
    ['0000000000000000000000000000000000000000000000000000000000000001', true],
    ['79be667ef9dcbbac55a06295ce870b07029bfcdb2dce28d959f2815b16f81798', true],
    ['0000000000000000000000000000000000000000000000000000000000000000', false],
    ['0000000000000000000000000000000000000000000000000000000000000005', false],
    ['fffffffffffffffffffffffffffffffffffffffffffffffffffffffefffffc2f', false],
    ['79be667ef9dcbbac55a06295ce870b07029bfcdb2dce28d959f2815b16f817', false]
  ])('says whether %s is the x of a point: %s', (hex, expected) => {
    expect(isXOnlyPoint(hexToBytes(hex))).toBe(expected)
  })

  it.each([
    ['00'.repeat(32), false],
    [`${'00'.repeat(31)}01`, true],
    [`${CURVE_ORDER.slice(0, -1)}0`, true],
    [CURVE_ORDER, false],
    ['01'.repeat(31), false]
  ])('says whether %s is a secret key: %s', (hex, expected) => {
    expect(isSecretKey(hexToBytes(hex))).toBe(expected)
  })

  it('derives the public x of BIP340 vector 0', () => {
    expect(bytesToHex(xOnlyPublicKey(hexToBytes(`${'00'.repeat(31)}03`)))).toBe(
      'f9308a019258c31049344f85f89d5229b531c845836f99b08601f113bce036f9'
    )
    expect(() => xOnlyPublicKey(hexToBytes(CURVE_ORDER))).toThrow('scalar')
  })

  it("passes bitcoinjs-lib's own examination of a curve and tweaks as it does", () => {
    initEccLib(curveForBitcoinJs)
    fc.assert(
      fc.property(secretKeys, secret => {
        const internalPubkey = xOnlyPublicKey(secret)
        expect(internalPubkey).toEqual(getPublicKey(secret).slice(1))
        expect(bip86OutputKey(internalPubkey)).toEqual(payments.p2tr({ internalPubkey }).pubkey)
      }),
      { numRuns: 20 }
    )
  })
})
