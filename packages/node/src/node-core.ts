import type { ChainParams, PayoutCut } from '@p2poolv2/consensus'
import type { Rng, Sha256d, UnixMs } from '@p2poolv2/primitives'
import { difficultyFromBits, invariant, unixMs } from '@p2poolv2/primitives'
import type { FoundBlock, ShareChain } from '@p2poolv2/sharechain'
import type { Authorise, SessionEffect, SessionEvent, SessionSettings } from '@p2poolv2/stratum'
import { createAuthorise } from './authorise.ts'
import { BlockLog } from './block-log.ts'
import { ChainKeeper } from './chain-keeper.ts'
import type { BitcoindStatus, NodeEffect, NodeEvent, StopReason } from './contract.ts'
import { EffectList } from './effect-list.ts'
import type { Renewal } from './job-maker.ts'
import { JobMaker } from './job-maker.ts'
import type { Miner } from './miners.ts'
import { Miners } from './miners.ts'
import { PoolStats } from './pool-stats.ts'
import type { NodeQueries } from './queries.ts'
import { createQueries } from './queries.ts'
import type { WorkTemplate } from './work-template.ts'

export interface NodeCoreOptions {
  readonly params: ChainParams
  readonly donation: PayoutCut | null
  readonly fee: PayoutCut | null
  /** The node's own wallet: a 32-byte taproot output key. */
  readonly nodeShareProgram: Uint8Array
  /** The operator's share-chain address in the same form, or null. */
  readonly configuredShareProgram: Uint8Array | null
  readonly stratum: SessionSettings
  readonly version: string
  /** Blocks found before this start, in any order. */
  readonly recentBlocks: readonly FoundBlock[]
  readonly startedAtMs: UnixMs
  /** Default `MAX_MINERS`. */
  readonly maxMiners?: number
}

export interface NodeCoreDeps {
  readonly rng: Rng
  readonly sha256d?: Sha256d
  /** Restored from its store, or new. From here on only this machine changes it. */
  readonly chain: ShareChain
}

/** Bitcoin nodes shown. The configuration names a handful; at the cap the rest is left out of the status. */
const MAX_BITCOIND_NODES = 16

const NOTHING: readonly NodeEffect[] = Object.freeze([])

/**
 * The whole node as one synchronous machine: sessions, jobs, share chain and figures. One event in, one list of effects
 * out, in the order of `EFFECT_RANK`. It never throws: a broken invariant becomes the fact `bug` and the effect `stop`, and
 * after `stop` it says nothing any more.
 */
export class NodeCore {
  readonly queries: NodeQueries
  readonly #chain: ShareChain
  readonly #effects = new EffectList()
  readonly #miners: Miners
  readonly #jobs: JobMaker
  readonly #stats: PoolStats
  readonly #blocks: BlockLog
  readonly #keeper: ChainKeeper
  #bitcoinds: readonly BitcoindStatus[] = []
  #templateSource: string | null = null
  /** What `authorise` refused during the call of a session that is under way. */
  readonly #refusals: string[] = []
  /** Served at the end of the event, when it is known whether there is newer work. */
  readonly #wanting = new Set<Miner>()
  #state: 'new' | 'running' | 'stopped' = 'new'

