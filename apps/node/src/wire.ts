import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { ApiServer } from '@p2poolv2/api'
import type { CpuMiner } from '@p2poolv2/app-miner'
import { type BitcoindConfig, BlockSubmitter, TemplateFeed } from '@p2poolv2/bitcoind'
import {
  type ChainName,
  type ChainParams,
  consensusAddress,
  encodeShareAddress,
  type PayoutCut,
  parseShareAddress
} from '@p2poolv2/consensus'
import { DevChainServer } from '@p2poolv2/devchain/rpc'
import { NodeCore, type NodeStatus, type StopReason } from '@p2poolv2/node'
import { NodeShell, Telemetry } from '@p2poolv2/node/shell'
import { bytesToHex, type Rng } from '@p2poolv2/primitives'
import { Lifecycle, type Log, Metrics, nodeSha256d, systemClock, systemRng } from '@p2poolv2/runtime'
import { openLevelStore } from '@p2poolv2/sharechain/level'
import { StratumServer } from '@p2poolv2/stratum/tcp'
import { builtInMiners } from './built-in-miners.ts'
import { openChain } from './chain.ts'
import { ConfigError } from './config.ts'
import type { Config } from './config-schema.ts'
import { connectionCap, descriptorLimit } from './connection-cap.ts'
import { storeFolder } from './data-dir.ts'
import { FoundBlockFolder } from './found-blocks.ts'
import { restoreChain, storeIdentity } from './restore-chain.ts'
import { sessionSettings } from './session-settings.ts'
import { VERSION } from './version.ts'
import { openWallet, WALLET_FILE_NAME, type Wallet, WalletError } from './wallet.ts'

/** A node that serves. `stop` ends it within five seconds, data safe. */
export interface RunningNode {
  readonly chain: ChainName
  readonly shareAddress: string
  readonly stratumPort: number
  readonly apiPort: number
  /** True when the embedded development chain stands in for bitcoind. */
  readonly embeddedChain: boolean
  status(): NodeStatus
  stop(): Promise<void>
}

export interface NodeHost {
  readonly log: Log
  /** The node ended by itself, because the disk refused or a bug was met. */
  readonly onStopped: (reason: StopReason) => void
}

/** A block found just before the end is money: its submission gets this long before it is given up until the next start. */
const SUBMIT_BEFORE_END_MS = 2_000

/** Values of bitcoind's `chain` on which each share chain may be mined. */
const BITCOIN_CHAINS: Readonly<Record<ChainName, readonly string[]>> = {
  main: ['main'],
  testnet4: ['testnet4'],
  signet: ['signet'],
  regtest: ['regtest'],
  devnet: ['regtest', 'signet']
}

