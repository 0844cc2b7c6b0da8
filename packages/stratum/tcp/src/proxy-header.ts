import { isIP } from 'node:net'
import { asciiToBytes, bytesToAscii } from '@p2poolv2/primitives'

/** Longest line of version 1, with its end. */
const MAX_V1_BYTES = 107
/** Longest header of version 2 that is read: addresses have 36 bytes, the rest is for what a front likes to add. */
const MAX_V2_BYTES = 4_096
const V2_SIGNATURE = Uint8Array.of(0x0d, 0x0a, 0x0d, 0x0a, 0x00, 0x0d, 0x0a, 0x51, 0x55, 0x49, 0x54, 0x0a)
const V2_HEAD_BYTES = 16
const V1_BEGINNING = asciiToBytes('PROXY ')

export interface ProxiedFrom {
  /** IPv4 or IPv6 as text. */
  readonly address: string
  readonly port: number
}

export type ProxyHeader =
  /** Not yet all of it. */
  | { readonly state: 'more' }
  /** What came is no such header: the front speaks for itself. */
  | { readonly state: 'none' }
  | { readonly state: 'invalid' }
  /** `bytes` of what came are the header. `from` null: the front speaks for itself, as in a check of its own. */
  | { readonly state: 'read'; readonly bytes: number; readonly from: ProxiedFrom | null }

/**
 * Reads the header by which a front in the middle says whom it speaks for: PROXY protocol, version 1 as text and 2 as bytes.
 * Only for connections of fronts that the operator trusts; anybody can write one. Source: HAProxy's proxy-protocol.txt.
 * @param received the beginning of the connection
 */
export function readProxyHeader(received: Uint8Array): ProxyHeader {
  if (beginsAlike(received, V1_BEGINNING)) return readV1(received)
  if (beginsAlike(received, V2_SIGNATURE)) return readV2(received)
  return { state: 'none' }
}

function readV1(received: Uint8Array): ProxyHeader {
  const end = received.indexOf(0x0a)
  if (end < 0) return received.length < MAX_V1_BYTES ? { state: 'more' } : { state: 'invalid' }
  if (end >= MAX_V1_BYTES || received[end - 1] !== 0x0d) return { state: 'invalid' }
  const bytes = end + 1
  const line = received.subarray(0, end - 1)
  if (line.some(byte => byte < 0x20 || byte > 0x7e)) return { state: 'invalid' }
  const [, family, address = '', , port = '', , ...more] = bytesToAscii(line).split(' ')
  if (family === 'UNKNOWN') return { state: 'read', bytes, from: null }
  const version = family === 'TCP4' ? 4 : family === 'TCP6' ? 6 : 0
  const isPort = /^\d{1,5}$/.test(port) && Number(port) <= 0xffff
  if (version === 0 || isIP(address) !== version || !isPort || more.length > 0) return { state: 'invalid' }
  return { state: 'read', bytes, from: { address, port: Number(port) } }
}

function readV2(received: Uint8Array): ProxyHeader {
  if (received.length < V2_HEAD_BYTES) return { state: 'more' }
  const view = new DataView(received.buffer, received.byteOffset, received.byteLength)
  const versionAndCommand = view.getUint8(12)
  const family = view.getUint8(13)
  const bytes = V2_HEAD_BYTES + view.getUint16(14)
  if (versionAndCommand >>> 4 !== 2 || bytes > MAX_V2_BYTES) return { state: 'invalid' }
  if (received.length < bytes) return { state: 'more' }
  // A command other than "proxied", and a family other than TCP over IP, speak of the front itself.
  if ((versionAndCommand & 0x0f) === 0) return { state: 'read', bytes, from: null }
  if ((versionAndCommand & 0x0f) !== 1) return { state: 'invalid' }
  if (family === 0x11 && bytes >= V2_HEAD_BYTES + 12) {
    const address = [...received.subarray(16, 20)].join('.')
    return { state: 'read', bytes, from: { address, port: view.getUint16(24) } }
  }
  if (family === 0x21 && bytes >= V2_HEAD_BYTES + 36) {
    const groups = Array.from({ length: 8 }, (_, i) => view.getUint16(16 + 2 * i).toString(16))
    return { state: 'read', bytes, from: { address: plainIpv6(groups), port: view.getUint16(48) } }
  }
  return family === 0x11 || family === 0x21 ? { state: 'invalid' } : { state: 'read', bytes, from: null }
}

/** The usual short text, so that an address is counted as the same however it came. */
function plainIpv6(groups: readonly string[]): string {
  return new URL(`http://[${groups.join(':')}]`).hostname.slice(1, -1)
}

/** Whether one is the beginning of the other. */
function beginsAlike(received: Uint8Array, beginning: Uint8Array): boolean {
  const length = Math.min(received.length, beginning.length)
  for (let i = 0; i < length; i++) if (received[i] !== beginning[i]) return false
  return true
}
