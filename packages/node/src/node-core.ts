import { DEFAULT_POOL_SIGNATURE } from '@p2poolv2/bitcoin'
import { genesisShare } from '@p2poolv2/consensus'
import { Gossip } from '@p2poolv2/gossip'
import type { Moment, SteadyMs } from '@p2poolv2/primitives'
import { steadyMs, unixMs } from '@p2poolv2/primitives'
import type { ShareChain } from '@p2poolv2/sharechain'
import { BothProtocols } from '@p2poolv2/stratum'
import { BlockKeeper } from './chain/block-keeper.ts'
import { ChainKeeper } from './chain/chain-keeper.ts'
import { chainPortOf } from './chain/chain-port.ts'
import { HeldEvents } from './chain/held-events.ts'
import { PeerDesk } from './chain/peer-desk.ts'
import type { NodeEffect, NodeEvent, StopReason } from './contract.ts'
import { EffectList } from './effect-list.ts'
import { BitcoindNodes } from './figures/bitcoind-nodes.ts'
import { PoolStats, WORKERS_A_MINER } from './figures/pool-stats.ts'
import type { NodeQueries } from './figures/queries.ts'
import { createQueries } from './figures/queries.ts'
import { createAuthorise } from './miners/authorise.ts'
import { MinerDesk } from './miners/miner-desk.ts'
import type { NodeCoreDeps, NodeCoreOptions } from './options.ts'
import { Accounting } from './pplns/accounting.ts'
import { JobMaker } from './work/job-maker.ts'
import { WorkDesk } from './work/work-desk.ts'

/** Whoever waits for a time of the wall clock looks at it at least this often, since it may step. */
export const WALL_CHECK_MS = 30_000

const NOTHING: readonly NodeEffect[] = Object.freeze([])

/**
 * The whole node as one synchronous machine: sessions, jobs, share chain, peers and figures. One event in, one list of effects
 * out, in the order of `EFFECT_RANK`. It never throws: a broken invariant becomes the fact `bug` and the effect `stop`, and
 * after `stop` it says nothing any more.
 */
export class NodeCore {
  readonly queries: NodeQueries
  readonly #chain: ShareChain
  readonly #effects = new EffectList()
  readonly #desk: MinerDesk
  readonly #jobs: JobMaker
  readonly #stats: PoolStats
  readonly #accounting: Accounting | null
  readonly #blocks: BlockKeeper
  readonly #keeper: ChainKeeper
  readonly #gossip: Gossip
  readonly #peers: PeerDesk
  readonly #work: WorkDesk
  readonly #bitcoinds: BitcoindNodes
  /** Of peers, while the disk is behind: what they bring makes the chain grow. */
  readonly #held: HeldEvents
  /** The moment of the event under way, or of the last one. */
  readonly #turn: { now: Moment } = { now: { wallMs: unixMs(0), steadyMs: steadyMs(0) } }
  #state: 'new' | 'running' | 'stopped' = 'new'

