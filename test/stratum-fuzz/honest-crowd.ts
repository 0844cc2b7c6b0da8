import type { Tally, V2Settings } from '../../apps/load/src/crowd-contract.ts'
import { CrowdProcess } from '../../apps/load/src/crowd-process.ts'
import { Latencies } from '../../apps/load/src/latencies.ts'

const REST_WITHIN_MS = 10_000

export interface HonestCrowdOptions {
  readonly port: number
  readonly miners: number
  /** Of all of them together. */
  readonly sharesPerSec: number
  /** What their names begin with. */
  readonly user: string
  readonly v2?: V2Settings
}

/** What was done in all stretches of one kind. */
interface Sum {
  sent: number
  accepted: number
  refused: number
  /** Without an answer, or an answer to nothing. */
  astray: number
  readonly latencies: Latencies
}

/** Honest miners of one protocol in a process of their own, and what they met in quiet and under fire. */
export class HonestCrowd {
  readonly name: string
  readonly #process: CrowdProcess
  readonly #options: HonestCrowdOptions
  readonly #sums = new Map<string, Sum>()
  #working = 0
  #lost: Tally['lost'] = {}

  constructor(name: string, options: HonestCrowdOptions) {
    this.name = name
    this.#options = options
    const { port, miners, user, v2 } = options
    this.#process = new CrowdProcess({
      host: '127.0.0.1',
      port,
      miners,
      firstMiner: 1,
      userPrefix: user,
      password: 'x',
      userAgent: 'honest/1',
      roots: 'one',
      ...(v2 !== undefined && { v2 }),
      connectAtOnce: 20
    })
  }

  get accepted(): number {
    return [...this.#sums.values()].reduce((sum, { accepted }) => sum + accepted, 0)
  }

  async connect(): Promise<void> {
    this.#working = (await this.#process.connect()).working
  }

  async begin(): Promise<void> {
    await this.#process.count()
    this.#process.work(this.#options.sharesPerSec)
  }

  /** Ends what `begin` began. @param kind of stretch that it was */
  async end(kind: string): Promise<void> {
    await this.#process.rest(REST_WITHIN_MS)
    const { sent, accepted, rejected, unanswered, unmatched, latencies, lost } = await this.#process.tally()
    const sum = this.#sums.get(kind) ?? { sent: 0, accepted: 0, refused: 0, astray: 0, latencies: Latencies.empty() }
    sum.sent += sent
    sum.accepted += accepted
    for (const count of Object.values(rejected)) sum.refused += count
    sum.astray += unanswered + unmatched
    sum.latencies.addAll(Latencies.of(latencies))
    this.#sums.set(kind, sum)
    this.#lost = lost
  }

  report(): string[] {
    return [...this.#sums].map(([kind, { sent, accepted, refused, astray, latencies }]) => {
      const times = [0.5, 0.9, 0.99, 0.999].map(part => (latencies.quantileUs(part) / 1_000).toFixed(2)).join(' / ')
      const counts = `${sent} sent, ${accepted} accepted, ${refused} refused, ${astray} astray`
      return `${this.name}, ${this.#working} miners, ${kind}: ${counts}; p50 / p90 / p99 / p99.9 ${times} ms; p99 ratio ${this.#ratio(kind).toFixed(2)}`
    })
  }

  breaches(kind: string, maxRatio: number): string[] {
    const sums = [...this.#sums.values()]
    const breaches = [
      this.#working !== this.#options.miners && 'a miner got no work',
      Object.keys(this.#lost).length > 0 && `a miner lost its connection: ${JSON.stringify(this.#lost)}`,
      sums.some(({ refused, astray }) => refused + astray > 0) && 'a share was lost or refused',
      !(this.#ratio(kind) <= maxRatio) && 'they waited too long'
    ]
    return breaches.filter(breach => breach !== false).map(breach => `honest miners of ${this.name}: ${breach}`)
  }

  stop(): void {
    this.#process.end()
  }

  /** Of the 99th hundredth in stretches of this kind to that in quiet. */
  #ratio(kind: string): number {
    const p99Of = (of: string): number => this.#sums.get(of)?.latencies.quantileUs(0.99) ?? Number.NaN
    return p99Of(kind) / p99Of('quiet')
  }
}
