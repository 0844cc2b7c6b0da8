import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { bytesToHex, hexToBytes } from './bytes.ts'
import { ByteReader, ByteWriter, compactSizeLength } from './codec.ts'
import { CodecError } from './codec-error.ts'
import { InvariantError } from './invariant.ts'
import { codecCode } from './testing/index.ts'

type Field =
  | { readonly kind: 'u8' | 'u16' | 'u32' | 'i32' | 'compactSize'; readonly value: number }
  | { readonly kind: 'u64'; readonly value: bigint }
  | { readonly kind: 'bytes' | 'varBytes'; readonly value: Uint8Array }
  | { readonly kind: 'bool'; readonly value: boolean }

function write(writer: ByteWriter, field: Field): ByteWriter {
  switch (field.kind) {
    case 'u64':
      return writer.u64(field.value)
    case 'bytes':
    case 'varBytes':
      return writer[field.kind](field.value)
    case 'bool':
      return writer.bool(field.value)
    default:
      return writer[field.kind](field.value)
  }
}

function read(reader: ByteReader, field: Field): unknown {
  if (field.kind === 'bytes') return reader.bytes(field.value.length)
  if (field.kind === 'varBytes') return reader.varBytes(1000)
  return reader[field.kind]()
}

function unsigned(kind: 'u8' | 'u16' | 'u32', bits: number): fc.Arbitrary<Field> {
  return fc.integer({ min: 0, max: 2 ** bits - 1 }).map(value => ({ kind, value }))
}

const sizes = fc.oneof(
  fc.constantFrom(0, 0xfc, 0xfd, 0xffff, 0x1_0000, 0xffff_ffff, 0x1_0000_0000, Number.MAX_SAFE_INTEGER),
  fc.nat(300),
  fc.maxSafeNat()
)
const fields: fc.Arbitrary<Field> = fc.oneof(
  unsigned('u8', 8),
  unsigned('u16', 16),
  unsigned('u32', 32),
  fc.integer().map((value): Field => ({ kind: 'i32', value })),
  fc.bigInt(0n, 2n ** 64n - 1n).map((value): Field => ({ kind: 'u64', value })),
  sizes.map((value): Field => ({ kind: 'compactSize', value })),
  fc.uint8Array({ maxLength: 300 }).map((value): Field => ({ kind: 'bytes', value })),
  fc.uint8Array({ maxLength: 300 }).map((value): Field => ({ kind: 'varBytes', value })),
  fc.boolean().map((value): Field => ({ kind: 'bool', value }))
)

