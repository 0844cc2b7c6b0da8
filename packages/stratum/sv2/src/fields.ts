import { CodecError, invariant } from '@p2poolv2/primitives'

/**
 * The types of fields, all little-endian, and what they are here. Source: sv2 §1.2.
 * `text`, `reason`: STR0_255, one character a byte, whatever the bytes are. `hash`: U256, 32 bytes as they travel; a target has its least
 * significant byte first. `bytes32`, `bytes255`, `bytes64k`: B0_32, B0_255, B0_64K. `hashes`: SEQ0_255 of U256, one after the
 * other. `u16s`, `u32s`: SEQ0_64K.
 */
export interface FieldValues {
  readonly u8: number
  readonly u16: number
  readonly u32: number
  readonly u64: bigint
  readonly f32: number
  readonly bool: boolean
  readonly text: string
  readonly hash: Uint8Array
  readonly bytes32: Uint8Array
  readonly bytes255: Uint8Array
  readonly bytes64k: Uint8Array
  readonly optionalU32: number | null
  readonly hashes: Uint8Array
  readonly u16s: readonly number[]
  readonly u32s: readonly number[]
}

export type FieldType = keyof FieldValues

const HASH_BYTES = 32
const MAX_PREFIX_BYTES = 32

/** Reads the fields of a payload one after the other. What is left at the end is nobody's business: extensions put fields there. */
export class FieldReader {
  readonly #bytes: Uint8Array
  readonly #view: DataView
  #at = 0

  constructor(payload: Uint8Array) {
    this.#bytes = payload
    this.#view = new DataView(payload.buffer, payload.byteOffset, payload.length)
  }

  /** @throws CodecError `truncated`, `oversize` or `malformed` */
  read(type: FieldType): FieldValues[FieldType] {
    return READ[type](this)
  }

  /** Moves on. @returns where the bytes begin */
  skip(bytes: number): number {
    const at = this.#at
    if (at + bytes > this.#bytes.length) throw new CodecError('truncated', 'the message ends within a field')
    this.#at = at + bytes
    return at
  }

  u8(): number {
    return this.#view.getUint8(this.skip(1))
  }

  u16(): number {
    return this.#view.getUint16(this.skip(2), true)
  }

  u32(): number {
    return this.#view.getUint32(this.skip(4), true)
  }

  u64(): bigint {
    return this.#view.getBigUint64(this.skip(8), true)
  }

  f32(): number {
    return this.#view.getFloat32(this.skip(4), true)
  }

  /** A copy: what was read into is reused. */
  bytes(length: number): Uint8Array {
    const at = this.skip(length)
    return this.#bytes.slice(at, at + length)
  }

  text(): string {
    const length = this.u8()
    const at = this.skip(length)
    return Reflect.apply(String.fromCharCode, null, this.#bytes.subarray(at, at + length))
  }

  prefix(): Uint8Array {
    const length = this.u8()
    if (length > MAX_PREFIX_BYTES) throw new CodecError('oversize', `${length} bytes where 32 are the most`)
    return this.bytes(length)
  }

  optionalU32(): number | null {
    const count = this.u8()
    if (count > 1) throw new CodecError('malformed', 'an option has no value or one')
    return count === 0 ? null : this.u32()
  }

  numbers(one: () => number, bytesEach: number): readonly number[] {
    const count = this.u16()
    if (count * bytesEach > this.#bytes.length - this.#at) {
      throw new CodecError('truncated', 'a list says it is longer than its message')
    }
    return Array.from({ length: count }, one)
  }
}

const READ: { readonly [T in FieldType]: (reader: FieldReader) => FieldValues[T] } = {
  u8: reader => reader.u8(),
  u16: reader => reader.u16(),
  u32: reader => reader.u32(),
  u64: reader => reader.u64(),
  f32: reader => reader.f32(),
  // Only the lowest bit counts.
  bool: reader => (reader.u8() & 1) === 1,
  text: reader => reader.text(),
  hash: reader => reader.bytes(HASH_BYTES),
  bytes32: reader => reader.prefix(),
  bytes255: reader => reader.bytes(reader.u8()),
  bytes64k: reader => reader.bytes(reader.u16()),
  optionalU32: reader => reader.optionalU32(),
  hashes: reader => reader.bytes(HASH_BYTES * reader.u8()),
  u16s: reader => reader.numbers(() => reader.u16(), 2),
  u32s: reader => reader.numbers(() => reader.u32(), 4)
}

/** Bytes that a field takes. */
const LENGTH: { readonly [T in FieldType]: (value: FieldValues[T]) => number } = {
  u8: () => 1,
  u16: () => 2,
  u32: () => 4,
  u64: () => 8,
  f32: () => 4,
  bool: () => 1,
  text: text => 1 + text.length,
  hash: () => HASH_BYTES,
  bytes32: bytes => 1 + bytes.length,
  bytes255: bytes => 1 + bytes.length,
  bytes64k: bytes => 2 + bytes.length,
  optionalU32: value => (value === null ? 1 : 5),
  hashes: bytes => 1 + bytes.length,
  u16s: numbers => 2 + 2 * numbers.length,
  u32s: numbers => 2 + 4 * numbers.length
}

/** Writes the fields of a payload into a frame, one after the other. */
export class FieldWriter {
  readonly #bytes: Uint8Array
  readonly #view: DataView
  #at: number

  /** @param at where the payload begins */
  constructor(bytes: Uint8Array, at: number) {
    this.#bytes = bytes
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length)
    this.#at = at
  }

  u8(value: number): void {
    this.#view.setUint8(this.#take(1), value)
  }

  u16(value: number): void {
    this.#view.setUint16(this.#take(2), value, true)
  }

  u32(value: number): void {
    this.#view.setUint32(this.#take(4), value, true)
  }

  u64(value: bigint): void {
    this.#view.setBigUint64(this.#take(8), value, true)
  }

  f32(value: number): void {
    this.#view.setFloat32(this.#take(4), value, true)
  }

  bytes(bytes: Uint8Array): void {
    this.#bytes.set(bytes, this.#take(bytes.length))
  }

  text(text: string): void {
    for (let i = 0; i < text.length; i++) this.u8(text.charCodeAt(i))
  }

  #take(bytes: number): number {
    const at = this.#at
    this.#at += bytes
    return at
  }
}

