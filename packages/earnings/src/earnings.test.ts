import { chainParams, naivePayoutWeights } from '@p2poolv2/consensus'
import { bigIntFromTarget, bitsFromBigInt, targetFromDifficulty } from '@p2poolv2/primitives'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { measuredHashrate } from './chance/measured-rate.ts'
import { type EarningsInput, earningsOf, whatIf } from './earnings.ts'
import { minerText, WindowTree } from './testing/window-tree.ts'
import { windowView } from './window/window-view.ts'
import { sentencesOf } from './words/sentences.ts'

const bitsOf = (difficulty: number): number => bitsFromBigInt(bigIntFromTarget(targetFromDifficulty(difficulty)))
const DAY_SEC = 86_400
const SHARE_DIFFICULTY = 2 ** 20
const SHARE_WORK = SHARE_DIFFICULTY * 2 ** 32
const PARAMS = { ...chainParams('main'), windowMaxShares: 100 }
const OURS = new Set([minerText(0)])

/** A pool with a share every ten seconds whose window of 100 shares is far below a block; `own` of 100 shares are ours. */
function inputOf(own: number, over: Partial<EarningsInput> = {}): EarningsInput {
  const shareBits = bitsOf(SHARE_DIFFICULTY)
  const bitcoinBits = bitsOf(SHARE_DIFFICULTY * 1000)
  const tree = new WindowTree({ miner: 1, bits: shareBits })
  for (let i = 1; i <= 100; i++) tree.add({ prev: i - 1, miner: i % 100 < own ? 0 : 1, bits: shareBits })
  const view = windowView(PARAMS, tree, { anchorSlot: 100, bitcoinBits, shareBits, ours: OURS })
  const weights = naivePayoutWeights(PARAMS, tree, { anchorSlot: 100, bitcoinBits })
  if (view === null || weights === null) throw new Error('everything is held')
  return {
    params: PARAMS,
    ours: OURS,
    view,
    payout: { valueSats: 312_500_000n, donation: null, fee: null, weights },
    shareBits,
    bitcoinBits,
    poolHashrate: measuredHashrate([{ count: 360, workHashes: 360 * SHARE_WORK }], 3600),
    ownHashrate: measuredHashrate([{ count: 1000, workHashes: (360 * SHARE_WORK * own) / 100 }], 3600),
    blockSpell: { sec: 10_000, expected: 1, since: 'find' },
    shareSpell: { sec: 50, expected: (5 * own) / 100, since: 'find' },
    feeRateSatPerVb: 5,
    ...over
  }
}

describe('the earnings of a tenth of a pool', () => {
  const earnings = earningsOf(inputOf(10))

  it('are a tenth of a block if it came now', () => {
    expect(earnings.now).toMatchObject({ valueSats: 31_250_000n, part: 0.1, addresses: 2 })
    expect(earnings.now.ours[0]?.rank).toBe(2)
    expect(earnings.shares.length).toBe(10)
  })

  it('come with a share every hundred seconds and a block every ten thousand', () => {
    expect((earnings.nextShare?.meanSec ?? 0) / 100).toBeCloseTo(1, 3)
    expect(1 / earnings.longRun.pace.blocksPerSec / 10_000).toBeCloseTo(1, 3)
    expect(earnings.longRun.pace.windowShares).toBe(100)
    expect(earnings.longRun.pace.windowSec / 1000).toBeCloseTo(1, 3)
    expect(earnings.longRun.pace.ownSharesInWindow).toBeCloseTo(10, 6)
    // Almost always in the window, so paid with nearly every block.
    expect((earnings.nextPayout?.meanSec ?? 0) / 10_000).toBeCloseTo(1, 2)
  })

  it('state chances that blocks and payouts have', () => {
    expect(earnings.blockChances.d1.value).toBeCloseTo(1 - Math.exp(-8.64), 4)
    expect(earnings.payoutChances.d1).toBeLessThanOrEqual(earnings.blockChances.d1.value)
    const { interval90 } = earnings.blockChances.d1
    expect(interval90?.low).toBeLessThan(earnings.blockChances.d1.value)
    expect(interval90?.high).toBeGreaterThan(earnings.blockChances.d1.value)
  })

  it('are in the long run a tenth of what the pool is paid', () => {
    const perDay = (0.1 * 312_500_000 * DAY_SEC) / 10_000
    expect(earnings.longRun.income.satsPerDay / perDay).toBeCloseTo(1, 3)
    expect(earnings.satsPerDay.value / earnings.longRun.income.satsPerDay).toBeCloseTo(1, 9)
    expect(earnings.longRun.income.unpaidPart).toBeCloseTo(Math.exp(-0.1), 3)
  })

  it('keep each share for the time of those that have to come', () => {
    expect(earnings.firstLeaves?.meanSec).toBeCloseTo((earnings.shares.at(-1)?.sharesUntilGone ?? 0) * 10, 0)
    const leaves = earnings.shares.map(share => share.leaves?.meanSec ?? 0)
    expect(leaves).toEqual(leaves.toSorted((a, b) => b - a))
  })

  it('cost little to spend', () => {
    expect(earnings.spending).toMatchObject([{ kind: 'p2wpkh', costSats: 340n }])
  })

  it('bound their means by what the hash rates are known to be', () => {
    for (const wait of [earnings.nextShare, earnings.nextPayout]) {
      expect(wait?.mean90Sec?.low).toBeLessThan(wait?.meanSec ?? 0)
      expect(wait?.mean90Sec?.high).toBeGreaterThan(wait?.meanSec ?? 0)
    }
  })

  it('read like this', () => {
    expect(sentencesOf(earnings)).toMatchInlineSnapshot(`
      {
        "basis": "The pool made 450 TH/s over 60 minutes, by 360 finds: with nine chances of ten between 412 TH/s and 491 TH/s. Your miners together made 45 TH/s over 60 minutes, by 1000 finds: with nine chances of ten between 42.7 TH/s and 47.5 TH/s. What is said of the future holds while rates, difficulties and fees stay as they are.",
        "blockSpell": "The pool has found no block for 2.8 hours. That is usual: the chance of a spell as long is 1 in 2.7.",
        "blocks": "The pool finds a block every 2.8 hours on average: chances are over 99.9 % within a day, 100 % within a week, 100 % within 30 days.",
        "longRun": "In the long run your hash rate brings about 270,000,000 sats a day, whatever the size of the pool; as well as the rate is known, between 256,000,000 sats and 284,000,000 sats.",
        "nextPayout": "Your next payout comes in 2.8 hours on average; half of all waits last between 48 minutes and 3.9 hours, nine of ten between 8.5 minutes and 8.3 hours.",
        "nextShare": "Your next share comes in 1.7 minutes on average; half of all waits last between 29 seconds and 2.3 minutes, nine of ten between 5.1 seconds and 5 minutes.",
        "now": "If the pool found a block now you would get 31,250,000 sats: 10 % of the payout window, rank 2 of 2. Your oldest share leaves the window in about 10 seconds, your newest in about 17 minutes.",
        "shareSpell": "Your miners have found no share for 50 seconds. That is usual: the chance of a spell as long is 61 in 100.",
        "spending": "To spend that payout takes 68 vB, now 340 sats, under 0.01 % of it; at 459,558 sat/vB nothing would be left.",
        "variance": "It comes in payouts of about 31,300,000 sats, one every 2.8 hours on average. Over 30 days it is steady, two times of three within 6.5 % of the average; over a year it is steady, two times of three within 1.9 % of the average. 90 % of your shares leave the window unpaid; the others make up for it.",
      }
    `)
  })
})

