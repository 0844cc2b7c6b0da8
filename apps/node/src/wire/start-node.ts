import { Journal } from '@p2poolv2/api'
import { ChainReader } from '@p2poolv2/bitcoind'
import { type ChainName, encodeShareAddress } from '@p2poolv2/consensus'
import type { Invite } from '@p2poolv2/gossip'
import { loadIdentity } from '@p2poolv2/gossip/libp2p'
import type { NodeEvent, NodeFact, NodeStatus, StopReason } from '@p2poolv2/node'
import { NodeShell, Telemetry } from '@p2poolv2/node/shell'
import { bytesToHex } from '@p2poolv2/primitives'
import { Lifecycle, type Log, Metrics, systemClock, systemRng } from '@p2poolv2/runtime'
import { FoundBlockFolder } from '../data/found-blocks.ts'
import { removeRunningFile, writeRunningFile } from '../data/running-file.ts'
import type { Config } from '../settings.ts'
import { ownerAlerts } from './alerts.ts'
import { apiSide } from './api-side.ts'
import { openBitcoinNodes } from './bitcoin/bitcoin-nodes.ts'
import { bitcoindSide } from './bitcoin/bitcoind-side.ts'
import { openKeptData } from './kept-data.ts'
import { stratumListener } from './listeners.ts'
import { builtInMiners } from './miners/built-in-miners.ts'
import { openConnectionCap } from './miners/connection-cap.ts'
import { stratumRecorder } from './miners/stratum-recorder.ts'
import { stratumV2Door } from './miners/v2-door.ts'
import { earlierBest, miningHistory } from './mining-history.ts'
import { nodeMachine } from './node-machine.ts'
import { peerSide } from './peers/peer-side.ts'
import type { SetupHost } from './setup.ts'
import { STOP_RANK } from './stop-order.ts'

/** A node that serves. `stop` ends it within five seconds, data safe. */
export interface RunningNode {
  readonly chain: ChainName
  readonly shareAddress: string
  readonly stratumPort: number
  /** Where Stratum V2 is spoken, and the key by which its miners know this node; null where it is not. */
  readonly stratumV2: { readonly port: number; readonly authorityText: string } | null
  readonly apiPort: number
  /** True when the embedded development chain stands in for bitcoind. */
  readonly embeddedChain: boolean
  status(): NodeStatus
  /** One string with which another node joins this one; null in a mode without peers. */
  invite(): string | null
  stop(): Promise<void>
}

export interface NodeHost {
  readonly log: Log
  /** Aborted, it ends a start while the share chain is read back, with the signal's reason. */
  readonly signal?: AbortSignal
  /** The node ended by itself, because the disk refused or a bug was met. */
  readonly onStopped: (reason: StopReason) => void
  /** The last of the log, the oldest first. */
  readonly logLines?: () => readonly string[]
  /** Where the configuration was read from. */
  readonly configFile?: string | null
  /** How a configuration that the page writes comes into force; by default whoever runs the node starts it again. */
  readonly setup?: SetupHost
}

/**
 * Builds the node from its configuration, top to bottom, and starts it: what was kept, the machine, its sides towards bitcoin, miners
 * and peers, the shell between them, and what people see.
 * @param invite to be dialled, now and later; a devnet that has not begun begins as the inviter's
 */
