import { isOperators } from './address-book.ts'
import type { AddressSource } from './contract.ts'
import type { NetAddress } from './net-address.ts'
import { isPrivate, reachOf } from './network-group.ts'

export interface AddressFilter {
  /** Strangers' addresses of private networks are taken: the share chain is one for trying things out. */
  readonly acceptsPrivate: boolean
  /** Whether there is a proxy that reaches onion services. */
  readonly reachesOnion: boolean
}

/**
 * Whether an address is worth knowing. A stranger must not have us knock at the doors of our own network: of private addresses, the
 * operator's are taken, those found on this network, and those told by a peer that is itself seen at such an address.
 * @param teller where the peer is seen that told it; null if nobody in particular did
 */
export function takesAddress(
  net: NetAddress,
  told: { readonly source: AddressSource; readonly teller: NetAddress | null },
  { acceptsPrivate, reachesOnion }: AddressFilter
): boolean {
  if (isOperators(told.source)) return true
  const reach = reachOf(net)
  if (reach === 'public') return true
  if (reach === 'onion') return reachesOnion
  if (!isPrivate(net)) return false
  if (acceptsPrivate || (told.source === 'mdns' && reach === 'private')) return true
  const from = told.teller === null ? 'nobody' : reachOf(told.teller)
  return reach === from || (reach === 'private' && from === 'loopback')
}
