import { invariant } from './invariant.ts'
import { compress, compressEndOf64, SHA256_INITIAL_STATE } from './sha256-compress.ts'

/** SHA-256 applied twice. A port: for long inputs the shell may hand in its platform's own. */
export type Sha256d = (data: Uint8Array) => Uint8Array

const BLOCK_BYTES = 64
const END_MARK = 0x8000_0000 | 0

// Shared by all calls of this module: a call leaves nothing in them that the next one needs.
const scratchState = new Int32Array(8)
const scratchBlock = new Int32Array(16)
const scratchTail = new Uint8Array(BLOCK_BYTES)

/** @returns 32 new bytes */
export function sha256(data: Uint8Array): Uint8Array {
  const out = new Uint8Array(32)
  hashOnce(data)
  storeState(out, 0)
  return out
}

/** SHA-256 of the SHA-256. @returns 32 new bytes, wire order */
export function sha256d(data: Uint8Array): Uint8Array {
  const out = new Uint8Array(32)
  hashOnce(data)
  hashStateAgain()
  storeState(out, 0)
  return out
}

/**
 * `sha256d` of 64 bytes: a pair of merkle nodes. No allocation.
 * @param src holds the input at `srcOffset`
 * @param out receives 32 bytes, wire order, at `outOffset`; may be `src` itself, overlapping
 * @throws RangeError if `src` or `out` is too short (a bug)
 */
export function sha256d64Into(src: Uint8Array, srcOffset: number, out: Uint8Array, outOffset: number): void {
  checkRoom(src, srcOffset, 64)
  checkRoom(out, outOffset, 32)
  resetState()
  loadWords(src, srcOffset, 16)
  compress(scratchState, scratchBlock)
  compressEndOf64(scratchState)
  hashStateAgain()
  storeState(out, outOffset)
}

/**
 * `hash` becomes the `sha256d` of itself and the first of the hashes, then of that and the second, and so on: what leads from a
 * leaf of a merkle tree to its root. No allocation.
 * @param hash 32 bytes, wire order, replaced
 * @param others n × 32 bytes, wire order
 * @throws RangeError if `hash` is too short (a bug)
 */
export function sha256dFoldInto(hash: Uint8Array, others: Uint8Array): void {
  checkRoom(hash, 0, 32)
  invariant(others.length % 32 === 0, 'hashes have 32 bytes')
  for (let i = 0; i < 8; i++) scratchState[i] = wordAt(hash, 4 * i)
  for (let at = 0; at < others.length; at += 32) {
    for (let i = 0; i < 8; i++) {
      scratchBlock[i] = scratchState[i] as number
      scratchBlock[8 + i] = wordAt(others, at + 4 * i)
    }
    resetState()
    compress(scratchState, scratchBlock)
    compressEndOf64(scratchState)
    hashStateAgain()
  }
  storeState(hash, 0)
}

/**
 * `sha256d` of 80 bytes: a bitcoin header. No allocation.
 * @param src holds the input at `srcOffset`
 * @param out receives 32 bytes, wire order, at `outOffset`; may be `src` itself, overlapping
 * @throws RangeError if `src` or `out` is too short (a bug)
 */
export function sha256d80Into(src: Uint8Array, srcOffset: number, out: Uint8Array, outOffset: number): void {
  checkRoom(src, srcOffset, 80)
  checkRoom(out, outOffset, 32)
  resetState()
  loadWords(src, srcOffset, 16)
  compress(scratchState, scratchBlock)
  loadWords(src, srcOffset + 64, 4)
  padBlock(4, 80)
  compress(scratchState, scratchBlock)
  hashStateAgain()
  storeState(out, outOffset)
}

/**
 * The state of SHA-256 after whole blocks, from which hashes of everything that begins with them can be finished.
 * @param prefix a multiple of 64 bytes
 * @returns 32 new bytes: the eight state words, big-endian
 */
export function sha256Midstate(prefix: Uint8Array): Uint8Array {
  invariant(prefix.length % BLOCK_BYTES === 0, 'a midstate is taken after whole blocks of 64 bytes')
  resetState()
  absorbBlocks(prefix)
  const midstate = new Uint8Array(32)
  storeState(midstate, 0)
  return midstate
}

