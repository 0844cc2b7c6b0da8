import type { Moment, SteadyMs, UnixMs } from '@p2poolv2/primitives'
import { invariant, steadyMs, unixMs } from '@p2poolv2/primitives'
import { type AcceptedDifficulties, type MinedFigures, Tally } from './tally.ts'

/**
 * Workers remembered for each miner that may be connected, here or gone. At the cap the one that has been disconnected longest is
 * forgotten; if all are connected, a further one counts for the pool only. All are looked at for every answer, and names cost nothing.
 */
export const WORKERS_A_MINER = 2
const MAX_WORKERS = 4_000
/** A worker that is gone is listed for a week, if anything of it was ever accepted. */
export const GONE_WORKER_MS = 604_800_000
/** Figures are given out to be kept so long after they have changed: a killed node loses no more of them. */
export const KEEP_FIGURES_MS = 60_000

/** A worker is a payout address and the name behind its dot; '' when the miner gave none. */
export interface WorkerKey {
  readonly payoutAddress: string
  readonly worker: string
}

/** What one worker has done, across restarts where figures are kept. */
export interface WorkerStats extends WorkerKey, MinedFigures {
  readonly connections: number
  /** By the wall clock, when its last connection ended; null while it has one. */
  readonly goneAtMs: UnixMs | null
}

/** The same of all workers together, including those forgotten. */
export interface PoolTotals extends MinedFigures {
  readonly connections: number
}

/** Figures to be kept by key: those that have changed, as text, and those that are gone. */
export interface FiguresDelta {
  readonly puts: readonly (readonly [string, string])[]
  readonly deletes: readonly string[]
}

/** What was kept, and when it is read. */
export interface KeptFigures {
  readonly rows: readonly (readonly [string, string])[]
  readonly now: Moment
}

/** Whose figures are to be kept. */
interface Counted {
  /** `idOf` the key, or `ALL`. */
  readonly id: string
  readonly tally: Tally
  /** The round of keeping for which it is known that it has changed. */
  changedIn: number
}

interface Worker extends Counted {
  readonly key: WorkerKey
  goneAtMs: UnixMs | null
}

/** A worker that was looked up, as long as who asked for it is connected. */
export type ConnectedWorker = Pick<Worker, 'key'>

/** Of all workers together; no worker's, whose keys hold a dot. */
const ALL = 'all'
/** Addresses have no dot; names are whatever the session took. */
const WORKER_ID = /^([^.]{1,128})\.(.{0,128})$/s

/** Workers with a connection. Looked up with every share, so by texts that are there already and not by one made of them. */
class ConnectedWorkers {
  readonly #byId = new Map<string, Worker>()
  readonly #byAddress = new Map<string, Map<string, Worker>>()

  get size(): number {
    return this.#byId.size
  }

  get({ payoutAddress, worker }: WorkerKey): Worker | undefined {
    return this.#byAddress.get(payoutAddress)?.get(worker)
  }

  byId(id: string): Worker | undefined {
    return this.#byId.get(id)
  }

  add(worker: Worker): void {
    const { payoutAddress, worker: name } = worker.key
    this.#byId.set(worker.id, worker)
    const ofAddress = this.#byAddress.get(payoutAddress) ?? new Map<string, Worker>()
    this.#byAddress.set(payoutAddress, ofAddress.set(name, worker))
  }

  remove({ id, key }: Worker): void {
    this.#byId.delete(id)
    const ofAddress = this.#byAddress.get(key.payoutAddress)
    ofAddress?.delete(key.worker)
    if (ofAddress?.size === 0) this.#byAddress.delete(key.payoutAddress)
  }

  values(): IterableIterator<Worker> {
    return this.#byId.values()
  }

