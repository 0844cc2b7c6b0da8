/** "Am I getting paid?": everything the node knows, put together. Time and chance stay outside: the same input gives the same answer. */
import type { ChainParams, PayoutRequest } from '@p2poolv2/consensus'
import type { CompactBits } from '@p2poolv2/primitives'
import type { Carried, MeasuredHashrate } from './chance/measured-rate.ts'
import { carryInterval } from './chance/measured-rate.ts'
import type { Band, WaitSec } from './chance/waiting.ts'
import { chanceWithin, waitForCount, waitForNext } from './chance/waiting.ts'
import type { Income } from './outlook/income.ts'
import { DAY_SEC, incomeOf } from './outlook/income.ts'
import type { Luck } from './outlook/luck.ts'
import { judgeLuck } from './outlook/luck.ts'
import { PayoutWait } from './outlook/payout-wait.ts'
import type { Pace, Pool } from './outlook/pool.ts'
import { paceOf, poolOf, poolWithOwn } from './outlook/pool.ts'
import type { PayoutNow } from './window/payout-now.ts'
import { payoutNow } from './window/payout-now.ts'
import type { SpendCost } from './window/spend-cost.ts'
import { outputKindOf, spendCost } from './window/spend-cost.ts'
import type { OwnShare, WindowView } from './window/window-view.ts'

/** A time without a find. */
export interface Spell {
  readonly sec: number
  /** Work done in it / work of one find; where difficulty changed the sum over its times. */
  readonly expected: number
  /** Whether it began with a find, or with the start of the node, so that it may be longer than is known. */
  readonly since: 'find' | 'start'
}

export interface EarningsInput {
  readonly params: ChainParams
  /** Our payout addresses, as text. */
  readonly ours: ReadonlySet<string>
  readonly view: WindowView
  /** Of the same window, with the value and the cuts of the present template. */
  readonly payout: PayoutRequest
  readonly shareBits: CompactBits
  readonly bitcoinBits: CompactBits
  readonly poolHashrate: MeasuredHashrate
  readonly ownHashrate: MeasuredHashrate
  /** Without a block of the pool, and without a share of ours. */
  readonly blockSpell: Spell
  readonly shareSpell: Spell
  /** Null while bitcoind has no estimate. */
  readonly feeRateSatPerVb: number | null
}

/** A wait, and where its mean lies for what the hash rates are not known better. */
export interface ExpectedWait extends WaitSec {
  /** At least nine chances of ten; null while nothing bounds it. */
  readonly mean90Sec: Band | null
}

/** A hash rate beyond all there is: a billion times bitcoin's. */
const MAX_HPS = 1e30

/** The times chances are given for, in seconds. */
export const HORIZONS_SEC = { d1: DAY_SEC, d7: 7 * DAY_SEC, d30: 30 * DAY_SEC } as const
export type Horizon = keyof typeof HORIZONS_SEC

export interface LeavingShare extends OwnShare {
  /** Until it leaves; null while the pool stands still. */
  readonly leaves: WaitSec | null
}

/** What follows from a hash rate, whatever is in the window now. */
export interface LongRun {
  readonly ownHps: number
  readonly pace: Pace
  readonly income: Income
  readonly nextShare: WaitSec | null
  /** From a window that holds nothing of ours. */
  readonly nextPayout: WaitSec | null
}

export interface SpellVerdict extends Spell {
  readonly luck: Luck
}

export interface Earnings {
  readonly now: PayoutNow
  /** Newest first; the counts of the view cover what is not listed. */
  readonly shares: readonly LeavingShare[]
  /** When the first of our shares leaves the window, and the last. */
  readonly firstLeaves: WaitSec | null
  readonly lastLeaves: WaitSec | null
  readonly nextShare: ExpectedWait | null
  readonly nextPayout: ExpectedWait | null
  /** At least one payout within the time. */
  readonly payoutChances: Readonly<Record<Horizon, number>>
  /** At least one block of the pool within the time. */
  readonly blockChances: Readonly<Record<Horizon, Carried>>
  readonly blockSpell: SpellVerdict
  readonly shareSpell: SpellVerdict
  readonly longRun: LongRun
  /** Of `longRun.income.satsPerDay`, for what our hash rate is not known better. */
  readonly satsPerDay: Carried
  /** Of each address's payout if a block came now. */
  readonly spending: readonly (SpendCost & { readonly address: string })[]
  readonly poolHashrate: MeasuredHashrate
  readonly ownHashrate: MeasuredHashrate
}

/** @param input one moment of the node: window, template and difficulties belong together */
export function earningsOf(input: EarningsInput): Earnings {
  const { view, poolHashrate, ownHashrate } = input
  const now = payoutNow(input.payout, input.ours)
  const pool = poolIn(input, now)
  const pace = paceOf(pool, ownHashrate.hps)
  const payoutWait = waitIn(view, pace)
  const leavesIn = (share: OwnShare | null): WaitSec | null =>
    share === null ? null : waitForCount(share.sharesUntilGone, pace.poolSharesPerSec)
  const longRun = longRunOf(pool, ownHashrate.hps)
  const blocksPerHash = pool.hps > 0 ? pace.blocksPerSec / pool.hps : 1 / pool.blockWorkHashes
  return {
    now,
    shares: view.listed.map(share => ({ ...share, leaves: leavesIn(share) })),
    firstLeaves: leavesIn(view.oldest),
    lastLeaves: leavesIn(view.newest),
    nextShare: withMeans(waitForNext(pace.sharesPerSec), shareMeans(pool, ownHashrate)),
    nextPayout: withMeans(payoutWait.wait(), payoutMeans(input, pool)),
    payoutChances: eachHorizon(sec => payoutWait.chanceWithin(sec)),
    blockChances: eachHorizon(sec =>
      carryInterval(poolHashrate, hps => chanceWithin(Math.max(hps, ownHashrate.hps) / pool.blockWorkHashes, sec))
    ),
    blockSpell: verdictOf(input.blockSpell, poolHashrate),
    shareSpell: verdictOf(input.shareSpell, ownHashrate),
    longRun,
    satsPerDay: carryInterval(ownHashrate, hps => hps * blocksPerHash * pool.minersSats * DAY_SEC),
    spending: spendingOf(input, now),
    poolHashrate,
    ownHashrate
  }
}