it('twice the hash rate brings twice the sats, from a pool that has grown by it', () => {
  const input = inputOf(10)
  const now = earningsOf(input).longRun
  const twice = whatIf(input, input.ownHashrate.hps * 2)
  expect(twice.income.satsPerDay / now.income.satsPerDay).toBeCloseTo(2, 9)
  // Difficulty follows, so a share still comes every ten seconds, of which 2 of 11 are ours.
  expect((twice.nextShare?.meanSec ?? 0) / 55).toBeCloseTo(1, 3)
  expect(whatIf(input, input.ownHashrate.hps).income.satsPerDay).toBeCloseTo(now.income.satsPerDay, 6)
})

it('a household without miners is told what is still to come, and that nothing new will', () => {
  const ownHashrate = measuredHashrate([], 3600)
  const earnings = earningsOf(inputOf(10, { ownHashrate }))
  expect(earnings.now.valueSats).toBe(31_250_000n)
  expect(earnings.nextShare).toBeNull()
  expect(earnings.nextPayout).toBeNull()
  expect(earnings.longRun.income.satsPerDay).toBe(0)
  // The old shares stay for some 900 seconds at most.
  expect(earnings.payoutChances.d30).toBeGreaterThan(0.05)
  expect(earnings.payoutChances.d30).toBeLessThan(0.1)
  const sentences = sentencesOf(earnings)
  expect(sentences.nextShare).toMatch(
    /^Your next share cannot be foreseen: nothing that your miners do was measured yet/
  )
  expect(sentences.variance).toBe('There is nothing that could vary.')
  expect(sentences.basis).toContain('Your miners together found nothing in 60 minutes')
})

it('a household without shares is told so', () => {
  const input = inputOf(0)
  const earnings = earningsOf({ ...input, ownHashrate: measuredHashrate([{ count: 50, workHashes: 1e15 }], 3600) })
  expect(earnings.now.valueSats).toBe(0n)
  expect(earnings.firstLeaves).toBeNull()
  expect(earnings.spending).toEqual([])
  expect(sentencesOf(earnings).now).toContain('you would get nothing')
  expect(earnings.nextPayout?.meanSec).toBeGreaterThan(10_000)
})

it('a household with one share is told when that one leaves', () => {
  expect(sentencesOf(earningsOf(inputOf(1))).now).toBe(
    'If the pool found a block now you would get 3,125,000 sats: 1 % of the payout window, rank 2 of 2. What you have in it leaves the window in about 17 minutes.'
  )
})

