import type { AlertSources, Journal, PeerSources } from '@p2poolv2/api'
import type { ChainReader } from '@p2poolv2/bitcoind'
import type { HistoryKeeper } from '@p2poolv2/earnings/level'
import { secFromMs } from '@p2poolv2/primitives'
import type { Clock, Log, Part } from '@p2poolv2/runtime'
import type { Config } from '../settings.ts'
import { configAnswer, connectAnswer } from './api-answers.ts'
import { doctorChecks } from './doctor-checks.ts'
import type { KeptData } from './kept-data.ts'
import { apiListener, type Listener, type StratumListener } from './listeners.ts'
import type { NodeMachine } from './node-machine.ts'
import { NO_PEERS } from './peers/no-peers.ts'
import { type SetupHost, setupSources } from './setup.ts'

export interface ApiSideDeps {
  /** Whoever has it may give commands from this computer. */
  readonly token: string
  readonly kept: KeptData
  readonly machine: NodeMachine
  readonly stratum: Pick<StratumListener, 'port' | 'v2'>
  /** Null in a mode without peers. */
  readonly peers: PeerSources | null
  readonly alerts: AlertSources
  readonly setup: SetupHost
  readonly history: HistoryKeeper
  readonly bitcoin: ChainReader
  readonly journal: Journal
  readonly metrics: () => Promise<string>
  /** Where the configuration was read from. */
  readonly configFile: string | null
  /** The last of the log, the oldest first. */
  readonly logLines: () => readonly string[]
  readonly clock: Clock
  readonly log: Log
}

/** The page and the API, and the doctor's look around once all has started. */
export function apiSide(config: Config, deps: ApiSideDeps): { readonly listener: Listener; readonly doctor: Part } {
  const { token, kept, machine, stratum, peers, setup, configFile, clock, log } = deps
  const { params, store } = kept
  const { core, options } = machine
  const checks = doctorChecks(config, {
    file: configFile,
    ports: () => ({ stratum: stratum.port, api: listener.port }),
    peers: peers === null ? null : () => peers.peers(),
    clock,
    log
  })
  const listener: Listener = apiListener(config, token, {
    network: peers ?? NO_PEERS,
    alerts: deps.alerts,
    setup: setupSources(config, configFile, setup),
    metrics: deps.metrics,
    journal: deps.journal,
    log,
    reads: {
      clock,
      params,
      queries: core.queries,
      startedAtSec: secFromMs(clock.now().wallMs),
      donation: options.donation,
      fee: options.fee,
      poolSignature: config.stratum.pool_signature,
      history: deps.history,
      bitcoin: deps.bitcoin,
      readBlocks: (limit, below) => store.readBlocks(limit, below),
      countBlocks: () => store.countBlocks(),
      readShares: hashes => store.readShares(hashes),
      readHeaders: hashes => store.readHeaders(hashes),
      hostChecks: checks.kept,
      logLines: deps.logLines,
      config: () => configAnswer(config, configFile),
      connect: () =>
        connectAnswer(config, { stratum: stratum.port, v2: stratum.v2, api: listener.port }, params.addressNetwork)
    }
  })
  return { listener, doctor: checks.atStart }
}