/**
 * The long run with another hash rate of ours: the pool gains or loses the difference, and the difficulty of shares follows.
 * @param wantedHps whatever somebody asks: below one hash a second nothing is mined, above `MAX_HPS` it is that
 */
export function whatIf(input: EarningsInput, wantedHps: number): LongRun {
  const ownHps = wantedHps >= 1 ? Math.min(wantedHps, MAX_HPS) : 0
  const pool = poolIn(input, payoutNow(input.payout, input.ours))
  return longRunOf(poolWithOwn(pool, { from: input.ownHashrate.hps, to: ownHps }), ownHps)
}

function longRunOf(pool: Pool, ownHps: number): LongRun {
  const pace = paceOf(pool, ownHps)
  return {
    ownHps,
    pace,
    income: incomeOf(pace),
    nextShare: waitForNext(pace.sharesPerSec),
    nextPayout: new PayoutWait({ ...pace, coveredSec: 0 }).wait()
  }
}

/** The pool is at least ours: where we are most of it, the two measurements may say otherwise. */
function poolIn({ params, shareBits, bitcoinBits, ...input }: EarningsInput, now: PayoutNow): Pool {
  const hps = Math.max(input.poolHashrate.hps, input.ownHashrate.hps)
  return poolOf(params, { hps, shareBits, bitcoinBits, minersSats: Number(now.minersSats) })
}

/** The newest of our shares leaves last: until then every block pays us. */
function waitIn(view: WindowView, pace: Pace): PayoutWait {
  const coveredShares = view.newest?.sharesUntilGone ?? 0
  const coveredSec = coveredShares === 0 ? 0 : Math.min(pace.windowSec, coveredShares / pace.poolSharesPerSec)
  return new PayoutWait({ ...pace, coveredSec })
}

function shareMeans(pool: Pool, { interval90Hps }: MeasuredHashrate): readonly number[] {
  return endsOf(interval90Hps).map(hps => pool.shareWorkHashes / hps)
}

/** The mean at the four corners of both intervals, between which it lies: it falls with either rate. */
function payoutMeans(input: EarningsInput, pool: Pool): readonly number[] {
  return endsOf(input.poolHashrate.interval90Hps).flatMap(poolHps =>
    endsOf(input.ownHashrate.interval90Hps).map(ownHps => {
      const pace = paceOf({ ...pool, hps: Math.max(poolHps, ownHps) }, ownHps)
      const wait = waitIn(input.view, pace).wait()
      return wait === null ? Number.POSITIVE_INFINITY : wait.meanSec
    })
  )
}

function endsOf({ low, high }: MeasuredHashrate['interval90Hps']): readonly number[] {
  return high === null ? [] : [low, high]
}

function withMeans(wait: WaitSec | null, means: readonly number[]): ExpectedWait | null {
  if (wait === null) return null
  const isBounded = means.length > 0 && means.every(Number.isFinite)
  return { ...wait, mean90Sec: isBounded ? { low: Math.min(...means), high: Math.max(...means) } : null }
}

function eachHorizon<T>(of: (sec: number) => T): Record<Horizon, T> {
  return { d1: of(HORIZONS_SEC.d1), d7: of(HORIZONS_SEC.d7), d30: of(HORIZONS_SEC.d30) }
}

/** Of so many finds a rate is known within half of it, nine times of ten; what rests on fewer is no reason to look for a fault. */
const FINDS_TO_JUDGE = 10
/** Where many finds a second were to be expected, as on a devnet after a pause, seconds without one are no reason either. */
const SEC_TO_JUDGE = 60

function verdictOf(spell: Spell, { effectiveFinds }: MeasuredHashrate): SpellVerdict {
  const luck = judgeLuck(0, spell.expected)
  const isKnown = effectiveFinds >= FINDS_TO_JUDGE && (spell.sec >= SEC_TO_JUDGE || luck.verdict === 'usual')
  return { ...spell, luck: isKnown ? luck : { ...luck, verdict: 'unknown' } }
}

function spendingOf({ payout, feeRateSatPerVb }: EarningsInput, now: PayoutNow): Earnings['spending'] {
  if (feeRateSatPerVb === null) return []
  return now.ours.flatMap(({ address, valueSats }) => {
    const script = payout.weights.byAddress.get(address)?.address.script
    const kind = script === undefined ? null : outputKindOf(script)
    if (kind === null || valueSats === 0n) return []
    return [{ address, ...spendCost({ valueSats, kind }, feeRateSatPerVb) }]
  })
}
