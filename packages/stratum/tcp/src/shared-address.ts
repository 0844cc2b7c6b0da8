import { AddressRanges } from './address-ranges.ts'

/** Behind these are all devices of a house, of a container host or of a provider's customers, or this very computer. */
const SHARED = new AddressRanges([
  '127.0.0.0/8',
  '10.0.0.0/8',
  '172.16.0.0/12',
  '192.168.0.0/16',
  '169.254.0.0/16',
  '100.64.0.0/10',
  '::1',
  'fc00::/7',
  'fe80::/10'
])

/**
 * Whether an address is loopback, private, link-local or a provider's translated one (RFC 1918, 3927, 4193, 6598): banning
 * it for one bad device would shut out good ones.
 * @param address as a socket gives it, IPv4 without `::ffff:`
 */
export function isSharedAddress(address: string): boolean {
  return SHARED.includes(address)
}
