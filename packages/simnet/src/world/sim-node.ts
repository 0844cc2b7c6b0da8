import { VERSION_ROLLING_MASK } from '@p2poolv2/bitcoin'
import { type ChainParams, consensusFingerprint, genesisShare } from '@p2poolv2/consensus'
import type { Dialect, PeerEvent, PeerId } from '@p2poolv2/gossip'
import { type BacklogNews, BLOCKS_READ, CommitBacklog, NodeCore, type NodeEffect, type NodeEvent } from '@p2poolv2/node'
import {
  type BlockHash,
  invariant,
  type Moment,
  type SeededRng,
  steadyMs,
  type UnixMs,
  unixMs
} from '@p2poolv2/primitives'
import { SCHEMA_VERSION, ShareChain } from '@p2poolv2/sharechain'
import type { SessionSettings } from '@p2poolv2/stratum'
import type { SimBitcoind } from '../bitcoin/sim-bitcoind.ts'
import { SimMiner, type SimMinerOptions } from '../mining/sim-miner.ts'
import { type Endpoint, peerIdOf } from '../peers/endpoint.ts'
import { SimStore } from '../sim-store.ts'
import { MinerLine } from './miner-line.ts'
import { performEffect } from './perform.ts'
import type { Hands, Surroundings, Turn } from './surroundings.ts'

/** How virtual miners are served: always the share chain's own difficulty, so that few hashes are wasted. */
const STRATUM: SessionSettings = {
  versionMask: VERSION_ROLLING_MASK,
  vardiff: {
    retarget: 'off',
    targetSharesPerSec: 0.3,
    minDifficulty: 1e-12,
    maxDifficulty: 1e12,
    startDifficulty: 1
  },
  startProfiles: []
}

/** Deadlines a node may ask for within one millisecond; more is a machine that never rests. */
const MAX_DEADLINES_AT_ONCE = 1_000

export interface DiskOptions {
  readonly commitMs: number
  readonly readMs: number
  /** Deltas that may wait before the machine is told; default as everywhere. */
  readonly maxWaitingDeltas?: number
}

export interface SimNodeOptions {
  readonly node: number
  readonly params: ChainParams
  readonly dialect: Dialect
  readonly miners: readonly SimMinerOptions[]
  readonly disk: DiskOptions
}

/** Changes what a node does: returns what is performed in place of an effect. For hostile nodes. */
export type Tamper = (effect: NodeEffect) => readonly NodeEffect[]

/**
 * One node of the world: the real `NodeCore` with a virtual disk, bitcoind, network and miners. A crash loses the machine
 * and keeps the disk; the restart builds a new one from what is on it.
 */
export class SimNode implements Endpoint, Hands {
  readonly node: number
  readonly dialect: Dialect
  readonly options: SimNodeOptions
  readonly store: SimStore
  readonly bitcoind: SimBitcoind
  readonly lines: readonly MinerLine[]
  readonly createdAtMs: UnixMs
  readonly #around: Surroundings
  readonly #rng: SeededRng
  #core: NodeCore | null = null
  #chain: ShareChain | null = null
  #backlog: CommitBacklog
  #timesBehind = 0
  #skewMs = 0
  #starts = 0
  /** The true time at which the machine is woken next. */
  #armedAtMs = Number.POSITIVE_INFINITY
  #deadlines = { atMs: 0, count: 0 }
  #turn: Turn | null = null
  /** Asked after each effect; true crashes the node there and then. */
  crashIf: ((effect: NodeEffect) => boolean) | null = null
  tamper: Tamper | null = null
  /** Whether the rules for honest nodes apply to it. */
  isHonest = true

  constructor(options: SimNodeOptions, around: Surroundings, rng: SeededRng) {
    const { clock } = around
    this.createdAtMs = clock.nowMs
    this.node = options.node
    this.#backlog = new CommitBacklog()
    this.dialect = options.dialect
    this.options = options
    this.#around = around
    this.#rng = rng
    const { params } = options
    const identity = {
      schemaVersion: SCHEMA_VERSION,
      chain: params.chain,
      fingerprint: consensusFingerprint(params),
      genesisHash: genesisShare(params).hash
    }
    this.store = new SimStore({ identity, ...options.disk, pool: around.diskPool }, clock)
    this.bitcoind = around.bitcoin.open(options.node, {
      template: (template, source) => this.post({ type: 'template', template, source }),
      status: nodes => this.post({ type: 'bitcoind', nodes }),
      blockResult: result => this.post({ type: 'blockResult', ...result })
    })
    const ends = {
      post: (event: NodeEvent, block: BlockHash | null) => this.post(event, block),
      nextMinerId: () => around.nextMinerId()
    }
    this.lines = options.miners.map((miner, index) => {
      const minerRng = rng.fork(`miner:${index}`)
      const line = new MinerLine(new SimMiner(miner, { clock, rng: minerRng }), {
        clock,
        rng: rng.fork(`line:${index}`),
        ends
      })
      line.dialLater()
      return line
    })
  }

  get backlog(): CommitBacklog {
    return this.#backlog
  }

  /** How often its disk has been far behind. */
  get timesBehind(): number {
    return this.#timesBehind
  }

  get isUp(): boolean {
    return this.#core !== null
  }

  /** How often it has been started. */
  get starts(): number {
    return this.#starts
  }

