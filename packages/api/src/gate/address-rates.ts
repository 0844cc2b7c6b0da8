import { hostNetwork, invariant, type SteadyMs } from '@p2poolv2/primitives'

/** Requests one address may make in a burst, and a second for good. */
export const BURST = 300
export const PER_SECOND = 50
/** What a wrong password costs beside: guessing ends at a few a second. */
export const WRONG_LOGIN_COST = 10
/** Addresses counted at once; of more the one that asked longest ago is forgotten. */
export const MAX_COUNTED = 1_024

interface Bucket {
  tokens: number
  atMs: SteadyMs
}

/** A bucket of tokens for each address; one of IPv6 for each network of 64 bits, since a host has all of it. */
export class AddressRates {
  /** The one that asked longest ago first. */
  readonly #buckets = new Map<string, Bucket>()

  /**
   * @param cost tokens
   * @returns 0 if it may go on, else after how many seconds it may try again
   */
  take(address: string, cost: number, nowMs: SteadyMs): number {
    const key = hostNetwork(address)
    const known = this.#buckets.get(key)
    const tokens = known === undefined ? BURST : refilled(known, nowMs)
    this.#buckets.delete(key)
    if (known === undefined && this.#buckets.size >= MAX_COUNTED)
      this.#buckets.delete(this.#buckets.keys().next().value as string)
    const isEnough = tokens >= 1
    // A cost above what is there leaves a debt: whoever guesses passwords waits for it.
    this.#buckets.set(key, { tokens: isEnough ? tokens - cost : tokens, atMs: nowMs })
    return isEnough ? 0 : Math.ceil((1 - tokens) / PER_SECOND)
  }

  checkInvariants(): void {
    invariant(this.#buckets.size <= MAX_COUNTED, 'counted addresses are within their cap')
  }
}

function refilled({ tokens, atMs }: Bucket, nowMs: SteadyMs): number {
  return Math.min(BURST, tokens + ((nowMs - atMs) / 1_000) * PER_SECOND)
}
