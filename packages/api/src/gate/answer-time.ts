import type { SteadyMs } from '@p2poolv2/primitives'
import { AddressRates, type Rate, TokenBucket } from './address-rates.ts'

/** Milliseconds of the miners' thread that answers to one address may take: a twentieth of it. A page takes some 100 at first. */
export const OF_ADDRESS: Rate = { burst: 1_000, perSecond: 50 }
/** And answers to all addresses together, the owner's apart: a fifth of it. */
export const OF_ALL: Rate = { burst: 2_000, perSecond: 200 }
/** No answer counts for more: those that read the disk wait for it as well. */
export const MAX_COUNTED_MS = 50
/** An address is not heard at all until its debt is below so many seconds: who takes no for an answer never has as much. */
const DEAF_FROM_SEC = 20

/** Why somebody is not answered now, and after how many seconds he may be. */
export interface Wait {
  readonly whose: 'address' | 'all'
  readonly waitSec: number
}

/** How much of the thread that serves miners has gone into answers, by who asked. */
export class AnswerTime {
  readonly #byAddress = new AddressRates(OF_ADDRESS)
  readonly #all: TokenBucket

  constructor(nowMs: SteadyMs) {
    this.#all = new TokenBucket(OF_ALL, nowMs)
  }

  /** @returns null to answer */
  wait(address: string, nowMs: SteadyMs): Wait | null {
    const ofAddress = this.#byAddress.of(address, nowMs).waitSec(nowMs)
    if (ofAddress > 0) return { whose: 'address', waitSec: ofAddress }
    const ofAll = this.#all.waitSec(nowMs)
    return ofAll > 0 ? { whose: 'all', waitSec: ofAll } : null
  }

  /** Whether who connects from there is hung up on at once. */
  isDeafTo(address: string, nowMs: SteadyMs): boolean {
    return this.#byAddress.of(address, nowMs).waitSec(nowMs) >= DEAF_FROM_SEC
  }

  /** @param tookMs milliseconds and their fractions */
  spend(address: string, tookMs: number, nowMs: SteadyMs): void {
    const ms = Math.min(tookMs, MAX_COUNTED_MS)
    this.#byAddress.of(address, nowMs).spend(ms, nowMs)
    this.#all.spend(ms, nowMs)
  }
}
