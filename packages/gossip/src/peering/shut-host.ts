import type { SteadyMs } from '@p2poolv2/primitives'
import type { PeerId } from '../network-port.ts'
import type { AddressBook } from './address-book.ts'
import type { Bans } from './bans.ts'
import type { Connections } from './connections.ts'
import type { Direction } from './contract.ts'
import { type NetAddress, printAddress } from './net-address.ts'

interface Asked {
  readonly direction: Direction
  readonly net: NetAddress
  /** Null before Noise. */
  readonly peer: PeerId | null
}

interface Parts {
  readonly bans: Bans
  readonly book: AddressBook
  readonly connections: Connections
}

/**
 * Whether its host's ban keeps somebody out. What a stranger did behind an address must not cut this node off from a peer that the operator
 * wants: it is dialled there all the same, and while such a peer is missing whoever dials us from there may say who it is, and is
 * refused then if it is another. The operator's own ban is for all.
 */
export function isShutOut(
  { direction, net, peer }: Asked,
  { bans, book, connections }: Parts,
  nowMs: SteadyMs
): boolean {
  if (!bans.hasHost(net, nowMs)) return false
  if (bans.hasHost(net, nowMs, 'operator')) return true
  if (direction === 'outbound') {
    const dial = connections.pendingAt(printAddress(net))
    return dial?.purpose !== 'wanted' || (peer !== null && dial.peer !== null && dial.peer !== peer)
  }
  for (const { expected } of book.in('wanted')) {
    if (expected === null || connections.get(expected) !== undefined) continue
    if (peer === null || peer === expected) return false
  }
  return true
}