export async function startNode(config: Config, invite: Invite | null, host: NodeHost): Promise<RunningNode> {
  const { log } = host
  const clock = systemClock()
  const rng = systemRng()
  const maxConnections = openConnectionCap(config.stratum.max_connections, log)
  // The edges need the shell to tell it what happens, and the shell needs them to act: nothing happens before they start.
  const post = (event: NodeEvent): void => shell.post(event)

  const kept = await openKeptData(config, invite, {
    log,
    rng,
    signal: host.signal,
    nowMs: clock.now().wallMs,
    onAccountingFailed: ({ message }) => post({ type: 'storeFailed', message })
  })
  const { params, wallet, store, recentBlocks, knownPeers, accounting, figures, folders } = kept
  const machine = nodeMachine(config, kept, { invite, maxMiners: maxConnections, clock, rng })
  const { core, options } = machine
  const { queries } = core

  const metrics = new Metrics({ processMetrics: 'include' })
  const telemetry = new Telemetry({
    log,
    metrics,
    clock,
    areCoinsReal: config.chain === 'main',
    blocksOnRecord: await store.countBlocks()
  })
  const journal = new Journal(clock)
  const record = (fact: NodeFact): void => {
    telemetry.record(fact)
    journal.record(fact)
  }

  const bitcoin = await openBitcoinNodes(config, { clock, log, rng, observer: telemetry })
  const bitcoind = bitcoindSide(
    {
      nodes: bitcoin.nodes,
      chain: params.chain,
      emptyFirst: config.stratum.empty_first,
      folder: new FoundBlockFolder(folders.blocks),
      recentBlocks
    },
    { blocks: () => queries.blocks(), unservedMiners: () => queries.unservedMiners(), post, log }
  )
  const stratum = stratumListener(config, {
    maxConnections,
    v2: stratumV2Door(config, { clock, rng, log }),
    post,
    log,
    // An accepted share that is told of is one that a killed node still has.
    ...(accounting && { mayWrite: () => (accounting.store.keep() ? 'yes' : 'no') })
  })
  const recorder = stratumRecorder(config, options.stratum, { limits: () => queries.work(), log })
  const peers =
    knownPeers === null
      ? null
      : peerSide(config, knownPeers, {
          params,
          privateKey: await loadIdentity({ directory: config.data_dir, fresh: config.p2p.fresh_identity }),
          invite,
          blocks: bitcoin.exchangeBlocks,
          peersOf: () => queries.peers(clock.now()),
          post,
          clock,
          rng,
          log
        })

  const shell: NodeShell = new NodeShell({
    core: recorder?.between(core) ?? core,
    clock,
    store,
    telemetry: { record, took: turn => telemetry.took(turn) },
    ports: {
      sendMiner: (miner, output) => stratum.server.send(miner, output),
      closeMiner: (miner, reason) => stratum.server.close(miner, reason),
      submitBlock: bitcoind.submitBlock,
      madeShares: kept.madeShares,
      keepFigures: figures.keep,
      ...(accounting === null ? {} : { keepAccounting: delta => accounting.store.push(delta) }),
      ...(peers === null ? {} : { network: peers.perform }),
      stopped: host.onStopped
    }
  })

  const history = await miningHistory(folders.history, { queries, clock, log })
  const chainReader = new ChainReader(bitcoin.nodes, { nowMs: () => clock.now().steadyMs, log })
  const alerts = ownerAlerts(config, { queries, clock, log })
  const token = bytesToHex(rng.bytes(32))
  const { listener: api, doctor } = apiSide(config, {
    token,
    kept,
    machine,
    stratum,
    peers: peers?.sources ?? null,
    alerts: alerts.sources,
    setup: host.setup ?? NO_RESTART,
    history: history.keeper,
    bitcoin: chainReader,
    journal,
    metrics: () => telemetry.exposition(queries, shell.commitQueueLength, earlierBest(history.keeper)),
    configFile: host.configFile ?? null,
    logLines: () => host.logLines?.() ?? [],
    clock,
    log
  })

  const lifecycle = new Lifecycle({ log })
  await lifecycle.start([
    ...(recorder === null ? [] : [recorder.part]),
    ...kept.parts,
    bitcoin.part,
    bitcoind.submission,
    { name: 'chain reader', stopRank: STOP_RANK.chainReader, stop: () => chainReader.close() },
    history.part,
    alerts.part,
    { name: 'node', start: () => shell.start(), stopRank: STOP_RANK.node, stop: signal => shell.stop(signal) },
    peers?.part ?? { name: 'no peers' },
    api,
    stratum,
    bitcoind.feed,
    bitcoind.unanswered,
    builtInMiners(config, { stratumPort: () => stratum.port, wallet, log }),
    doctor
  ])
  writeRunningFile(config.data_dir, {
    url: `http://${loopbackOf(config.api.hostname)}:${api.port}`,
    token,
    pid: process.pid
  })
  return {
    chain: params.chain,
    shareAddress: encodeShareAddress({ version: 1, program: wallet.shareProgram }, params.shareAddressHrp),
    stratumPort: stratum.port,
    stratumV2: stratum.v2,
    apiPort: api.port,
    embeddedChain: bitcoin.isEmbedded,
    status: () => queries.status(clock.now()),
    invite: () => peers?.sources.invite() ?? null,
    stop: async () => {
      removeRunningFile(config.data_dir)
      await lifecycle.stop()
    }
  }
}

const NO_RESTART: SetupHost = { sources: { file: null, env: {}, flags: {} }, restart: null }

/** Where this computer reaches an address that is listened on. */
function loopbackOf(hostname: string): string {
  if (hostname === '0.0.0.0') return '127.0.0.1'
  if (hostname === '::') return '[::1]'
  return hostname.includes(':') ? `[${hostname.replace(/^\[|\]$/g, '')}]` : hostname
}
