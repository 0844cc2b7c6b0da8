import { Worker } from 'node:worker_threads'
import type { Target } from '@p2poolv2/primitives'
import type { MinerJob } from '@p2poolv2/stratum/client'
import type { GrindOrder, GrindReport, GrindSettings } from './grind-worker.ts'
import type { MinerClient, MinerClientHandlers } from './miner-client.ts'
import { StratumClient } from './stratum-client.ts'
import { StratumV2Client } from './stratum-v2-client.ts'

export interface CpuMinerOptions {
  readonly host: string
  readonly port: number
  /** Absent: it speaks Stratum V1. `authorityKey` is the server's in base58check; null: whoever answers is believed. */
  readonly v2?: { readonly authorityKey: string | null }
  /** Payout address, optionally `.worker`. */
  readonly user: string
  /** Of V1; in V2 hints follow the address (sv2 §5.5). */
  readonly password: string
  readonly threads: number
  /** Hashes a second of all threads together; 0 means no limit. */
  readonly maxHashrateHps: number
  /** Of the program it is part of, which it tells the server; absent: it tells its name alone. */
  readonly version?: string
  readonly onMessage?: (message: string) => void
}

export interface CpuMinerStats {
  readonly hashrateHps: number
  readonly accepted: number
  readonly rejected: number
  readonly state: string
}

const HASHRATE_SPAN_MS = 10_000
const NAME = 'p2poolv2-cpuminer'

/** A CPU miner: one connection of Stratum V1 or V2, any number of grinding threads. It is a client like any other. */
export class CpuMiner {
  readonly #options: CpuMinerOptions
  readonly #client: MinerClient
  #workers: Worker[] = []
  #accepted = 0
  #rejected = 0
  #state = 'connecting'
  #hashes = 0
  #previous = { atMs: performance.now(), hashes: 0 }
  #hashrateHps = 0

  constructor(options: CpuMinerOptions) {
    this.#options = options
    const handlers: MinerClientHandlers = {
      onJob: (job, extranonce1, target) => this.#work(job, extranonce1, target),
      onResult: (accepted, reason) => this.#result(accepted, reason),
      onState: (state, message) => {
        this.#state = state
        this.#options.onMessage?.(`${state}: ${message}`)
        if (state !== 'connected') this.#order({ type: 'rest' })
      }
    }
    const { v2, maxHashrateHps, version } = options
    const userAgent = version === undefined ? NAME : `${NAME}/${version}`
    this.#client =
      v2 === undefined
        ? new StratumClient({ ...options, userAgent }, handlers)
        : new StratumV2Client({ ...options, ...v2, vendor: userAgent, hashrateHps: maxHashrateHps }, handlers)
  }

  start(): void {
    for (let threadIndex = 0; threadIndex < this.#options.threads; threadIndex++) {
      const settings: GrindSettings = {
        threadIndex,
        maxHashrateHps: this.#options.maxHashrateHps / this.#options.threads
      }
      const worker = new Worker(new URL('./grind-worker.js', import.meta.url), { workerData: settings })
      worker.on('message', (report: GrindReport) => this.#report(report))
      worker.on('error', error => this.#options.onMessage?.(`a grinding thread failed: ${error.message}`))
      this.#workers.push(worker)
    }
    this.#client.start()
  }

  async stop(): Promise<void> {
    this.#client.stop()
    const workers = this.#workers
    this.#workers = []
    await Promise.all(workers.map(worker => worker.terminate()))
  }

  get stats(): CpuMinerStats {
    const nowMs = performance.now()
    const spanMs = nowMs - this.#previous.atMs
    if (spanMs >= HASHRATE_SPAN_MS || this.#hashrateHps === 0) {
      this.#hashrateHps = spanMs > 0 ? ((this.#hashes - this.#previous.hashes) / spanMs) * 1000 : 0
      this.#previous = { atMs: nowMs, hashes: this.#hashes }
    }
    return { hashrateHps: this.#hashrateHps, accepted: this.#accepted, rejected: this.#rejected, state: this.#state }
  }

  #work(job: MinerJob, extranonce1: Uint8Array, target: Target): void {
    this.#order({ type: 'work', job, extranonce1, target })
  }

  #order(order: GrindOrder): void {
    for (const worker of this.#workers) worker.postMessage(order)
  }

  #report(report: GrindReport): void {
    if (report.type === 'hashes') this.#hashes += report.count
    else this.#client.submit(report)
  }

  #result(accepted: boolean, reason: string | null): void {
    if (accepted) this.#accepted += 1
    else {
      this.#rejected += 1
      this.#options.onMessage?.(`rejected: ${reason ?? 'no reason given'}`)
    }
  }
}
