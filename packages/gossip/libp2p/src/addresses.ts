import { BlockList, isIP } from 'node:net'
import { CODE_IP4, CODE_IP6, CODE_ONION3, CODE_P2P, CODE_TCP, type Multiaddr, multiaddr } from '@multiformats/multiaddr'
import type { PeerAddress } from '@p2poolv2/gossip'

/** Most addresses that are told of one node, ours in identify or another's: keeps identify and Kademlia's answers small (wire 0.13 §2.6). */
export const MAX_ADDRESSES_PER_PEER = 8

const LOCAL: readonly (readonly [network: string, prefix: number])[] = [
  ['10.0.0.0', 8],
  ['127.0.0.0', 8],
  ['169.254.0.0', 16],
  ['172.16.0.0', 12],
  ['192.168.0.0', 16],
  ['::1', 128],
  ['fc00::', 7],
  ['fe80::', 10]
]

/** Beside the local ones: what no router carries, or what is nobody's own (wire 0.13 §9.3). */
const NOT_ROUTED: readonly (readonly [network: string, prefix: number])[] = [
  ['0.0.0.0', 8],
  ['100.64.0.0', 10],
  ['192.0.2.0', 24],
  ['198.18.0.0', 15],
  ['198.51.100.0', 24],
  ['203.0.113.0', 24],
  ['224.0.0.0', 4],
  ['240.0.0.0', 4],
  ['::', 80],
  ['100::', 64],
  ['2001:db8::', 32],
  ['ff00::', 8]
]

const localNetworks = listOf(LOCAL)
const hiddenNetworks = listOf([...LOCAL, ...NOT_ROUTED])

/** This computer or its own network: loopback, private and link-local addresses. */
export function isLocalIp(ip: string): boolean {
  return isIn(localNetworks, ip)
}

/** Whether the address can be reached from anywhere on the internet. */
export function isPublicIp(ip: string): boolean {
  return isIP(ip) !== 0 && !isIn(hiddenNetworks, ip)
}

/** The address without the peer's name behind it. */
export function addressOf(address: Multiaddr): PeerAddress {
  return address.decapsulateCode(CODE_P2P).toString()
}

/** The IP literal of an address, or null for one that has none. */
export function ipOf(address: PeerAddress | Multiaddr): string | null {
  const [first] = componentsOf(address)
  if (first?.code !== CODE_IP4 && first?.code !== CODE_IP6) return null
  // A socket of both families shows an IPv4 address inside IPv6.
  return first.value?.replace(/^::ffff:(?=\d+\.)/i, '') ?? null
}

/** The TCP port of an address, or null for one that has none. */
export function portOf(address: PeerAddress | Multiaddr): number | null {
  const port = componentsOf(address).find(({ code }) => code === CODE_TCP)?.value
  return port === undefined ? null : Number(port)
}

/** `/ip4|ip6/…/tcp/…` or `/onion3/…`, with or without a peer behind it: the forms that every node of the network can dial. */
export function isDialable(address: PeerAddress | Multiaddr): boolean {
  const [first, second, ...rest] = componentsOf(address).filter(({ code }) => code !== CODE_P2P)
  if (first?.code === CODE_ONION3) return second === undefined
  return ipOf(address) !== null && second?.code === CODE_TCP && second.value !== '0' && rest.length === 0
}

/**
 * Which addresses may be told to others, by us and by those who repeat them: dialable ones, the first few. Local ones only on a chain
 * whose nodes are on one computer or in one house; the internet is not told of anybody's rooms.
 */
export function tellable(addresses: readonly Multiaddr[], options: { readonly isLocalChain: boolean }): Multiaddr[] {
  return addresses
    .filter(address => {
      if (!isDialable(address)) return false
      const ip = ipOf(address)
      return ip === null || isPublicIp(ip) || (options.isLocalChain && isLocalIp(ip))
    })
    .slice(0, MAX_ADDRESSES_PER_PEER)
}

function componentsOf(address: PeerAddress | Multiaddr): ReturnType<Multiaddr['getComponents']> {
  return (typeof address === 'string' ? multiaddr(address) : address).getComponents()
}

function isIn(networks: BlockList, ip: string): boolean {
  const family = isIP(ip)
  return family !== 0 && networks.check(ip, family === 4 ? 'ipv4' : 'ipv6')
}

function listOf(networks: readonly (readonly [network: string, prefix: number])[]): BlockList {
  const list = new BlockList()
  for (const [network, prefix] of networks) list.addSubnet(network, prefix, isIP(network) === 4 ? 'ipv4' : 'ipv6')
  return list
}