describe('vectors', () => {
  it('integers are little-endian', () => {
    const written = new ByteWriter().u8(1).u16(0x0203).u32(0x0405_0607).i32(-2).u64(0x0809_0a0b_0c0d_0e0fn).bool(true)
    expect(bytesToHex(written.finish())).toBe('01' + '0302' + '07060504' + 'feffffff' + '0f0e0d0c0b0a0908' + '01')
  })

  it('integers keep their top bit', () => {
    const reader = new ByteReader(new Uint8Array(32).fill(0xff))
    expect([reader.u8(), reader.u16(), reader.u32(), reader.i32()]).toEqual([0xff, 0xffff, 0xffff_ffff, -1])
    expect(reader.u64()).toBe(0xffff_ffff_ffff_ffffn)
  })

  it('empty fields are one and the same empty array, however many there are', () => {
    const reader = new ByteReader(new Uint8Array(2))
    expect(reader.varBytes(9)).toBe(reader.varBytes(9))
    expect(reader.bytes(0)).toEqual(new Uint8Array(0))
    expect(() => reader.varBytes(9)).toThrow(CodecError)
  })

  // Bitcoin's CompactSize, each side of each border.
  const compactSizes: readonly [value: number, hex: string][] = [
    [0, '00'],
    [252, 'fc'],
    [253, 'fdfd00'],
    [515, 'fd0302'],
    [65535, 'fdffff'],
    [65536, 'fe00000100'],
    [0xffff_ffff, 'feffffffff'],
    [0x1_0000_0000, 'ff0000000001000000'],
    [Number.MAX_SAFE_INTEGER, 'ffffffffffffff1f00']
  ]
  it.each(compactSizes)('compact size %i is %s', (value, hex) => {
    expect(bytesToHex(new ByteWriter().compactSize(value).finish())).toBe(hex)
    expect(new ByteReader(hexToBytes(hex)).compactSize()).toBe(value)
    expect(compactSizeLength(value)).toBe(hex.length / 2)
  })

  it.each(['fd0000', 'fdfc00', 'fe00000000', 'feffff0000', 'ff0000000000000000', 'ffffffffff00000000'])(
    'compact size %s has a shorter form and is refused',
    hex => {
      expect(codecCode(() => new ByteReader(hexToBytes(hex)).compactSize())).toBe('non-minimal')
    }
  )

  it('a compact size above 2^53-1 is refused whatever the caller allows', () => {
    for (const hex of ['ff0000000000002000', 'ffffffffffffffffff']) {
      expect(codecCode(() => new ByteReader(hexToBytes(hex)).compactSize())).toBe('oversize')
      expect(codecCode(() => new ByteReader(hexToBytes(hex)).compactSize(Number.POSITIVE_INFINITY))).toBe('oversize')
    }
  })

  it('a compact size above its limit is refused and one at the limit is not', () => {
    expect(new ByteReader(Uint8Array.of(16)).compactSize(16)).toBe(16)
    expect(codecCode(() => new ByteReader(Uint8Array.of(17)).compactSize(16))).toBe('oversize')
  })

  it('any byte but zero is true', () => {
    const reader = new ByteReader(Uint8Array.of(0, 1, 2, 0xff))
    expect([reader.bool(), reader.bool(), reader.bool(), reader.bool()]).toEqual([false, true, true, true])
  })
})

describe('writers', () => {
  it('at work at one time do not write into each other, nor into what others have finished', () => {
    const [a, b] = [new ByteWriter().u8(1), new ByteWriter().u8(2)]
    const c = new ByteWriter().u8(3)
    a.u8(4)
    const first = a.finish()
    const d = new ByteWriter().u8(9).u8(9).u8(9)
    expect([first, b.finish(), c.finish(), d.finish()].map(bytes => bytesToHex(bytes))).toEqual([
      '0104',
      '02',
      '03',
      '090909'
    ])
    expect(bytesToHex(first)).toBe('0104')
  })

  it('lend what was written and begin anew, and the next writer may have the bytes', () => {
    const writer = new ByteWriter().u8(1).u8(2)
    const lent = writer.lend(written => [bytesToHex(written), bytesToHex(new ByteWriter().u8(9).finish())])
    expect(lent).toEqual(['0102', '09'])
    expect(writer.length).toBe(0)
    const other = new ByteWriter().u8(7)
    expect([bytesToHex(writer.u8(3).finish()), bytesToHex(other.finish())]).toEqual(['03', '07'])
    expect(writer.lend(bytesToHex)).toBe('03')
  })

  it('begin anew also when what they lent the bytes to has failed', () => {
    const writer = new ByteWriter().u8(1)
    expect(() => writer.lend(() => expect.unreachable())).toThrow()
    expect(bytesToHex(writer.u8(2).finish())).toBe('02')
  })

  it('go on after they have finished, and leave what they gave as it was', () => {
    const writer = new ByteWriter().u8(1)
    const first = writer.finish()
    const other = new ByteWriter().u8(7)
    writer.u8(2)
    expect([bytesToHex(first), bytesToHex(writer.finish()), bytesToHex(other.finish())]).toEqual(['01', '0102', '07'])
    expect(bytesToHex(writer.finish())).toBe('0102')
  })

  it('grow beyond any buffer that is kept', () => {
    const long = new Uint8Array(200_000).fill(5)
    const writer = new ByteWriter(10)
    for (let n = 0; n < 3; n++) writer.bytes(long)
    const written = writer.finish()
    expect([written.length, written[0], written[599_999]]).toEqual([600_000, 5, 5])
  })
})