  /** @throws InvariantError while the node is down */
  get core(): NodeCore {
    invariant(this.#core !== null, 'the node is up')
    return this.#core
  }

  /** The share chain in the machine's memory, to look at only. */
  get chain(): ShareChain {
    invariant(this.#chain !== null, 'the node is up')
    return this.#chain
  }

  /** Answers it gave that peers have not taken. */
  get unsentBytes(): number {
    return this.core.queries.peers(this.now).reduce((sum, { unsentBytes }) => sum + unsentBytes, 0)
  }

  /** What is being performed just now. */
  get turn(): Turn | null {
    return this.#turn
  }

  /** The node's own wall clock. */
  get nowMs(): UnixMs {
    return unixMs(this.#around.clock.nowMs + this.#skewMs)
  }

  /** The node's clocks: nobody sets the steady one, so it shows the true time. */
  get now(): Moment {
    return { wallMs: this.nowMs, steadyMs: steadyMs(this.#around.clock.nowMs) }
  }

  /** How far its clock is ahead. */
  get skewMs(): number {
    return this.#skewMs
  }

  setSkew(skewMs: number): void {
    this.#skewMs = skewMs
    this.bitcoind.skewMs = skewMs
  }

  start(): void {
    invariant(this.#core === null, 'a node is started when it is down')
    const { params } = this.options
    const chain = new ShareChain({ params })
    chain.beginRestore()
    for (const row of this.store.disk.rows()) chain.restoreRow(row)
    if (chain.finishRestore() === 'empty') this.store.disk.commitNow(chain.genesisDelta())
    this.#starts += 1
    this.#backlog = this.#newBacklog()
    const rng = this.#rng.fork(`core:${this.#starts}`)
    this.#chain = chain
    this.#core = new NodeCore(
      {
        params,
        donation: null,
        fee: null,
        nodeShareProgram: this.#rng.fork('program').bytes(32),
        configuredShareProgram: null,
        stratum: STRATUM,
        version: 'sim',
        recentBlocks: this.store.disk.blocksNow(BLOCKS_READ),
        startedAtMs: this.now.steadyMs
      },
      { rng, chain }
    )
    this.#around.witness.lifeChanged(this.node, 'up')
    this.post({ type: 'deadline' })
    this.bitcoind.attach()
    this.#around.peers.up(this)
  }

  /** The process ends: memory is gone, also what was on its way to the disk. `silent`: the computer with it, so no socket closes. */
  crash(how: 'closing' | 'silent' = 'closing'): void {
    if (this.#core === null) return
    this.#core = null
    this.#chain = null
    this.#armedAtMs = Number.POSITIVE_INFINITY
    this.store.crash()
    this.bitcoind.detach()
    if (how === 'silent') this.#around.peers.vanish(this.node)
    else this.#around.peers.down(this.node)
    for (const line of this.lines) line.closed()
    this.#around.witness.lifeChanged(this.node, 'down')
  }

  /** @returns false when the node is down */
  post(event: NodeEvent, block: BlockHash | null = null): boolean {
    const core = this.#core
    if (core === null) return false
    invariant(this.#turn === null, 'a machine is not entered again while its effects are performed')
    try {
      const effects = core.handle(event, this.now)
      this.#turn = { effects, block }
      this.#around.witness.handled(this.node, event, this.#turn)
      for (const effect of effects) {
        for (const done of this.tamper?.(effect) ?? [effect]) performEffect(this, done, this.#around)
        if (this.crashIf?.(effect) === true) this.crash()
        if (this.#core !== core) return true
      }
    } finally {
      this.#turn = null
    }
    this.#arm()
    return true
  }

  /** The machine is told when the turn that gave the delta is over. */
  tellBacklog(news: BacklogNews | null): void {
    if (news === null) return
    if (news === 'storeBehind') this.#timesBehind += 1
    const core = this.#core
    this.#around.clock.after(0, () => {
      if (this.#core === core) this.post({ type: news })
    })
  }

  // The network's side

  tell(event: PeerEvent): void {
    this.post(event)
  }

  get peerId(): PeerId {
    return peerIdOf(this.node)
  }

  #newBacklog(): CommitBacklog {
    const { maxWaitingDeltas } = this.options.disk
    return new CommitBacklog(maxWaitingDeltas === undefined ? {} : { maxDeltas: maxWaitingDeltas })
  }

  #arm(): void {
    const dueAtMs = this.#core?.nextDeadlineMs ?? null
    if (dueAtMs === null) return
    const atMs = Math.max(dueAtMs, this.#around.clock.nowMs)
    if (atMs >= this.#armedAtMs) return
    this.#armedAtMs = atMs
    this.#around.clock.at(atMs, () => this.#wake(atMs))
  }

  #wake(atMs: number): void {
    // Superseded by an earlier waking or a crash.
    if (atMs !== this.#armedAtMs) return
    this.#armedAtMs = Number.POSITIVE_INFINITY
    const dueAtMs = this.#core?.nextDeadlineMs ?? null
    if (dueAtMs === null) return
    if (dueAtMs > this.#around.clock.nowMs) {
      this.#arm()
      return
    }
    if (this.#deadlines.atMs !== atMs) this.#deadlines = { atMs, count: 0 }
    this.#deadlines.count += 1
    invariant(this.#deadlines.count <= MAX_DEADLINES_AT_ONCE, 'a machine rests between its deadlines')
    this.post({ type: 'deadline' })
  }
}
