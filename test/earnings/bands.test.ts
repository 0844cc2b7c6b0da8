import { chainParams, PayoutWindow } from '@p2poolv2/consensus'
import {
  type Earnings,
  type EarningsInput,
  earningsOf,
  type MeasuredHashrate,
  measuredHashrate,
  sentencesOf,
  whatIf,
  windowView,
  workSince
} from '@p2poolv2/earnings'
import { minerText, WindowTree } from '@p2poolv2/earnings/testing'
import { bigIntFromTarget, bitsFromBigInt, seededRng, targetFromDifficulty } from '@p2poolv2/primitives'
import { describe, expect, it } from 'vitest'

const RUNS = 10_000
const OURS = new Set([minerText(0)])
const SHARE_DIFFICULTY = 2 ** 20
const SHARE_WORK = SHARE_DIFFICULTY * 2 ** 32
const SPACING_SEC = 10
const bitsOf = (difficulty: number): number => bitsFromBigInt(bigIntFromTarget(targetFromDifficulty(difficulty)))
const SHARE_BITS = bitsOf(SHARE_DIFFICULTY)

interface Setting {
  readonly name: string
  /** Our part of the pool's hash rate. */
  readonly part: number
  /** Shares in a full window, and shares to a block. */
  readonly windowShares: number
  readonly sharesPerBlock: number
  /** Whether our last share has left the window already. */
  readonly startsEmpty: boolean
}

/** What one run of chance gave. */
interface Run {
  readonly nextShareSec: number
  readonly nextPayoutSec: number
  readonly firstLeavesSec: number
  readonly blockSecs: readonly number[]
}

/**
 * A pool of many miners, share by share: each is ours with our part of the hash rate, each is a bitcoin block with the odds of its
 * target, and the times between them are exponential. Who is paid is asked of the real payout window.
 */
class ChancePool {
  readonly #setting: Setting
  readonly #rng
  readonly params
  readonly tree = new WindowTree({ miner: 1, bits: SHARE_BITS })
  readonly window: PayoutWindow
  readonly bitcoinBits: number
  readonly base: number

  constructor(setting: Setting) {
    this.#setting = setting
    this.#rng = seededRng(setting.name)
    this.params = { ...chainParams('main'), windowMaxShares: setting.windowShares }
    this.bitcoinBits = bitsOf(SHARE_DIFFICULTY * setting.sharesPerBlock)
    this.window = new PayoutWindow(this.params, this.tree)
    let tip = 0
    for (let i = 0; i < setting.windowShares * 2; i++) tip = this.#share(tip, !setting.startsEmpty)
    this.base = tip
  }

  #chance(): number {
    return (this.#rng.u32() + 0.5) / 2 ** 32
  }

  #share(prev: number, mayBeOurs = true): number {
    const isOurs = mayBeOurs && this.#chance() < this.#setting.part
    return this.tree.add({ prev, miner: isOurs ? 0 : 1, bits: SHARE_BITS })
  }

  paysUs(anchorSlot: number): boolean {
    const weights = this.window.weights(anchorSlot, this.bitcoinBits)
    if (weights === null) throw new Error('everything is held')
    return weights.byAddress.has(minerText(0))
  }

  /** From the base until all is seen, and for `seenSec` at least. */
  run(untilGone: number, seenSec: number): Run {
    const kept = this.tree.shares.length
    const odds = 1 / this.#setting.sharesPerBlock
    let [tip, sec] = [this.base, 0]
    let [nextShareSec, nextPayoutSec, firstLeavesSec] = [0, 0, 0]
    const blockSecs: number[] = []
    for (let made = 1; nextShareSec === 0 || nextPayoutSec === 0 || sec < seenSec || made <= untilGone; made++) {
      sec -= Math.log(this.#chance()) * SPACING_SEC
      // A block pays from the window below it: its own share comes after.
      if (this.#chance() < odds) {
        blockSecs.push(sec)
        if (nextPayoutSec === 0 && this.paysUs(tip)) nextPayoutSec = sec
      }
      tip = this.#share(tip)
      if (nextShareSec === 0 && this.tree.miner(tip) === 0) nextShareSec = sec
      if (made === untilGone) firstLeavesSec = sec
    }
    for (let slot = kept; slot < this.tree.shares.length; slot++) this.window.forget(slot)
    this.tree.shares.length = kept
    return { nextShareSec, nextPayoutSec, firstLeavesSec, blockSecs }
  }
}

