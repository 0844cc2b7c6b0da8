import { bytesToHex } from '@p2poolv2/primitives'
import { type ListPiece, MAX_LIST_PIECES, MAX_TEMPLATE_TRANSACTIONS } from './template-messages.ts'

const HASH_BYTES = 32

/**
 * Describes a list of wtxids over another one. Greedy: each stretch that follows the base is copied, the rest is sent.
 * @param base wtxids, 32 bytes each, concatenated; empty for none
 * @returns the whole list as one piece when it would take too many
 */
export function piecesOf(list: Uint8Array, base: Uint8Array): ListPiece[] {
  const whole = [{ copyFrom: 0, copyCount: 0, fresh: list }]
  if (base.length === 0) return whole
  const inBase = new Map<string, number>()
  for (let at = 0; at < base.length; at += HASH_BYTES) inBase.set(hashAt(base, at), at / HASH_BYTES)
  const pieces: ListPiece[] = []
  let at = 0
  while (at < list.length) {
    const copyFrom = inBase.get(hashAt(list, at)) ?? 0
    let copyCount = 0
    while (at < list.length && inBase.get(hashAt(list, at)) === copyFrom + copyCount) {
      copyCount++
      at += HASH_BYTES
    }
    const freshFrom = at
    while (at < list.length && !inBase.has(hashAt(list, at))) at += HASH_BYTES
    pieces.push({ copyFrom, copyCount, fresh: list.subarray(freshFrom, at) })
    if (pieces.length > MAX_LIST_PIECES) return whole
  }
  return pieces
}

/** The list that pieces describe; null if they reach beyond the base or it would be longer than any template. */
export function listOf(pieces: readonly ListPiece[], base: Uint8Array): Uint8Array | null {
  let bytes = 0
  for (const { copyFrom, copyCount, fresh } of pieces) {
    if ((copyFrom + copyCount) * HASH_BYTES > base.length) return null
    bytes += copyCount * HASH_BYTES + fresh.length
    if (bytes > MAX_TEMPLATE_TRANSACTIONS * HASH_BYTES) return null
  }
  const list = new Uint8Array(bytes)
  let at = 0
  for (const { copyFrom, copyCount, fresh } of pieces) {
    const copied = base.subarray(copyFrom * HASH_BYTES, (copyFrom + copyCount) * HASH_BYTES)
    list.set(copied, at)
    list.set(fresh, at + copied.length)
    at += copied.length + fresh.length
  }
  return list
}

function hashAt(list: Uint8Array, at: number): string {
  return bytesToHex(list.subarray(at, at + HASH_BYTES))
}
