import { CodecError } from './codec-error.ts'

const REPLACEMENT = 0xfffd
/** Arguments of one call; some engines take no more than 65,536. */
const PIECE_UNITS = 4096

/**
 * One byte a character.
 * @throws CodecError `malformed` for a character above 0x7f
 */
export function asciiToBytes(text: string): Uint8Array {
  const bytes = new Uint8Array(text.length)
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i)
    if (code > 0x7f) throw new CodecError('malformed', 'not an ASCII character')
    bytes[i] = code
  }
  return bytes
}

/**
 * One character a byte.
 * @throws CodecError `malformed` for a byte above 0x7f
 */
export function bytesToAscii(bytes: Uint8Array): string {
  for (let i = 0; i < bytes.length; i++)
    if ((bytes[i] as number) > 0x7f) throw new CodecError('malformed', 'not an ASCII byte')
  return textOf(bytes)
}

/** UTF-8. A surrogate without its partner, which UTF-8 cannot say, becomes U+FFFD. */
export function utf8FromString(text: string): Uint8Array {
  const bytes = new Uint8Array(text.length * 3)
  let at = 0
  for (const character of text) {
    let point = character.codePointAt(0) as number
    if (point >= 0xd800 && point <= 0xdfff) point = REPLACEMENT
    if (point < 0x80) {
      bytes[at++] = point
    } else if (point < 0x800) {
      bytes[at++] = 0xc0 | (point >>> 6)
      bytes[at++] = 0x80 | (point & 0x3f)
    } else if (point < 0x10000) {
      bytes[at++] = 0xe0 | (point >>> 12)
      bytes[at++] = 0x80 | ((point >>> 6) & 0x3f)
      bytes[at++] = 0x80 | (point & 0x3f)
    } else {
      bytes[at++] = 0xf0 | (point >>> 18)
      bytes[at++] = 0x80 | ((point >>> 12) & 0x3f)
      bytes[at++] = 0x80 | ((point >>> 6) & 0x3f)
      bytes[at++] = 0x80 | (point & 0x3f)
    }
  }
  return bytes.slice(0, at)
}

/**
 * Reads UTF-8 and never refuses: each bad sequence becomes one U+FFFD. A byte order mark is kept as a character.
 * Source: Unicode 15 §3.9, "U+FFFD Substitution of Maximal Subparts"; the same as `TextDecoder`.
 */
export function utf8ToString(bytes: Uint8Array): string {
  const units: number[] = []
  let at = 0
  while (at < bytes.length) {
    const lead = bytes[at++] as number
    if (lead < 0x80) {
      units.push(lead)
      continue
    }
    let missing = continuationsAfter(lead)
    let point = missing === 0 ? REPLACEMENT : lead & (0x3f >>> missing)
    for (let first = true; missing > 0; missing--, first = false) {
      const next = at < bytes.length ? (bytes[at] as number) : 0
      const low = first ? lowestAfter(lead) : 0x80
      const high = first ? highestAfter(lead) : 0xbf
      if (next < low || next > high) {
        point = REPLACEMENT
        break
      }
      point = (point << 6) | (next & 0x3f)
      at++
    }
    if (point < 0x10000) units.push(point)
    else units.push(0xd7c0 + (point >>> 10), 0xdc00 | (point & 0x3ff))
  }
  return textOf(units)
}

/** Of UTF-16 units, many at a time: a text added up letter by letter is a tree of its letters to V8, 32 bytes each, for as long as it is kept. */
function textOf(units: Uint8Array | readonly number[]): string {
  let text = ''
  for (let at = 0; at < units.length; at += PIECE_UNITS)
    text += String.fromCharCode.apply(null, units.slice(at, at + PIECE_UNITS) as number[])
  return text
}

/** How many bytes must follow a lead byte above 0x7f; 0 if it can begin nothing. */
function continuationsAfter(lead: number): number {
  if (lead >= 0xc2 && lead <= 0xdf) return 1
  if (lead >= 0xe0 && lead <= 0xef) return 2
  if (lead >= 0xf0 && lead <= 0xf4) return 3
  return 0
}

// The second byte's range is what refuses over-long forms (e0, f0), surrogates (ed) and points above U+10FFFF (f4).
function lowestAfter(lead: number): number {
  if (lead === 0xe0) return 0xa0
  return lead === 0xf0 ? 0x90 : 0x80
}

function highestAfter(lead: number): number {
  if (lead === 0xed) return 0x9f
  return lead === 0xf4 ? 0x8f : 0xbf
}
