import type { Moment, SteadyMs, UnixMs } from '@p2poolv2/primitives'
import { invariant } from '@p2poolv2/primitives'
import type { Hashrates } from './hashrate.ts'
import { HashrateMeter } from './hashrate.ts'

/**
 * Workers remembered, connected or not. At the cap the one that has been disconnected longest is forgotten; if all are
 * connected, a further one counts for the pool only.
 */
export const MAX_WORKERS = 20_000

/** A worker is a payout address and the name behind its dot; '' when the miner gave none. */
export interface WorkerKey {
  readonly payoutAddress: string
  readonly worker: string
}

/** What one worker has done since the node started. Difficulties are relative to bitcoin's difficulty 1. */
export interface WorkerStats extends WorkerKey {
  readonly accepted: number
  readonly rejected: number
  readonly creditedDifficulty: number
  readonly bestDifficulty: number
  /** By the wall clock. */
  readonly lastAcceptedAtMs: UnixMs | null
  readonly connections: number
  readonly hashrates: Hashrates
}

/** The same of all workers together, including those forgotten. */
export interface PoolTotals {
  readonly accepted: number
  readonly rejected: number
  readonly creditedDifficulty: number
  readonly bestDifficulty: number
  /** By the wall clock. */
  readonly lastAcceptedAtMs: UnixMs | null
  readonly connections: number
  readonly hashrates: Hashrates
}

class Tally {
  accepted = 0
  rejected = 0
  creditedDifficulty = 0
  bestDifficulty = 0
  lastAcceptedAtMs: UnixMs | null = null
  connections = 0
  readonly meter: HashrateMeter

  constructor(startedAtMs: SteadyMs) {
    this.meter = new HashrateMeter({ startedAtMs })
  }

  accept(difficulties: { readonly credited: number; readonly hash: number }, now: Moment): void {
    this.accepted += 1
    this.creditedDifficulty += difficulties.credited
    this.bestDifficulty = Math.max(this.bestDifficulty, difficulties.hash)
    this.lastAcceptedAtMs = now.wallMs
    this.meter.credit(difficulties.credited, now.steadyMs)
  }

  totals(nowMs: SteadyMs): PoolTotals {
    return {
      accepted: this.accepted,
      rejected: this.rejected,
      creditedDifficulty: this.creditedDifficulty,
      bestDifficulty: this.bestDifficulty,
      lastAcceptedAtMs: this.lastAcceptedAtMs,
      connections: this.connections,
      hashrates: this.meter.rates(nowMs)
    }
  }
}

interface Worker {
  readonly key: WorkerKey
  readonly tally: Tally
}

/** What was mined here, worker by worker and in all. In memory only. */
export class PoolStats {
  readonly #maxWorkers: number
  readonly #connected = new Map<string, Worker>()
  /** In the order in which they went idle. */
  readonly #idle = new Map<string, Worker>()
  readonly #all: Tally

  constructor(options: { readonly startedAtMs: SteadyMs; readonly maxWorkers?: number }) {
    this.#all = new Tally(options.startedAtMs)
    this.#maxWorkers = options.maxWorkers ?? MAX_WORKERS
  }

  /** A connection was authorised as this worker. */
  connect(key: WorkerKey, nowMs: SteadyMs): void {
    this.#all.connections += 1
    const id = idOf(key)
    let worker = this.#connected.get(id)
    if (worker === undefined) {
      worker = this.#idle.get(id) ?? { key, tally: new Tally(nowMs) }
      this.#idle.delete(id)
      if (!this.#makeRoom()) return
      this.#connected.set(id, worker)
    }
    worker.tally.connections += 1
  }

  /** The connection that was authorised as this worker is gone. */
  disconnect(key: WorkerKey): void {
    invariant(this.#all.connections > 0, 'workers disconnect as often as they connected')
    this.#all.connections -= 1
    const id = idOf(key)
    const worker = this.#connected.get(id)
    if (worker === undefined) return
    worker.tally.connections -= 1
    if (worker.tally.connections > 0) return
    this.#connected.delete(id)
    this.#idle.set(id, worker)
  }

  accept(key: WorkerKey, difficulties: { readonly credited: number; readonly hash: number }, now: Moment): void {
    this.#connected.get(idOf(key))?.tally.accept(difficulties, now)
    this.#all.accept(difficulties, now)
  }

  /** @param key null for a submit before authorisation: it counts for the pool only */
  reject(key: WorkerKey | null): void {
    this.#all.rejected += 1
    if (key === null) return
    const worker = this.#connected.get(idOf(key))
    if (worker !== undefined) worker.tally.rejected += 1
  }

  totals(nowMs: SteadyMs): PoolTotals {
    return this.#all.totals(nowMs)
  }

  /** Connected workers first, then those gone, the longest gone first. */
  workers(nowMs: SteadyMs): readonly WorkerStats[] {
    return [...this.#connected.values(), ...this.#idle.values()].map(({ key, tally }) => ({
      ...key,
      ...tally.totals(nowMs)
    }))
  }

  checkInvariants(): void {
    invariant(this.#connected.size + this.#idle.size <= this.#maxWorkers, 'workers are within their cap')
    let connections = 0
    for (const { tally } of this.#connected.values()) {
      invariant(tally.connections > 0, 'a connected worker has a connection')
      connections += tally.connections
    }
    invariant(connections <= this.#all.connections, 'connections of workers are among all')
    for (const { tally } of this.#idle.values()) invariant(tally.connections === 0, 'an idle worker has no connection')
  }

  /** @returns whether one more worker has room */
  #makeRoom(): boolean {
    if (this.#connected.size + this.#idle.size < this.#maxWorkers) return true
    const oldest = this.#idle.keys().next()
    if (oldest.done === true) return false
    return this.#idle.delete(oldest.value)
  }
}

/** Addresses have no dot, so the pair is read back from the text in one way only. */
function idOf(key: WorkerKey): string {
  return `${key.payoutAddress}.${key.worker}`
}
