import { CodecError } from './codec-error.ts'
import { invariant } from './invariant.ts'

/** Integers up to here are numbers without loss. */
const MAX_EXACT = BigInt(Number.MAX_SAFE_INTEGER)
const U32_RANGE = 0x1_0000_0000
const U64_MAX = 0xffff_ffff_ffff_ffffn
const NO_BYTES = new Uint8Array(0)

/**
 * Reads bitcoin's encodings from hostile bytes; integers are little-endian.
 * Every method throws CodecError `truncated` if the bytes end first, and never reads past them.
 */
export class ByteReader {
  readonly #bytes: Uint8Array
  #offset: number

  constructor(bytes: Uint8Array, offset = 0) {
    invariant(Number.isSafeInteger(offset) && offset >= 0 && offset <= bytes.length, 'a reader starts within its bytes')
    this.#bytes = bytes
    this.#offset = offset
  }

  /** Where the next read begins, counted from the start of the bytes. */
  get offset(): number {
    return this.#offset
  }

  get remaining(): number {
    return this.#bytes.length - this.#offset
  }

  u8(): number {
    return this.#byteAt(this.#take(1))
  }

  u16(): number {
    const at = this.#take(2)
    return this.#byteAt(at) | (this.#byteAt(at + 1) << 8)
  }

  u32(): number {
    return this.i32() >>> 0
  }

  i32(): number {
    const at = this.#take(4)
    return this.#byteAt(at) | (this.#byteAt(at + 1) << 8) | (this.#byteAt(at + 2) << 16) | (this.#byteAt(at + 3) << 24)
  }

  u64(): bigint {
    if (this.remaining < 8) throw truncated()
    const low = this.u32()
    return (BigInt(this.u32()) << 32n) | BigInt(low)
  }

  /**
   * Bitcoin's CompactSize (protocol §1).
   * @param max the largest value that makes sense here; a number above 2^53-1 is never returned
   * @throws CodecError `non-minimal` if a shorter form says the same, `oversize` above `max`
   */
  compactSize(max: number = Number.MAX_SAFE_INTEGER): number {
    const lead = this.u8()
    let value = lead
    if (lead === 0xfd) value = this.u16()
    else if (lead === 0xfe) value = this.u32()
    else if (lead === 0xff) value = Number(this.u64())
    if (lead >= 0xfd && value < (lead === 0xfd ? 0xfd : lead === 0xfe ? 0x1_0000 : U32_RANGE)) {
      throw new CodecError('non-minimal', 'a compact size has a shorter form')
    }
    if (value > Math.min(max, Number.MAX_SAFE_INTEGER))
      throw new CodecError('oversize', `a compact size is above ${max}`)
    return value
  }

  /** The next `length` bytes, a view and not a copy. */
  bytes(length: number): Uint8Array {
    invariant(Number.isSafeInteger(length) && length >= 0, 'a length is a non-negative integer')
    const at = this.#take(length)
    // Hostile bytes can ask for a million empty fields; a view of each would cost a hundred bytes.
    return length === 0 ? NO_BYTES : this.#bytes.subarray(at, at + length)
  }

  /**
   * A compact size and as many bytes, a view and not a copy.
   * @throws CodecError as `compactSize`
   */
  varBytes(max: number): Uint8Array {
    return this.bytes(this.compactSize(max))
  }

  /** What was read since an offset, a view and not a copy. */
  since(offset: number): Uint8Array {
    return this.#bytes.subarray(offset, this.#offset)
  }

  /** One byte; any but zero is true (protocol §1). */
  bool(): boolean {
    return this.u8() !== 0
  }

  /** @throws CodecError `trailing` if bytes are left */
  expectEnd(): void {
    if (this.remaining > 0) throw new CodecError('trailing', 'bytes follow the end')
  }

  /** Steps over `length` bytes that are there and says where they began. */
  #take(length: number): number {
    if (this.remaining < length) throw truncated()
    const at = this.#offset
    this.#offset += length
    return at
  }

  #byteAt(at: number): number {
    return this.#bytes[at] as number
  }
}

function truncated(): CodecError {
  return new CodecError('truncated', 'the bytes end too early')
}

/** Bytes that `n` takes as a compact size: 1, 3, 5 or 9. */
export function compactSizeLength(n: number): number {
  invariant(Number.isSafeInteger(n) && n >= 0, 'a compact size is a non-negative integer')
  if (n < 0xfd) return 1
  if (n < 0x1_0000) return 3
  return n < U32_RANGE ? 5 : 9
}

/**
 * Buffers that finished writers have no more use for. Most of what is encoded is hashed or sent and forgotten, and a new buffer for each
 * costs more than the writing. As many as writers are at work at a time; larger ones are left to the garbage collector.
 */
