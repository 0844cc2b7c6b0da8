import { concatBytes } from './bytes.ts'
import { invariant } from './invariant.ts'
import { sha256 } from './sha256.ts'
import { utf8FromString } from './text.ts'

/** Chance as an argument: pure code never makes its own. */
export interface Rng {
  /** An integer from 0 to 2^32-1, each as likely. */
  u32(): number
  /** `length` new bytes. */
  bytes(length: number): Uint8Array
}

/** An `Rng` that says the same for the same seed; for tests and the simulator, never for secrets. */
export interface SeededRng extends Rng {
  /** Another stream, given by the seed and the name only: not by what was drawn before. */
  fork(name: string): SeededRng
}

/** @param seed a number and its decimal text are the same seed */
export function seededRng(seed: number | string): SeededRng {
  return rngFromDigest(sha256(utf8FromString(String(seed))))
}

function rngFromDigest(digest: Uint8Array): SeededRng {
  const view = new DataView(digest.buffer, digest.byteOffset)
  const u32 = xoshiro128([view.getUint32(0), view.getUint32(4), view.getUint32(8), view.getUint32(12)])
  return {
    u32,
    bytes(length) {
      invariant(Number.isSafeInteger(length) && length >= 0, 'a length is a non-negative integer')
      const bytes = new Uint8Array(length)
      let word = 0
      for (let i = 0; i < length; i++) {
        word = i % 4 === 0 ? u32() : word >>> 8
        bytes[i] = word
      }
      return bytes
    },
    fork: name => rngFromDigest(sha256(concatBytes(digest, utf8FromString(name))))
  }
}

/**
 * The generator xoshiro128** 1.1 of Blackman and Vigna.
 * @param state four u32, not all zero
 * @returns a function that gives the next u32
 */
export function xoshiro128(state: readonly [number, number, number, number]): () => number {
  let [a, b, c, d] = state
  invariant((a | b | c | d) !== 0, 'the state of the generator is not all zero')
  return () => {
    const result = Math.imul(rotateLeft(Math.imul(b, 5), 7), 9) >>> 0
    const shifted = b << 9
    c ^= a
    d ^= b
    b ^= c
    a ^= d
    c ^= shifted
    d = rotateLeft(d, 11)
    return result
  }
}

function rotateLeft(x: number, bits: number): number {
  return (x << bits) | (x >>> (32 - bits))
}
