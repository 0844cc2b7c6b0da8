import type { SteadyMs } from '@p2poolv2/primitives'

/** So many rejects in a row over so long, and the miner is told its difficulty and a fresh job once more. */
const REMIND_REJECTS = 50
const REMIND_MS = 60_000
/** The same for stale ones: who goes on for this long after a block has not heard of it. */
const REMIND_STALE_MS = 10_000
/** Nothing but rejects for so long, or so many: the connection is worth nothing to either side. */
const HOPELESS_MS = 600_000
const HOPELESS_REJECTS = 5_000

/** Refusals of one kind in a row. */
class Run {
  count = 0
  reminded = false
  #sinceMs = 0

  /** @returns how long the run has lasted */
  add(nowMs: SteadyMs): number {
    if (this.count === 0) this.#sinceMs = nowMs
    this.count += 1
    return nowMs - this.#sinceMs
  }

  end(): void {
    this.count = 0
    this.reminded = false
  }
}

/**
 * Rejects in a row. Stale ones are counted apart and never end a connection: proxies send bursts of them after each block
 * (stratum §5.3). They end by themselves: a minute after the block the jobs that make them are unknown.
 */
export class RejectWatch {
  readonly #rejects = new Run()
  readonly #stale = new Run()

  accepted(): void {
    this.#rejects.end()
    this.#stale.end()
  }

  stale(nowMs: SteadyMs): 'bear' | 'remind' {
    const lastedMs = this.#stale.add(nowMs)
    return remindOnce(this.#stale, lastedMs > REMIND_STALE_MS)
  }

  rejected(nowMs: SteadyMs): 'bear' | 'remind' | 'give-up' {
    const lastedMs = this.#rejects.add(nowMs)
    const { count } = this.#rejects
    if (count > HOPELESS_REJECTS || (count > REMIND_REJECTS && lastedMs > HOPELESS_MS)) return 'give-up'
    return remindOnce(this.#rejects, lastedMs > REMIND_MS)
  }
}

function remindOnce(run: Run, isLong: boolean): 'bear' | 'remind' {
  if (run.reminded || run.count <= REMIND_REJECTS || !isLong) return 'bear'
  run.reminded = true
  return 'remind'
}
