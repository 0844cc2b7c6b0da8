import { CpuMiner } from '@p2poolv2/app-miner'
import type { Log } from '@p2poolv2/runtime'
import type { Wallet } from './wallet.ts'

export interface BuiltInMinersOptions {
  readonly count: number
  readonly maxHashrateHps: number
  /** Where this node listens for miners. */
  readonly stratumHost: string
  readonly stratumPort: number
  readonly wallet: Wallet
  readonly log: Log
}

/** Listening on all addresses includes loopback; any other address is dialled as it is. */
const LOOPBACK_OF: Readonly<Record<string, string>> = { '0.0.0.0': '127.0.0.1', '::': '::1' }

/** The CPU miners that `npm start` brings: Stratum clients on loopback like any other, each with its own payout address. */
export function builtInMiners(options: BuiltInMinersOptions): CpuMiner[] {
  return Array.from(
    { length: options.count },
    (_, index) =>
      new CpuMiner({
        host: LOOPBACK_OF[options.stratumHost] ?? options.stratumHost,
        port: options.stratumPort,
        user: `${options.wallet.minerAddress(index, 'regtest')}.built-in-${index + 1}`,
        password: 'x',
        threads: 1,
        maxHashrateHps: options.maxHashrateHps,
        onMessage: message => options.log.debug({ miner: index + 1, said: message }, 'a built-in miner speaks')
      })
  )
}
