import type { BlockTemplate } from '@p2poolv2/bitcoin'
import type { Log } from '@p2poolv2/runtime'
import type { BitcoindConfig, BitcoindStatus } from '../config.ts'
import { FEED_TIMINGS, type FeedTimings } from './feed-timings.ts'
import { NodeWatch, type TemplateCause } from './node-watch.ts'

export interface TemplateFeedOptions {
  /** The preferred node first. */
  readonly nodes: readonly BitcoindConfig[]
  /** Accepted values of `getblockchaininfo`'s `chain`; a node on another one is never used. */
  readonly chains: readonly string[]
  readonly timings?: Partial<FeedTimings>
  /** A waiting long poll holds one of bitcoind's rpcthreads; by default `on`. */
  readonly longPoll?: 'on' | 'off'
  /** Work without transactions on a new block while its template is not there; by default `on`. */
  readonly emptyFirst?: 'on' | 'off'
}

export interface TemplateFeedPorts {
  /**
   * A template of the node in use: at once on a new block, when its transactions changed, and every half minute for its
   * time. The same work is not given twice within half that. On a new block whose template takes a while, one without
   * transactions comes first (cause `empty-first`). `source` is the node's URL without credentials.
   */
  readonly onTemplate: (template: BlockTemplate, source: string, cause: TemplateCause) => void
  /**
   * Awaited before a template is checked, which takes tens of milliseconds for a full mempool: what has to be done at once goes first, above
   * all work without transactions for every miner. Default: at once.
   */
  readonly whenFree?: () => Promise<void>
  /** All nodes in the configured order, whenever one of them changed. */
  readonly onStatus: (statuses: readonly BitcoindStatus[]) => void
  readonly log: Log
}

/** The node in use may be this far behind another one before it is left: blocks do not reach all nodes at once. */
export const TOLERATED_LAG_BLOCKS = 1

/**
 * Templates from the first usable of several nodes. It does not matter whether nodes are up before us or go away and
 * come back. Nothing is thrown: what fails becomes a status, and is tried again for ever, after 0.1 s to 5 s. Ports are
 * called from a microtask of their own, so what they throw is theirs and cannot stop the feed.
 */
export class TemplateFeed {
  readonly #options: TemplateFeedOptions
  readonly #ports: TemplateFeedPorts
  readonly #watches: readonly NodeWatch[]
  readonly #stop = new AbortController()
  #inUse: NodeWatch | null = null
  #running: Promise<unknown> | null = null

  constructor(options: TemplateFeedOptions, ports: TemplateFeedPorts) {
    this.#options = options
    this.#ports = ports
    this.#watches = options.nodes.map(node => this.#watch(node))
  }

  /** Begins; returns at once. The current statuses are told first. */
  start(): void {
    if (this.#running !== null) return
    this.#tellStatuses()
    this.#running = Promise.all(this.#watches.map(watch => watch.run({ signal: this.#stop.signal })))
  }

  /** Resolves when no call is under way any more and nothing will be reported. */
  async stop(): Promise<void> {
    this.#stop.abort()
    await this.#running
  }

  get statuses(): readonly BitcoindStatus[] {
    return this.#watches.map(watch => watch.status)
  }

  /** The highest tip any node was heard to have, null if none was. */
  get bitcoinHeight(): number | null {
    const heights = this.#watches.map(({ status }) => status.bitcoinHeight).filter(height => height !== null)
    return heights.length === 0 ? null : Math.max(...heights)
  }

  #watch(node: BitcoindConfig): NodeWatch {
    const timings = { ...FEED_TIMINGS, ...this.#options.timings }
    const watch: NodeWatch = new NodeWatch(
      {
        node,
        chains: this.#options.chains,
        timings,
        longPoll: this.#options.longPoll ?? 'on',
        emptyFirst: this.#options.emptyFirst ?? 'on'
      },
      {
        onTemplate: (template, cause) => {
          const { bitcoinHeight, prevHash } = template
          this.#ports.log.debug({ url: watch.status.url, cause, bitcoinHeight, prevHash }, 'a block template came')
          this.#tell(() => this.#ports.onTemplate(template, watch.status.url, cause))
        },
        whenFree: this.#ports.whenFree,
        onStatus: () => {
          this.#choose()
          this.#tellStatuses()
        }
      }
    )
    return watch
  }

  /** The first usable node that is not behind, in the order of preference. */
  #choose(): void {
    const ready = this.#watches.filter(({ status }) => status.state === 'ready')
    const best = Math.max(...ready.map(heightOf))
    const chosen = ready.find(watch => heightOf(watch) >= best - (watch === this.#inUse ? TOLERATED_LAG_BLOCKS : 0))
    if (chosen === undefined || chosen === this.#inUse) return
    const before = this.#inUse
    this.#inUse = chosen
    before?.setRole('standby')
    chosen.setRole('lead')
    const { url, bitcoinHeight } = chosen.status
    this.#ports.log.info({ url, bitcoinHeight, before: before?.status.url ?? null }, 'using this bitcoin node')
  }

  #tellStatuses(): void {
    const statuses = this.statuses
    this.#tell(() => this.#ports.onStatus(statuses))
  }

  #tell(call: () => void): void {
    queueMicrotask(() => {
      if (!this.#stop.signal.aborted) call()
    })
  }
}

function heightOf(watch: NodeWatch): number {
  return watch.status.bitcoinHeight ?? 0
}
