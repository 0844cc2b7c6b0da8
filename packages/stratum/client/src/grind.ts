import { hashMeetsTarget, sha256d80Into, type Target } from '@p2poolv2/primitives'

const NONCE_OFFSET = 76
const scratchHash = new Uint8Array(32)

/** A stretch of nonces to try. */
export interface NonceRange {
  readonly firstNonce: number
  readonly count: number
}

/**
 * Tries nonces `firstNonce .. firstNonce + count - 1` on a header and stops at the first whose hash meets the target.
 * @param header 80 bytes; its nonce field is overwritten
 * @returns the nonce found, or -1
 * Cost: one double hash a nonce, no allocation.
 */
export function grind(header: Uint8Array, target: Target, range: NonceRange): number {
  const end = Math.min(range.firstNonce + range.count, 0x1_0000_0000)
  for (let nonce = range.firstNonce; nonce < end; nonce++) {
    header[NONCE_OFFSET] = nonce & 0xff
    header[NONCE_OFFSET + 1] = (nonce >>> 8) & 0xff
    header[NONCE_OFFSET + 2] = (nonce >>> 16) & 0xff
    header[NONCE_OFFSET + 3] = nonce >>> 24
    sha256d80Into(header, 0, scratchHash, 0)
    if (hashMeetsTarget(scratchHash, target)) return nonce
  }
  return -1
}
