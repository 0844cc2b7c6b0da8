import type { ChainParams, Share } from '@p2poolv2/consensus'
import { genesisShare } from '@p2poolv2/consensus'
import type { PeerEvent, PeeringEvent } from '@p2poolv2/gossip'
import type { Network } from '@p2poolv2/gossip/libp2p'
import { type SteadyMs, steadyMs } from '@p2poolv2/primitives'
import { Loopback, type LoopbackNode } from '../../packages/gossip/libp2p/src/testing/loopback.ts'
import { TestNode } from '../../packages/gossip/src/testing/test-node.ts'

/** How long after its newest share a node of a test wakes up: it is current, and stays so for minutes. */
const AWAKE_AFTER_MS = 5_000
/** The longest time a Node.js timer can wait. */
const MAX_TIMEOUT_MS = 2_147_483_647

/**
 * A node as strangers meet it: the real network on a free port of loopback, the gossip machine and the share chain behind it. Its
 * wall clock begins a moment after its newest share, so that it takes itself for current.
 */
export class LiveNode {
  /** `/p2pool/<net>/<tag>`, from which every name is made. */
  readonly base: string
  readonly node: TestNode
  readonly #loopback = new Loopback()
  readonly #startMs: number
  readonly #startedAtMs = performance.now()
  #at: LoopbackNode | null = null
  #timer: NodeJS.Timeout | null = null

  /** @param asOf the newest share of the network, when the node has not got it yet */
  static async start(params: ChainParams, shares: readonly Share[] = [], asOf?: Share): Promise<LiveNode> {
    const live = new LiveNode(params, shares, asOf)
    live.#at = await live.#loopback.start({ params, tell: event => live.#tell(event) })
    live.#arm()
    return live
  }

  private constructor(params: ChainParams, shares: readonly Share[], asOf?: Share) {
    const genesis = genesisShare(params)
    this.base = `/p2pool/${params.chain}/${genesis.hash.slice(0, 8)}`
    const newestSec = [genesis, ...shares, ...(asOf === undefined ? [] : [asOf])].reduce(
      (newest, { header }) => Math.max(newest, header.timeSec),
      0
    )
    this.#startMs = newestSec * 1_000 + AWAKE_AFTER_MS
    this.node = new TestNode(params, { shares, nowMs: this.#startMs })
  }

  get network(): Network {
    return this.#started.network
  }

  /** What the network told the gossip machine. */
  get told(): readonly PeerEvent[] {
    return this.#started.told
  }

  get peering(): readonly PeeringEvent[] {
    return this.#started.peering
  }

  /** For who runs long, and does not ask what it was told: that is no part of the node. */
  forgetTold(): void {
    const { told, peering } = this.#started
    told.length = 0
    peering.length = 0
  }

  get port(): number {
    return Number(this.address.split('/').at(-1))
  }

  /** `/ip4/127.0.0.1/tcp/…` */
  get address(): string {
    return this.network.addresses()[0] ?? ''
  }

  /** A miner of this node found it. */
  found(share: Share): void {
    this.#perform(this.node.found(share, this.#now()))
  }

  /** Resolves once it is so; looked at whenever something happened. */
  until(holds: () => boolean, patienceMs?: number): Promise<void> {
    return this.#loopback.changes.until(holds, patienceMs)
  }

  async stop(): Promise<void> {
    if (this.#timer !== null) clearTimeout(this.#timer)
    await this.#loopback.stop()
  }

  get #started(): LoopbackNode {
    if (this.#at === null) throw new Error('it is started')
    return this.#at
  }

  #now(): SteadyMs {
    return steadyMs(Math.floor(this.#startMs + performance.now() - this.#startedAtMs))
  }

  #tell(event: PeerEvent): void {
    this.#perform(this.node.handle(event, this.#now()))
  }

  #perform(effects: ReturnType<TestNode['handle']>): void {
    for (const effect of effects) this.network.perform(effect)
    this.#arm()
  }

  #arm(): void {
    if (this.#timer !== null) clearTimeout(this.#timer)
    const dueMs = this.node.nextDeadlineMs
    if (dueMs === null) return
    const waitMs = Math.min(Math.max(0, dueMs - this.#now()) + 1, MAX_TIMEOUT_MS)
    this.#timer = setTimeout(() => {
      this.#perform(this.node.handle({ type: 'deadline' }, this.#now()))
      this.#loopback.changes.happened()
    }, waitMs)
  }
}