it('a pool that stands still promises nothing and breaks nothing', () => {
  const silent = measuredHashrate([], 3600)
  const earnings = earningsOf(inputOf(10, { poolHashrate: silent, ownHashrate: silent, feeRateSatPerVb: null }))
  expect(earnings.nextPayout).toBeNull()
  expect(earnings.firstLeaves).toBeNull()
  expect(earnings.blockChances.d30).toEqual({ value: 0, interval90: null })
  expect(earnings.payoutChances.d30).toBe(0)
  for (const sentence of Object.values(sentencesOf(earnings))) expect(sentence).not.toMatch(/NaN|Infinity|undefined/)
})

it('a spell longer than chance allows is called by its name', () => {
  const spell = { sec: 90_000, expected: 9, since: 'find' } as const
  const earnings = earningsOf(
    inputOf(10, { blockSpell: spell, shareSpell: { ...spell, expected: 0.5, since: 'start' } })
  )
  expect(earnings.blockSpell.luck.verdict).toBe('suspicious')
  const { blockSpell, shareSpell } = sentencesOf(earnings)
  expect(blockSpell).toBe(
    'The pool has found no block for 25 hours. That is hardly chance any more: something is probably broken: the chance of a spell as long is 1 in 8,103.'
  )
  expect(shareSpell).toBe(
    'Your miners have found no share since this node began to watch, 25 hours. That is usual: the chance of a spell as long is 61 in 100.'
  )
})

it('a spell is not judged before the hash rate behind it is known, nor within a minute', () => {
  const spell = { sec: 5, expected: 7, since: 'start' } as const
  const few = measuredHashrate([{ count: 9, workHashes: 9 * SHARE_WORK }], 5)
  const minute = { ...spell, sec: 60 }
  const earnings = earningsOf(inputOf(10, { blockSpell: minute, shareSpell: spell, ownHashrate: few }))
  expect([earnings.shareSpell.luck.verdict, earnings.blockSpell.luck.verdict]).toEqual(['unknown', 'suspicious'])
  expect(sentencesOf(earnings).shareSpell).toBe(
    'Your miners have found no share since this node began to watch, 5 seconds. Whether that is usual cannot be said yet: too little was measured.'
  )
  const enough = measuredHashrate([{ count: 10, workHashes: 10 * SHARE_WORK }], 5)
  const verdict = (sec: number) =>
    earningsOf(inputOf(10, { shareSpell: { ...spell, sec }, ownHashrate: enough })).shareSpell.luck.verdict
  expect([verdict(60), verdict(59)]).toEqual(['suspicious', 'unknown'])
})

it('a pool that was measured smaller than our part of it is at least that part', () => {
  const input = inputOf(10)
  const poolHashrate = measuredHashrate([{ count: 3, workHashes: input.ownHashrate.hps * 1800 }], 3600)
  const { longRun } = earningsOf({ ...input, poolHashrate })
  expect(longRun.pace.ownSharesInWindow).toBe(longRun.pace.windowShares)
  expect(longRun.income.satsPerPayout).toBeCloseTo(312_500_000, 0)
})

it('whatever the rates, chances are chances, bands are in order and sentences are whole', () => {
  const anyRate = fc
    .record({ count: fc.nat(100_000), log: fc.double({ min: 3, max: 22, noNaN: true }) })
    .map(({ count, log }) => measuredHashrate([{ count, workHashes: count === 0 ? 0 : 10 ** log * 3600 }], 3600))
  const anySpell = fc.record({
    sec: fc.nat(10 ** 9),
    expected: fc.double({ min: 0, max: 1e5, noNaN: true }),
    since: fc.constantFrom('find' as const, 'start' as const)
  })
  const anyMoment = fc.record({
    own: fc.nat(99),
    poolHashrate: anyRate,
    ownHashrate: anyRate,
    blockSpell: anySpell,
    shareSpell: anySpell,
    feeRateSatPerVb: fc.option(fc.double({ min: 0, max: 1e4, noNaN: true }), { nil: null })
  })
  fc.assert(
    fc.property(anyMoment, fc.double(), ({ own, ...over }, otherHps) => {
      const input = inputOf(own, over)
      const earnings = earningsOf(input)
      const chances = Object.values(earnings.blockChances).map(({ value }) => value)
      for (const chance of [...chances, ...Object.values(earnings.payoutChances)]) {
        expect(chance).toBeGreaterThanOrEqual(0)
        expect(chance).toBeLessThanOrEqual(1)
      }
      const other = whatIf(input, otherHps)
      for (const wait of [
        earnings.nextShare,
        earnings.nextPayout,
        earnings.firstLeaves,
        other.nextShare,
        other.nextPayout
      ]) {
        if (wait === null) continue
        const { band50Sec, band90Sec } = wait
        const ends = [0, band90Sec.low, band50Sec.low, band50Sec.high, band90Sec.high]
        expect(ends).toEqual(ends.toSorted((a, b) => a - b))
        expect(wait.meanSec).toBeGreaterThan(0)
      }
      for (const sentence of Object.values(sentencesOf(earnings))) {
        expect(sentence).toMatch(/^[A-Z].*[.]$/)
        expect(sentence).not.toMatch(/NaN|Infinity|undefined|null|e[+-]\d/)
      }
    })
  )
})
