import type { ChainParams } from '@p2poolv2/consensus'
import type { Dialect } from '@p2poolv2/gossip'
import type { NodeEvent } from '@p2poolv2/node'
import { invariant, type SeededRng, seededRng, type UnixMs, unixMs } from '@p2poolv2/primitives'
import { BitcoinNet } from '../bitcoin/bitcoin-net.ts'
import { type BitcoinNetOptions, DEFAULT_BITCOIN } from '../bitcoin/bitcoin-options.ts'
import { checkNode, checkStep, WorldFailed } from '../check/step-invariants.ts'
import type { SimMinerOptions } from '../mining/sim-miner.ts'
import type { TopicMessage } from '../peers/endpoint.ts'
import { PeerNetwork } from '../peers/peer-network.ts'
import type { Edge } from '../peers/topology.ts'
import { Census } from '../report/census.ts'
import { type LinkOptions, SimNet } from '../sim-net.ts'
import { DiskPool } from '../sim-store.ts'
import { Trace } from '../trace.ts'
import { VirtualClock } from '../virtual-clock.ts'
import { Agreement } from './agreement.ts'
import { type DiskOptions, SimNode } from './sim-node.ts'
import type { Surroundings, Turn, Witness } from './surroundings.ts'
import { START_MS, simBitcoinBits, simParams, totalHashrate } from './world-params.ts'

export interface WorldOptions {
  readonly seed: number | string
  readonly params?: ChainParams
  readonly bitcoin?: Partial<BitcoinNetOptions>
  /** One share in so many is a bitcoin block. */
  readonly sharesPerBlock?: number
  /** Every link's behaviour beside its latency. */
  readonly link?: Partial<LinkOptions>
  readonly disk?: DiskOptions
  /** Room for this many nodes and hostile peers. */
  readonly maxNodes?: number
}

export interface NodeSpec {
  readonly dialect?: Dialect
  readonly miners?: readonly SimMinerOptions[]
}

const DEFAULT_DISK: DiskOptions = { commitMs: 3, readMs: 1 }
const DEFAULT_MAX_NODES = 2_048
/** Everything a node can say about itself is checked after one event in so many: fewer while chains are short, as it costs more the longer they are. */
const CHECK_EVERY_EVENTS = 1_000
const CHECK_EVENTS_PER_SHARE = 20
/** Lines of the trace that a failure comes with. */
const TOLD_LINES = 40
/** Virtual time between two calls of whoever watches the run. */
const PROGRESS_MS = 60_000

/**
 * A whole network in one process: nodes, their miners, disks and bitcoinds, the network between them, and one clock. It is
 * a loop: take the earliest event, hand it to its node, perform the effects, most of which are later events.
 */
export class World implements Surroundings, Witness {
  readonly params: ChainParams
  readonly clock: VirtualClock
  readonly net: SimNet
  readonly peers: PeerNetwork
  readonly bitcoin: BitcoinNet
  readonly census = new Census()
  readonly agreement = new Agreement()
  readonly trace = new Trace()
  readonly diskPool = new DiskPool()
  readonly rng: SeededRng
  /** Whether hostile nodes go on making shares beside what their miners find. */
  mayForge = true
  readonly #options: WorldOptions
  readonly #nodes = new Map<number, SimNode>()
  #nextNode = 0
  #nextMinerId = 1
  #nextCheckAt = CHECK_EVERY_EVENTS

  constructor(options: WorldOptions) {
    this.#options = options
    this.rng = seededRng(options.seed)
    this.params = options.params ?? simParams()
    this.clock = new VirtualClock(START_MS)
    this.net = new SimNet(this.clock, this.rng.fork('net'))
    this.peers = new PeerNetwork({
      clock: this.clock,
      net: this.net,
      rng: this.rng.fork('peers'),
      maxNodes: options.maxNodes ?? DEFAULT_MAX_NODES
    })
    this.bitcoin = new BitcoinNet(
      { bits: simBitcoinBits(options.sharesPerBlock), ...DEFAULT_BITCOIN, ...options.bitcoin },
      { clock: this.clock, rng: this.rng.fork('bitcoin') }
    )
  }

  /** Virtual milliseconds since the beginning. */
  get elapsedMs(): number {
    return this.clock.nowMs - START_MS
  }

