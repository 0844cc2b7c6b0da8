import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { Journal } from '@p2poolv2/api'
import { ChainReader } from '@p2poolv2/bitcoind'
import { type ChainName, type ChainParams, encodeShareAddress, protocolTag } from '@p2poolv2/consensus'
import { checkInvite, type Invite } from '@p2poolv2/gossip'
import { loadIdentity } from '@p2poolv2/gossip/libp2p'
import { NodeCore, type NodeEvent, type NodeStatus, type StopReason } from '@p2poolv2/node'
import { AccountingStore, NodeShell, Telemetry } from '@p2poolv2/node/shell'
import { bytesToHex, type Rng, secFromMs, steadyMs } from '@p2poolv2/primitives'
import { Lifecycle, type Log, Metrics, nodeSha256d, systemClock, systemRng } from '@p2poolv2/runtime'
import { ConfigError } from '../config.ts'
import { configuredParams } from '../data/chain-params.ts'
import { storeFolder } from '../data/data-dir.ts'
import { beginFromSeed } from '../data/devnet-seed.ts'
import { openFigures } from '../data/figures-store.ts'
import { removeRunningFile, writeRunningFile } from '../data/running-file.ts'
import { openWallet, WALLET_FILE_NAME, WalletError } from '../data/wallet.ts'
import type { Config } from '../settings.ts'
import { ownerAlerts } from './alerts.ts'
import { configAnswer, connectAnswer } from './api-answers.ts'
import { openBitcoinNodes } from './bitcoin/bitcoin-nodes.ts'
import { bitcoindSide } from './bitcoin/bitcoind-side.ts'
import { doctorChecks } from './doctor-checks.ts'
import { apiListener, type Listener, stratumListener } from './listeners.ts'
import { builtInMiners } from './miners/built-in-miners.ts'
import { openConnectionCap } from './miners/connection-cap.ts'
import { stratumRecorder } from './miners/stratum-recorder.ts'
import { stratumV2Door } from './miners/v2-door.ts'
import { earlierBest, miningHistory } from './mining-history.ts'
import { configuredOptions } from './node-options.ts'
import { openKnownPeers } from './peers/known-peers.ts'
import { NO_PEERS } from './peers/no-peers.ts'
import { peerSide } from './peers/peer-side.ts'
import { type SetupHost, setupSources } from './setup.ts'
import { openShareChain } from './share-store.ts'
import { STOP_RANK } from './stop-order.ts'

/**
 * How long a node that is to join others, or was among others before it stopped, waits for the first answer before it makes shares of its own: an answer takes a second, or
 * ten on a slow line and as long for one lost dial. What it found before would be on a fork that dies with the answer. Miners find
 * blocks meanwhile.
 */
const JOIN_WITHIN_MS = 15_000

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
 * Builds the node from its configuration, top to bottom, and starts it.
 * @param invite to be dialled, now and later; a devnet that has not begun begins as the inviter's
 */
