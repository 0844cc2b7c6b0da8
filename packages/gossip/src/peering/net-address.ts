import { bytesEqual } from '@p2poolv2/primitives'
import { base32nopad, base58 } from '@scure/base'
import type { PeerId } from '../network-port.ts'
import type { PeerAddress } from './contract.ts'

/** Where a node listens: a host by number and a TCP port. No names: what is looked up tells others whom we look for. */
export interface NetAddress {
  readonly kind: 'ip4' | 'ip6' | 'onion3'
  /** 4, 16 or 35 bytes, as they are written from left to right. */
  readonly host: Uint8Array
  /** 1 to 65,535. */
  readonly port: number
}

export const HOST_BYTES: Readonly<Record<NetAddress['kind'], number>> = { ip4: 4, ip6: 16, onion3: 35 }
/** Longest text of an address with `/p2p/…` behind it that anybody needs. */
export const MAX_ADDRESS_CHARACTERS = 256
/** Last byte of an onion service's name of version 3 (Tor’s specification of rendezvous, version 3). */
const ONION_VERSION = 3
/** `::ffff:0:0/96`: one IPv4 host under an IPv6 name (RFC 4291 §2.5.5.2). */
const MAPPED_PREFIX = Uint8Array.of(0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff)
/** The identity multihash of a protobuf public key: Ed25519 of 32 bytes, secp256k1 of 33 (libp2p peer-ids). */
const KEY_HEADS: readonly { readonly head: readonly number[]; readonly keyBytes: number }[] = [
  { head: [0x00, 0x24, 0x08, 0x01, 0x12, 0x20], keyBytes: 32 },
  { head: [0x00, 0x25, 0x08, 0x02, 0x12, 0x21], keyBytes: 33 }
]

/**
 * Reads `/ip4/…/tcp/…`, `/ip6/…/tcp/…` or `/onion3/…:port`.
 * @returns null for everything else: names, other transports, zones, something behind it. An IPv4 host under an IPv6 name is told
 * as IPv4, so that one host has one name.
 */
export function parseAddress(text: PeerAddress): NetAddress | null {
  if (text.length > MAX_ADDRESS_CHARACTERS) return null
  const [empty, kind, where = '', transport, portText = '', ...rest] = text.split('/')
  if (empty !== '' || rest.length > 0) return null
  if (kind === 'onion3') return transport === undefined ? parseOnion(where) : null
  const port = parsePort(portText)
  if (transport !== 'tcp' || port === null) return null
  const host = kind === 'ip4' ? parseIp4(where) : kind === 'ip6' ? parseIp6(where) : null
  return host === null ? null : ipAddress(host, port)
}

/** @param host 4 or 16 bytes */
export function ipAddress(host: Uint8Array, port: number): NetAddress {
  const isMapped = host.length === 16 && MAPPED_PREFIX.every((byte, i) => host[i] === byte)
  if (isMapped) return { kind: 'ip4', host: host.slice(12), port }
  return { kind: host.length === 4 ? 'ip4' : 'ip6', host, port }
}

/** The one text of an address; IPv6 in the form of RFC 5952. */
export function printAddress(address: NetAddress): PeerAddress {
  const host = printHost(address)
  return address.kind === 'onion3' ? `/onion3/${host}:${address.port}` : `/${address.kind}/${host}/tcp/${address.port}`
}

export function printHost({ kind, host }: Pick<NetAddress, 'kind' | 'host'>): string {
  if (kind === 'ip4') return host.join('.')
  return kind === 'ip6' ? printIp6(host) : base32nopad.encode(host).toLowerCase()
}

export function isSameHost(a: Pick<NetAddress, 'kind' | 'host'>, b: Pick<NetAddress, 'kind' | 'host'>): boolean {
  return a.kind === b.kind && bytesEqual(a.host, b.host)
}

/** The text of an address in its one form, or null if it is none. */
export function canonicalAddress(text: PeerAddress): PeerAddress | null {
  const address = parseAddress(text)
  return address === null ? null : printAddress(address)
}

/** A host by number and a port, `192.0.2.1:6884` or `[2001:db8::1]:6884`, as people write them; null if it is none. */
export function parseHostPort(text: string): PeerAddress | null {
  const [, host = '', port = ''] = /^(\[[^\]]+\]|[^:]+):([0-9]+)$/.exec(text) ?? []
  const isIp6 = host.startsWith('[')
  return canonicalAddress(`/${isIp6 ? 'ip6' : 'ip4'}/${host.replace(/^\[|\]$/g, '')}/tcp/${port}`)
}

