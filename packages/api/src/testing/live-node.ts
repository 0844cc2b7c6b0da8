import type { BestChain, HistoryStore } from '@p2poolv2/earnings'
import { HistoryKeeper, memoryHistory } from '@p2poolv2/earnings/level'
import type { NodeStatus } from '@p2poolv2/node'
import { Rig, type RigOptions } from '@p2poolv2/node/testing'
import { createLog } from '@p2poolv2/runtime'
import type { BlockPlace, FoundBlock } from '@p2poolv2/sharechain'
import { ApiServer, type ApiServerOptions, type ApiSources } from '../api-server.ts'
import { Journal } from '../events/journal.ts'
import type { NodeReads } from '../reads/node-reads.ts'
import { NO_ALERTS, NO_PEERS, NO_SETUP } from './node-view.ts'

export const TOKEN = 'ab'.repeat(32)
const log = createLog({ level: 'silent', format: 'json' })
const NO_COUNTERS = { accepted: 0, rejected: 0, workHashes: 0, bestDifficulty: 0 }

/** A node machine with scripted miners behind a real API server on a port of its own. For tests. */
export class LiveNode {
  readonly rig: Rig
  readonly history: HistoryStore = memoryHistory()
  readonly journal: Journal
  /** What the bitcoin node says; null: it cannot be asked. */
  bestChain: BestChain | null = null
  feeRate: number | null = null
  /** Instead of those in the store. */
  blocks: readonly FoundBlock[] | null = null
  /** Instead of the machine's own. */
  status: NodeStatus | null = null
  keeper: HistoryKeeper | null = null
  #server: ApiServer | null = null
  #base = ''

  constructor(options: RigOptions = {}) {
    this.rig = new Rig({ check: 'never', ...options })
    this.journal = new Journal({ now: () => this.rig.now })
    this.rig.onEffect = effect => {
      if (effect.type === 'report') this.journal.record(effect.fact)
    }
  }

  async start(options: Partial<ApiServerOptions> = {}, sources: Partial<ApiSources> = {}): Promise<void> {
    const clock = { now: () => this.rig.now }
    this.keeper = await HistoryKeeper.open(this.history, { sample: () => this.#sample(), clock, log })
    this.#server = new ApiServer(
      {
        host: '127.0.0.1',
        port: 0,
        token: TOKEN,
        login: null,
        lanReads: false,
        hostNames: ['node.local'],
        cors: false,
        pageDirectory: null,
        refuseAfterMs: 0,
        ...options
      },
      {
        reads: this.#reads(this.keeper),
        metrics: async () => 'p2pool_x 1\n',
        network: NO_PEERS,
        alerts: NO_ALERTS,
        setup: NO_SETUP,
        journal: this.journal,
        log,
        ...sources
      }
    )
    this.#base = `http://127.0.0.1:${await this.#server.listen()}`
  }

  async stop(): Promise<void> {
    await this.#server?.stop()
  }

  url(path: string): string {
    return this.#base + path
  }

  get port(): number {
    return Number(new URL(this.#base).port)
  }

  /** The JSON of a path, which is taken to be there. */
  async json<T>(path: string): Promise<T> {
    const answer = await fetch(this.url(path))
    if (!answer.ok) throw new Error(`${path}: ${answer.status} ${await answer.text()}`)
    return (await answer.json()) as T
  }

  #reads(keeper: HistoryKeeper): NodeReads {
    const { core, params, store } = this.rig
    const { queries } = core
    return {
      clock: { now: () => this.rig.now },
      params,
      queries: { ...queries, status: now => this.status ?? queries.status(now) },
      startedAtSec: Math.floor(this.rig.now.wallMs / 1_000),
      donation: null,
      fee: null,
      poolSignature: 'P2Poolv2',
      history: keeper,
      bitcoin: { bestChain: async () => this.bestChain, feeRateSatPerVb: async () => this.feeRate },
      readBlocks: async (limit, below) => this.#blocksBelow(below)?.slice(0, limit) ?? store.blocksNow(limit, below),
      countBlocks: async () => this.blocks?.length ?? store.blockCountNow(),
      readShares: async hashes => store.readNow(hashes),
      readHeaders: async hashes => store.readHeadersNow(hashes),
      hostChecks: async () => [],
      logLines: () => ['{"level":"info","msg":"P2Poolv2 starts"}'],
      config: () => ({ file: null, settings: [] }),
      connect: () => ({ stratum: [], user: '', password: 'x', addressPrefixes: [], page: [] })
    }
  }

  /** Of `blocks`, which tests give the highest first, each at a height of its own or in the order of their hashes. */
  #blocksBelow(below: BlockPlace | undefined): readonly FoundBlock[] | null {
    if (below === undefined || this.blocks === null) return this.blocks
    return this.blocks.filter(
      ({ bitcoinHeight, blockHash }) =>
        bitcoinHeight < below.bitcoinHeight || (bitcoinHeight === below.bitcoinHeight && blockHash < below.blockHash)
    )
  }

  #sample() {
    const now = this.rig.now
    const { queries } = this.rig.core
    return {
      household: { ...NO_COUNTERS, accepted: queries.totals(now).accepted },
      workers: queries.workers(now).map(worker => ({
        address: worker.payoutAddress,
        worker: worker.worker,
        isConnected: worker.connections > 0,
        ...NO_COUNTERS,
        accepted: worker.accepted,
        workHashes: worker.creditedDifficulty * 2 ** 32
      })),
      gauges: { poolHps: null, peers: 0, shareDifficulty: null, bitcoinDifficulty: null }
    }
  }
}
