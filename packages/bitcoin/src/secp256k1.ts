import { etc, Point, utils } from '@noble/secp256k1'
import { concatBytes } from '@p2poolv2/primitives'

const EVEN_Y = Uint8Array.of(2)

/** The two curve operations that bitcoinjs-lib asks for, in the shape of its `initEccLib`. */
export const curveForBitcoinJs = {
  /** Whether these bytes are the x of a curve point. */
  isXOnlyPoint(x: Uint8Array): boolean {
    return x.length === 32 && utils.isValidPublicKey(concatBytes(EVEN_Y, x), true)
  },

  /** The point with this x and even y, plus tweak·G; null if the tweak is no scalar, or x or the sum is no point. */
  xOnlyPointAddTweak(x: Uint8Array, tweak: Uint8Array): { parity: 0 | 1; xOnlyPubkey: Uint8Array } | null {
    const scalar = etc.bytesToNumberBE(tweak)
    if (!curveForBitcoinJs.isXOnlyPoint(x) || scalar >= Point.CURVE().n) return null
    const point = Point.fromBytes(concatBytes(EVEN_Y, x))
    const sum = scalar === 0n ? point : point.add(Point.BASE.multiply(scalar))
    if (sum.is0()) return null
    const bytes = sum.toBytes(true)
    return { parity: bytes[0] === 3 ? 1 : 0, xOnlyPubkey: bytes.slice(1) }
  }
}
