import { BlockList } from 'node:net'

/** Behind these are all devices of a house, of a container host or of a provider's customers, or this very computer. */
const SHARED = new BlockList()
SHARED.addSubnet('127.0.0.0', 8)
SHARED.addSubnet('10.0.0.0', 8)
SHARED.addSubnet('172.16.0.0', 12)
SHARED.addSubnet('192.168.0.0', 16)
SHARED.addSubnet('169.254.0.0', 16)
SHARED.addSubnet('100.64.0.0', 10)
SHARED.addAddress('::1', 'ipv6')
SHARED.addSubnet('fc00::', 7, 'ipv6')
SHARED.addSubnet('fe80::', 10, 'ipv6')

/**
 * Whether an address is loopback, private, link-local or a provider's translated one (RFC 1918, 3927, 4193, 6598): banning
 * it for one bad device would shut out good ones.
 * @param address as a socket gives it, IPv4 without `::ffff:`
 */
export function isSharedAddress(address: string): boolean {
  const [plain = ''] = address.split('%')
  return SHARED.check(plain, plain.includes(':') ? 'ipv6' : 'ipv4')
}
