import type { BlockTemplate, Job, MiningWork, Solution } from '@p2poolv2/bitcoin'
import type { ChainParams, WitnessProgram } from '@p2poolv2/consensus'
import type { Moment, ShareHash, SteadyMs, UnixMs } from '@p2poolv2/primitives'
import { bytesEqual, difficultyFromBits, invariant, steadyMs } from '@p2poolv2/primitives'
import type { ShareChain } from '@p2poolv2/sharechain'
import type { DifficultyLimits } from '@p2poolv2/stratum'
import type { IneligibleReason, NodeMode, RenewCause } from '../contract.ts'
import type { Accounting } from '../pplns/accounting.ts'
import { RecentWorks } from './recent-works.ts'
import { soloWorkOf } from './solo-work.ts'
import { buildStandaloneWork } from './standalone-work.ts'
import type { BlockCuts, BuiltWork, KnownWindow, MinerAddresses, WorkTemplate } from './work-template.ts'
import { buildWork, commitmentFor } from './work-template.ts'

/** Work is made anew at least this often, so that the time offered to miners stays fresh. */
export const RENEW_INTERVAL_MS = 30_000
/** When the mining base moves faster than this, miners get the newest once per so many milliseconds. */
export const BASE_COALESCE_MS = 100

const NSECS_PER_MS = 1_000_000n
const MAX_U64 = 0xffff_ffff_ffff_ffffn

/** Work with everything that is the same for all miners. */
export interface OfferedWork {
  readonly work: WorkTemplate
  /** Of the works that `workOf` still knows. */
  readonly oldestWorkId: number
  readonly limits: DifficultyLimits
}

/** Whether a block pays the pool's payees, or its finder alone. */
export type JobKind = 'pooled' | 'solo'

interface AddressWork {
  readonly share: WitnessProgram
  readonly mining: MiningWork
  readonly commitment: Uint8Array | null
  /** Null until somebody gets it. */
  sharedJob: Job | null
}

export interface Renewal {
  readonly cause: RenewCause
  /** `clean`: what miners have queued is worthless, since bitcoin moved. */
  readonly jobs: 'clean' | 'keep'
  /** Null when nobody can be paid; see `reason`. Miners wait. */
  readonly offered: OfferedWork | null
  readonly reason: IneligibleReason | 'window-empty' | null
}

/** The pool signature ends the input script of every coinbase made here. */
export interface JobMakerOptions extends BlockCuts {
  readonly params: ChainParams
  readonly mode: NodeMode
  /** Until then shares wait for what the first peer has to tell; absent where none is expected. */
  readonly joinsUntilMs?: SteadyMs
}

export interface JobMakerDeps {
  readonly chain: ShareChain
  /** Says whom blocks pay in the mode `hydrapool`; null in the others. */
  readonly accounting: Accounting | null
}

/**
 * Turns template, mining base and payout window into work, decides when it is due anew, and finishes it into one job per
 * miner.
 *
 * Due at once: a new template. At once, but at most once per `BASE_COALESCE_MS`: a new mining base, or a share of ours beside it that
 * the next may name. Every `RENEW_INTERVAL_MS`: a fresh time.
 */
export class JobMaker {
  readonly #options: JobMakerOptions
  readonly #chain: ShareChain
  readonly #accounting: Accounting | null
  readonly #works = new RecentWorks()
  #template: BlockTemplate | null = null
  #templateTakenAtMs = steadyMs(0)
  #renewedAtMs = steadyMs(0)
  /** Null while what is offered is the newest. */
  #pending: 'firstTemplate' | 'newBlock' | 'template' | 'base' | null = null
  #offered: OfferedWork | null = null
  /** What is offered, by the address paid: a farm's miners mostly have the same. As many as miners at most, and gone with it. */
  readonly #byAddress: Readonly<Record<JobKind, Map<string, AddressWork>>> = { pooled: new Map(), solo: new Map() }
  #lastWindow: KnownWindow | null = null
  #lastNsecs = 0n
  #lastWorkId = 0
  #isPrivateFork = false
  /** Null once the first peer has told, or has not in time. */
  #joinsUntilMs: SteadyMs | null

