import { type Frame, History, type HistorySample, type HistoryStore, LEVELS, type Series } from '@p2poolv2/earnings'
import { secFromMs } from '@p2poolv2/primitives'
import { type Clock, type Log, MESSAGES } from '@p2poolv2/runtime'

/** Between two samples: a stretch is a minute, so each has four. */
export const SAMPLE_EVERY_MS = 15_000

export interface KeeperPorts {
  /** The node's counters and gauges as they are now. */
  readonly sample: () => HistorySample
  readonly clock: Clock
  readonly log: Log
}

/** The best hashes of all time, as difficulties, as far as the history goes back; what was found since the start is not in them. */
export interface Records {
  readonly household: number
  /** By series id. */
  readonly workers: ReadonlyMap<number, number>
}

/**
 * Samples the node a few times a minute and keeps what comes of it. A disk that refuses costs charts and nothing else: it is
 * said once, and again once it takes rows.
 */
export class HistoryKeeper {
  readonly records: Records
  readonly store: HistoryStore
  readonly #history: History
  readonly #ports: KeeperPorts
  #timer: NodeJS.Timeout | null = null
  #isRefusing = false

  private constructor(store: HistoryStore, history: History, records: Records, ports: KeeperPorts) {
    this.store = store
    this.records = records
    this.#history = history
    this.#ports = ports
  }

  /** Goes on from what the store has. @throws HistoryUnavailable */
  static async open(store: HistoryStore, ports: KeeperPorts): Promise<HistoryKeeper> {
    const { wallMs } = ports.clock.now()
    const nowSec = secFromMs(wallMs)
    const reads = (['minute', 'hour', 'day'] as const).map(level =>
      store.readFrames(level, { fromSec: nowSec - LEVELS[level].spanSec, toSec: nowSec + 1 })
    )
    const series = await store.readSeries()
    const history = new History({ series, frames: (await Promise.all(reads)).flat() }, wallMs, ports.sample())
    const days = await store.readFrames('day', { fromSec: 0, toSec: nowSec + LEVELS.day.spanSec })
    return new HistoryKeeper(store, history, recordsIn(days), ports)
  }

  /** Who has numbers of his own, by rising id. */
  get series(): readonly Series[] {
    return this.#history.series
  }

  start(): void {
    this.#timer = setInterval(() => void this.sample(), SAMPLE_EVERY_MS)
    this.#timer.unref()
  }

  /** Takes one sample; resolves when what it completes is written or was refused. */
  async sample(): Promise<void> {
    const { sample, clock } = this.#ports
    await this.#commit(this.#history.sample(sample(), clock.now().wallMs))
  }

  /** Keeps the open minute and lets go of the store. */
  async stop(): Promise<void> {
    if (this.#timer !== null) clearInterval(this.#timer)
    await this.sample()
    await this.#commit(this.#history.close())
    await this.store.close()
  }

  async #commit(delta: ReturnType<History['sample']>): Promise<void> {
    if (delta.puts.length === 0 && delta.forget.length === 0) return
    try {
      await this.store.commit(delta)
      if (this.#isRefusing) this.#ports.log.info({}, 'the history is kept again')
      this.#isRefusing = false
    } catch (error) {
      if (!this.#isRefusing) this.#ports.log.warn(MESSAGES.historyGap, { err: error })
      this.#isRefusing = true
    }
  }
}

function recordsIn(days: readonly Frame[]): Records {
  let household = 0
  const workers = new Map<number, number>()
  for (const day of days) {
    household = Math.max(household, day.household.bestDifficulty)
    for (const [id, { bestDifficulty }] of day.workers) {
      workers.set(id, Math.max(workers.get(id) ?? 0, bestDifficulty))
    }
  }
  return { household, workers }
}
