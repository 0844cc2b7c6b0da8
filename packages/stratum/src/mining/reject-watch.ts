import type { UnixMs } from '@p2poolv2/primitives'

/** So many rejects in a row over so long, and the miner is told its difficulty and a fresh job once more. */
const REMIND_REJECTS = 50
const REMIND_MS = 60_000
/** Nothing but rejects for so long, or so many: the connection is worth nothing to either side. */
const HOPELESS_MS = 600_000
const HOPELESS_REJECTS = 5_000

/** Rejects in a row. Stale ones do not count: proxies send bursts of them after each block (stratum §5.3). */
export class RejectWatch {
  #count = 0
  #sinceMs = 0
  #reminded = false

  accepted(): void {
    this.#count = 0
    this.#reminded = false
  }

  rejected(nowMs: UnixMs): 'bear' | 'remind' | 'give-up' {
    if (this.#count === 0) this.#sinceMs = nowMs
    this.#count += 1
    const lastedMs = nowMs - this.#sinceMs
    if (this.#count > HOPELESS_REJECTS || (this.#count > REMIND_REJECTS && lastedMs > HOPELESS_MS)) return 'give-up'
    if (this.#reminded || this.#count <= REMIND_REJECTS || lastedMs <= REMIND_MS) return 'bear'
    this.#reminded = true
    return 'remind'
  }
}
