import type { Rng } from '@p2poolv2/primitives'

/** Numbers at which counts and lengths tend to go wrong. */
const EDGES = [0, 1, 2, 3, 4, 8, 16, 20, 31, 32, 33, 40, 64, 80, 127, 128, 252, 253, 254, 255]
const WIDE_EDGES = [0, 0x7fff, 0x8000, 0xfffd, 0xffff, 0x1_0000, 0x7fff_ffff, 0x8000_0000, 0xffff_fffe, 0xffff_ffff]
/** Changes made to one input, one on top of the other. */
const MAX_CHANGES = 5
const MAX_PIECE_BYTES = 64
const DIGIT_0 = 0x30

/** What new inputs are made of. */
export interface Material {
  readonly rng: Pick<Rng, 'u32'>
  /** Byte strings that the program knows of. */
  readonly tokens: readonly Uint8Array[]
  readonly maxBytes: number
  /** Another input that is of use. */
  readonly other: () => Uint8Array
}

type Change = (bytes: Uint8Array, material: Material) => Uint8Array

/** An input made of another, which stays as it is. */
export function changed(bytes: Uint8Array, material: Material): Uint8Array {
  let result: Uint8Array = bytes.slice()
  const times = 1 + below(material, MAX_CHANGES)
  for (let i = 0; i < times; i++) result = pick(CHANGES, material)(result, material)
  return result.length > material.maxBytes ? result.slice(0, material.maxBytes) : result
}

/** A number below a limit. */
export function below({ rng }: Pick<Material, 'rng'>, limit: number): number {
  return limit <= 1 ? 0 : rng.u32() % limit
}

function pick<T>(list: readonly T[], material: Material): T {
  return list[below(material, list.length)] as T
}

/** Where a piece of some bytes lies; short ones are as likely as long ones. */
function pieceOf(bytes: Uint8Array, material: Material): { readonly from: number; readonly to: number } {
  const most = below(material, 4) === 0 ? bytes.length : Math.min(bytes.length, MAX_PIECE_BYTES)
  const length = 1 + below(material, most)
  const from = below(material, bytes.length - length + 1)
  return { from, to: Math.min(bytes.length, from + length) }
}

/** The bytes with some of them replaced by others. */
function replaced(bytes: Uint8Array, from: number, to: number, piece: Uint8Array): Uint8Array {
  const result = new Uint8Array(from + piece.length + bytes.length - to)
  result.set(bytes.subarray(0, from))
  result.set(piece, from)
  result.set(bytes.subarray(to), from + piece.length)
  return result
}

