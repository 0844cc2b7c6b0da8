import type { Pipe } from './inlet.ts'

/** Protocol buffers' variable integer: 7 bits a byte, the lowest first, the top bit set on all but the last. */
export function varint(value: number): Buffer {
  const bytes: number[] = []
  for (let rest = value; ; rest = Math.floor(rest / 128)) {
    if (rest < 128) return Buffer.from([...bytes, rest])
    bytes.push((rest % 128) + 128)
  }
}

export async function takeVarint(pipe: Pipe): Promise<number> {
  let value = 0
  for (let scale = 1; ; scale *= 128) {
    const [byte = 0] = await pipe.take(1)
    value += (byte & 127) * scale
    if (byte < 128) return value
    if (scale > 2 ** 42) throw new Error('a number is too long')
  }
}

/** Length as a varint, then the bytes. */
export function prefixed(bytes: Uint8Array): Buffer {
  return Buffer.concat([varint(bytes.length), bytes])
}

export async function takePrefixed(pipe: Pipe, maxBytes: number): Promise<Buffer> {
  const length = await takeVarint(pipe)
  if (length > maxBytes) throw new Error(`${length} bytes are more than ${maxBytes}`)
  return pipe.take(length)
}

/** One field of a protocol buffer: bytes, or a number. */
export type Field = readonly [number: number, value: Uint8Array | number]

export function encodeFields(fields: readonly Field[]): Buffer {
  return Buffer.concat(
    fields.flatMap(([number, value]) =>
      typeof value === 'number' ? [varint(number * 8), varint(value)] : [varint(number * 8 + 2), prefixed(value)]
    )
  )
}

/** Fields of a protocol buffer that has numbers and bytes only. @throws for anything else */
export function decodeFields(bytes: Buffer): Field[] {
  const fields: Field[] = []
  let at = 0
  const next = (): number => {
    let value = 0
    for (let scale = 1; ; scale *= 128) {
      const byte = bytes[at++]
      if (byte === undefined) throw new Error('a protocol buffer breaks off')
      value += (byte & 127) * scale
      if (byte < 128) return value
    }
  }
  while (at < bytes.length) {
    const key = next()
    const number = Math.floor(key / 8)
    if (key % 8 === 0) fields.push([number, next()])
    else if (key % 8 === 2) {
      const length = next()
      if (at + length > bytes.length) throw new Error('a protocol buffer breaks off')
      fields.push([number, bytes.subarray(at, at + length)])
      at += length
    } else throw new Error(`a protocol buffer has a field of kind ${key % 8}`)
  }
  return fields
}

export function bytesOf(fields: readonly Field[], number: number): Buffer[] {
  return fields.flatMap(([n, value]) => (n === number && typeof value !== 'number' ? [Buffer.from(value)] : []))
}
