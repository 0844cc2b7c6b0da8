import { CpuMiner } from '@p2poolv2/app-miner'
import type { Log, Part } from '@p2poolv2/runtime'
import type { Wallet } from '../../data/wallet.ts'
import type { Config } from '../../settings.ts'
import { VERSION } from '../../version.ts'
import { STOP_RANK } from '../stop-order.ts'

export interface BuiltInMinersDeps {
  /** Where this node listens for miners, once it does. */
  readonly stratumPort: () => number
  readonly wallet: Wallet
  readonly log: Log
}

/** Listening on all addresses includes loopback; any other address is dialled as it is. */
const LOOPBACK_OF: Readonly<Record<string, string>> = { '0.0.0.0': '127.0.0.1', '::': '127.0.0.1' }

/**
 * The CPU miners that `npm start` brings: Stratum clients on loopback like any other, each with its own payout address. On a
 * devnet only.
 */
export function builtInMiners(config: Config, deps: BuiltInMinersDeps): Part {
  let miners: readonly CpuMiner[] = []
  return {
    name: 'built-in miners',
    start: () => {
      if (config.chain !== 'devnet') return
      miners = Array.from({ length: config.devnet.miners }, (_, index) => builtInMiner(index, config, deps))
      for (const miner of miners) miner.start()
    },
    stopRank: STOP_RANK.builtInMiners,
    stop: async () => {
      await Promise.all(miners.map(miner => miner.stop()))
    }
  }
}

function builtInMiner(index: number, config: Config, { stratumPort, wallet, log }: BuiltInMinersDeps): CpuMiner {
  const { hostname } = config.stratum
  return new CpuMiner({
    host: LOOPBACK_OF[hostname] ?? hostname,
    port: stratumPort(),
    user: `${wallet.minerAddress(index, 'regtest')}.built-in-${index + 1}`,
    password: 'x',
    threads: 1,
    maxHashrateHps: config.devnet.miner_hashrate,
    version: VERSION,
    onMessage: message => log.debug({ miner: index + 1, said: message }, 'a built-in miner speaks')
  })
}
