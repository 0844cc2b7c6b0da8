import { seededRng } from '@p2poolv2/primitives'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { PayoutWait, type PayoutWaitInput } from './payout-wait.ts'

const anyInput = fc
  .record({
    windowSec: fc.constantFrom(1, 86_400, 14 * 86_400),
    ownShares: fc.double({ min: 0.01, max: 20, noNaN: true }),
    blocks: fc.double({ min: 0.01, max: 3, noNaN: true }),
    covered: fc.double({ min: 0, max: 1, noNaN: true })
  })
  .map(
    ({ windowSec, ownShares, blocks, covered }): PayoutWaitInput => ({
      windowSec,
      sharesPerSec: ownShares / windowSec,
      blocksPerSec: blocks / windowSec,
      coveredSec: covered * windowSec
    })
  )

describe('the wait for the next payout', () => {
  it('of a miner that is always in the window is the wait for the next block', () => {
    const wait = new PayoutWait({ sharesPerSec: 50, blocksPerSec: 0.2, windowSec: 1, coveredSec: 1 })
    expect(wait.meanSec()).toBeCloseTo(5, 9)
    expect(wait.wait()?.band90Sec.high).toBeCloseTo(-Math.log(0.05) * 5, 3)
    expect(wait.chanceWithin(5)).toBeCloseTo(1 - Math.exp(-1), 5)
  })

  it('of a rare share in a busy pool is the wait for a share, and one of e goes unpaid', () => {
    // A block per window on average, a share in a thousand windows: each share is paid with 1 - 1/e.
    const wait = new PayoutWait({ sharesPerSec: 0.001, blocksPerSec: 1, windowSec: 1, coveredSec: 0 })
    expect(wait.meanSec() / (1000 / (1 - Math.exp(-1)))).toBeCloseTo(1, 3)
    const rate = (1 - Math.exp(-1)) / 1000
    expect((wait.wait()?.band50Sec.high ?? 0) / (-Math.log(0.25) / rate)).toBeCloseTo(1, 2)
  })

  it('without miners of ours can only come while old shares are in the window', () => {
    const wait = new PayoutWait({ sharesPerSec: 0, blocksPerSec: 0.1, windowSec: 100, coveredSec: 10 })
    expect(wait.wait()).toBeNull()
    expect(wait.chanceWithin(1e9)).toBeCloseTo(1 - Math.exp(-1), 12)
    expect(wait.chanceWithin(5)).toBeCloseTo(1 - Math.exp(-0.5), 12)
  })

  it('in a pool that stands still never comes', () => {
    const wait = new PayoutWait({
      sharesPerSec: 0,
      blocksPerSec: 0,
      windowSec: Number.POSITIVE_INFINITY,
      coveredSec: 0
    })
    expect(wait.wait()).toBeNull()
    expect(wait.chanceWithin(1e9)).toBe(0)
  })

  it('has a mean that is the integral of its distribution', () => {
    fc.assert(
      fc.property(anyInput, input => {
        const wait = new PayoutWait(input)
        const mean = wait.meanSec()
        // By substitution t = m u / (1 - u), which brings the endless tail into one unit.
        const points = 20_000
        let sum = 0
        for (let i = 0; i < points; i++) {
          const u = (i + 0.5) / points
          sum += ((1 - wait.chanceWithin((mean * u) / (1 - u))) * mean) / (1 - u) ** 2 / points
        }
        expect(sum / mean).toBeCloseTo(1, 3)
      }),
      { numRuns: 40 }
    )
  })

  it('has quantiles its distribution takes back, and a distribution that never falls', () => {
    fc.assert(
      fc.property(anyInput, input => {
        const wait = new PayoutWait(input)
        const bands = wait.wait()
        if (bands === null) throw new Error('both rates are positive')
        const ends = [bands.band90Sec.low, bands.band50Sec.low, bands.band50Sec.high, bands.band90Sec.high]
        for (const [i, chance] of [0.05, 0.25, 0.75, 0.95].entries()) {
          expect(wait.chanceWithin(ends[i] ?? 0)).toBeCloseTo(chance, 6)
        }
        expect(ends).toEqual(ends.toSorted((a, b) => a - b))
      })
    )
  })

  it('is shorter the longer the window holds shares of ours', () => {
    fc.assert(
      fc.property(anyInput, fc.double({ min: 0, max: 1, noNaN: true }), (input, part) => {
        const less = new PayoutWait({ ...input, coveredSec: input.coveredSec * part })
        const more = new PayoutWait(input)
        expect(less.meanSec()).toBeGreaterThanOrEqual(more.meanSec() * (1 - 1e-9))
        for (const windows of [0.3, 1, 2.5, 20]) {
          const sec = windows * input.windowSec
          expect(less.chanceWithin(sec)).toBeLessThanOrEqual(more.chanceWithin(sec) + 1e-5)
        }
      })
    )
  })

  it.each([
    ['a household in a small pool', { sharesPerSec: 10, blocksPerSec: 0.3, windowSec: 1, coveredSec: 0.9 }],
    ['one share in a window', { sharesPerSec: 1, blocksPerSec: 0.5, windowSec: 1, coveredSec: 0.4 }],
    ['rarely in the window', { sharesPerSec: 0.2, blocksPerSec: 1, windowSec: 1, coveredSec: 0 }],
    ['a last share about to leave', { sharesPerSec: 0.1, blocksPerSec: 2, windowSec: 1, coveredSec: 0.3 }]
  ])('agrees with 20,000 runs of chance: %s', (name, input) => {
    const rng = seededRng(name)
    const next = (rate: number): number => -Math.log((rng.u32() + 0.5) / 2 ** 32) / rate
    const waits: number[] = []
    for (let run = 0; run < 20_000; run++) waits.push(paidAfter(input, next))
    const theory = new PayoutWait(input)
    const bands = theory.wait()
    if (bands === null) throw new Error('both rates are positive')
    const inside = ({ low, high }: { low: number; high: number }): number =>
      waits.filter(sec => sec >= low && sec <= high).length / waits.length
    // Four standard deviations.
    expect(Math.abs(inside(bands.band50Sec) - 0.5)).toBeLessThan(0.0145)
    expect(Math.abs(inside(bands.band90Sec) - 0.9)).toBeLessThan(0.0085)
    for (const sec of [0.2, 0.7, 1.5, 4, 12]) {
      const share = waits.filter(wait => wait <= sec).length / waits.length
      expect(Math.abs(share - theory.chanceWithin(sec))).toBeLessThan(0.0145)
    }
    const mean = waits.reduce((sum, wait) => sum + wait, 0) / waits.length
    expect(Math.abs(mean / theory.meanSec() - 1)).toBeLessThan(0.045)
  })
})

/** One run of chance: shares and blocks as they fall, until a block finds one of our shares in the window. */
function paidAfter(input: PayoutWaitInput, next: (rate: number) => number): number {
  let untilSec = input.coveredSec
  let shareSec = next(input.sharesPerSec)
  let blockSec = next(input.blocksPerSec)
  for (;;) {
    while (shareSec <= blockSec) {
      untilSec = Math.max(untilSec, shareSec + input.windowSec)
      shareSec += next(input.sharesPerSec)
    }
    if (blockSec <= untilSec) return blockSec
    blockSec += next(input.blocksPerSec)
  }
}
