import { CODE_P2P, CODE_TCP, type Multiaddr, multiaddr } from '@multiformats/multiaddr'
import { isPrivate, type PeerAddress, parseAddress, reachOf } from '@p2poolv2/gossip'

/** Most addresses that are told of one node, ours in identify or another's: keeps identify and Kademlia's answers small. */
export const MAX_ADDRESSES_PER_PEER = 8

/** The address without the peer's name behind it. */
export function addressOf(address: Multiaddr): PeerAddress {
  return address.decapsulateCode(CODE_P2P).toString()
}

/** What is the same for all connections from one host. */
export function hostOf(address: PeerAddress): string {
  const net = parseAddress(address)
  return net === null ? address : `${net.kind}/${net.host.join('.')}`
}

/** The TCP port of an address, or null for one that has none. */
export function portOf(address: Multiaddr | PeerAddress): number | null {
  const parts = typeof address === 'string' ? multiaddr(address) : address
  const port = parts.getComponents().find(({ code }) => code === CODE_TCP)?.value
  return port === undefined ? null : Number(port)
}

/** Whether the IP address is this computer's or its own network's. */
export function isLocalIp(ip: string): boolean {
  const net = parseAddress(`/${ip.includes(':') ? 'ip6' : 'ip4'}/${ip}/tcp/1`)
  return net !== null && isPrivate(net)
}

/**
 * Which addresses may be told to others, by us and by those who repeat them: those that every node can dial, the first few. Private
 * ones only on a chain whose nodes are on one computer or in one house; the internet is not told of anybody's rooms.
 */
export function tellable(addresses: readonly Multiaddr[], options: { readonly isLocalChain: boolean }): Multiaddr[] {
  return addresses
    .filter(address => {
      const net = parseAddress(addressOf(address))
      if (net === null) return false
      const reach = reachOf(net)
      return reach === 'public' || reach === 'onion' || (options.isLocalChain && isPrivate(net))
    })
    .slice(0, MAX_ADDRESSES_PER_PEER)
}