/** An address with `/p2p/<peer>` behind it or not, as people write it. Null if it is none. */
export function parseDialText(text: string): { readonly address: PeerAddress; readonly peer: PeerId | null } | null {
  const at = text.indexOf('/p2p/')
  const address = canonicalAddress(at === -1 ? text : text.slice(0, at))
  const peer = at === -1 ? null : text.slice(at + '/p2p/'.length)
  if (address === null || (peer !== null && peerIdBytes(peer) === null)) return null
  return { address, peer }
}

/** The multihash of a peer id in base58, 38 or 39 bytes; null unless it holds an Ed25519 or secp256k1 key. */
export function peerIdBytes(peer: PeerId): Uint8Array | null {
  if (peer.length > 64) return null
  try {
    const bytes = base58.decode(peer)
    return isPeerIdBytes(bytes) ? bytes : null
  } catch {
    return null
  }
}

/** The text of a peer id's multihash; null unless it holds an Ed25519 or secp256k1 key. */
export function peerIdFromBytes(bytes: Uint8Array): PeerId | null {
  return isPeerIdBytes(bytes) ? base58.encode(bytes) : null
}

function isPeerIdBytes(bytes: Uint8Array): boolean {
  return KEY_HEADS.some(
    ({ head, keyBytes }) => bytes.length === head.length + keyBytes && head.every((byte, i) => bytes[i] === byte)
  )
}

/** An IP literal as people write it, without port; null if it is none. */
export function parseIp(text: string): Uint8Array | null {
  const host = parseIp4(text) ?? parseIp6(text)
  return host === null ? null : ipAddress(host, 1).host
}

function parsePort(text: string): number | null {
  const port = Number(text)
  return /^[1-9][0-9]{0,4}$/.test(text) && port <= 0xffff ? port : null
}

function parseIp4(text: string): Uint8Array | null {
  const parts = text.split('.')
  if (parts.length !== 4 || !parts.every(part => /^(0|[1-9][0-9]{0,2})$/.test(part) && Number(part) <= 255)) return null
  return Uint8Array.from(parts, Number)
}

function parseIp6(text: string): Uint8Array | null {
  const halves = text.split('::')
  if (halves.length > 2 || text.length > 45) return null
  const [left, right] = halves.map((half, i) =>
    half === '' ? [] : parseGroups(half, { isEnd: i === halves.length - 1 })
  )
  if (left === undefined || left === null || right === null) return null
  // The gap stands for one group of zeros at least (RFC 5952 §4.2.2), and without one all eight are there.
  const missing = 8 - left.length - (right?.length ?? 0)
  if (right === undefined ? missing !== 0 : missing < 1) return null
  const groups = [...left, ...new Array<number>(missing).fill(0), ...(right ?? [])]
  return Uint8Array.from(groups.flatMap(group => [group >>> 8, group & 0xff]))
}

/** Groups between colons; the last of an address may be an IPv4 address, which is two. */
function parseGroups(text: string, { isEnd }: { readonly isEnd: boolean }): number[] | null {
  const groups: number[] = []
  const parts = text.split(':')
  for (const [i, part] of parts.entries()) {
    const tail = isEnd && i === parts.length - 1 ? parseIp4(part) : null
    if (tail !== null) {
      const [a = 0, b = 0, c = 0, d = 0] = tail
      groups.push((a << 8) | b, (c << 8) | d)
    } else if (/^[0-9a-fA-F]{1,4}$/.test(part)) {
      groups.push(Number.parseInt(part, 16))
    } else {
      return null
    }
  }
  return groups.length > 8 ? null : groups
}

function printIp6(host: Uint8Array): string {
  const groups = Array.from({ length: 8 }, (_, i) => ((host[2 * i] ?? 0) << 8) | (host[2 * i + 1] ?? 0))
  // The first of the longest runs of at least two groups of zeros is left out.
  let from = 0
  let length = 1
  for (let start = 0; start < 8; start++) {
    let end = start
    while (groups[end] === 0) end++
    if (end - start > length) {
      from = start
      length = end - start
    }
  }
  const text = (some: readonly number[]): string => some.map(group => group.toString(16)).join(':')
  if (length === 1) return text(groups)
  return `${text(groups.slice(0, from))}::${text(groups.slice(from + length))}`
}

function parseOnion(text: string): NetAddress | null {
  const [name = '', portText = '', ...rest] = text.split(':')
  const port = parsePort(portText)
  if (rest.length > 0 || port === null || !/^[a-zA-Z2-7]{56}$/.test(name)) return null
  const host = base32nopad.decode(name.toUpperCase())
  return host[34] === ONION_VERSION ? { kind: 'onion3', host, port } : null
}
