import { invariant } from '@p2poolv2/primitives'

/** Bytes of one line at most; real miners send up to a few hundred. Beyond it a connection is not worth keeping. */
export const MAX_LINE_BYTES = 8_192

export type LineFault = 'line-too-long' | 'not-stratum'

export interface LinesRead {
  /** Complete lines without their ends, blank ones left out; views of the chunk or new bytes, never reused. */
  readonly lines: readonly Uint8Array[]
  /** Not null: the rest of the connection is worthless. The lines before the fault are good. */
  readonly fault: LineFault | null
}

const LF = 0x0a
const CR = 0x0d
const TLS_HANDSHAKE = 0x16
const MIN_CARRY_BYTES = 256

/**
 * Cuts a TCP stream into lines, whatever pieces it comes in. Holds at most one unfinished line.
 * Source: stratum §1.1 to §1.3.
 */
export class LineReader {
  readonly #maxLineBytes: number
  /** The unfinished line, in a buffer of its own that grows as needed; null when there is none. */
  #carry: Uint8Array | null = null
  #carryBytes = 0
  #isFirst = true
  #fault: LineFault | null = null

  constructor(maxLineBytes: number = MAX_LINE_BYTES) {
    invariant(maxLineBytes > 0, 'a line may have a byte')
    this.#maxLineBytes = maxLineBytes
  }

  /** Bytes of the unfinished line. */
  get pendingBytes(): number {
    return this.#carryBytes
  }

  /** @param chunk what one read gave; must not be written to afterwards, since the lines are views of it */
  push(chunk: Uint8Array): LinesRead {
    if (chunk.length > 0 && this.#isFirst) {
      this.#isFirst = false
      // Nothing in stratum begins so; a TLS greeting and every HTTP, SSH or PROXY line does.
      if (isForeign(chunk[0] as number)) this.#fault = 'not-stratum'
    }
    const lines: Uint8Array[] = []
    let from = 0
    while (this.#fault === null && from < chunk.length) {
      const end = chunk.indexOf(LF, from)
      const until = end < 0 ? chunk.length : end
      if (this.#carryBytes + until - from > this.#maxLineBytes) this.#fault = 'line-too-long'
      else if (end < 0) this.#keep(chunk.subarray(from))
      else addLine(lines, this.#takeWith(chunk.subarray(from, end)))
      from = until + 1
    }
    if (this.#fault !== null) this.#drop()
    return { lines, fault: this.#fault }
  }

  #keep(part: Uint8Array): void {
    const bytes = this.#carryBytes + part.length
    if (this.#carry === null || this.#carry.length < bytes) {
      const grown = new Uint8Array(Math.max(MIN_CARRY_BYTES, 2 * bytes))
      if (this.#carry !== null) grown.set(this.#carry.subarray(0, this.#carryBytes))
      this.#carry = grown
    }
    this.#carry.set(part, this.#carryBytes)
    this.#carryBytes = bytes
  }

  #takeWith(rest: Uint8Array): Uint8Array {
    if (this.#carry === null) return rest
    this.#keep(rest)
    const line = this.#carry.subarray(0, this.#carryBytes)
    this.#drop()
    return line
  }

  #drop(): void {
    this.#carry = null
    this.#carryBytes = 0
  }
}

function addLine(lines: Uint8Array[], line: Uint8Array): void {
  const end = line.length > 0 && line[line.length - 1] === CR ? line.length - 1 : line.length
  for (let i = 0; i < end; i++) {
    if ((line[i] as number) > 0x20) {
      lines.push(end === line.length ? line : line.subarray(0, end))
      return
    }
  }
}

function isForeign(byte: number): boolean {
  return byte === TLS_HANDSHAKE || (byte >= 0x41 && byte <= 0x5a)
}
