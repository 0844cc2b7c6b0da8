import { addressFromScript, witnessProgramScript } from '@p2poolv2/bitcoin'
import type { ChainParams } from '@p2poolv2/consensus'
import { invariant, type SeededRng } from '@p2poolv2/primitives'

/** A payout address of the share chain's network that is nobody else's. */
export function payoutAddress(params: ChainParams, rng: SeededRng): string {
  const address = addressFromScript(witnessProgramScript(0, rng.bytes(20)), params.addressNetwork)
  invariant(address !== null, 'a witness program has an address')
  return address
}

/** Hashrates falling like 1/rank, the largest first, that sum to `totalHps`. */
export function zipfHashrates(count: number, totalHps: number): number[] {
  const weights = Array.from({ length: count }, (_, rank) => 1 / (rank + 1))
  const sum = weights.reduce((a, b) => a + b, 0)
  return weights.map(weight => (totalHps * weight) / sum)
}

/** The same hashrate for everybody. */
export function evenHashrates(count: number, totalHps: number): number[] {
  return Array.from({ length: count }, () => totalHps / count)
}
