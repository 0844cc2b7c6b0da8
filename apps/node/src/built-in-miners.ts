import { CpuMiner } from '@p2poolv2/app-miner'
import type { Log } from '@p2poolv2/runtime'
import type { Wallet } from './wallet.ts'

export interface BuiltInMinersOptions {
  readonly count: number
  readonly maxHashrateHps: number
  readonly stratumPort: number
  readonly wallet: Wallet
  readonly log: Log
}

/** The CPU miners that `npm start` brings: Stratum clients on loopback like any other, each with its own payout address. */
export function builtInMiners(options: BuiltInMinersOptions): CpuMiner[] {
  return Array.from(
    { length: options.count },
    (_, index) =>
      new CpuMiner({
        host: '127.0.0.1',
        port: options.stratumPort,
        user: `${options.wallet.minerAddress(index, 'regtest')}.built-in-${index + 1}`,
        password: 'x',
        threads: 1,
        maxHashrateHps: options.maxHashrateHps,
        onMessage: message => options.log.debug({ miner: index + 1, said: message }, 'a built-in miner speaks')
      })
  )
}
