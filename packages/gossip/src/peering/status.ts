import type { AddressBook, KnownAddress } from './address-book.ts'
import type { Bans } from './bans.ts'
import type { Connections } from './connections.ts'
import type { AddressStatus, PeeringStatus } from './contract.ts'
import type { DialPolicy } from './dial-policy.ts'

interface Parts {
  readonly connections: Connections
  readonly bans: Bans
  readonly book: AddressBook
  readonly policy: DialPolicy
}

export function peeringStatus(
  { connections, bans, book, policy }: Parts,
  reachedFromOutsideMs: PeeringStatus['reachedFromOutsideMs']
): PeeringStatus {
  const connected = connections.addresses()
  const addressStatus = (known: KnownAddress): AddressStatus => {
    const { address, source, isWanted, peer, lastResult, failures, lastGoodMs, notBeforeMs } = known
    const nextTryMs = policy.isConnected(known, connected) ? null : notBeforeMs
    return { address, source, isWanted, peer, lastResult, failures, lastGoodMs, nextTryMs }
  }
  return {
    connections: [...connections.all()].map(({ status }) => status),
    dialling: [...connections.pending()].map(({ address }) => address),
    bans: bans.all(),
    addresses: (['wanted', 'good', 'fresh'] as const).flatMap(table => [...book.in(table)].map(addressStatus)),
    reachedFromOutsideMs
  }
}
