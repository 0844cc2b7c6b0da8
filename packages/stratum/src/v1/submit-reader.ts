import { bytesToAscii } from '@p2poolv2/primitives'
import type { NamedSubmit } from './parse-submit.ts'

/** A `mining.submit` and the id of its request as JSON text. */
export interface SubmitRead {
  readonly idJson: string
  readonly submit: NamedSubmit
}

const QUOTE = 0x22
const COMMA = 0x2c
const COLON = 0x3a
const BACKSLASH = 0x5c
const DIGIT_0 = 0x30
/** More would not come back from a number as they were. */
const MAX_ID_DIGITS = 15
const MAX_U32_DIGITS = 8
const NOT_HEX = 0xff
const NOTHING = new Uint8Array()

const HEX_VALUE = new Uint8Array(256).fill(NOT_HEX)
for (let value = 0; value < 16; value++) {
  const digit = value.toString(16)
  HEX_VALUE[digit.charCodeAt(0)] = value
  HEX_VALUE[digit.toUpperCase().charCodeAt(0)] = value
}

const METHOD = Uint8Array.from('mining.submit', char => char.charCodeAt(0))
const ID_KEY = Uint8Array.from('id', char => char.charCodeAt(0))
const METHOD_KEY = Uint8Array.from('method', char => char.charCodeAt(0))
const PARAMS_KEY = Uint8Array.from('params', char => char.charCodeAt(0))

/**
 * Reads the submits that miners really send straight from the bytes: nine lines of ten are one, and reading them as JSON costs
 * more than anything else done with them. A line that is in any way unusual is left to `parseMessage` and `parseSubmit`; what
 * is read here is what they would have read.
 */
export class SubmitReader {
  readonly extranonce2Bytes: number
  /** Names and jobs repeat from line to line. */
  readonly #name = new RepeatedText()
  readonly #jobId = new RepeatedText()
  readonly #extranonce: Uint8Array
  #line: Uint8Array = NOTHING
  #at = 0
  /** Where the last string read by `#string` begins and ends. */
  #from = 0
  #until = 0

  /** @param extranonce2Bytes as told in the answer to `mining.subscribe` */
  constructor(extranonce2Bytes: number) {
    this.extranonce2Bytes = extranonce2Bytes
    this.#extranonce = new Uint8Array(extranonce2Bytes)
  }

  /** What is read is good until the next line. @returns null when the line is no submit, or not an ordinary one */
  read(line: Uint8Array): SubmitRead | null {
    this.#line = line
    this.#at = 0
    const read = this.#read()
    // Thousands of connections that held on to the last thing they read would keep it from being cheap garbage.
    this.#line = NOTHING
    return read
  }

