import { sha256 } from '@noble/hashes/sha2.js'
import { concatBytes } from '@p2poolv2/primitives'
import { createBase58check } from '@scure/base'

const base58check = createBase58check(sha256)
/** Version 1 of the key's form, u16 little-endian. */
const PREFIX = Uint8Array.of(1, 0)
const KEY_BYTES = 32

/**
 * The public key of an authority as miners are given it, at the end of `stratum2+tcp://host:port/`. Source: sv2 §2.6.
 * @param xOnly 32 bytes
 */
export function authorityText(xOnly: Uint8Array): string {
  return base58check.encode(concatBytes(PREFIX, xOnly))
}

/** @returns the x-only key, or null for a text of another form, or with a letter wrong */
export function authorityFromText(text: string): Uint8Array | null {
  try {
    const bytes = base58check.decode(text)
    const isKey = bytes.length === PREFIX.length + KEY_BYTES && bytes[0] === PREFIX[0] && bytes[1] === PREFIX[1]
    return isKey ? bytes.slice(PREFIX.length) : null
  } catch {
    // The library throws for letters that are none of base58 and for a wrong checksum.
    return null
  }
}
