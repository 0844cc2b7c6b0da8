import { join } from 'node:path'
import type { BitcoindConfig, BitcoindObserver } from '@p2poolv2/bitcoind'
import { DevChainServer } from '@p2poolv2/devchain/rpc'
import { bytesToHex, type Rng } from '@p2poolv2/primitives'
import { type Clock, type Log, MESSAGES, type Part } from '@p2poolv2/runtime'
import type { Config } from '../../settings.ts'
import { STOP_RANK } from '../stop-order.ts'

/** The bitcoin nodes this node works with. */
export interface BitcoinNodes {
  /** The preferred one first. */
  readonly nodes: readonly BitcoindConfig[]
  /** True when the embedded development chain stands in for bitcoind. */
  readonly isEmbedded: boolean
  readonly part: Part
  /** Of the embedded development chain; null without one. */
  readonly exchangeBlocks: DevChainServer['exchangeBlocks'] | null
}

/** Those of the configuration, or the embedded development chain, which is started here, if there is none. */
export async function openBitcoinNodes(
  config: Config,
  deps: { readonly clock: Clock; readonly log: Log; readonly rng: Rng; readonly observer: BitcoindObserver }
): Promise<BitcoinNodes> {
  const { clock, log, rng, observer } = deps
  const name = 'embedded bitcoin chain'
  if (config.bitcoind.length > 0) {
    return {
      nodes: configuredNodes(config).map(node => ({ ...node, observer })),
      isEmbedded: false,
      part: { name },
      exchangeBlocks: null
    }
  }
  // Nobody else may submit to the embedded chain: its password lives as long as this process.
  const login = { user: 'p2poolv2', password: bytesToHex(rng.bytes(16)) }
  const file = join(config.data_dir, config.chain, 'devchain')
  const devChain = await DevChainServer.start({ ...login, file, clock, log })
  log.warn(MESSAGES.noBitcoind)
  return {
    nodes: [{ url: devChain.url, ...login, observer }],
    isEmbedded: true,
    exchangeBlocks: options => devChain.exchangeBlocks(options),
    part: { name, stopRank: STOP_RANK.embeddedChain, stop: () => devChain.stop() }
  }
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
