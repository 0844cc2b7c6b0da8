import { CodecError } from './codec-error.ts'

const HEX_OF_BYTE: readonly string[] = Array.from({ length: 256 }, (_, byte) => byte.toString(16).padStart(2, '0'))

/** Character codes of both digits of a byte. */
const HEX_CODES = Uint8Array.from(HEX_OF_BYTE.join(''), digit => digit.charCodeAt(0))
/** As many as a hash has: a string made of all its codes at once is one piece, and half the work of one put together from digits. */
const PIECE_BYTES = 32
const scratchCodes: number[] = new Array(2 * PIECE_BYTES).fill(0)

const NOT_HEX = 0xff

/** Value of a hex digit by its character code; `NOT_HEX` for every other code below 128. */
const HEX_VALUE = new Uint8Array(128).fill(NOT_HEX)
for (let value = 0; value < 16; value++) {
  const digit = value.toString(16)
  HEX_VALUE[digit.charCodeAt(0)] = value
  HEX_VALUE[digit.toUpperCase().charCodeAt(0)] = value
}

/** Lower-case hex, two digits a byte, in the order of the bytes. */
export function bytesToHex(bytes: Uint8Array): string {
  let hex = ''
  let at = 0
  for (; at + PIECE_BYTES <= bytes.length; at += PIECE_BYTES) hex += pieceToHex(bytes, at, 1)
  for (; at < bytes.length; at++) hex += HEX_OF_BYTE[bytes[at] as number]
  return hex
}

/** Lower-case hex from the last byte to the first: what a raw hash looks like on display. */
export function bytesToHexReversed(bytes: Uint8Array): string {
  let hex = ''
  let at = bytes.length - 1
  for (; at + 1 >= PIECE_BYTES; at -= PIECE_BYTES) hex += pieceToHex(bytes, at, -1)
  for (; at >= 0; at--) hex += HEX_OF_BYTE[bytes[at] as number]
  return hex
}

/** The hex of `PIECE_BYTES` bytes from `at` on, forwards or backwards. */
function pieceToHex(bytes: Uint8Array, at: number, step: 1 | -1): string {
  for (let i = 0; i < 2 * PIECE_BYTES; i += 2, at += step) {
    const codesAt = 2 * (bytes[at] as number)
    scratchCodes[i] = HEX_CODES[codesAt] as number
    scratchCodes[i + 1] = HEX_CODES[codesAt + 1] as number
  }
  return String.fromCharCode.apply(null, scratchCodes)
}

/**
 * Reads hex in either case.
 * @throws CodecError `malformed` for an odd length or anything but hex digits
 */
export function hexToBytes(hex: string): Uint8Array {
  const bytes = new Uint8Array(hex.length >>> 1)
  hexIntoBytes(hex, bytes, 0)
  return bytes
}

/**
 * Reads hex in either case into `out`, no allocation.
 * @returns the offset after the last byte written
 * @throws CodecError `malformed` for an odd length or anything but hex digits (`out` may then be partly written),
 * RangeError if `out` is too short (a bug: the caller knows both lengths)
 */
export function hexIntoBytes(hex: string, out: Uint8Array, offset: number): number {
  if (hex.length % 2 !== 0) throw new CodecError('malformed', 'hex needs an even number of digits')
  const end = offset + hex.length / 2
  if (offset < 0 || end > out.length) throw new RangeError('hex does not fit into the given bytes')
  for (let at = offset, i = 0; at < end; at++, i += 2) {
    const high = hexValue(hex.charCodeAt(i))
    const low = hexValue(hex.charCodeAt(i + 1))
    if ((high | low) > 15) throw new CodecError('malformed', 'not a hex digit')
    out[at] = (high << 4) | low
  }
  return end
}

function hexValue(charCode: number): number {
  return charCode < 128 ? (HEX_VALUE[charCode] as number) : NOT_HEX
}

/** A copy, last byte first. */
export function reversed(bytes: Uint8Array): Uint8Array {
  return Uint8Array.from(bytes).reverse()
}

/** The same bytes, in memory that holds nothing else: a view keeps all that it is a view of. */
export function ownBytes(bytes: Uint8Array): Uint8Array {
  return bytes.length === bytes.buffer.byteLength ? bytes : new Uint8Array(bytes)
}

/** A new array of all parts, one after the other. */
export function concatBytes(...parts: readonly Uint8Array[]): Uint8Array {
  let length = 0
  for (const part of parts) length += part.length
  const all = new Uint8Array(length)
  let at = 0
  for (const part of parts) {
    all.set(part, at)
    at += part.length
  }
  return all
}

/** Same length and same bytes. Stops at the first difference, so not for secrets. */
export function bytesEqual(a: Uint8Array, b: Uint8Array): boolean {
  if (a.length !== b.length) return false
  for (let i = 0; i < a.length; i++) if (a[i] !== b[i]) return false
  return true
}

/** Lexicographic order by unsigned byte; of two where one begins the other, the shorter is first. */
export function compareBytes(a: Uint8Array, b: Uint8Array): -1 | 0 | 1 {
  const common = Math.min(a.length, b.length)
  for (let i = 0; i < common; i++) {
    const difference = (a[i] as number) - (b[i] as number)
    if (difference !== 0) return difference < 0 ? -1 : 1
  }
  if (a.length === b.length) return 0
  return a.length < b.length ? -1 : 1
}
