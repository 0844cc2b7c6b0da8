import type { Target } from '@p2poolv2/primitives'
import { grind } from '@p2poolv2/stratum/client'
import type { Ledger } from './ledger.ts'

const NONCES = 0x1_0000_0000

/** What is hashed for one job: a header whose nonces are tried one after the other. */
export interface Ground {
  readonly header: Uint8Array
  readonly target: Target
  nextNonce: number
}

/** The bookkeeping of one miner of the load: what it hashed, what it submitted, and what came of it. */
export class LoadSubmits {
  readonly #ledger: Ledger
  readonly #nowMs: () => number
  /** When each submit that has no answer yet was sent, the oldest first. */
  readonly #pending = new Map<number, number>()

  constructor({ ledger, nowMs }: { readonly ledger: Ledger; readonly nowMs: () => number }) {
    this.#ledger = ledger
    this.#nowMs = nowMs
  }

  get unanswered(): number {
    return this.#pending.size
  }

  /** Tries at most so many nonces. @returns the first that is good enough, or null; and whether there are more to try */
  search(ground: Ground, hashes: number): { readonly nonce: number | null; readonly isSpent: boolean } {
    const startedAtMs = this.#nowMs()
    const first = ground.nextNonce
    const nonce = grind(ground.header, ground.target, { firstNonce: first, count: hashes })
    const done = nonce < 0 ? hashes : nonce - first + 1
    ground.nextNonce += done
    this.#ledger.hashed(done, this.#nowMs() - startedAtMs)
    return { nonce: nonce < 0 ? null : nonce, isSpent: ground.nextNonce >= NONCES }
  }

  sent(id: number): void {
    this.#pending.set(id, this.#nowMs())
    this.#ledger.sent()
  }

  /** @param refusal why, or null @returns whether there was such a submit */
  answered(id: number, refusal: string | null, atMs: number): boolean {
    const sentAtMs = this.#pending.get(id)
    if (sentAtMs === undefined) {
      this.#ledger.unmatched()
      return false
    }
    this.#pending.delete(id)
    this.#ledger.answer(refusal, atMs - sentAtMs)
    return true
  }

  /** The oldest so many are accepted. @returns how many there were */
  oldestAccepted(count: number, atMs: number): number {
    let answered = 0
    for (const id of this.#pending.keys()) {
      if (answered === count) break
      this.answered(id, null, atMs)
      answered += 1
    }
    for (let left = answered; left < count; left++) this.#ledger.unmatched()
    return answered
  }
}
