import { getPublicKey, utils } from '@noble/secp256k1'
import type { Bytes32 } from '@p2poolv2/primitives'
import { invariant } from '@p2poolv2/primitives'
import { crypto } from 'bitcoinjs-lib'
import { curveForBitcoinJs } from './secp256k1.ts'

/**
 * The taproot output key of a key that alone may spend: the BIP86 tweak, that is BIP341's with no script tree.
 * @param xOnlyInternalKey 32 bytes, the x of a curve point; ask `isXOnlyPoint` first
 * @returns 32 bytes, the witness program of the address
 */
export function bip86OutputKey(xOnlyInternalKey: Bytes32): Bytes32 {
  const tweak = crypto.taggedHash('TapTweak', xOnlyInternalKey)
  const tweaked = curveForBitcoinJs.xOnlyPointAddTweak(xOnlyInternalKey, tweak)
  invariant(tweaked !== null, 'an internal key is the x of a curve point')
  return tweaked.xOnlyPubkey
}

/**
 * @param secretKey 32 bytes; ask `isSecretKey` first
 * @returns 32 bytes: the x of its public point (BIP340)
 */
export function xOnlyPublicKey(secretKey: Bytes32): Bytes32 {
  invariant(isSecretKey(secretKey), 'a secret key is a scalar from 1 to n-1')
  return getPublicKey(secretKey, true).slice(1)
}

/** Whether these 32 bytes are the x of a curve point. Costs a square root, about 0.2 ms. */
export function isXOnlyPoint(x: Bytes32): boolean {
  return curveForBitcoinJs.isXOnlyPoint(x)
}

/** Whether these bytes are a scalar from 1 to n-1. */
export function isSecretKey(bytes: Uint8Array): boolean {
  return utils.isValidSecretKey(bytes)
}