describe('what the outlook says of 10,000 runs of the real payout window', () => {
  it.each<Setting>([
    { name: 'a tenth of a pool', part: 0.1, windowShares: 60, sharesPerBlock: 90, startsEmpty: false },
    { name: 'one share in a window', part: 0.02, windowShares: 50, sharesPerBlock: 40, startsEmpty: false },
    { name: 'seldom in the window', part: 0.012, windowShares: 20, sharesPerBlock: 15, startsEmpty: true }
  ])('holds for $name', { timeout: 120_000 }, setting => {
    const pool = new ChancePool(setting)
    const { params, tree, bitcoinBits, base } = pool
    const input = { anchorSlot: base, bitcoinBits, shareBits: SHARE_BITS, ours: OURS }
    const view = windowView(params, tree, input)
    const weights = pool.window.weights(base, bitcoinBits)
    if (view === null || weights === null) throw new Error('everything is held')
    // As well known as after a million finds: the bands are about chance, not about measuring.
    const rate = (part: number): MeasuredHashrate =>
      measuredHashrate([{ count: 1e6, workHashes: part * SHARE_WORK * 1e6 }], SPACING_SEC * 1e6)
    const moment: EarningsInput = {
      params,
      ours: OURS,
      view,
      payout: { valueSats: 312_500_000n, donation: null, fee: null, weights },
      shareBits: SHARE_BITS,
      bitcoinBits,
      poolHashrate: rate(1),
      ownHashrate: rate(setting.part),
      blockSpell: { sec: 0, expected: 0, since: 'find' },
      shareSpell: { sec: 0, expected: 0, since: 'find' },
      feeRateSatPerVb: null
    }
    const earnings = earningsOf(moment)
    // The mean time between blocks: long enough to see some, short enough to miss them.
    const seenSec = setting.sharesPerBlock * SPACING_SEC
    const untilGone = view.oldest?.sharesUntilGone ?? 0
    const runs = Array.from({ length: RUNS }, () => pool.run(untilGone, seenSec))

    const inside = (band: { low: number; high: number } | undefined, of: (run: Run) => number): number =>
      runs.filter(run => band !== undefined && of(run) >= band.low && of(run) <= band.high).length / RUNS
    // Four standard deviations of a half and of nine tenths in 10,000 runs are 2 % and 1.2 %; the rest is that waits come in whole shares.
    const holds = (wait: Earnings['nextShare'], of: (run: Run) => number): void => {
      expect(Math.abs(inside(wait?.band50Sec, of) - 0.5)).toBeLessThan(0.025)
      expect(Math.abs(inside(wait?.band90Sec, of) - 0.9)).toBeLessThan(0.017)
      const mean = runs.reduce((sum, run) => sum + of(run), 0) / RUNS
      expect(Math.abs(mean / (wait?.meanSec ?? 0) - 1)).toBeLessThan(0.06)
    }
    holds(earnings.nextShare, run => run.nextShareSec)
    holds(earnings.nextPayout, run => run.nextPayoutSec)
    if (earnings.firstLeaves !== null && untilGone > 2) {
      holds({ ...earnings.firstLeaves, mean90Sec: null }, run => run.firstLeavesSec)
    }

    const perSec = earnings.longRun.pace.blocksPerSec
    expect(perSec * seenSec).toBeCloseTo(1, 3)
    const came = runs.map(run => run.blockSecs.filter(sec => sec <= seenSec).length)
    expect(Math.abs(came.filter(blocks => blocks > 0).length / RUNS - (1 - Math.exp(-1)))).toBeLessThan(0.025)
    expect(Math.abs(came.reduce((sum, blocks) => sum + blocks, 0) / RUNS - 1)).toBeLessThan(0.04)
    // Half the pool: the others stay, so we become as many as they.
    const others = earnings.poolHashrate.hps - earnings.ownHashrate.hps
    const { pace } = whatIf(moment, others)
    expect(pace.ownSharesInWindow / pace.windowShares).toBeCloseTo(0.5, 9)
    // What the share chain says of the pool is what it was made with: 2^32 for a difficulty are short by 1 in 65,536.
    const { finds, fromSec } = workSince(tree, { anchorSlot: base, sinceSec: tree.timeSec(0), limit: 1e6 })
    expect(finds.workHashes / (tree.timeSec(base) - fromSec) / earnings.poolHashrate.hps).toBeCloseTo(1, 4)
    expect(sentencesOf(earnings).basis).toContain('450 TH/s')
    expect(earnings.blockChances.d1.value).toBeCloseTo(1 - Math.exp(-perSec * 86_400), 9)
  })
})