  constructor(options: JobMakerOptions, deps: JobMakerDeps) {
    this.#options = options
    this.#joinsUntilMs = options.joinsUntilMs ?? null
    this.#chain = deps.chain
    this.#accounting = deps.accounting
  }

  /** Null until the first template, and while nobody can be paid. */
  get offered(): OfferedWork | null {
    return this.#offered
  }

  /** The newest template, whether or not there is work for it yet. */
  get template(): BlockTemplate | null {
    return this.#template
  }

  /** The oldest work for which a solution is welcome, or null before any. */
  get oldestWorkId(): number | null {
    return this.#works.oldestId
  }

  get nextDeadlineMs(): SteadyMs | null {
    if (this.#template === null) return null
    if (this.#pending === 'base') return steadyMs(this.#renewedAtMs + BASE_COALESCE_MS)
    if (this.#pending !== null) return steadyMs(0)
    return steadyMs(Math.min(this.#renewedAtMs + RENEW_INTERVAL_MS, this.#joinsUntilMs ?? Number.POSITIVE_INFINITY))
  }

  /** @returns whether bitcoin has a new tip, so that older jobs are stale */
  takeTemplate(template: BlockTemplate, now: Moment): boolean {
    const before = this.#template
    this.#template = template
    this.#templateTakenAtMs = now.steadyMs
    if (before === null) {
      this.#pending = 'firstTemplate'
      return false
    }
    const moved = before.prevHash !== template.prevHash
    if (moved) this.#pending = 'newBlock'
    else if (this.#pending === null || this.#pending === 'base') this.#pending = 'template'
    return moved
  }

  /** The mining base has changed, or whom blocks pay without one. */
  baseMoved(): void {
    this.#pending ??= 'base'
  }

  /**
   * A share of ours has come beside the mining base. Shares can name it as their uncle for three heights at most, and work that was made before
   * does not: it is due anew, or what came late is never paid.
   */
  ownShareBeside(hash: ShareHash): void {
    if (this.#pending !== null || this.#offered === null || this.#offered.work.share === null) return
    if (this.#chain.uncleChoice(this.#chain.miningBase().hash).includes(hash)) this.#pending = 'base'
  }

  /** Whether every peer follows other rules, and the operator does not want shares all the same. */
  privateFork(isPrivateFork: boolean): void {
    if (this.#isPrivateFork === isPrivateFork) return
    this.#isPrivateFork = isPrivateFork
    this.#pending ??= 'base'
  }

  /** What peers had to tell when this node came is known: shares build on it. */
  joined(): void {
    if (this.#joinsUntilMs === null) return
    this.#joinsUntilMs = null
    this.#pending ??= 'base'
  }

  /** Makes work anew if that is due; null if not. */
  renewIfDue(now: Moment): Renewal | null {
    const template = this.#template
    if (this.#joinsUntilMs !== null && now.steadyMs >= this.#joinsUntilMs) this.joined()
    if (template === null) return null
    const dueAtMs = this.nextDeadlineMs
    if (dueAtMs === null || now.steadyMs < dueAtMs) return null

    const cause = this.#pending ?? 'interval'
    this.#pending = null
    this.#renewedAtMs = now.steadyMs
    const built = this.#build(template, now)
    return this.#offer(built, cause, now.steadyMs)
  }

  #build(template: BlockTemplate, now: Moment): BuiltWork {
    const request = {
      workId: ++this.#lastWorkId,
      template,
      templateAgeSec: Math.floor((now.steadyMs - this.#templateTakenAtMs) / 1000)
    }
    if (this.#options.mode !== 'sharechain') {
      const window = this.#accounting?.window(template.bits) ?? null
      return { ok: true, work: buildStandaloneWork({ ...request, cuts: this.#options, window }) }
    }
    return buildWork({
      ...this.#options,
      ...request,
      chain: this.#chain,
      lastWindow: this.#lastWindow,
      wallMs: now.wallMs,
      withheld: this.#isPrivateFork ? 'other-rules' : this.#joinsUntilMs === null ? null : 'joining'
    })
  }

  /**
   * The job of the current work for all miners of these addresses: what they hash differs by their extranonces, so one line does for
   * them all. An extranonce may have it once.
   * @param kind 'solo': what it finds is a block that pays this address alone
   */
  sharedJobFor(addresses: MinerAddresses, kind: JobKind, wallMs: UnixMs): Job {
    const work = this.#workFor(addresses, kind)
    work.sharedJob ??= this.#jobOf(work, wallMs)
    return work.sharedJob
  }

  /** A job of the same with an id and coinbases that no other has. */
  ownJobFor(addresses: MinerAddresses, kind: JobKind, wallMs: UnixMs): Job {
    return this.#jobOf(this.#workFor(addresses, kind), wallMs)
  }

  /**
   * The work that a solution names; null if it is not kept any longer, and then no session knows a job of it either.
   * @param soloFor the miner whose job it was, if that was a solo job
   */
  workOf(solution: Solution, soloFor: MinerAddresses | null = null): WorkTemplate | null {
    const work = this.#works.get(solution.workId)
    return work === null || soloFor === null ? work : soloWorkOf(work, soloFor, this.#options)
  }

  checkInvariants(): void {
    this.#works.checkInvariants()
    invariant(this.#offered === null || this.#template !== null, 'work has a template')
    if (this.#offered === null) return
    const { work } = this.#offered
    invariant(this.#works.get(work.mining.id) === work, 'a solution of the work on offer is welcome')
    const sumSats = work.paid().reduce((sum, output) => sum + output.valueSats, 0n)
    invariant(
      work.paysFinder || sumSats === work.template.coinbaseValueSats,
      "a job's outputs sum to the coinbase value"
    )
    invariant(
      (work.share === null) === (work.mining.shareTarget === null),
      'work has a share target if it has share terms'
    )
    const hasRoom = work.mining.coinbase.commitmentOffset !== null
    invariant(
      hasRoom === (this.#options.mode === 'sharechain'),
      "the share chain's coinbases have room for a commitment"
    )
  }

  #workFor(addresses: MinerAddresses, kind: JobKind): AddressWork {
    invariant(this.#offered !== null, 'a job needs work')
    const { work: offered } = this.#offered
    invariant(kind === 'solo' || !offered.paysFinder, 'work that pays its finder is made for each')
    const { bitcoin, share } = addresses
    const known = this.#byAddress[kind].get(bitcoin.text)
    if (known !== undefined && bytesEqual(known.share.program, share.program)) return known
    const work = kind === 'solo' ? soloWorkOf(offered, addresses, this.#options) : offered
    const made = { share, mining: work.mining, commitment: commitmentFor(work, addresses), sharedJob: null }
    this.#byAddress[kind].set(bitcoin.text, made)
    return made
  }

  #jobOf({ mining, commitment }: AddressWork, wallMs: UnixMs): Job {
    const nsecs = this.#nextNsecs(wallMs)
    return { id: nsecs.toString(16).padStart(16, '0'), work: mining, nsecs, commitment }
  }

  #offer(built: BuiltWork, cause: RenewCause, nowMs: SteadyMs): Renewal {
    this.#byAddress.pooled.clear()
    this.#byAddress.solo.clear()
    const jobs = cause === 'newBlock' || cause === 'firstTemplate' ? 'clean' : 'keep'
    if (!built.ok) {
      this.#offered = null
      return { cause, jobs, offered: null, reason: built.reason }
    }
    const { work } = built
    if (work.windowBase !== null)
      this.#lastWindow = { base: work.windowBase, shares: work.windowShares, weights: work.weights }
    this.#works.add(work, nowMs)
    this.#offered = {
      work,
      oldestWorkId: this.#works.oldestId ?? work.mining.id,
      limits: {
        shareDifficulty: work.share === null ? null : difficultyFromBits(work.share.bits),
        bitcoinDifficulty: difficultyFromBits(work.mining.bits)
      }
    }
    return { cause, jobs, offered: this.#offered, reason: work.ineligible }
  }

  /** Strictly rising, whatever the clock does: a job's nsecs are no other's. */
  #nextNsecs(wallMs: UnixMs): bigint {
    const clock = BigInt(wallMs) * NSECS_PER_MS
    this.#lastNsecs = clock > this.#lastNsecs ? clock : this.#lastNsecs + 1n
    invariant(this.#lastNsecs <= MAX_U64, 'nanoseconds fit 64 bits')
    return this.#lastNsecs
  }
}
