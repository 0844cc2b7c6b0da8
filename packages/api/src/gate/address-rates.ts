import { hostNetwork, invariant, type SteadyMs } from '@p2poolv2/primitives'

/** Requests one address may make in a burst, and a second for good. */
export const REQUESTS: Rate = { burst: 300, perSecond: 50 }
/** What a wrong password costs beside: guessing ends at a few a second. */
export const WRONG_LOGIN_COST = 10
/** Addresses counted at once; of more the one that asked longest ago is forgotten. */
export const MAX_COUNTED = 1_024

export interface Rate {
  /** Tokens at once after a pause. */
  readonly burst: number
  readonly perSecond: number
}

/** A bucket of tokens. */
export class TokenBucket {
  readonly #rate: Rate
  #tokens: number
  #atMs: SteadyMs

  constructor(rate: Rate, nowMs: SteadyMs) {
    this.#rate = rate
    this.#tokens = rate.burst
    this.#atMs = nowMs
  }

  /** @returns 0 if there is a token, else after how many seconds there is one */
  waitSec(nowMs: SteadyMs): number {
    this.spend(0, nowMs)
    return this.#tokens >= 1 ? 0 : Math.ceil((1 - this.#tokens) / this.#rate.perSecond)
  }

  /** More than there is leaves a debt, of one burst at most: whoever guesses passwords waits for it. */
  spend(tokens: number, nowMs: SteadyMs): void {
    const { burst, perSecond } = this.#rate
    const tokensNow = Math.min(burst, this.#tokens + ((nowMs - this.#atMs) / 1_000) * perSecond)
    this.#tokens = Math.max(-burst, tokensNow - tokens)
    this.#atMs = nowMs
  }
}

/** A bucket for each address; one of IPv6 for each network of 64 bits, since a host has all of it. */
export class AddressRates {
  readonly #rate: Rate
  /** The one that asked longest ago first. */
  readonly #buckets = new Map<string, TokenBucket>()

  constructor(rate: Rate) {
    this.#rate = rate
  }

  /**
   * Takes so many tokens, unless there is none.
   * @returns 0 if it may go on, else after how many seconds it may try again
   */
  take(address: string, cost: number, nowMs: SteadyMs): number {
    const bucket = this.of(address, nowMs)
    const waitSec = bucket.waitSec(nowMs)
    if (waitSec === 0) bucket.spend(cost, nowMs)
    return waitSec
  }

  of(address: string, nowMs: SteadyMs): TokenBucket {
    const key = hostNetwork(address)
    const bucket = this.#buckets.get(key) ?? new TokenBucket(this.#rate, nowMs)
    this.#buckets.delete(key)
    if (this.#buckets.size >= MAX_COUNTED) this.#buckets.delete(this.#buckets.keys().next().value as string)
    this.#buckets.set(key, bucket)
    return bucket
  }

  checkInvariants(): void {
    invariant(this.#buckets.size <= MAX_COUNTED, 'counted addresses are within their cap')
  }
}
