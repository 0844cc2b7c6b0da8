import { concatBytes, invariant } from '@p2poolv2/primitives'
import { FRAME_HEADER_BYTES, readHead } from '../frame.ts'
import { type Cipher, TAG_BYTES } from './aead.ts'

/** Plain bytes sealed at a time: a sealed chunk has at most 65,535. Source: sv2 §2.7. */
export const CHUNK_BYTES = 65_535 - TAG_BYTES
const SEALED_HEAD_BYTES = FRAME_HEADER_BYTES + TAG_BYTES

/** Why nothing more can be read: the bytes are not the other side's, or announce more than is taken. */
export type TransportFault = 'not-sealed' | 'frame-too-long'

/** Bytes that a payload takes when sealed. */
export function sealedBytes(payloadBytes: number): number {
  return payloadBytes + TAG_BYTES * Math.ceil(payloadBytes / CHUNK_BYTES)
}

/** A frame as it is written: its head sealed, then its payload in chunks. */
export function sealFrame(frame: Uint8Array, cipher: Cipher): Uint8Array {
  const head = cipher.seal(frame.subarray(0, FRAME_HEADER_BYTES))
  if (frame.length - FRAME_HEADER_BYTES <= CHUNK_BYTES) {
    if (frame.length === FRAME_HEADER_BYTES) return head
    return concatBytes(head, cipher.seal(frame.subarray(FRAME_HEADER_BYTES)))
  }
  const parts = [head]
  for (let at = FRAME_HEADER_BYTES; at < frame.length; at += CHUNK_BYTES) {
    parts.push(cipher.seal(frame.subarray(at, at + CHUNK_BYTES)))
  }
  return concatBytes(...parts)
}

/** Cuts what was read into frames and opens them. Takes memory for what a head announces, which has a bound, and no more. */
export class FrameOpener {
  readonly #cipher: Cipher
  #maxPayloadBytes: number
  /** Null while a head is awaited. */
  #head: Uint8Array | null = null
  #sealed = new Uint8Array(SEALED_HEAD_BYTES)
  #filled = 0
  #fault: TransportFault | null = null

  constructor(cipher: Cipher, maxPayloadBytes: number) {
    this.#cipher = cipher
    this.#maxPayloadBytes = maxPayloadBytes
  }

  /** Holds from the next head on. */
  set maxPayloadBytes(bytes: number) {
    this.#maxPayloadBytes = bytes
  }

  /**
   * The next whole frame of what is left of a read, or null when there is none; `rest` is what was not needed for it. After a
   * fault nothing comes any more.
   */
  next(bytes: Uint8Array): {
    readonly frame: Uint8Array | null
    readonly rest: Uint8Array
    readonly fault: TransportFault | null
  } {
    let rest = bytes
    while (this.#fault === null) {
      const taken = Math.min(rest.length, this.#sealed.length - this.#filled)
      this.#sealed.set(rest.subarray(0, taken), this.#filled)
      this.#filled += taken
      rest = rest.subarray(taken)
      if (this.#filled < this.#sealed.length) break
      const frame = this.#head === null ? this.#openHead() : this.#openPayload(this.#head)
      if (frame !== null) return { frame, rest, fault: null }
    }
    return { frame: null, rest, fault: this.#fault }
  }

  /** @returns the frame, when it has no payload */
  #openHead(): Uint8Array | null {
    const head = this.#cipher.open(this.#sealed)
    if (head === null) return this.#fail('not-sealed')
    const { payloadBytes } = readHead(head)
    if (payloadBytes > this.#maxPayloadBytes) return this.#fail('frame-too-long')
    if (payloadBytes === 0) {
      this.#await(null, SEALED_HEAD_BYTES)
      return head
    }
    this.#await(head, sealedBytes(payloadBytes))
    return null
  }

  #openPayload(head: Uint8Array): Uint8Array | null {
    const sealed = this.#sealed
    const parts = [head]
    for (let at = 0; at < sealed.length; at += CHUNK_BYTES + TAG_BYTES) {
      const part = this.#cipher.open(sealed.subarray(at, at + CHUNK_BYTES + TAG_BYTES))
      if (part === null) return this.#fail('not-sealed')
      parts.push(part)
    }
    this.#await(null, SEALED_HEAD_BYTES)
    return concatBytes(...parts)
  }

  #await(head: Uint8Array | null, bytes: number): void {
    invariant(this.#filled === this.#sealed.length, 'what was awaited has come')
    this.#head = head
    this.#filled = 0
    if (this.#sealed.length !== bytes) this.#sealed = new Uint8Array(bytes)
  }

  #fail(fault: TransportFault): null {
    this.#fault = fault
    return null
  }
}
