import type { Solution } from '@p2poolv2/bitcoin'
import type { BlockHash, Moment, Rng, Sha256d, SteadyMs } from '@p2poolv2/primitives'
import { invariant, steadyMs } from '@p2poolv2/primitives'
import type { SessionEffect, SessionEvent, SessionOutput, SessionProtocol } from '@p2poolv2/stratum'
import type { ChainKeeper } from '../chain/chain-keeper.ts'
import type { MinerId, MinerWarningCode, NodeEvent, TooLargeRule } from '../contract.ts'
import type { EffectList } from '../effect-list.ts'
import type { PoolStats, WorkerKey } from '../figures/pool-stats.ts'
import type { Accounting } from '../pplns/accounting.ts'
import type { JobMaker, Renewal } from '../work/job-maker.ts'
import type { WorkTemplate } from '../work/work-template.ts'
import type { Authorise } from './authorise.ts'
import { difficultyWarning } from './difficulty-warning.ts'
import { LeavingMiners } from './leaving-miners.ts'
import { type Miner, Miners, type MinersOptions } from './miners.ts'
import { RefusedMiners } from './refused-miners.ts'
import { isRefused, isSoloWork, sizeWarning } from './size-rule.ts'

/**
 * New work goes to so many miners in one event, and to the next in the next: the first of thousands need not wait for the last, and
 * what came in meanwhile, newer work above all, has its turn.
 */
export const SERVED_AT_ONCE = 512

type EffectOf<T extends SessionEffect['type']> = Extract<SessionEffect, { readonly type: T }>

export interface MinerDeskDeps {
  readonly rng: Rng
  readonly sha256d?: Sha256d
  readonly authorise: Authorise
  readonly protocol: SessionProtocol
  readonly jobs: JobMaker
  readonly keeper: ChainKeeper
  readonly stats: PoolStats
  /** The pool's own accounting in the mode `hydrapool`, else null. */
  readonly accounting: Accounting | null
  readonly effects: EffectList
  readonly tooLarge: TooLargeRule
}

/** The node's side towards its miners: drives their sessions, carries solutions to the chain keeper and work to them. */
export class MinerDesk {
  readonly miners: Miners
  readonly refusedMiners = new RefusedMiners()
  readonly #leaving = new LeavingMiners()
  readonly #deps: MinerDeskDeps
  /** Served at the end of the event, when it is known whether there is newer work. */
  readonly #wanting = new Set<Miner>()
  /** Who is still to get the work on offer, in this order. */
  readonly #unserved = new Set<Miner>()
  #unservedJobs: Renewal['jobs'] = 'keep'
  /** Jobs of works before it were forgotten by every session. */
  #oldestWorkId = 0

  constructor(options: MinersOptions, deps: MinerDeskDeps) {
    const { rng, sha256d, protocol, jobs } = deps
    this.#deps = deps
    this.miners = new Miners(options, {
      rng,
      protocol,
      oldestWorkId: () => jobs.oldestWorkId,
      ...(sha256d === undefined ? {} : { sha256d })
    })
  }

  /** When to send `deadline`, or null. */
  get nextDeadlineMs(): SteadyMs | null {
    return this.isServing ? steadyMs(0) : this.miners.nextDeadlineMs
  }

  /** Not everybody has the work on offer yet. */
  get isServing(): boolean {
    return this.unserved > 0
  }

  /** Miners that are still to get the work on offer. */
  get unserved(): number {
    return this.#unserved.size
  }

  /** Miners that get every renewal. */
  get served(): number {
    let served = 0
    for (const miner of this.miners.all()) if (miner.wantsWork) served += 1
    return served
  }

  connect(event: Extract<NodeEvent, { type: 'minerConnected' }>, now: Moment): void {
    const { effects } = this.#deps
    const inTheWay = this.miners.givesWay(event.remote, now)
    if (inTheWay !== null) {
      effects.add({ type: 'closeMiner', miner: inTheWay.id, reason: 'made-room' })
      this.#forget(inTheWay, 'made-room', now)
    }
    const miner = this.miners.connect(event.miner, event, now.steadyMs)
    if (miner === null) {
      effects.add({ type: 'closeMiner', miner: event.miner, reason: 'too-many-miners' })
      return
    }
    effects.report({ type: 'minerConnected', miner: event.miner, remote: event.remote })
  }