/**
 * SHA-256 of prefix and tail.
 * @param midstate `sha256Midstate` of the prefix; read only
 * @param prefixLengthBytes a multiple of 64
 * @param tail any length
 * @returns 32 new bytes
 */
export function sha256FromMidstate(midstate: Uint8Array, prefixLengthBytes: number, tail: Uint8Array): Uint8Array {
  invariant(midstate.length === 32, 'a midstate is 32 bytes')
  invariant(
    Number.isSafeInteger(prefixLengthBytes) && prefixLengthBytes >= 0 && prefixLengthBytes % BLOCK_BYTES === 0,
    'a midstate is taken after whole blocks of 64 bytes'
  )
  for (let i = 0; i < 8; i++) scratchState[i] = wordAt(midstate, 4 * i)
  finish(tail, prefixLengthBytes + tail.length)
  const out = new Uint8Array(32)
  storeState(out, 0)
  return out
}

function resetState(): void {
  for (let i = 0; i < 8; i++) scratchState[i] = SHA256_INITIAL_STATE[i] as number
}

/** Leaves the SHA-256 of `data` in the state. */
function hashOnce(data: Uint8Array): void {
  resetState()
  finish(data, data.length)
}

/** Replaces a finished hash in the state by its own SHA-256. */
function hashStateAgain(): void {
  for (let i = 0; i < 8; i++) scratchBlock[i] = scratchState[i] as number
  padBlock(8, 32)
  resetState()
  compress(scratchState, scratchBlock)
}

/** Absorbs the rest of a message and its padding. */
function finish(rest: Uint8Array, messageLengthBytes: number): void {
  const absorbed = absorbBlocks(rest)
  const tailLength = rest.length - absorbed
  scratchTail.fill(0)
  for (let i = 0; i < tailLength; i++) scratchTail[i] = rest[absorbed + i] as number
  scratchTail[tailLength] = 0x80
  loadWords(scratchTail, 0, 16)
  if (tailLength >= BLOCK_BYTES - 8) {
    compress(scratchState, scratchBlock)
    scratchBlock.fill(0)
  }
  // The length in bits, 64 bits wide.
  scratchBlock[14] = Math.floor(messageLengthBytes / 0x2000_0000)
  scratchBlock[15] = messageLengthBytes << 3
  compress(scratchState, scratchBlock)
}

/** Absorbs all whole blocks and says how many bytes that were. */
function absorbBlocks(data: Uint8Array): number {
  let at = 0
  for (; at + BLOCK_BYTES <= data.length; at += BLOCK_BYTES) {
    loadWords(data, at, 16)
    compress(scratchState, scratchBlock)
  }
  return at
}

/** Ends a short message whose words are in the block already. */
function padBlock(words: number, messageLengthBytes: number): void {
  // A message of whole blocks ends at the start of an empty one; either way the mark is the next word.
  scratchBlock[words] = END_MARK
  for (let i = words + 1; i < 15; i++) scratchBlock[i] = 0
  scratchBlock[15] = messageLengthBytes * 8
}

function loadWords(bytes: Uint8Array, offset: number, words: number): void {
  for (let i = 0; i < words; i++) scratchBlock[i] = wordAt(bytes, offset + 4 * i)
}

function wordAt(bytes: Uint8Array, at: number): number {
  return (
    ((bytes[at] as number) << 24) |
    ((bytes[at + 1] as number) << 16) |
    ((bytes[at + 2] as number) << 8) |
    (bytes[at + 3] as number)
  )
}

function storeState(out: Uint8Array, offset: number): void {
  for (let i = 0; i < 8; i++) {
    const word = scratchState[i] as number
    out[offset++] = word >>> 24
    out[offset++] = word >>> 16
    out[offset++] = word >>> 8
    out[offset++] = word
  }
}

function checkRoom(bytes: Uint8Array, offset: number, length: number): void {
  if (offset < 0 || offset + length > bytes.length) throw new RangeError('the bytes are too short')
}
