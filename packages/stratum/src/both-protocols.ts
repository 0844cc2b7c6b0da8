import type { MinerSession, SessionDeps, SessionOptions, SessionProtocol } from './contract.ts'
import { StratumV1 } from './v1/stratum-v1.ts'
import { StratumV2 } from './v2/stratum-v2.ts'

/** Sessions of whatever protocol a miner came with: only a connection of Stratum V2 has channels. */
export class BothProtocols implements SessionProtocol {
  readonly #v1 = new StratumV1()
  readonly #v2 = new StratumV2()

  open(options: SessionOptions, deps: SessionDeps): MinerSession {
    return (options.channel === undefined ? this.#v1 : this.#v2).open(options, deps)
  }
}