  checkInvariants(): void {
    let listed = 0
    for (const ofAddress of this.#byAddress.values()) listed += ofAddress.size
    invariant(listed === this.#byId.size, 'a connected worker is known by id and by address')
    for (const worker of this.#byId.values()) {
      invariant(this.get(worker.key) === worker && worker.tally.connections > 0, 'a connected worker has a connection')
    }
  }
}

export interface PoolStatsOptions {
  readonly startedAtMs: SteadyMs
  readonly maxWorkers?: number
  /** Absent: figures end with the process, and nothing is given out to be kept. */
  readonly kept?: KeptFigures
}

/** What was mined here, worker by worker and in all. */
export class PoolStats {
  readonly #maxWorkers: number
  readonly #connected = new ConnectedWorkers()
  /** In the order in which they went idle. */
  readonly #idle = new Map<string, Worker>()
  readonly #all: Counted
  readonly #isKept: boolean
  readonly #changed = new Set<string>()
  readonly #gone = new Set<string>()
  #round = 1
  /** When what has changed is due to be kept; null while nothing has. */
  #keepAtMs: SteadyMs | null = null

  constructor(options: PoolStatsOptions) {
    const { startedAtMs, kept } = options
    this.#all = { id: ALL, tally: new Tally(startedAtMs), changedIn: 0 }
    this.#maxWorkers = options.maxWorkers ?? MAX_WORKERS
    this.#isKept = kept !== undefined
    if (kept !== undefined) this.#restore(kept)
  }

  /** When to call `takeDelta`; null for never. */
  get nextDeadlineMs(): SteadyMs | null {
    return this.#keepAtMs
  }

  /** A connection was authorised as this worker. */
  connect(key: WorkerKey, nowMs: SteadyMs): void {
    this.#all.tally.connections += 1
    let worker = this.#connected.get(key)
    if (worker === undefined) {
      const id = idOf(key)
      worker = this.#idle.get(id) ?? { key, id, tally: new Tally(nowMs), changedIn: 0, goneAtMs: null }
      this.#idle.delete(id)
      if (!this.#makeRoom()) return
      worker.goneAtMs = null
      this.#connected.add(worker)
    }
    worker.tally.connections += 1
    this.#touch(worker, nowMs)
  }

  /** The connection that was authorised as this worker is gone. */
  disconnect(key: WorkerKey, now: Moment): void {
    invariant(this.#all.tally.connections > 0, 'workers disconnect as often as they connected')
    this.#all.tally.connections -= 1
    const worker = this.#connected.get(key)
    if (worker === undefined) return
    worker.tally.connections -= 1
    if (worker.tally.connections > 0) return
    worker.goneAtMs = now.wallMs
    this.#connected.remove(worker)
    if (!worker.tally.hasWorked) {
      this.#forget(worker.id)
      return
    }
    this.#idle.set(worker.id, worker)
    this.#touch(worker, now.steadyMs)
  }

  /** Null if no room is left for it. */
  connected(key: WorkerKey): ConnectedWorker | null {
    return this.#connected.get(key) ?? null
  }

  /** @param worker null: it counts for the pool only */
  accept(worker: ConnectedWorker | null, difficulties: AcceptedDifficulties, now: Moment): void {
    this.#touch(this.#all, now.steadyMs)
    this.#all.tally.accept(difficulties, now)
    if (worker === null) return
    const counted = worker as Worker
    this.#touch(counted, now.steadyMs)
    counted.tally.accept(difficulties, now)
  }

  /** @param key null for a submit before authorisation: it counts for the pool only */
  reject(key: WorkerKey | null, reason: string, nowMs: SteadyMs): void {
    for (const tally of this.#tallies(key, nowMs)) tally.reject(reason)
  }

  /** A hash that meets bitcoin's target. */
  foundBlock(key: WorkerKey, nowMs: SteadyMs): void {
    for (const tally of this.#tallies(key, nowMs)) tally.foundBlock()
  }

  totals(nowMs: SteadyMs): PoolTotals {
    return this.#all.tally.figures(nowMs)
  }

  /** Whom workers mine for, connected or not. */
  addresses(): ReadonlySet<string> {
    const addresses = new Set<string>()
    for (const { key } of this.#connected.values()) addresses.add(key.payoutAddress)
    for (const { key } of this.#idle.values()) addresses.add(key.payoutAddress)
    return addresses
  }

  /** Connected workers first, then those gone, the longest gone first. */
  workers(nowMs: SteadyMs): readonly WorkerStats[] {
    return [...this.#connected.values(), ...this.#idle.values()].map(({ key, tally, goneAtMs }) => ({
      ...key,
      ...tally.figures(nowMs),
      goneAtMs
    }))
  }

  /** What is to be kept now, all that has changed; null if nothing has. Workers gone for a week go with it. */
  takeDelta(now: Moment): FiguresDelta | null {
    this.#keepAtMs = null
    if (!this.#isKept || (this.#changed.size === 0 && this.#gone.size === 0)) return null
    this.#forgetGone(now.wallMs)
    const puts: [string, string][] = []
    for (const id of this.#changed) {
      const counted = id === ALL ? this.#all : (this.#connected.byId(id) ?? this.#idle.get(id))
      if (counted !== undefined) puts.push([id, counted.tally.text(now)])
    }
    const delta = { puts, deletes: [...this.#gone] }
    this.#changed.clear()
    this.#gone.clear()
    this.#round += 1
    return delta
  }

  checkInvariants(): void {
    invariant(this.#connected.size + this.#idle.size <= this.#maxWorkers, 'workers are within their cap')
    let connections = 0
    this.#connected.checkInvariants()
    for (const { tally } of this.#connected.values()) connections += tally.connections
    invariant(connections <= this.#all.tally.connections, 'connections of workers are among all')
    for (const { tally } of this.#idle.values()) invariant(tally.connections === 0, 'an idle worker has no connection')
    invariant(this.#isKept || this.#changed.size === 0, 'only what is kept is remembered as changed')
  }

  /** Those that a worker's doings count for. */
  #tallies(key: WorkerKey | null, nowMs: SteadyMs): Tally[] {
    this.#touch(this.#all, nowMs)
    const worker = key === null ? undefined : this.#connected.get(key)
    if (worker === undefined) return [this.#all.tally]
    this.#touch(worker, nowMs)
    return [this.#all.tally, worker.tally]
  }

  #touch(counted: Counted, nowMs: SteadyMs): void {
    if (!this.#isKept || counted.changedIn === this.#round) return
    counted.changedIn = this.#round
    this.#changed.add(counted.id)
    if (this.#gone.size > 0) this.#gone.delete(counted.id)
    this.#keepAtMs ??= steadyMs(nowMs + KEEP_FIGURES_MS)
  }

  #forget(id: string): void {
    this.#idle.delete(id)
    this.#changed.delete(id)
    // What was made and forgotten between two deltas needs no word there; a deletion too many does no harm.
    if (this.#isKept && this.#gone.size < this.#maxWorkers) this.#gone.add(id)
  }

  #forgetGone(wallMs: UnixMs): void {
    for (const [id, { goneAtMs }] of this.#idle) {
      if (goneAtMs === null || wallMs - goneAtMs < GONE_WORKER_MS) return
      this.#forget(id)
    }
  }

  /** @returns whether one more worker has room */
  #makeRoom(): boolean {
    if (this.#connected.size + this.#idle.size < this.#maxWorkers) return true
    const oldest = this.#idle.keys().next()
    if (oldest.done === true) return false
    this.#forget(oldest.value)
    return true
  }

  /** What cannot be read is left out, and goes with the next delta: figures are for show. */
  #restore({ rows, now }: KeptFigures): void {
    const workers: { id: string; worker: Worker; goneAtMs: UnixMs }[] = []
    for (const [id, text] of rows) {
      if (id === ALL) {
        this.#all.tally.restore(text, now)
        continue
      }
      const [, payoutAddress, worker] = WORKER_ID.exec(id) ?? []
      const tally = new Tally(now.steadyMs)
      const keptAtMs = tally.restore(text, now)
      if (payoutAddress === undefined || worker === undefined || keptAtMs === null) {
        this.#gone.add(id)
        continue
      }
      const goneAtMs = unixMs(Math.min(keptAtMs, now.wallMs))
      workers.push({ id, worker: { key: { payoutAddress, worker }, id, tally, changedIn: 0, goneAtMs }, goneAtMs })
    }
    workers.sort((a, b) => a.goneAtMs - b.goneAtMs)
    for (const { id, worker } of workers) {
      if (this.#makeRoom()) this.#idle.set(id, worker)
    }
    if (this.#gone.size > 0) this.#keepAtMs = steadyMs(now.steadyMs + KEEP_FIGURES_MS)
  }
}

/** Addresses have no dot, so the pair is read back from the text in one way only. */
function idOf(key: WorkerKey): string {
  return `${key.payoutAddress}.${key.worker}`
}