  constructor(options: NodeCoreOptions, deps: NodeCoreDeps) {
    this.#chain = deps.chain
    const { params, donation, fee, startedAtMs } = options
    const { chain, rng, sha256d } = deps
    this.#miners = new Miners(
      {
        network: params.addressNetwork,
        settings: options.stratum,
        ...(options.maxMiners === undefined ? {} : { maxMiners: options.maxMiners })
      },
      { rng, authorise: this.#noteRefusals(createAuthorise(options)), ...(sha256d === undefined ? {} : { sha256d }) }
    )
    this.#jobs = new JobMaker({ params, donation, fee }, { chain })
    this.#stats = new PoolStats({ startedAtMs })
    this.#blocks = new BlockLog(options.recentBlocks)
    this.#keeper = new ChainKeeper({ chain, jobs: this.#jobs, blocks: this.#blocks, effects: this.#effects })
    this.queries = createQueries({
      params,
      version: options.version,
      chain,
      jobs: this.#jobs,
      miners: this.#miners,
      stats: this.#stats,
      blocks: this.#blocks,
      bitcoind: () => ({ nodes: this.#bitcoinds, templateSource: this.#templateSource })
    })
  }

  /** When to send `deadline`; in the past before the first event, null when nothing is awaited. */
  get nextDeadlineMs(): UnixMs | null {
    if (this.#state === 'stopped') return null
    if (this.#state === 'new') return unixMs(0)
    let next: UnixMs | null = null
    for (const atMs of [this.#miners.nextDeadlineMs, this.#jobs.nextDeadlineMs, this.#chain.nextDeadlineMs]) {
      if (atMs !== null && (next === null || atMs < next)) next = atMs
    }
    return next
  }

  handle(event: NodeEvent, nowMs: UnixMs): readonly NodeEffect[] {
    if (this.#state === 'stopped') return NOTHING
    try {
      if (this.#state === 'new') {
        this.#state = 'running'
        this.#keeper.resume()
      }
      this.#route(event, nowMs)
      this.#serve(nowMs)
    } catch (error) {
      this.#fail(error)
    }
    return this.#effects.take()
  }

  checkInvariants(): void {
    this.#chain.checkInvariants()
    this.#miners.checkInvariants()
    this.#jobs.checkInvariants()
    this.#stats.checkInvariants()
    this.#blocks.checkInvariants()
    this.#keeper.checkInvariants()
    invariant(this.#bitcoinds.length <= MAX_BITCOIND_NODES, 'bitcoin nodes are within their cap')
    invariant(this.#wanting.size === 0, 'who asks for work is served in the call')
    invariant(this.#refusals.length === 0, 'refusals are told in the call that makes them')
  }

  #route(event: NodeEvent, nowMs: UnixMs): void {
    switch (event.type) {
      case 'minerConnected':
        this.#connect(event, nowMs)
        break
      case 'minerLines':
        this.#drive(this.#miners.get(event.miner), { type: 'lines', lines: event.lines }, nowMs)
        break
      case 'minerGone':
        this.#forget(this.#miners.get(event.miner), 'gone', nowMs)
        break
      case 'template':
        this.#takeTemplate(event, nowMs)
        break
      case 'bitcoind':
        this.#takeBitcoinds(event.nodes)
        break
      case 'blockResult':
        this.#keeper.settleBlock(event)
        break
      case 'committed':
        this.#effects.report({ type: 'committed', sequence: event.sequence })
        break
      case 'storeFailed':
        this.#effects.report({ type: 'storeFailed', message: event.message })
        this.#stop({ code: 'storeFailed', message: event.message }, nowMs)
        break
      case 'sharesRead':
        this.#keeper.takeRead(event, nowMs)
        break
      case 'deadline':
        this.#deadline(nowMs)
        break
      case 'shutdown':
        this.#stop({ code: 'shutdown', message: 'asked to stop' }, nowMs)
        break
      default:
        event satisfies never
    }
  }

  // Miners

  #connect(event: Extract<NodeEvent, { type: 'minerConnected' }>, nowMs: UnixMs): void {
    const miner = this.#miners.connect(event.miner, event.remote, nowMs)
    if (miner === null) {
      this.#effects.add({ type: 'closeMiner', miner: event.miner, reason: 'too-many-miners' })
      return
    }
    this.#effects.report({ type: 'minerConnected', miner: event.miner, remote: event.remote })
  }

  #drive(miner: Miner | undefined, event: SessionEvent<WorkTemplate>, nowMs: UnixMs): void {
    // Lines of a connection that was closed meanwhile.
    if (miner === undefined) return
    for (const effect of this.#miners.handle(miner, event, nowMs)) this.#perform(miner, effect, nowMs)
    for (const message of this.#refusals.splice(0)) {
      this.#effects.report({ type: 'minerRefused', miner: miner.id, message })
    }
  }

  #perform(miner: Miner, effect: SessionEffect<WorkTemplate>, nowMs: UnixMs): void {
    switch (effect.type) {
      case 'solution':
        invariant(miner.addresses !== null, 'only a miner that had work solves it')
        this.#keeper.solve(effect.solution, { addresses: miner.addresses, worker: effect.worker }, nowMs)
        break
      case 'send':
        this.#effects.add({ type: 'sendMiner', miner: miner.id, text: effect.text })
        break
      case 'authorised': {
        const { payoutAddress, worker } = effect.identity
        if (!miner.workers.includes(worker)) this.#stats.connect({ payoutAddress, worker }, nowMs)
        this.#miners.identify(miner, effect.identity, effect.userAgent)
        const { userAgent } = effect
        this.#effects.report({ type: 'minerAuthorised', miner: miner.id, payoutAddress, worker, userAgent })
        break
      }
      case 'accepted': {
        const { creditedDifficulty, hashDifficulty, worker } = effect
        invariant(miner.identity !== null, 'only an authorised miner has shares accepted')
        const { payoutAddress } = miner.identity
        const difficulties = { credited: creditedDifficulty, hash: hashDifficulty }
        this.#stats.accept({ payoutAddress, worker }, difficulties, nowMs)
        this.#effects.report({
          type: 'shareAccepted',
          miner: miner.id,
          payoutAddress,
          worker,
          creditedDifficulty,
          hashDifficulty
        })
        break
      }
      case 'rejected': {
        const { code, reason, worker } = effect
        const payoutAddress = miner.identity?.payoutAddress
        this.#stats.reject(payoutAddress === undefined ? null : { payoutAddress, worker })
        this.#effects.report({ type: 'shareRejected', miner: miner.id, worker, code, reason })
        break
      }
      case 'wantWork':
        miner.wantsWork = true
        this.#wanting.add(miner)
        break
      case 'close':
        this.#effects.add({ type: 'closeMiner', miner: miner.id, reason: effect.reason })
        this.#forget(miner, effect.reason, nowMs)
        break
      default:
        effect satisfies never
    }
  }

  #forget(miner: Miner | undefined, reason: string, nowMs: UnixMs): void {
    if (miner === undefined) return
    if (miner.identity !== null) {
      const { payoutAddress } = miner.identity
      for (const worker of miner.workers) this.#stats.disconnect({ payoutAddress, worker })
    }
    this.#miners.remove(miner, nowMs)
    this.#wanting.delete(miner)
    this.#effects.report({ type: 'minerGone', miner: miner.id, reason })
  }

  // Work

  #takeTemplate(event: Extract<NodeEvent, { type: 'template' }>, nowMs: UnixMs): void {
    const { template, source } = event
    const moved = this.#jobs.takeTemplate(template, nowMs)
    this.#templateSource = source
    this.#effects.report({
      type: 'templateTaken',
      source,
      bitcoinHeight: template.bitcoinHeight,
      coinbaseValueSats: template.coinbaseValueSats,
      bitcoinDifficulty: difficultyFromBits(template.bits),
      transactions: template.transactions.length
    })
    if (!moved) return
    for (const miner of this.#miners.all()) this.#drive(miner, { type: 'newBlock', prevHash: template.prevHash }, nowMs)
  }

  /** New work for everybody if it is due, else what there is for those who asked. */
  #serve(nowMs: UnixMs): void {
    if (this.#state !== 'running') return
    const renewal = this.#jobs.renewIfDue(nowMs)
    if (renewal === null) {
      for (const miner of this.#wanting) this.#offerTo(miner, 'keep', nowMs)
      this.#wanting.clear()
      return
    }
    this.#wanting.clear()
    this.#reportRenewal(renewal)
    if (renewal.reason === 'window-empty') {
      const message = 'the payout window has no weight, so nobody can be paid'
      this.#effects.report({ type: 'bug', code: 'payout-window-empty', detail: message })
      this.#stop({ code: 'bug', message }, nowMs)
      return
    }
    if (renewal.offered === null) return
    for (const miner of this.#miners.all()) if (miner.wantsWork) this.#offerTo(miner, renewal.jobs, nowMs)
  }

  #offerTo(miner: Miner, jobs: Renewal['jobs'], nowMs: UnixMs): void {
    const { offered } = this.#jobs
    if (offered === null) return
    invariant(miner.addresses !== null, 'a miner that gets work has somebody to pay')
    const cleanJobs = jobs === 'clean' || !miner.hasWork
    miner.hasWork = true
    const job = this.#jobs.jobFor(miner.addresses, nowMs)
    this.#drive(miner, { type: 'work', job, notify: offered.notify, cleanJobs, limits: offered.limits }, nowMs)
  }

  #reportRenewal(renewal: Renewal): void {
    const { offered, reason, cause } = renewal
    if (offered === null) {
      if (reason === 'window-unavailable') this.#effects.report({ type: 'workUnavailable', reason })
      return
    }
    let miners = 0
    for (const miner of this.#miners.all()) if (miner.wantsWork) miners += 1
    const { ineligible, droppedTransactions, outputs } = offered.work
    this.#effects.report({ type: 'jobsRenewed', cause, miners, ineligible })
    if (droppedTransactions === 0) return
    this.#effects.report({ type: 'coinbaseTooHeavy', droppedTransactions, payees: outputs.length })
  }

  // The rest

  #deadline(nowMs: UnixMs): void {
    for (const miner of this.#miners.due(nowMs)) this.#drive(miner, { type: 'deadline' }, nowMs)
    this.#keeper.advance(nowMs)
  }

  #takeBitcoinds(nodes: readonly BitcoindStatus[]): void {
    const before = this.#bitcoinds
    this.#bitcoinds = nodes.slice(0, MAX_BITCOIND_NODES)
    for (const status of this.#bitcoinds) {
      const known = before.find(node => node.url === status.url)
      if (known?.state === status.state && known.message === status.message) continue
      this.#effects.report({ type: 'bitcoindStatus', status })
    }
  }

  #stop(reason: StopReason, nowMs: UnixMs): void {
    if (this.#state === 'stopped') return
    this.#state = 'stopped'
    for (const miner of this.#miners.all()) {
      this.#effects.add({ type: 'closeMiner', miner: miner.id, reason: 'stopping' })
      this.#forget(miner, 'stopping', nowMs)
    }
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
    for (const miner of this.#miners.all()) {
      this.#effects.add({ type: 'closeMiner', miner: miner.id, reason: 'stopping' })
    }
    const message = error instanceof Error ? error.message : String(error)
    this.#effects.add({ type: 'stop', reason: { code: 'bug', message } })
  }

  #noteRefusals(authorise: Authorise): Authorise {
    return request => {
      const answer = authorise(request)
      if (!answer.ok) this.#refusals.push(answer.message)
      return answer
    }
  }
}