  #read(): SubmitRead | null {
    if (!this.#skip(0x7b)) return null
    let id = -1
    let isSubmit = false
    let submit: NamedSubmit | null = null
    for (let members = 0; members < 3; members++) {
      if (members > 0 && !this.#skip(COMMA)) return null
      if (!this.#string()) return null
      const [from, until] = [this.#from, this.#until]
      if (!this.#skip(COLON)) return null
      if (id < 0 && this.#is(ID_KEY, from, until)) id = this.#number()
      else if (!isSubmit && this.#is(METHOD_KEY, from, until)) {
        isSubmit = this.#string() && this.#is(METHOD, this.#from, this.#until)
        if (!isSubmit) return null
      } else if (submit === null && this.#is(PARAMS_KEY, from, until)) {
        submit = this.#params()
        if (submit === null) return null
      } else return null
    }
    if (!this.#skip(0x7d) || this.#peek() >= 0 || id < 0 || !isSubmit || submit === null) return null
    return { idJson: String(id), submit }
  }

  #params(): NamedSubmit | null {
    if (!this.#skip(0x5b) || !this.#string()) return null
    const name = this.#name.of(this.#line, this.#from, this.#until)
    if (!this.#skip(COMMA) || !this.#string()) return null
    const jobId = this.#jobId.of(this.#line, this.#from, this.#until)
    if (!this.#skip(COMMA) || !this.#string()) return null
    const extranonce = this.#bytes()
    if (extranonce === null || !this.#skip(COMMA) || !this.#string()) return null
    const timeSec = this.#u32()
    if (timeSec < 0 || !this.#skip(COMMA) || !this.#string()) return null
    const nonce = this.#u32()
    if (nonce < 0) return null
    let versionBits: number | null = null
    if (this.#peek() === COMMA) {
      this.#at += 1
      if (!this.#string()) return null
      versionBits = this.#u32()
      if (versionBits < 0) return null
    }
    return this.#skip(0x5d) ? { name, jobId, extranonce, timeSec, nonce, versionBits } : null
  }

  /** The next byte that is no space, or -1 at the end. */
  #peek(): number {
    const line = this.#line
    for (; this.#at < line.length; this.#at++) {
      const byte = line[this.#at] as number
      if (byte !== 0x20 && byte !== 0x09 && byte !== 0x0d && byte !== 0x0a) return byte
    }
    return -1
  }

  #skip(byte: number): boolean {
    if (this.#peek() !== byte) return false
    this.#at += 1
    return true
  }

  /** A string of printable ASCII without escapes. */
  #string(): boolean {
    if (!this.#skip(QUOTE)) return false
    const line = this.#line
    this.#from = this.#at
    for (; this.#at < line.length; this.#at++) {
      const byte = line[this.#at] as number
      if (byte === QUOTE) {
        this.#until = this.#at++
        return true
      }
      if (byte === BACKSLASH || byte < 0x20 || byte > 0x7e) return false
    }
    return false
  }

  /** A whole number as JSON writes it, or -1. */
  #number(): number {
    this.#peek()
    const line = this.#line
    const from = this.#at
    let value = 0
    for (; this.#at < line.length; this.#at++) {
      const digit = (line[this.#at] as number) - DIGIT_0
      if (digit < 0 || digit > 9) break
      value = value * 10 + digit
    }
    const digits = this.#at - from
    return digits === 0 || digits > MAX_ID_DIGITS || (digits > 1 && line[from] === DIGIT_0) ? -1 : value
  }

  /** Of the last string: hex of a u32 with or without leading zeros, or -1. */
  #u32(): number {
    const digits = this.#until - this.#from
    if (digits === 0 || digits > MAX_U32_DIGITS) return -1
    let value = 0
    for (let at = this.#from; at < this.#until; at++) {
      const digit = HEX_VALUE[this.#line[at] as number] as number
      if (digit === NOT_HEX) return -1
      value = value * 16 + digit
    }
    return value
  }

  /** Of the last string: the miner's part of the extranonce, or null. */
  #bytes(): Uint8Array | null {
    const length = this.extranonce2Bytes
    if (this.#until - this.#from !== 2 * length) return null
    const bytes = this.#extranonce
    for (let i = 0, at = this.#from; i < length; i++, at += 2) {
      const high = HEX_VALUE[this.#line[at] as number] as number
      const low = HEX_VALUE[this.#line[at + 1] as number] as number
      if ((high | low) > 15) return null
      bytes[i] = (high << 4) | low
    }
    return bytes
  }

  #is(text: Uint8Array, from: number, until: number): boolean {
    return until - from === text.length && beginsAt(this.#line, from, text)
  }
}

/** A text that is mostly the same as the last time: then no new one is made. */
class RepeatedText {
  #bytes: Uint8Array = NOTHING
  #text = ''

  /** @param line printable ASCII between `from` and `until` */
  of(line: Uint8Array, from: number, until: number): string {
    if (until - from !== this.#bytes.length || !beginsAt(line, from, this.#bytes)) {
      // A copy: a Buffer's own slice would keep all that was read with it.
      this.#bytes = Uint8Array.prototype.slice.call(line, from, until)
      this.#text = bytesToAscii(this.#bytes)
    }
    return this.#text
  }
}

function beginsAt(line: Uint8Array, from: number, text: Uint8Array): boolean {
  for (let i = 0; i < text.length; i++) if (line[from + i] !== text[i]) return false
  return true
}