const CHANGES: readonly Change[] = [
  function flipBit(bytes, material) {
    if (bytes.length === 0) return bytes
    const at = below(material, bytes.length)
    bytes[at] = (bytes[at] as number) ^ (1 << below(material, 8))
    return bytes
  },
  function setByte(bytes, material) {
    if (bytes.length > 0) bytes[below(material, bytes.length)] = below(material, 256)
    return bytes
  },
  function setEdge(bytes, material) {
    if (bytes.length > 0) bytes[below(material, bytes.length)] = pick(EDGES, material)
    return bytes
  },
  function addToByte(bytes, material) {
    if (bytes.length === 0) return bytes
    const at = below(material, bytes.length)
    bytes[at] = (bytes[at] as number) + below(material, 33) - 16
    return bytes
  },
  function setWide(bytes, material) {
    const width = 2 << below(material, 3)
    if (bytes.length < width) return bytes
    const at = below(material, bytes.length - width + 1)
    const value = pick(WIDE_EDGES, material)
    const isBig = below(material, 2) === 0
    for (let i = 0; i < width; i++) {
      bytes[isBig ? at + width - 1 - i : at + i] = i < 4 ? value >>> (8 * i) : value === 0xffff_ffff ? 0xff : 0
    }
    return bytes
  },
  function remove(bytes, material) {
    if (bytes.length === 0) return bytes
    const { from, to } = pieceOf(bytes, material)
    return replaced(bytes, from, to, new Uint8Array(0))
  },
  function repeat(bytes, material) {
    if (bytes.length === 0) return bytes
    const { from, to } = pieceOf(bytes, material)
    const times = 1 + below(material, below(material, 8) === 0 ? 64 : 3)
    const piece = new Uint8Array((to - from) * times)
    for (let i = 0; i < times; i++) piece.set(bytes.subarray(from, to), i * (to - from))
    return replaced(bytes, to, to, piece.subarray(0, material.maxBytes))
  },
  function insertBytes(bytes, material) {
    const piece = Uint8Array.from({ length: 1 + below(material, 8) }, () => below(material, 256))
    const at = below(material, bytes.length + 1)
    return replaced(bytes, at, at, piece)
  },
  function insertToken(bytes, material) {
    if (material.tokens.length === 0) return bytes
    const at = below(material, bytes.length + 1)
    return replaced(bytes, at, at, pick(material.tokens, material))
  },
  function overwriteWithToken(bytes, material) {
    if (material.tokens.length === 0 || bytes.length === 0) return bytes
    const token = pick(material.tokens, material)
    const at = below(material, bytes.length)
    return replaced(bytes, at, Math.min(bytes.length, at + token.length), token)
  },
  /** In a text, the digits that stand somewhere become others. */
  function changeNumber(bytes, material) {
    const digits: number[] = []
    for (let i = 0; i < bytes.length; i++) if (isDigit(bytes[i])) digits.push(i)
    if (digits.length === 0) return bytes
    const from = pick(digits, material)
    let to = from
    while (isDigit(bytes[to])) to++
    const value = below(material, 2) === 0 ? String(pick(WIDE_EDGES, material)) : `${below(material, 1_000)}`
    const text = below(material, 8) === 0 ? `-${value}` : below(material, 8) === 0 ? `${value}.5e${value}` : value
    return replaced(bytes, from, to, asBytes(text))
  },
  /** In a text, what stands between two marks becomes what stands between two others. */
  function moveWithin(bytes, material) {
    if (bytes.length < 2) return bytes
    const { from, to } = pieceOf(bytes, material)
    const piece = bytes.slice(from, to)
    const at = below(material, bytes.length + 1)
    const end = below(material, 2) === 0 ? at : Math.min(bytes.length, at + piece.length)
    return replaced(bytes, at, end, piece)
  },
  function cutEnd(bytes, material) {
    return bytes.slice(0, below(material, bytes.length + 1))
  },
  function splice(bytes, material) {
    const other = material.other()
    if (other.length === 0) return bytes
    const { from, to } = pieceOf(other, material)
    const at = below(material, bytes.length + 1)
    const end = below(material, 2) === 0 ? at : Math.min(bytes.length, at + to - from)
    return replaced(bytes, at, end, other.subarray(from, to))
  },
  function goOnAsOther(bytes, material) {
    const other = material.other()
    const at = below(material, bytes.length + 1)
    return replaced(bytes, at, bytes.length, other.subarray(Math.min(at, other.length)))
  }
]

function isDigit(byte: number | undefined): boolean {
  return byte !== undefined && byte >= DIGIT_0 && byte <= DIGIT_0 + 9
}

/** One byte a character; what is above that is UTF-8. */
export function asBytes(text: string): Uint8Array {
  return new TextEncoder().encode(text)
}

/**
 * Tokens of sources as an input may have them: words as they stand, numbers as bytes of both orders and as digits.
 * @param words as sources name them
 */
export function tokensOf(words: readonly string[]): Uint8Array[] {
  const tokens = new Map<string, Uint8Array>()
  const add = (bytes: Uint8Array): void => {
    if (bytes.length > 0) tokens.set(bytes.join(), bytes)
  }
  for (const word of words) {
    add(asBytes(word))
    const value = Number(word)
    if (!/^\d+$/.test(word) || value > 0xffff_ffff) continue
    const width = value < 0x100 ? 1 : value < 0x1_0000 ? 2 : 4
    const little = Uint8Array.from({ length: width }, (_, i) => value >>> (8 * i))
    add(little)
    add(little.slice().reverse())
  }
  return [...tokens.values()]
}
