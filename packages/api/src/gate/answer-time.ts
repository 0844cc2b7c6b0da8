import type { SteadyMs } from '@p2poolv2/primitives'
import { AddressRates, type Rate } from './address-rates.ts'

/** Milliseconds of the miners' thread that answers to one address may take: a twentieth of it. A page takes some 100 at first. */
export const OF_ADDRESS: Rate = { burst: 1_000, perSecond: 50 }
/** No answer counts for more: those that ask bitcoind wait for it as well. */
export const MAX_COUNTED_MS = 50

/** How much of the thread that serves miners has gone into answers, by who asked. */
export class AnswerTime {
  readonly #byAddress = new AddressRates(OF_ADDRESS)
  #countedToMs = 0

  /** @returns 0 to answer, else after how many seconds one may ask again */
  waitSec(address: string, nowMs: SteadyMs): number {
    return this.#byAddress.of(address, nowMs).waitSec(nowMs)
  }

  /** @param answer milliseconds and their fractions; what answers that overlap have in common is counted once */
  spend(address: string, { fromMs, toMs }: { readonly fromMs: number; readonly toMs: number }, nowMs: SteadyMs): void {
    const tookMs = Math.max(0, toMs - Math.max(fromMs, this.#countedToMs))
    this.#countedToMs = Math.max(toMs, this.#countedToMs)
    this.#byAddress.of(address, nowMs).spend(Math.min(tookMs, MAX_COUNTED_MS), nowMs)
  }
}
