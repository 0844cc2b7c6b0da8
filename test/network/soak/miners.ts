import { BlockWatch } from '../../../apps/load/src/block-watch.ts'
import { Ledger } from '../../../apps/load/src/ledger.ts'
import { LoadMiner } from '../../../apps/load/src/load-miner.ts'
import { nowMs } from '../../../apps/load/src/now.ts'
import { exampleAddress } from '../../../apps/load/src/server-ledger.ts'

/** More than any submit takes at the difficulty of the soak. */
const HASHES = 2_000
const AGAIN_AFTER_MS = 2_000

export interface MinersOptions {
  readonly nodes: number
  readonly minersEach: number
  /** Of all of them together. */
  readonly submitsPerSec: number
  /** Where a node's miners find it at this moment. */
  readonly portOf: (node: number) => number
}

/** Miners on every node that submit in turn and connect again whenever their node has gone. */
export class SoakMiners {
  readonly ledger = new Ledger()
  readonly #options: MinersOptions
  readonly #watch = new BlockWatch({ nowMs, onTurn: end => void setImmediate(end) })
  readonly #miners: (LoadMiner | null)[]
  readonly #timer: NodeJS.Timeout
  #turn = 0
  #hasEnded = false

  constructor(options: MinersOptions) {
    this.#options = options
    this.#miners = Array.from({ length: options.nodes * options.minersEach }, () => null)
    for (const index of this.#miners.keys()) this.#connect(index)
    this.#timer = setInterval(() => this.#submit(), 1_000 / options.submitsPerSec)
  }

  get working(): number {
    return this.#miners.filter(miner => miner?.isReady).length
  }

  /** Submits without an answer. */
  get unanswered(): number {
    return this.#miners.reduce((sum, miner) => sum + (miner?.unanswered ?? 0), 0)
  }

  rest(): void {
    clearInterval(this.#timer)
  }

  end(): void {
    this.rest()
    this.#hasEnded = true
    for (const miner of this.#miners) miner?.hangUp()
  }

  #connect(index: number): void {
    if (this.#hasEnded) return
    this.#miners[index] = new LoadMiner(
      {
        host: '127.0.0.1',
        port: this.#options.portOf(index % this.#options.nodes),
        localAddress: undefined,
        user: `${exampleAddress('devnet')}.soak${index}`,
        password: 'x',
        userAgent: 'soak/1',
        roots: 'each'
      },
      {
        ledger: this.ledger,
        watch: this.#watch,
        nowMs,
        onReady: () => {},
        onLost: (_, why) => {
          this.ledger.lost(why)
          this.#miners[index] = null
          setTimeout(() => this.#connect(index), AGAIN_AFTER_MS).unref()
        },
        onAnswer: () => {}
      }
    )
  }

  #submit(): void {
    const miner = this.#miners[this.#turn++ % this.#miners.length]
    if (miner?.isReady) miner.work(HASHES)
  }
}
