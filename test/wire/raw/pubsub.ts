import { bytesOf, decodeFields, encodeFields, type Field, prefixed } from './varint.ts'

// Gossipsub's RPC as far as a leaf of the mesh needs it.

export interface Rpc {
  readonly subscriptions: readonly { readonly topic: string; readonly isOn: boolean }[]
  readonly messages: readonly { readonly topic: string; readonly data: Buffer; readonly fields: readonly number[] }[]
  readonly grafts: readonly string[]
  readonly prunes: readonly string[]
  /** Message names offered. */
  readonly offers: readonly Buffer[]
}

const text = (bytes: Buffer | undefined): string => bytes?.toString() ?? ''

export function decodeRpc(bytes: Buffer): Rpc {
  const fields = decodeFields(bytes)
  const control = bytesOf(fields, 3).flatMap(part => decodeFields(part))
  const topics = (number: number): string[] =>
    bytesOf(control, number).map(part => text(bytesOf(decodeFields(part), 1)[0]))
  return {
    subscriptions: bytesOf(fields, 1).map(part => {
      const inner = decodeFields(part)
      return { topic: text(bytesOf(inner, 2)[0]), isOn: inner.some(([number, value]) => number === 1 && value === 1) }
    }),
    messages: bytesOf(fields, 2).map(part => {
      const inner = decodeFields(part)
      const [data = Buffer.alloc(0)] = bytesOf(inner, 2)
      return { topic: text(bytesOf(inner, 4)[0]), data, fields: inner.map(([number]) => number) }
    }),
    grafts: topics(3),
    prunes: topics(4),
    offers: bytesOf(control, 1).flatMap(part => bytesOf(decodeFields(part), 2))
  }
}

const rpc = (fields: readonly Field[]): Buffer => prefixed(encodeFields(fields))

export const subscribe = (topics: readonly string[]): Buffer =>
  rpc(
    topics.map(topic => [
      1,
      encodeFields([
        [1, 1],
        [2, Buffer.from(topic)]
      ])
    ])
  )

export const publish = (topic: string, data: Uint8Array, extra: readonly Field[] = []): Buffer =>
  rpc([[2, encodeFields([[2, data], [4, Buffer.from(topic)], ...extra])]])

export const graft = (topic: string): Buffer => rpc([[3, encodeFields([[3, encodeFields([[1, Buffer.from(topic)]])]])]])