/** Builds the node from its configuration, top to bottom, and starts it. */
export async function startNode(config: Config, host: NodeHost): Promise<RunningNode> {
  const { log } = host
  const clock = systemClock()
  const rng = systemRng()
  const params = openChain(config)
  const wallet = openWallet(config.data_dir, () => firstKey(config, { log, rng }))
  const maxConnections = openConnectionCap(config, log)
  const folder = join(config.data_dir, config.chain)
  const lifecycle = new Lifecycle({ log })
  const opening = new AbortController()

  const store = await openLevelStore(storeFolder(config.data_dir, config.chain), storeIdentity(params), {
    signal: opening.signal
  })
  const { chain, recentBlocks } = await restoreChain(params, store)
  const { height, hash } = chain.confirmedTip()
  log.info({ chain: params.chain, height, tip: hash, shares: chain.shareCount }, 'share chain opened')

  const core = new NodeCore(
    {
      params,
      ...payoutCuts(config, params),
      nodeShareProgram: wallet.shareProgram,
      configuredShareProgram: configuredShareProgram(config, params),
      stratum: sessionSettings(config),
      version: VERSION,
      recentBlocks,
      startedAtMs: clock.nowMs(),
      maxMiners: maxConnections
    },
    { rng, sha256d: nodeSha256d, chain }
  )

  const embeddedChain = config.bitcoind.length === 0
  // Nobody else may submit to the embedded chain: its password lives as long as this process.
  const login = { user: 'p2poolv2', password: bytesToHex(rng.bytes(16)) }
  const devChain = embeddedChain
    ? await DevChainServer.start({ ...login, file: join(folder, 'devchain'), clock, log })
    : null
  const bitcoinNodes = devChain === null ? configuredNodes(config) : [{ url: devChain.url, ...login }]
  if (embeddedChain)
    log.warn({}, 'no bitcoind is configured: mining on the embedded development chain, whose coins are worth nothing')

  const metrics = new Metrics({ processMetrics: 'include' })
  const telemetry = new Telemetry({ log, metrics, clock })
  const submitting = new AbortController()
  const blockFolder = new FoundBlockFolder(join(folder, 'blocks'))
  const submitter = new BlockSubmitter(
    { nodes: bitcoinNodes },
    {
      persist: block => blockFolder.persist(block),
      onResult: result => shell.post({ type: 'blockResult', ...result }),
      bitcoinHeight: () => feed.bitcoinHeight,
      log
    }
  )
  const stratum = new StratumServer(
    { host: config.stratum.hostname, port: config.stratum.port, maxConnections },
    {
      onConnected: (miner, remote) => shell.post({ type: 'minerConnected', miner, remote }),
      onLines: (miner, lines) => shell.post({ type: 'minerLines', miner, lines }),
      onGone: miner => shell.post({ type: 'minerGone', miner }),
      log
    }
  )
  const shell: NodeShell = new NodeShell({
    core,
    clock,
    store,
    telemetry,
    ports: {
      sendMiner: (miner, output) => stratum.send(miner, output),
      closeMiner: (miner, reason) => stratum.close(miner, reason),
      submitBlock: block => void submitter.submit(block, { signal: submitting.signal }),
      stopped: host.onStopped
    }
  })
  const feed: TemplateFeed = new TemplateFeed(
    { nodes: bitcoinNodes, chains: BITCOIN_CHAINS[params.chain] },
    {
      onTemplate: (template, source) => shell.post({ type: 'template', template, source }),
      onStatus: nodes => shell.post({ type: 'bitcoind', nodes }),
      log
    }
  )
  const status = (): NodeStatus => core.queries.status(clock.nowMs())
  const api = new ApiServer(
    { host: config.api.hostname, port: config.api.port },
    { status, metrics: () => telemetry.exposition(core.queries, shell.commitQueueLength) }
  )

  let stratumPort = 0
  let apiPort = 0
  let miners: CpuMiner[] = []
  // Stopping runs in this order: no new work is taken, miners are told, what was found is on disk, then all is closed.
  await lifecycle.start([
    { name: 'share store', stopRank: 5, stop: () => store.close() },
    { name: 'embedded bitcoin chain', stopRank: 4, stop: () => devChain?.stop() },
    {
      name: 'block submission',
      stopRank: 3,
      stop: async ({ signal }) => {
        const ended = new AbortController()
        const isUp = pause(SUBMIT_BEFORE_END_MS, undefined, { signal: AbortSignal.any([signal, ended.signal]) })
        await Promise.race([submitter.idle(), isUp.catch(() => undefined)])
        ended.abort()
        submitting.abort()
        submitter.close()
      }
    },
    { name: 'node', start: () => shell.start(), stopRank: 2, stop: signal => shell.stop(signal) },
    {
      name: 'API',
      start: async () => {
        apiPort = await apiListening(api, config.api)
      },
      stopRank: 1,
      stop: () => api.stop()
    },
    {
      name: 'Stratum server',
      start: async () => {
        stratumPort = await stratum.listen()
      },
      stopRank: 2,
      stop: signal => stratum.stop(signal)
    },
    { name: 'template feed', start: () => feed.start(), stopRank: 1, stop: () => feed.stop() },
    {
      name: 'unanswered blocks',
      start: async () => {
        for (const block of await blockFolder.unanswered(recentBlocks)) {
          log.warn(
            { blockHash: block.blockHash, bitcoinHeight: block.bitcoinHeight },
            'submitting a block again: its answer is not on record'
          )
          void submitter.submit(block, { signal: submitting.signal })
        }
      }
    },
    {
      name: 'built-in miners',
      start: () => {
        if (config.chain !== 'devnet') return
        const { miners: count, miner_hashrate: maxHashrateHps } = config.devnet
        miners = builtInMiners({
          count,
          maxHashrateHps,
          stratumHost: config.stratum.hostname,
          stratumPort,
          wallet,
          log
        })
        for (const miner of miners) miner.start()
      },
      stop: async () => {
        await Promise.all(miners.map(miner => miner.stop()))
      }
    }
  ])

  return {
    chain: params.chain,
    shareAddress: shareAddressOf(wallet, params),
    stratumPort,
    apiPort,
    embeddedChain,
    status,
    stop: async () => {
      await lifecycle.stop()
    }
  }
}

