import type { SteadyMs } from '@p2poolv2/primitives'
import type { KnownAddress } from './address-book.ts'
import type { AddressStatus } from './contract.ts'

/** @param nextTryMs null while it is connected */
export function addressStatus(known: KnownAddress, nextTryMs: SteadyMs | null): AddressStatus {
  const { address, source, isWanted, peer, lastResult, failures, lastGoodMs } = known
  return { address, source, isWanted, peer, lastResult, failures, lastGoodMs, nextTryMs }
}