export async function startNode(config: Config, invite: Invite | null, host: NodeHost): Promise<RunningNode> {
  const { log } = host
  const clock = systemClock()
  const rng = systemRng()
  const params = paramsFor(config, invite)
  const wallet = openWallet(config.data_dir, () => firstKey(config, { log, rng }))
  const maxConnections = openConnectionCap(config.stratum.max_connections, log)
  const { store, chain, recentBlocks } = await openShareChain(storeFolder(config.data_dir, config.chain), params, log)

  const startedAtMs = clock.now().steadyMs
  const peersFolder = join(config.data_dir, config.chain, 'peers')
  const knownPeers = config.mode === 'sharechain' ? await openKnownPeers(peersFolder, log) : null
  const joins = invite !== null || config.p2p.dial_peers.length > 0 || knownPeers?.wereGood === true
  const options = configuredOptions(config, params)
  const accounting = await openAccounting(config, cause =>
    shell.post({ type: 'storeFailed', message: cause instanceof Error ? cause.message : String(cause) })
  )

  const figures = await openFigures(join(config.data_dir, config.chain, 'figures'), log)
  const core = new NodeCore(
    {
      ...options,
      ...(joins ? { joinsUntilMs: steadyMs(startedAtMs + JOIN_WITHIN_MS) } : {}),
      nodeShareProgram: wallet.shareProgram,
      recentBlocks,
      ...(accounting === null ? {} : { accounting: { rows: accounting.rows, windowBlocks: config.hydrapool.window } }),
      startedAtMs,
      figures: { rows: figures.rows, now: clock.now() },
      maxMiners: maxConnections
    },
    { rng, sha256d: nodeSha256d, chain }
  )
  const blocksOnRecord = await store.countBlocks()
  const metrics = new Metrics({ processMetrics: 'include' })
  const telemetry = new Telemetry({ log, metrics, clock, blocksOnRecord })
  const bitcoin = await openBitcoinNodes(config, { clock, log, rng, observer: telemetry })

  // The edges need the shell to tell it what happens, and the shell needs them to act: nothing happens before they start.
  const post = (event: NodeEvent): void => shell.post(event)
  const blockFolder = join(config.data_dir, config.chain, 'blocks')
  const bitcoind = bitcoindSide(
    {
      nodes: bitcoin.nodes,
      chain: params.chain,
      emptyFirst: config.stratum.empty_first,
      blockFolder,
      recentBlocks
    },
    { blocks: () => core.queries.blocks(), post, log }
  )
  const v2 = stratumV2Door(config, { clock, rng, log })
  const stratum = stratumListener(config, {
    maxConnections,
    v2,
    post,
    log,
    // An accepted share that is told of is one that a killed node still has.
    ...(accounting && { mayWrite: () => (accounting.store.keep() ? 'yes' : 'no') })
  })
  const peers =
    knownPeers === null
      ? null
      : peerSide(config, knownPeers, {
          params,
          privateKey: await loadIdentity({ directory: config.data_dir, fresh: config.p2p.fresh_identity }),
          invite,
          blocks: bitcoin.exchangeBlocks,
          peersOf: () => core.queries.peers(clock.now()),
          post,
          clock,
          rng,
          log
        })
  const recorder = stratumRecorder(config, options.stratum, { limits: () => core.queries.work(), log })
  const journal = new Journal(clock)
  const { queries } = core
  const history = await miningHistory(join(config.data_dir, config.chain, 'history'), { queries, clock, log })
  const chainReader = new ChainReader(bitcoin.nodes, { nowMs: () => clock.now().steadyMs, log })
  const shell: NodeShell = new NodeShell({
    core: recorder?.between(core) ?? core,
    clock,
    store,
    telemetry: {
      record: fact => {
        telemetry.record(fact)
        journal.record(fact)
      },
      took: turn => telemetry.took(turn)
    },
    ports: {
      sendMiner: (miner, output) => stratum.server.send(miner, output),
      closeMiner: (miner, reason) => stratum.server.close(miner, reason),
      submitBlock: bitcoind.submitBlock,
      keepFigures: figures.keep,
      ...(accounting === null ? {} : { keepAccounting: delta => accounting.store.push(delta) }),
      ...(peers === null ? {} : { network: peers.perform }),
      stopped: host.onStopped
    }
  })
  const status = (): NodeStatus => core.queries.status(clock.now())
  const alerts = ownerAlerts(config, { queries, clock, log })
  const token = bytesToHex(rng.bytes(32))
  const checks = doctorChecks(config, {
    file: host.configFile ?? null,
    ports: () => ({ stratum: stratum.port, api: api.port }),
    peers: peers === null ? null : () => peers.sources.peers(),
    clock,
    log
  })
  const api: Listener = apiListener(config, token, {
    network: peers?.sources ?? NO_PEERS,
    alerts: alerts.sources,
    setup: setupSources(config, host.configFile ?? null, host.setup ?? NO_RESTART),
    metrics: () => telemetry.exposition(queries, shell.commitQueueLength, earlierBest(history.keeper)),
    journal,
    log,
    reads: {
      clock,
      params,
      queries,
      startedAtSec: secFromMs(clock.now().wallMs),
      donation: options.donation,
      fee: options.fee,
      poolSignature: config.stratum.pool_signature,
      history: history.keeper,
      bitcoin: chainReader,
      readBlocks: (limit, below) => store.readBlocks(limit, below),
      countBlocks: () => store.countBlocks(),
      readShares: hashes => store.readShares(hashes),
      readHeaders: hashes => store.readHeaders(hashes),
      hostChecks: checks.kept,
      logLines: () => host.logLines?.() ?? [],
      config: () => configAnswer(config, host.configFile ?? null),
      connect: () =>
        connectAnswer(config, { stratum: stratum.port, v2: stratum.v2, api: api.port }, params.addressNetwork)
    }
  })

  const lifecycle = new Lifecycle({ log })
  await lifecycle.start([
    ...(recorder === null ? [] : [recorder.part]),
    { name: 'share store', stopRank: STOP_RANK.shareStore, stop: () => store.close() },
    { name: 'figures', stopRank: STOP_RANK.figures, stop: () => figures.close() },
    { name: 'accounting', stopRank: STOP_RANK.accounting, stop: async () => accounting?.store.close() },
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
    checks.atStart
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
    status,
    invite: () => peers?.sources.invite() ?? null,
    stop: async () => {
      removeRunningFile(config.data_dir)
      await lifecycle.stop()
    }
  }
}

const NO_RESTART: SetupHost = { sources: { file: null, env: {}, flags: {} }, restart: null }

/** The pool's own accounting, in the mode that has one. */
async function openAccounting(config: Config, onFailed: (cause: unknown) => void) {
  if (config.mode !== 'hydrapool') return null
  const folder = join(config.data_dir, config.chain, 'hydrapool')
  return AccountingStore.open(folder, { chain: config.chain, onFailed })
}

function paramsFor(config: Config, invite: Invite | null): ChainParams {
  if (invite !== null && config.mode !== 'sharechain')
    throw new ConfigError(`--join is for the share chain, and mode = "${config.mode}" has none: leave one of them out`)
  if (invite === null) return configuredParams(config)
  checkInvite(invite, { chain: config.chain, genesisTag: null })
  const params = config.chain === 'devnet' ? beginFromSeed(config, invite.extra) : configuredParams(config)
  checkInvite(invite, { chain: config.chain, genesisTag: protocolTag(params) })
  return params
}

/** 32 random bytes for a wallet key, unless there were shares before: those belong to a key that should not be forgotten. */
function firstKey(config: Config, { log, rng }: { readonly log: Log; readonly rng: Rng }): Uint8Array {
  const file = join(config.data_dir, WALLET_FILE_NAME)
  const store = storeFolder(config.data_dir, config.chain)
  if (existsSync(store)) {
    throw new WalletError(
      `${file} is missing, and the shares in ${store} were made with it: restore it from your backup. To go on with a ` +
        `new key instead, make one with: ./p2poolv2 address --new --data-dir '${config.data_dir}'`
    )
  }
  log.info({ file }, 'this node gets a wallet key of its own: keep a backup of that file')
  return rng.bytes(32)
}

/** Where this computer reaches an address that is listened on. */
function loopbackOf(hostname: string): string {
  if (hostname === '0.0.0.0') return '127.0.0.1'
  if (hostname === '::') return '[::1]'
  return hostname.includes(':') ? `[${hostname.replace(/^\[|\]$/g, '')}]` : hostname
}