/** 32 random bytes for a wallet key, unless there were shares before: those belong to a key that should not be forgotten. */
function firstKey(config: Config, { log, rng }: { readonly log: Log; readonly rng: Rng }): Uint8Array {
  const file = join(config.data_dir, WALLET_FILE_NAME)
  const store = storeFolder(config.data_dir, config.chain)
  if (existsSync(store)) {
    throw new WalletError(
      `${file} is missing, and the shares in ${store} were made with it: restore it from your backup. To go on with a ` +
        `new key instead, make one with: p2poolv2 address --data-dir '${config.data_dir}'`
    )
  }
  log.info({ file }, 'this node gets a wallet key of its own: keep a backup of that file')
  return rng.bytes(32)
}

function openConnectionCap(config: Config, log: Log): number {
  const configured = config.stratum.max_connections
  const openFiles = descriptorLimit()
  const cap = connectionCap(configured, openFiles)
  if (cap < configured)
    log.warn(
      { configured, openFiles, cap },
      'fewer miners than configured can be served: raise the limit of open files (ulimit -n)'
    )
  return cap
}

function shareAddressOf(wallet: Wallet, params: ChainParams): string {
  return encodeShareAddress({ version: 1, program: wallet.shareProgram }, params.shareAddressHrp)
}

function configuredNodes(config: Config): BitcoindConfig[] {
  return config.bitcoind.map(node => ({
    url: node.url,
    cookieFile: node.cookie_file,
    user: node.user,
    password: node.password,
    zmqHashblock: node.zmq_hashblock
  }))
}

function payoutCuts(config: Config, params: ChainParams): { donation: PayoutCut | null; fee: PayoutCut | null } {
  const { donation_address, donation, fee_address, fee } = config.stratum
  return {
    donation: payoutCut('donation', params, { address: donation_address, bps: donation }),
    fee: payoutCut('fee', params, { address: fee_address, bps: fee })
  }
}

function payoutCut(
  name: 'donation' | 'fee',
  params: ChainParams,
  cut: { readonly address: string | undefined; readonly bps: number | undefined }
): PayoutCut | null {
  if (cut.address === undefined || cut.bps === undefined || cut.bps === 0) return null
  const address = consensusAddress(cut.address, params.addressNetwork)
  if (address === null)
    throw new ConfigError(`stratum.${name}_address "${cut.address}" is not an address of this chain`)
  return { address, bps: cut.bps }
}

function configuredShareProgram(config: Config, params: ChainParams): Uint8Array | null {
  const text = config.stratum.miner_address
  if (text === undefined) return null
  const parsed = parseShareAddress(text, params.shareAddressHrp)
  if (!parsed.ok)
    throw new ConfigError(
      `stratum.miner_address "${text}" cannot be used: ${parsed.reason}; it begins with ${params.shareAddressHrp}1p`
    )
  return parsed.program.program
}

/** Turns the usual failures of the API's listening socket into what to change. */
async function apiListening(api: ApiServer, at: { readonly hostname: string; readonly port: number }): Promise<number> {
  try {
    return await api.listen()
  } catch (cause) {
    const fix = LISTEN_FIXES[(cause as NodeJS.ErrnoException).code ?? '']
    if (fix === undefined) throw cause
    throw new ConfigError(`the page cannot listen on ${at.hostname}:${at.port}: ${fix}`, { cause })
  }
}

const LISTEN_FIXES: Readonly<Record<string, string>> = {
  EADDRINUSE: 'another program has the port; choose another with --api-port or [api] port',
  EACCES: 'choose a port above 1023 with --api-port or [api] port',
  EADDRNOTAVAIL: 'this computer does not have that address; set [api] hostname to 127.0.0.1',
  ENOTFOUND: 'no such host; set [api] hostname to 127.0.0.1'
}