const WRITE: { readonly [T in FieldType]: (writer: FieldWriter, value: FieldValues[T]) => void } = {
  u8: (writer, value) => writer.u8(value),
  u16: (writer, value) => writer.u16(value),
  u32: (writer, value) => writer.u32(value),
  u64: (writer, value) => writer.u64(value),
  f32: (writer, value) => writer.f32(value),
  bool: (writer, value) => writer.u8(value ? 1 : 0),
  text: (writer, text) => {
    writer.u8(text.length)
    writer.text(text)
  },
  hash: (writer, bytes) => writer.bytes(bytes),
  bytes32: (writer, bytes) => {
    writer.u8(bytes.length)
    writer.bytes(bytes)
  },
  bytes255: (writer, bytes) => {
    writer.u8(bytes.length)
    writer.bytes(bytes)
  },
  bytes64k: (writer, bytes) => {
    writer.u16(bytes.length)
    writer.bytes(bytes)
  },
  optionalU32: (writer, value) => {
    writer.u8(value === null ? 0 : 1)
    if (value !== null) writer.u32(value)
  },
  hashes: (writer, bytes) => {
    writer.u8(bytes.length / HASH_BYTES)
    writer.bytes(bytes)
  },
  u16s: (writer, numbers) => {
    writer.u16(numbers.length)
    for (const number of numbers) writer.u16(number)
  },
  u32s: (writer, numbers) => {
    writer.u16(numbers.length)
    for (const number of numbers) writer.u32(number)
  }
}

/** What a length before the bytes can say. */
const MOST: { readonly [T in FieldType]?: number } = {
  text: 256,
  bytes32: 1 + MAX_PREFIX_BYTES,
  bytes255: 256,
  bytes64k: 2 + 0xffff,
  hashes: 1 + 255 * HASH_BYTES
}

export function fieldBytes<T extends FieldType>(type: T, value: FieldValues[T]): number {
  const bytes = LENGTH[type](value)
  invariant(bytes <= (MOST[type] ?? Number.POSITIVE_INFINITY), 'a field is as long as its length can say')
  return bytes
}

export function writeField<T extends FieldType>(writer: FieldWriter, type: T, value: FieldValues[T]): void {
  WRITE[type](writer, value)
}