  lines(event: Extract<NodeEvent, { type: 'minerLines' }>, now: Moment): void {
    const miner = this.miners.get(event.miner)
    if (miner !== undefined) this.#drive(miner, { type: 'received', messages: event.lines }, now)
    else this.#salvage(event, now)
  }

  gone(id: MinerId, now: Moment): void {
    this.#leaving.gone(id)
    this.#forget(this.miners.get(id), 'gone', now)
  }

  /** What a miner sent that was told to go: nothing is answered and nothing credited, but it may be a block. */
  #salvage({ miner: id, lines }: Extract<NodeEvent, { type: 'minerLines' }>, now: Moment): void {
    const heard = this.#leaving.hear(id, lines)
    if (heard === null) return
    for (const effect of heard.miner.session.handle({ type: 'received', messages: heard.lines }, now)) {
      if (effect.type === 'solution') this.#perform(heard.miner, effect, now)
    }
  }

  /** Bitcoin has a new tip: work on the old one is worthless. Miners learn it from the work on the new one. */
  newBlock(prevHash: BlockHash, now: Moment): void {
    this.miners.newBlock(prevHash, now.steadyMs)
  }

  deadline(now: Moment): void {
    this.#serveSome(now)
    for (const miner of this.miners.due(now.steadyMs)) this.#drive(miner, { type: 'deadline' }, now)
  }

  /** The work there is for those who asked for some in this event. */
  serveWanting(now: Moment): void {
    for (const miner of this.#wanting) this.#offerTo(miner, 'keep', now)
    this.#wanting.clear()
  }

  /** New work for everybody, begun now; or the word that there is none, and for which tip. */
  serveAll(renewal: Renewal, now: Moment): void {
    const { offered } = renewal
    // Who did not get the last work comes first: whatever the pace of renewals, everybody has his turn.
    const first = [...this.#wanting, ...this.#unserved]
    this.#wanting.clear()
    this.#unserved.clear()
    if (offered === null) {
      const prevHash = this.#deps.jobs.template?.prevHash
      if (prevHash === undefined) return
      for (const miner of this.miners.all()) this.#drive(miner, { type: 'newBlock', prevHash }, now)
      return
    }
    this.#unservedJobs = renewal.jobs
    // A session forgets them with its next job as well, but some have to wait for that.
    const hasGone = offered.oldestWorkId > this.#oldestWorkId
    this.#oldestWorkId = offered.oldestWorkId
    if (hasGone) this.#leaving.forgetWorksBefore(offered.oldestWorkId)
    for (const miner of first) this.#unserved.add(miner)
    // Those that get work of their own come last: the line that all others share is made once.
    const apart: Miner[] = []
    for (const miner of this.miners.all()) {
      if (!miner.wantsWork) continue
      if (hasGone) miner.session.forgetWorksBefore(offered.oldestWorkId)
      if (this.#isSolo(miner, offered.work)) apart.push(miner)
      else this.#unserved.add(miner)
    }
    for (const miner of apart) this.#unserved.add(miner)
    this.#serveSome(now)
  }

  #serveSome(now: Moment): void {
    let served = 0
    for (const miner of this.#unserved) {
      if (served++ === SERVED_AT_ONCE) return
      this.#offerTo(miner, this.#unservedJobs, now)
    }
  }

  /** The end is near: every miner is told, and served on. */
  stopping(now: Moment): void {
    for (const miner of this.miners.all()) this.#drive(miner, { type: 'stopping' }, now)
  }

  /** The end: closes every connection. */
  close(now: Moment): void {
    for (const miner of this.miners.all()) {
      this.#deps.effects.add({ type: 'closeMiner', miner: miner.id, reason: 'stopping' })
      this.#forget(miner, 'stopping', now)
    }
  }

  checkInvariants(): void {
    this.miners.checkInvariants()
    this.refusedMiners.checkInvariants()
    this.#leaving.checkInvariants()
    invariant(this.#wanting.size === 0, 'who asks for work is served in the call')
    for (const miner of this.#unserved) {
      invariant(miner.wantsWork && this.miners.get(miner.id) === miner, 'who is to get work is there, and wants it')
    }
    const { offered } = this.#deps.jobs
    for (const { session } of this.miners.all()) {
      const { oldestWorkId } = session
      invariant(
        oldestWorkId === null || offered === null || oldestWorkId >= offered.oldestWorkId,
        'the work of every job is kept'
      )
    }
  }

  #drive(miner: Miner | undefined, event: SessionEvent, now: Moment): void {
    // Lines of a connection that was closed meanwhile.
    if (miner === undefined) return
    const events = [event]
    const outputs: SessionOutput[] = []
    for (const next of events) {
      for (const effect of this.miners.handle(miner, next, now)) {
        if (effect.type === 'send') outputs.push(effect.output)
        else if (effect.type === 'authorise') events.push(this.#answer(miner, effect, now))
        else if (effect.type === 'close') {
          this.#send(miner, outputs)
          this.#deps.effects.add({ type: 'closeMiner', miner: miner.id, reason: effect.reason })
          this.#forget(miner, effect.reason, now)
          return
        } else this.#perform(miner, effect, now)
      }
    }
    this.#send(miner, outputs)
  }

  /** Text goes out as one write, although a session that asked who its miner is has been called more than once. */
  #send(miner: Miner, outputs: readonly SessionOutput[]): void {
    const [only] = outputs
    if (outputs.length <= 1) {
      if (only !== undefined) this.#deps.effects.add({ type: 'sendMiner', miner: miner.id, output: only })
      return
    }
    const text = outputs.filter(output => typeof output === 'string').join('')
    const frames = outputs.filter(output => typeof output !== 'string')
    for (const output of text === '' ? frames : [text, ...frames]) {
      this.#deps.effects.add({ type: 'sendMiner', miner: miner.id, output })
    }
  }

  /** An address is read at once and nobody is asked, so the answer never lets a session wait. */
  #answer(miner: Miner, { requestId, request }: EffectOf<'authorise'>, now: Moment): SessionEvent {
    const answer = this.#deps.authorise(request)
    if (answer.ok) return { type: 'authorised', requestId, identity: answer.identity }
    const { message, blames } = answer
    const { remote, session } = miner
    const user = request.worker === '' ? request.user : `${request.user}.${request.worker}`
    const patienceMs = this.refusedMiners.refused({ remote, user, userAgent: session.userAgent, message }, now)
    this.#deps.effects.report({ type: 'minerRefused', miner: miner.id, message })
    return { type: 'refused', requestId, message, patienceMs, ...(blames !== undefined && { blames }) }
  }

  /** Once of each code and connection. */
  #warn(miner: Miner, { code, message }: { readonly code: MinerWarningCode; readonly message: string }): void {
    const { identity, warnings } = miner
    if (identity === null || warnings.has(code)) return
    warnings.set(code, message)
    const { payoutAddress, worker } = identity
    const { userAgent } = miner
    this.#deps.effects.report({ type: 'minerWarned', miner: miner.id, payoutAddress, worker, userAgent, code, message })
  }

  #perform(miner: Miner, effect: Exclude<SessionEffect, EffectOf<'send' | 'authorise' | 'close'>>, now: Moment): void {
    const { effects, keeper, stats } = this.#deps
    switch (effect.type) {
      case 'solution':
        invariant(miner.addresses !== null, 'only a miner that had work solves it')
        keeper.solve(
          effect.solution,
          { addresses: miner.addresses, worker: effect.worker, isSolo: this.#wasSolo(miner, effect.solution) },
          now
        )
        if (effect.solution.meetsBitcoin && miner.identity !== null)
          stats.foundBlock({ payoutAddress: miner.identity.payoutAddress, worker: effect.worker }, now.steadyMs)
        break
      case 'joined': {
        const { payoutAddress, worker } = effect.identity
        // Further names of a connection cost nothing: they are listed once something was accepted under them.
        if (miner.workers.length === 0) this.#list(miner, { payoutAddress, worker }, now)
        this.miners.identify(miner, effect.identity, effect.userAgent)
        const { userAgent } = effect
        effects.report({ type: 'minerAuthorised', miner: miner.id, payoutAddress, worker, userAgent })
        break
      }
      case 'accepted': {
        const { creditedDifficulty, hashDifficulty, worker } = effect
        invariant(miner.identity !== null, 'only an authorised miner has shares accepted')
        this.miners.proven(miner)
        const { payoutAddress } = miner.identity
        if (miner.counted?.key.worker !== worker) {
          if (!miner.workers.includes(worker)) this.#list(miner, { payoutAddress, worker }, now)
          miner.counted = stats.connected({ payoutAddress, worker })
        }
        stats.accept(miner.counted, effect, now)
        this.#account(miner, creditedDifficulty, now)
        effects.report({
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
        stats.reject(payoutAddress === undefined ? null : { payoutAddress, worker }, reason, now.steadyMs)
        effects.report({ type: 'shareRejected', miner: miner.id, worker, code, reason })
        break
      }
      case 'difficultyConflict':
        this.#warn(miner, difficultyWarning(effect))
        break
      case 'wantWork':
        miner.wantsWork = true
        this.#wanting.add(miner)
        break
      default:
        effect satisfies never
    }
  }

  #list(miner: Miner, key: WorkerKey, now: Moment): void {
    miner.workers.push(key.worker)
    this.#deps.stats.connect(key, now.steadyMs)
  }

  /** A miner whose blocks would pay it alone, since it cannot take the pool's coinbase, earns nothing of the pool's. */
  #account(miner: Miner, difficulty: number, now: Moment): void {
    const { jobs, accounting } = this.#deps
    const work = jobs.offered?.work
    if (accounting === null || miner.addresses === null || work === undefined || this.#isTooSmall(miner, work)) return
    // The first work of all decides whom the next block pays.
    if (accounting.isEmpty) jobs.baseMoved()
    accounting.credit(miner.addresses.bitcoin, difficulty, now.steadyMs)
  }

  #forget(miner: Miner | undefined, reason: string, now: Moment): void {
    if (miner === undefined) return
    if (reason !== 'gone') this.#leaving.add(miner)
    const { effects, stats } = this.#deps
    if (miner.identity !== null) {
      const { payoutAddress } = miner.identity
      for (const worker of miner.workers) stats.disconnect({ payoutAddress, worker }, now)
    }
    this.miners.remove(miner, now.steadyMs)
    this.#wanting.delete(miner)
    this.#unserved.delete(miner)
    effects.report({ type: 'minerGone', miner: miner.id, reason })
  }

  #offerTo(miner: Miner, jobs: Renewal['jobs'], now: Moment): void {
    this.#unserved.delete(miner)
    const { offered } = this.#deps.jobs
    if (offered === null) return
    const { addresses } = miner
    invariant(addresses !== null, 'a miner that gets work has somebody to pay')
    const { mining } = offered.work
    const fit = miner.session.sizeFit(mining)
    if (fit !== null) this.#warn(miner, sizeWarning(fit, this.#deps.tooLarge))
    if (fit?.fit === 'over' && isRefused(fit, this.#deps.tooLarge)) {
      this.#deps.effects.add({ type: 'closeMiner', miner: miner.id, reason: 'coinbase-too-large' })
      this.#forget(miner, 'coinbase-too-large', now)
      return
    }
    const cleanJobs = jobs === 'clean' || miner.lastWorkId === null
    miner.isSolo = this.#isSolo(miner, offered.work)
    // A connection's first is its own: what was hashed over the one before is then of a job that it never had, and no bad hash.
    const isOwn = miner.lastWorkId === null || miner.lastWorkId === mining.id
    miner.lastWorkId = mining.id
    const kind = miner.isSolo ? 'solo' : 'pooled'
    const job = this.#deps.jobs[isOwn ? 'ownJobFor' : 'sharedJobFor'](addresses, kind, now.wallMs)
    const { oldestWorkId } = offered
    const limits = miner.isSolo ? { ...offered.limits, shareDifficulty: null } : offered.limits
    this.#drive(miner, { type: 'work', job, oldestWorkId, cleanJobs, limits }, now)
  }

  /** Depends on the work and on what the miner said before its first, so it is the same whenever it is asked. */
  #isSolo(miner: Miner, work: WorkTemplate): boolean {
    return work.paysFinder || this.#isTooSmall(miner, work)
  }

  /** Its firmware cannot take the pool's coinbase. */
  #isTooSmall({ session }: Miner, { mining, paysFinder }: WorkTemplate): boolean {
    const fit = paysFinder ? null : session.sizeFit(mining)
    return fit !== null && isSoloWork(fit, this.#deps.tooLarge)
  }

  #wasSolo(miner: Miner, solution: Solution): boolean {
    const work = this.#deps.jobs.workOf(solution)
    return work !== null && this.#isSolo(miner, work)
  }
}