  /** Hashes a second at which shares come at the chain's spacing. */
  get totalHashrate(): number {
    return totalHashrate(this.params)
  }

  /** Nodes by number; hostile ones among them, other hostile peers not. */
  get nodes(): readonly SimNode[] {
    return [...this.#nodes.values()]
  }

  /** Honest nodes that are up. */
  get honest(): readonly SimNode[] {
    return this.nodes.filter(node => node.isHonest && node.isUp)
  }

  node(number: number): SimNode {
    const node = this.#nodes.get(number)
    invariant(node !== undefined, 'the node exists')
    return node
  }

  isHonest(number: number): boolean {
    return this.#nodes.get(number)?.isHonest === true
  }

  /** A number for a node, or for something hostile that is none. */
  takeNumber(): number {
    const number = this.#nextNode++
    invariant(number < (this.#options.maxNodes ?? DEFAULT_MAX_NODES), 'the world has room for the node')
    return number
  }

  /** A node that is not started yet. */
  addNode(spec: NodeSpec = {}): SimNode {
    const number = this.takeNumber()
    const node = new SimNode(
      {
        node: number,
        params: this.params,
        dialect: spec.dialect ?? 'ours',
        miners: spec.miners ?? [],
        disk: this.#options.disk ?? DEFAULT_DISK
      },
      this,
      this.rng.fork(`node:${number}`)
    )
    this.#nodes.set(number, node)
    return node
  }

  addEdges(edges: readonly Edge[]): void {
    this.peers.addEdges(edges, this.#options.link)
  }

  get witness(): Witness {
    return this
  }

  nextMinerId(): number {
    return this.#nextMinerId++
  }

  /** Calls back at a virtual time after the beginning, or now if that is past. */
  at(elapsedMs: number, happening: () => void): void {
    this.clock.at(START_MS + elapsedMs, happening)
  }

  /**
   * Runs until a virtual time after the beginning.
   * @param watch called about once a virtual minute; returns 'stop' to end the run early
   * @throws WorldFailed when an invariant does not hold
   */
  runUntil(elapsedMs: number, watch?: (world: World) => 'go-on' | 'stop'): void {
    const endMs = START_MS + elapsedMs
    while (this.clock.nowMs < endMs) {
      const nextMs: UnixMs = unixMs(Math.min(endMs, this.clock.nowMs + PROGRESS_MS))
      this.#run(nextMs)
      if (watch?.(this) === 'stop') return
    }
  }

  #run(untilMs: UnixMs): void {
    try {
      while (this.clock.runNext(untilMs));
    } catch (error) {
      throw new WorldFailed(error, this.trace.last(TOLD_LINES))
    }
  }

  // What nodes tell

  handled(number: number, event: NodeEvent, turn: Turn): void {
    const nowMs = this.clock.nowMs
    const { effects } = turn
    const node = this.node(number)
    this.census.handled(event, { node: number, nowMs, standing: node.isHonest ? 'honest' : 'hostile' }, effects)
    let committed = false
    for (const effect of effects) if (effect.type === 'commit') committed = true
    this.trace.add(`${nowMs} ${number} ${event.type} ${effects.length}`)
    if (node.tamper === null) checkStep(node, turn, { atMs: this.elapsedMs, isHonest: peer => this.isHonest(peer) })
    if (committed) this.#tipOf(node)
    if (this.census.events >= this.#nextCheckAt && node.isHonest) {
      checkNode(node, this.elapsedMs)
      this.#nextCheckAt = this.census.events + CHECK_EVERY_EVENTS + CHECK_EVENTS_PER_SHARE * node.chain.shareCount
    }
  }

  judged(number: number, message: TopicMessage, verdict: 'accept' | 'ignore' | 'reject'): void {
    if (this.isHonest(number)) this.census.judged(message, verdict, this.clock.nowMs)
  }

  lifeChanged(number: number, state: 'up' | 'down'): void {
    this.trace.add(`${this.clock.nowMs} ${number} ${state}`)
    if (state === 'up') this.#tipOf(this.node(number))
    else this.agreement.moved(number, null, this.elapsedMs)
  }

  #tipOf(node: SimNode): void {
    if (!node.isHonest) return
    const tip = node.chain.confirmedTip().hash
    this.trace.add(`tip ${tip}`)
    this.agreement.moved(node.node, tip, this.elapsedMs)
  }
}