  constructor(options: NodeCoreOptions, deps: NodeCoreDeps) {
    this.#chain = deps.chain
    const { params, donation, fee, poolSignature = DEFAULT_POOL_SIGNATURE, startedAtMs } = options
    const { chain, rng, sha256d } = deps
    const { joinsUntilMs } = options
    const joining = joinsUntilMs === undefined ? {} : { joinsUntilMs }
    this.#bitcoinds = new BitcoindNodes(this.#effects)
    this.#held = new HeldEvents(this.#effects)
    const mode = options.mode ?? 'sharechain'
    this.#accounting = mode === 'hydrapool' ? accountingOf(options) : null
    const terms = { params, mode, donation, fee, poolSignature, ...joining }
    this.#jobs = new JobMaker(terms, { chain, accounting: this.#accounting })
    const { figures } = options
    this.#stats = new PoolStats({
      startedAtMs,
      ...(options.maxMiners === undefined ? {} : { maxWorkers: WORKERS_A_MINER * options.maxMiners }),
      ...(figures === undefined ? {} : { kept: figures })
    })
    const parts = { chain, jobs: this.#jobs, effects: this.#effects }
    this.#blocks = new BlockKeeper(options.recentBlocks, {
      ...parts,
      network: params.addressNetwork,
      genesisAddress: genesisShare(params).header.minerBitcoinAddress.text
    })
    this.#keeper = new ChainKeeper({
      ...parts,
      blocks: this.#blocks,
      tell: (news, now) => this.#peers.handle(news, now)
    })
    const port = chainPortOf(params, { chain, keeper: this.#keeper, blocks: this.#blocks, turn: this.#turn })
    this.#gossip = new Gossip(
      { params, ...(options.maxPeers === undefined ? {} : { maxPeers: options.maxPeers }) },
      { chain: port, rng, ...(sha256d === undefined ? {} : { sha256d }) }
    )
    this.#peers = new PeerDesk({
      gossip: this.#gossip,
      keeper: this.#keeper,
      effects: this.#effects,
      jobs: this.#jobs,
      allowsPrivateFork: options.allowsPrivateFork === true
    })
    this.#desk = new MinerDesk(
      {
        network: params.addressNetwork,
        settings: options.stratum,
        ...(options.maxMiners === undefined ? {} : { maxMiners: options.maxMiners })
      },
      {
        rng,
        authorise: createAuthorise(options),
        tooLarge: options.tooLarge ?? 'solo',
        protocol: new BothProtocols(),
        jobs: this.#jobs,
        keeper: this.#keeper,
        stats: this.#stats,
        accounting: this.#accounting,
        effects: this.#effects,
        ...(sha256d === undefined ? {} : { sha256d })
      }
    )
    this.#work = new WorkDesk({
      jobs: this.#jobs,
      miners: this.#desk,
      peers: this.#peers,
      keeper: this.#keeper,
      effects: this.#effects
    })
    this.queries = createQueries({
      params,
      mode,
      version: options.version,
      chain,
      jobs: this.#jobs,
      miners: this.#desk.miners,
      unservedMiners: () => this.#desk.unserved,
      refusedMiners: this.#desk.refusedMiners,
      stats: this.#stats,
      blocks: this.#blocks.log,
      gossip: this.#gossip,
      turn: this.#turn,
      clockDifferenceSec: () => this.#work.clocks.differenceSec,
      bitcoind: () => ({ nodes: this.#bitcoinds.all, templateSource: this.#work.templateSource })
    })
  }

  /** When to send `deadline`; in the past before the first event, null when nothing is awaited. */
  get nextDeadlineMs(): SteadyMs | null {
    if (this.#state === 'stopped') return null
    if (this.#state === 'new') return steadyMs(0)
    let next = this.#chainDeadlineMs()
    for (const { nextDeadlineMs: atMs } of [this.#desk, this.#jobs, this.#gossip, this.#stats]) {
      if (atMs !== null && (next === null || atMs < next)) next = atMs
    }
    return next
  }

  /** @param now its steady time never falls from one call to the next; its wall time may step either way */
  handle(event: NodeEvent, now: Moment): readonly NodeEffect[] {
    if (this.#state === 'stopped') return NOTHING
    this.#turn.now = now
    try {
      if (this.#state === 'new') {
        this.#state = 'running'
        this.#blocks.reportUnanswered()
        this.#keeper.resume()
      }
      this.#route(event, now)
      this.#serve(now)
      const delta = this.#accounting?.takeDelta() ?? null
      if (delta !== null) this.#effects.add({ type: 'keepAccounting', delta })
      const { nextDeadlineMs: keepAtMs } = this.#stats
      if (keepAtMs !== null && keepAtMs <= now.steadyMs) this.#keepFigures(now)
    } catch (error) {
      this.#fail(error)
    }
    return this.#effects.take()
  }

  checkInvariants(): void {
    this.#chain.checkInvariants()
    this.#desk.checkInvariants()
    this.#jobs.checkInvariants()
    this.#stats.checkInvariants()
    this.#accounting?.checkInvariants()
    this.#blocks.checkInvariants()
    this.#keeper.checkInvariants()
    this.#gossip.checkInvariants()
    this.#bitcoinds.checkInvariants()
  }

  #route(event: NodeEvent, now: Moment): void {
    if (this.#held.holds(event)) return
    switch (event.type) {
      case 'minerConnected':
        this.#desk.connect(event, now)
        break
      case 'minerLines':
        this.#desk.lines(event, now)
        break
      case 'minerGone':
        this.#desk.gone(event.miner, now)
        break
      case 'template':
        this.#work.takeTemplate(event, now)
        this.#blocks.judgeEarly()
        break
      case 'bitcoind':
        this.#bitcoinds.take(event.nodes)
        break
      case 'blockResult':
        this.#blocks.settle(event)
        break
      case 'blockKept':
        this.#blocks.again(event)
        break
      case 'blockFate':
        this.#blocks.fate(event)
        break
      case 'committed':
        this.#effects.report({ type: 'committed', sequence: event.sequence })
        break
      case 'storeBehind':
        this.#held.storeBehind()
        this.#keeper.storeBehind()
        break
      case 'storeCaughtUp':
        this.#keeper.storeCaughtUp(now)
        for (const held of this.#held.storeCaughtUp()) this.#route(held, now)
        break
      case 'storeFailed':
        this.#effects.report({ type: 'storeFailed', message: event.message })
        this.#stop({ code: 'storeFailed', message: event.message }, now)
        break
      case 'peerConnected': {
        const { peer, direction, dialect } = event
        this.#effects.report({ type: 'peerConnected', peer, direction, dialect })
        this.#peers.handle(event, now)
        break
      }
      case 'peerGone':
        this.#effects.report({ type: 'peerGone', peer: event.peer })
        this.#peers.handle(event, now)
        break
      case 'gossip':
      case 'peerRequest':
      case 'responded':
      case 'peerResponse':
      case 'requestFailed':
        this.#peers.handle(event, now)
        break
      case 'sharesRead':
        if (event.for === 'chain') this.#keeper.takeRead(event, now)
        else this.#peers.handle(this.#keeper.readForPeers(event, now), now)
        break
      case 'archiveRead':
        this.#peers.handle(event, now)
        break
      case 'headersRead':
        // The share chain keeps what it needs of headers in memory.
        if (event.for === 'peers') this.#peers.handle(event, now)
        break
      case 'deadline':
        this.#deadline(now)
        break
      case 'drain':
        this.#desk.stopping(now)
        break
      case 'shutdown':
        this.#stop({ code: 'shutdown', message: 'asked to stop' }, now)
        break
      default:
        event satisfies never
    }
  }

  #serve(now: Moment): void {
    if (this.#state !== 'running' || this.#work.serve(now) === 'served') return
    const message = 'the payout window has no weight, so nobody can be paid'
    this.#effects.report({ type: 'bug', code: 'payout-window-empty', detail: message })
    this.#stop({ code: 'bug', message }, now)
  }

  #keepFigures(now: Moment): void {
    const delta = this.#stats.takeDelta(now)
    if (delta !== null) this.#effects.add({ type: 'keepFigures', delta })
  }

  #deadline(now: Moment): void {
    this.#desk.deadline(now)
    this.#keeper.advance(now)
    const { nextDeadlineMs } = this.#gossip
    if (nextDeadlineMs !== null && nextDeadlineMs <= now.steadyMs) this.#peers.handle({ type: 'deadline' }, now)
  }

  /**
   * When to look at the share chain again: it waits for wall times, so their distance is counted off on the steady clock.
   * A step of the wall clock meanwhile is noticed with the next event, and after `WALL_CHECK_MS` at the latest.
   */
  #chainDeadlineMs(): SteadyMs | null {
    const { nextDeadlineMs } = this.#chain
    if (nextDeadlineMs === null) return null
    const { wallMs, steadyMs: nowMs } = this.#turn.now
    return steadyMs(nowMs + Math.min(Math.max(0, nextDeadlineMs - wallMs), WALL_CHECK_MS))
  }

  #stop(reason: StopReason, now: Moment): void {
    if (this.#state === 'stopped') return
    this.#state = 'stopped'
    this.#desk.close(now)
    this.#keepFigures(now)
    this.#effects.add({ type: 'stop', reason })
  }

  /**
   * Our own code is wrong. What was asked for until then is still done, above all a block on its way to bitcoin; after
   * that memory is not to be trusted, so nothing more is tried with it.
   */
  #fail(error: unknown): void {
    this.#state = 'stopped'
    const detail = error instanceof Error ? (error.stack ?? error.message) : String(error)
    this.#effects.report({ type: 'bug', code: 'invariant-broken', detail })
    for (const miner of this.#desk.miners.all()) {
      this.#effects.add({ type: 'closeMiner', miner: miner.id, reason: 'stopping' })
    }
    const message = error instanceof Error ? error.message : String(error)
    this.#effects.add({ type: 'stop', reason: { code: 'bug', message } })
  }
}

/** @throws RangeError for rows of another network */
function accountingOf({ params, accounting }: NodeCoreOptions): Accounting {
  return new Accounting(accounting?.rows ?? [], {
    network: params.addressNetwork,
    windowBlocks: accounting?.windowBlocks ?? 1
  })
}
