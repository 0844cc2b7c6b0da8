import { isDeepStrictEqual } from 'node:util'
import { bytesEqual, bytesToHex, CodecError } from '@p2poolv2/primitives'
import { hold } from '../engine/target.ts'

export const isCodecError = (error: unknown): boolean => error instanceof CodecError

/** A copy of plain values that no cache knows: what is written of it is written anew. */
export function fresh<T>(value: T): T {
  return structuredClone(value)
}

/** One form only: what was read is written as the bytes it came from. */
export function holdCanonical(written: Uint8Array, bytes: Uint8Array): void {
  hold(bytesEqual(written, bytes), `is written as ${shown(written)}`)
}

/** However it came, written and read again it is the same. */
export function holdSettled<T>(value: T, again: T): void {
  hold(isDeepStrictEqual(fresh(again), fresh(value)), 'is another value when it is written and read again')
}

function shown(bytes: Uint8Array): string {
  return `${bytes.length} other bytes: ${bytesToHex(bytes.subarray(0, 40))}`
}

/** One character a byte. */
export function latin1(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('latin1')
}

export function utf8(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('utf8')
}

/** The JSON that bytes are, or undefined for none. */
export function jsonIn(bytes: Uint8Array): unknown {
  try {
    return JSON.parse(utf8(bytes)) as unknown
  } catch {
    // Whoever reads JSON looks whether it is that before.
    return undefined
  }
}
