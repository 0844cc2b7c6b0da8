import {
  type Frame,
  householdHashrate,
  type MeasuredHashrate,
  measuredHashrate,
  type Series,
  workersHashrate
} from '@p2poolv2/earnings'
import type { WorkerStats } from '@p2poolv2/node'
import { HASHES_PER_DIFFICULTY, type Moment, secFromMs } from '@p2poolv2/primitives'
import type { NodeReads } from './node-reads.ts'

/** Hash rates are measured over so long. */
export const RATE_WINDOW_SEC = 3_600
/** Payout addresses looked for at once; of more the ones heard last are. */
export const MAX_OWN_ADDRESSES = 4_096
const FRAMES_KEPT_MS = 5_000

type Counted = Pick<WorkerStats, 'accepted' | 'creditedDifficulty'>

const keyOf = ({ payoutAddress, worker }: WorkerStats): string => `${payoutAddress}.${worker}`

/** The miners of this node, those connected and those from before. */
export class Household {
  readonly #reads: NodeReads
  /** Counts go on over restarts: those of this start are what has come since. At most as many as the node keeps workers. */
  readonly #before: ReadonlyMap<string, Counted>
  #frames: { readonly atMs: number; readonly value: Promise<readonly Frame[]> } | null = null

  constructor(reads: NodeReads) {
    this.#reads = reads
    const kept = reads.queries.workers(reads.clock.now())
    this.#before = new Map(kept.map(worker => [keyOf(worker), worker]))
  }

  /** Payout addresses this node mines or mined for. */
  addresses(): ReadonlySet<string> {
    const known = new Set(this.#reads.queries.workerAddresses())
    const before = [...this.#reads.history.series].sort((a, b) => b.lastSec - a.lastSec)
    for (const { address } of before) {
      if (known.size >= MAX_OWN_ADDRESSES) break
      known.add(address)
    }
    return known
  }

  /**
   * Measured over the last hour, or since the node started until a whole minute is over.
   * @param addresses whose miners; null: all
   */
  async hashrate(addresses: ReadonlySet<string> | null, now: Moment): Promise<MeasuredHashrate> {
    const frames = await this.lastHour(now)
    const measured =
      addresses === null
        ? householdHashrate(frames)
        : workersHashrate(
            frames,
            this.#idsOf(s => addresses.has(s.address))
          )
    if (measured !== null) return measured
    const workers = this.#reads.queries.workers(now)
    return this.#sinceStart(addresses === null ? workers : workers.filter(w => addresses.has(w.payoutAddress)), now)
  }

  /** The minutes of the last hour that are over, read at most every few seconds. */
  lastHour(now: Moment): Promise<readonly Frame[]> {
    if (this.#frames !== null && now.steadyMs - this.#frames.atMs < FRAMES_KEPT_MS) return this.#frames.value
    const toSec = secFromMs(now.wallMs)
    const value = this.#reads.history.store
      .readFrames('minute', { fromSec: toSec - RATE_WINDOW_SEC, toSec })
      .catch((): Frame[] => [])
    this.#frames = { atMs: now.steadyMs, value }
    return value
  }

  #idsOf(isWanted: (series: Series) => boolean): number[] {
    return this.#reads.history.series.filter(isWanted).map(({ id }) => id)
  }

  #sinceStart(workers: readonly WorkerStats[], now: Moment): MeasuredHashrate {
    const sec = Math.max(1, secFromMs(now.wallMs) - this.#reads.startedAtSec)
    return measuredHashrate(
      workers.map(worker => {
        const before = this.#before.get(keyOf(worker)) ?? { accepted: 0, creditedDifficulty: 0 }
        return {
          count: worker.accepted - before.accepted,
          workHashes: (worker.creditedDifficulty - before.creditedDifficulty) * HASHES_PER_DIFFICULTY
        }
      }),
      sec
    )
  }
}
