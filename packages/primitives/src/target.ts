import type { Bytes32, CompactBits, Work } from './brand.ts'
import { bytesToHexReversed } from './bytes.ts'
import { invariant } from './invariant.ts'

/** 32 bytes little-endian, the order of a raw hash, so that the compare is a byte loop. */
export type Target = Uint8Array

/** The target of difficulty 1. */
export const MAX_TARGET_1: bigint = 0xffffn << 208n

/** Hashes expected for one unit of difficulty, as miners and pools count them. */
export const HASHES_PER_DIFFICULTY = 4_294_967_296

const TARGET_LIMIT = 1n << 256n
const MAX_TARGET = TARGET_LIMIT - 1n
const DIFFICULTY_1_AS_NUMBER = 0xffff * 2 ** 208

/**
 * Expands a compact target.
 * The shift wraps at 256 bits and a negative mantissa gives 0, as in the network's rules (protocol §11).
 * @returns 0 to 2^256-1
 */
export function bigIntFromBits(bits: CompactBits): bigint {
  const { mantissa, shiftBytes } = expandBits(bits)
  return (BigInt(mantissa) << BigInt(8 * shiftBytes)) & MAX_TARGET
}

/** As `bigIntFromBits`, into 32 new bytes. */
export function targetFromBits(bits: CompactBits): Target {
  const { mantissa, shiftBytes } = expandBits(bits)
  const target = new Uint8Array(32)
  for (let i = 0; i < 3 && shiftBytes + i < 32; i++) target[shiftBytes + i] = mantissa >>> (8 * i)
  return target
}

function expandBits(bits: CompactBits): { mantissa: number; shiftBytes: number } {
  const exponent = bits >>> 24
  const stored = bits & 0xff_ffff
  const mantissa = exponent <= 3 ? stored >>> (8 * (3 - exponent)) : stored
  const shiftBytes = exponent <= 3 ? 0 : (exponent - 3) % 32
  return { mantissa: mantissa > 0x7f_ffff ? 0 : mantissa, shiftBytes }
}

/**
 * Compresses a target, dropping the bits that do not fit (protocol §11, Compact).
 * @param target 0 to 2^256-1
 */
export function bitsFromBigInt(target: bigint): CompactBits {
  invariant(target >= 0n && target <= MAX_TARGET, 'a target is from 0 to 2^256-1')
  if (target === 0n) return 0
  let size = Math.ceil(target.toString(16).length / 2)
  let mantissa = Number(size <= 3 ? target << BigInt(8 * (3 - size)) : target >> BigInt(8 * (size - 3)))
  if ((mantissa & 0x80_0000) !== 0) {
    mantissa >>>= 8
    size += 1
  }
  return ((size << 24) | mantissa) >>> 0
}

/** @param target 0 to 2^256-1 */
export function targetFromBigInt(target: bigint): Target {
  invariant(target >= 0n && target <= MAX_TARGET, 'a target is from 0 to 2^256-1')
  const bytes = new Uint8Array(32)
  const words = new DataView(bytes.buffer)
  for (let at = 0; at < 32; at += 8) {
    words.setBigUint64(at, target & 0xffff_ffff_ffff_ffffn, true)
    target >>= 64n
  }
  return bytes
}

export function bigIntFromTarget(target: Target): bigint {
  invariant(target.length === 32, 'a target is 32 bytes')
  return BigInt(`0x${bytesToHexReversed(target)}`)
}

/**
 * Whether the hash, as a number, is at most the target. No allocation.
 * @param hashWire 32 bytes, wire order
 */
export function hashMeetsTarget(hashWire: Bytes32, target: Target): boolean {
  invariant(hashWire.length === 32 && target.length === 32, 'a hash and a target are 32 bytes')
  for (let i = 31; i >= 0; i--) {
    const difference = (hashWire[i] as number) - (target[i] as number)
    if (difference !== 0) return difference < 0
  }
  return true
}

/**
 * Expected hashes to meet the target: 2^256 / (target + 1) rounded down.
 * Targets 0 and 1 count as 2^256-1 (protocol §11, work).
 */
export function workFromBits(bits: CompactBits): Work {
  const target = bigIntFromBits(bits)
  return target <= 1n ? MAX_TARGET : TARGET_LIMIT / (target + 1n)
}

/** Difficulty relative to bitcoin's difficulty 1; for display and vardiff, never consensus. Infinity for target 0. */
export function difficultyFromBits(bits: CompactBits): number {
  return difficultyOfHash(targetFromBits(bits))
}

/**
 * The difficulty that this hash just meets, within 2^-51 of its value; for display and vardiff, never to judge a share.
 * No allocation. Infinity for the zero hash.
 * @param hashWire 32 bytes, wire order
 */
export function difficultyOfHash(hashWire: Bytes32): number {
  invariant(hashWire.length === 32, 'a hash is 32 bytes')
  let top = 31
  while (top > 0 && hashWire[top] === 0) top--
  // Eight bytes from the first that is not zero are at least 57 bits, more than a double holds.
  const bottom = Math.max(0, top - 7)
  let leading = 0
  for (let i = top; i >= bottom; i--) leading = leading * 256 + (hashWire[i] as number)
  return DIFFICULTY_1_AS_NUMBER / (leading * 2 ** (8 * bottom))
}

/**
 * The target of a difficulty: difficulty-1 target / difficulty, rounded down, at most 2^256-1.
 * The division is exact for the shortest decimal that names the given double, which is also how a miner is told it:
 * 0.001 is a thousandth, and not the double's own 0.001000000000000000021.
 * @param difficulty positive and finite
 */
export function targetFromDifficulty(difficulty: number): Target {
  invariant(difficulty > 0 && Number.isFinite(difficulty), 'a difficulty is positive and finite')
  const decimal = difficulty.toExponential()
  const mark = decimal.indexOf('e')
  const digits = decimal.slice(0, mark).replace('.', '')
  // difficulty = digits * 10^scale
  const scale = Number(decimal.slice(mark + 1)) - (digits.length - 1)
  const power = 10n ** BigInt(Math.abs(scale))
  const target = scale < 0 ? (MAX_TARGET_1 * power) / BigInt(digits) : MAX_TARGET_1 / (BigInt(digits) * power)
  return targetFromBigInt(target > MAX_TARGET ? MAX_TARGET : target)
}