const SPARE: Uint8Array[] = []
const MAX_SPARE = 8
const SPARE_BYTES = 4_096
const MAX_SPARE_BYTES = 65_536
/** Shorter byte strings are copied one by one. */
const MAX_LOOPED_BYTES = 48

/**
 * Writes bitcoin's encodings into a buffer that grows; integers are little-endian, calls can be chained.
 * Every method throws InvariantError for a value that does not fit (a bug: what we encode was checked before).
 */
export class ByteWriter {
  #bytes: Uint8Array
  #length = 0
  /** Whether nobody else holds the buffer. */
  #isOwn = true

  /** @param capacityBytes room to begin with */
  constructor(capacityBytes = 128) {
    const isEnough = (SPARE.at(-1)?.length ?? 0) >= capacityBytes
    const spare = isEnough ? SPARE.pop() : undefined
    this.#bytes = spare ?? new Uint8Array(Math.max(capacityBytes, SPARE_BYTES))
  }

  /** Bytes written so far. */
  get length(): number {
    return this.#length
  }

  u8(value: number): this {
    invariant(isUnsigned(value, 0x100), 'a u8 is an integer from 0 to 2^8-1')
    return this.#littleEndian(value, 1)
  }

  u16(value: number): this {
    invariant(isUnsigned(value, 0x1_0000), 'a u16 is an integer from 0 to 2^16-1')
    return this.#littleEndian(value, 2)
  }

  u32(value: number): this {
    invariant(isUnsigned(value, U32_RANGE), 'a u32 is an integer from 0 to 2^32-1')
    return this.#littleEndian(value, 4)
  }

  i32(value: number): this {
    invariant(value === (value | 0), 'an i32 is an integer from -2^31 to 2^31-1')
    return this.#littleEndian(value, 4)
  }

  u64(value: bigint): this {
    invariant(value >= 0n && value <= U64_MAX, 'a u64 is from 0 to 2^64-1')
    if (value > MAX_EXACT) return this.u32(Number(value & 0xffff_ffffn)).u32(Number(value >> 32n))
    const exact = Number(value)
    return this.#littleEndian(exact, 4).#littleEndian(Math.floor(exact / U32_RANGE), 4)
  }

  /** Bitcoin's CompactSize in its shortest form. */
  compactSize(n: number): this {
    switch (compactSizeLength(n)) {
      case 1:
        return this.u8(n)
      case 3:
        return this.u8(0xfd).u16(n)
      case 5:
        return this.u8(0xfe).u32(n)
      default:
        return this.u8(0xff).u64(BigInt(n))
    }
  }

  bytes(bytes: Uint8Array): this {
    const { length } = bytes
    const at = this.#grow(length)
    const out = this.#bytes
    // For a script or a hash the call would cost more than the copying.
    if (length > MAX_LOOPED_BYTES) out.set(bytes, at)
    else for (let i = 0; i < length; i++) out[at + i] = bytes[i] as number
    return this
  }

  /** A compact size and the bytes. */
  varBytes(bytes: Uint8Array): this {
    return this.compactSize(bytes.length).bytes(bytes)
  }

  bool(value: boolean): this {
    return this.u8(value ? 1 : 0)
  }

  /** A copy of what was written. Memory of its own for more than 64 bytes costs about a microsecond: see `lend`. */
  finish(): Uint8Array {
    const result = this.#bytes.slice(0, this.#length)
    this.#giveBack()
    // It is full, so whatever else is written goes into a buffer of its own.
    this.#bytes = result
    return result
  }

  /**
   * Lends what was written to `use` and begins anew: for what is hashed or copied and then forgotten.
   * @param use keeps no view of the bytes, which are another writer's once it has returned
   */
  lend<T>(use: (written: Uint8Array) => T): T {
    const written = this.#bytes.subarray(0, this.#length)
    try {
      return use(written)
    } finally {
      this.#giveBack()
      this.#bytes = NO_BYTES
      this.#length = 0
    }
  }

  #giveBack(): void {
    if (this.#isOwn && this.#bytes.length <= MAX_SPARE_BYTES && SPARE.length < MAX_SPARE) SPARE.push(this.#bytes)
    this.#isOwn = false
  }

  #littleEndian(value: number, length: number): this {
    const at = this.#grow(length)
    const out = this.#bytes
    for (let i = 0; i < length; i++) out[at + i] = value >>> (8 * i)
    return this
  }

  /** Makes room for `more` bytes and says where they begin. */
  #grow(more: number): number {
    const at = this.#length
    this.#length += more
    if (this.#length > this.#bytes.length) {
      const larger = new Uint8Array(Math.max(this.#length, this.#bytes.length * 2))
      larger.set(this.#bytes)
      this.#bytes = larger
      this.#isOwn = true
    }
    return at
  }
}

function isUnsigned(value: number, limit: number): boolean {
  return Number.isInteger(value) && value >= 0 && value < limit
}
