import type { NetAddress } from './net-address.ts'

/**
 * Who can reach a host: everybody; those of its own network; itself alone; everybody with Tor; nobody (addresses for documents,
 * many receivers, tunnels of old).
 */
export type Reach = 'public' | 'private' | 'loopback' | 'onion' | 'nobody'

type Range = readonly [prefix: readonly number[], bits: number, reach: Reach]

/** The first that fits counts. Source: the reference’s filter, which takes `public` alone; RFC 6890. */
const IP4_RANGES: readonly Range[] = [
  [[0], 8, 'nobody'],
  [[10], 8, 'private'],
  // Carriers' own networks, and overlays that people build of them.
  [[100, 64], 10, 'private'],
  [[127], 8, 'loopback'],
  [[169, 254], 16, 'private'],
  [[172, 16], 12, 'private'],
  [[192, 0, 2], 24, 'nobody'],
  [[192, 168], 16, 'private'],
  [[198, 18], 15, 'nobody'],
  [[198, 51, 100], 24, 'nobody'],
  [[203, 0, 113], 24, 'nobody'],
  [[224], 4, 'nobody'],
  [[240], 4, 'nobody']
]

const IP6_RANGES: readonly Range[] = [
  [[0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1], 128, 'loopback'],
  // Unspecified, mapped and compatible.
  [[0, 0, 0, 0, 0, 0, 0, 0, 0, 0], 80, 'nobody'],
  [[0x01, 0x00, 0, 0, 0, 0, 0, 0], 64, 'nobody'],
  [[0x20, 0x01, 0x0d, 0xb8], 32, 'nobody'],
  [[0xfc], 7, 'private'],
  // Of one link: it needs a zone to be dialled, which an address here has not.
  [[0xfe, 0x80], 10, 'nobody'],
  [[0xff], 8, 'nobody']
]

export function reachOf({ kind, host }: Pick<NetAddress, 'kind' | 'host'>): Reach {
  if (kind === 'onion3') return 'onion'
  const range = (kind === 'ip4' ? IP4_RANGES : IP6_RANGES).find(([prefix, bits]) => hasPrefix(host, prefix, bits))
  return range === undefined ? 'public' : range[2]
}

/** Whether everybody can reach it over the internet: what may be told to others and taken from them. */
export function isRoutable(address: Pick<NetAddress, 'kind' | 'host'>): boolean {
  return reachOf(address) === 'public'
}

/** Whether many who have nothing to do with each other may stand behind it, or only this household. */
export function isPrivate(address: Pick<NetAddress, 'kind' | 'host'>): boolean {
  const reach = reachOf(address)
  return reach === 'private' || reach === 'loopback'
}

/**
 * The part of the internet a host is in, by what somebody has to own to have many addresses there: a /16 of IPv4, a /32 of
 * IPv6; all onion services together, since their names cost nothing.
 */
export function groupOf({ kind, host }: Pick<NetAddress, 'kind' | 'host'>): string {
  if (kind === 'onion3') return 'onion'
  return `${kind}/${Array.from(host.subarray(0, kind === 'ip4' ? 2 : 4), byte => byte.toString(16)).join('.')}`
}

function hasPrefix(host: Uint8Array, prefix: readonly number[], bits: number): boolean {
  return prefix.every((byte, i) => {
    const mask = 0xff & ~(0xff >>> Math.min(8, Math.max(0, bits - 8 * i)))
    return ((host[i] ?? 0) & mask) === (byte & mask)
  })
}
