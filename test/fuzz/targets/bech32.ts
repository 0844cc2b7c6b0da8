import { asBytes } from '../engine/change.ts'
import { latin1 } from './same.ts'

const ALPHABET = 'qpzry9x8gf2tvdw0s3jn54khce6mua7l'
const GENERATOR = [0x3b6a57b2, 0x26508e6d, 0x1ea119fa, 0x3d4233dd, 0x2a1462b3]
/** What the checksum comes to: BIP173's, and BIP350's. */
const CONSTANT = { bech32: 1, bech32m: 0x2bc830a3 }
const CHECKSUM_WORDS = 6

/** The text with a checksum that fits, where it has the form; else as it is. */
export function withChecksum(bytes: Uint8Array, code: keyof typeof CONSTANT): Uint8Array {
  const text = latin1(bytes).toLowerCase()
  const at = text.lastIndexOf('1')
  const name = text.slice(0, at)
  const words = [...text.slice(at + 1, -CHECKSUM_WORDS)].map(character => ALPHABET.indexOf(character))
  if (at < 1 || words.includes(-1) || !/^[\x21-\x7e]+$/.test(name)) return bytes
  const codes = [...name].map(character => character.charCodeAt(0))
  const expanded = [...codes.map(one => one >>> 5), 0, ...codes.map(one => one & 31)]
  const sum = polymod([...expanded, ...words, 0, 0, 0, 0, 0, 0]) ^ CONSTANT[code]
  const checksum = Array.from({ length: CHECKSUM_WORDS }, (_, i) => (sum >>> (5 * (CHECKSUM_WORDS - 1 - i))) & 31)
  return asBytes(`${name}1${[...words, ...checksum].map(word => ALPHABET[word]).join('')}`)
}

function polymod(values: readonly number[]): number {
  let checksum = 1
  for (const value of values) {
    const top = checksum >>> 25
    checksum = ((checksum & 0x1ffffff) << 5) ^ value
    for (const [i, generator] of GENERATOR.entries()) if (((top >>> i) & 1) === 1) checksum ^= generator
  }
  return checksum
}