describe('properties', () => {
  it('what is written is read back, at any offset', () => {
    fc.assert(
      fc.property(fc.array(fields), fc.uint8Array({ maxLength: 5 }), (all, before) => {
        const writer = new ByteWriter(1).bytes(before)
        for (const field of all) write(writer, field)
        const bytes = writer.finish()
        expect(bytes.length).toBe(writer.length)
        const reader = new ByteReader(bytes, before.length)
        for (const field of all) expect(read(reader, field)).toEqual(field.value)
        expect(reader.offset).toBe(bytes.length)
        expect(reader.remaining).toBe(0)
        expect(codecCode(() => reader.expectEnd())).toBe('accepted')
      })
    )
  })

  it('every truncation of every field is refused, though more bytes lie behind', () => {
    fc.assert(
      fc.property(fields, fc.uint8Array({ minLength: 10, maxLength: 10 }), (field, behind) => {
        const length = write(new ByteWriter(), field).length
        const bytes = write(new ByteWriter(), field).bytes(behind).finish()
        for (let cut = 0; cut < length; cut++) {
          expect(codecCode(() => read(new ByteReader(bytes.subarray(0, cut)), field))).toBe('truncated')
        }
        const reader = new ByteReader(bytes)
        read(reader, field)
        expect(reader.remaining).toBe(behind.length)
        expect(codecCode(() => reader.expectEnd())).toBe('trailing')
      })
    )
  })

  it('arbitrary bytes never give anything but a value or a CodecError', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 40 }), fc.array(fields, { maxLength: 8 }), (bytes, all) => {
        const reader = new ByteReader(bytes)
        codecCode(() => {
          for (const field of all) read(reader, field)
        })
        expect(reader.offset).toBeLessThanOrEqual(bytes.length)
      })
    )
  })
})

describe('use', () => {
  it('a long vector is refused before its bytes are asked for', () => {
    expect(codecCode(() => new ByteReader(hexToBytes('feffffff7f')).varBytes(100))).toBe('oversize')
    expect(codecCode(() => new ByteReader(hexToBytes('05aabb')).varBytes(100))).toBe('truncated')
  })

  it('a refused read of a fixed width does not move the reader', () => {
    const reader = new ByteReader(new Uint8Array(7))
    expect(codecCode(() => reader.u64())).toBe('truncated')
    expect(codecCode(() => reader.bytes(8))).toBe('truncated')
    expect(reader.offset).toBe(0)
  })

  it('bytes read are a view and bytes finished are a copy', () => {
    const source = Uint8Array.of(1, 2, 3)
    expect(new ByteReader(source).bytes(2).buffer).toBe(source.buffer)
    const writer = new ByteWriter().bytes(source)
    const first = writer.finish()
    writer.u8(4)
    first[0] = 9
    expect(writer.finish()).toEqual(Uint8Array.of(1, 2, 3, 4))
  })

  it('a value that does not fit is our bug', () => {
    const writer = new ByteWriter()
    const misuses: readonly (() => unknown)[] = [
      () => writer.u8(256),
      () => writer.u8(-1),
      () => writer.u8(0.5),
      () => writer.u16(0x1_0000),
      () => writer.u32(0x1_0000_0000),
      () => writer.u32(-1),
      () => writer.i32(0x8000_0000),
      () => writer.i32(Number.NaN),
      () => writer.u64(-1n),
      () => writer.u64(2n ** 64n),
      () => writer.compactSize(-1),
      () => writer.compactSize(2 ** 53),
      () => new ByteReader(new Uint8Array(4)).bytes(-1),
      () => new ByteReader(new Uint8Array(4)).bytes(1.5),
      () => new ByteReader(new Uint8Array(4), 5)
    ]
    misuses.forEach((misuse, i) => {
      expect(misuse, `misuse ${i}`).toThrow(InvariantError)
    })
    expect(writer.length).toBe(0)
  })
})
