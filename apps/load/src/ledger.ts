import type { Tally } from './crowd-contract.ts'
import { Latencies } from './latencies.ts'

/** Kinds of refusals and losses told apart; further ones are put together. */
const MAX_KINDS = 64
const OTHER_KINDS = 'other'

/** What was sent and what came of it, of all miners of one process. */
export class Ledger {
  #sent = 0
  #accepted = 0
  #rejected = new Map<string, number>()
  #unmatched = 0
  #lost = new Map<string, number>()
  #latencies = Latencies.empty()
  #hashes = 0
  #hashingMs = 0

  get answered(): number {
    let rejected = 0
    for (const count of this.#rejected.values()) rejected += count
    return this.#accepted + rejected
  }

  sent(): void {
    this.#sent += 1
  }

  /** @param refusal what the server said, or null for yes */
  answer(refusal: string | null, latencyMs: number): void {
    if (refusal === null) this.#accepted += 1
    else countIn(this.#rejected, refusal)
    this.#latencies.add(latencyMs * 1000)
  }

  unmatched(): void {
    this.#unmatched += 1
  }

  lost(why: string): void {
    countIn(this.#lost, why)
  }

  hashed(hashes: number, ms: number): void {
    this.#hashes += hashes
    this.#hashingMs += ms
  }

  /** Losses are kept: what did not connect is missing in every count that follows. */
  clear(): void {
    this.#sent = 0
    this.#accepted = 0
    this.#rejected.clear()
    this.#unmatched = 0
    this.#latencies = Latencies.empty()
    this.#hashes = 0
    this.#hashingMs = 0
  }

  /** @param spanMs since counting began */
  tally(
    spanMs: number,
    { unanswered }: { readonly unanswered: number }
  ): Omit<Tally, 'busy' | 'blocks' | 'writtenBytes' | 'readBytes'> {
    return {
      sent: this.#sent,
      accepted: this.#accepted,
      rejected: Object.fromEntries(this.#rejected),
      unanswered,
      unmatched: this.#unmatched,
      lost: Object.fromEntries(this.#lost),
      latencies: this.#latencies.plain(),
      hashes: this.#hashes,
      hashing: spanMs > 0 ? this.#hashingMs / spanMs : 0
    }
  }
}

function countIn(counts: Map<string, number>, kind: string): void {
  const key = counts.has(kind) || counts.size < MAX_KINDS ? kind : OTHER_KINDS
  counts.set(key, (counts.get(key) ?? 0) + 1)
}
