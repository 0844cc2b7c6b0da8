import { bigIntFromBits, workFromBits } from '@p2poolv2/primitives'
import { describe, expect, it } from 'vitest'
import { asertBits, asertExponent, integerDifficulty, requiredBits, windowThreshold } from './asert.ts'
import { chainParams, devnetParams } from './params.ts'
import vectors from './vectors/asert.json' with { type: 'json' }

const SIGNET = chainParams('signet')
const RULE = { spacingSec: 10, halfLifeSec: 600 }
const CHAINS = {
  main: chainParams('main'),
  testnet4: { ...chainParams('signet'), maxAttainableTarget: 0xffffn << 208n },
  signet: SIGNET,
  regtest: chainParams('regtest')
}

describe('the difficulty rule', () => {
  it.each(vectors.targets)('from $anchorBits after $dtSec s at height $dh demands $requiredBits', vector => {
    const anchorBits = Number(vector.anchorBits)
    const { dtSec, dh } = vector
    const bits = asertBits({ ...RULE, anchorBits, ceilingBits: 0x1b4188f5, dtSec, dh })
    expect(bits).toBe(Number(vector.asertBits))
    const params = { ...SIGNET, anchorBits }
    expect(requiredBits(params, params.genesisTimeSec + dtSec, dh)).toBe(Number(vector.requiredBits))
  })

  it.each(vectors.exponents)('takes the derived steps after $dtSec s at height $dh', vector => {
    const { num, ex, sh, rem, f } = asertExponent({ ...RULE, dtSec: vector.dtSec, dh: vector.dh })
    expect([num, ex, sh, rem, f].map(String)).toEqual([vector.num, vector.ex, vector.sh, vector.rem, vector.f])
  })

  it('holds its target on schedule and doubles it in a half-life of delay, on the devnet too', () => {
    const params = devnetParams({ genesisTimeSec: 1_700_000_000 })
    const onSchedule = requiredBits(params, params.genesisTimeSec + 101, 100)
    expect(onSchedule).toBe(params.anchorBits)
    const late = requiredBits(params, params.genesisTimeSec + 101 + 60, 100)
    expect(bigIntFromBits(late)).toBe(2n * bigIntFromBits(onSchedule))
    expect(requiredBits(params, params.genesisTimeSec + 10_000, 100)).toBe(params.maxTargetBits)
  })

  it.each(vectors.work)('counts $work hashes of work for $bits', ({ bits, work }) => {
    expect(workFromBits(Number(bits))).toBe(BigInt(work))
  })
})

describe('the integer difficulty', () => {
  const rows = vectors.integerDifficulty.flatMap(({ bits, ...byChain }) =>
    Object.entries(byChain).map(([chain, difficulty]) => ({ bits, chain: chain as keyof typeof CHAINS, difficulty }))
  )

  it.each(rows)('of $bits on $chain is $difficulty', ({ bits, chain, difficulty }) => {
    expect(integerDifficulty(CHAINS[chain], Number(bits))).toBe(BigInt(difficulty))
  })

  it('ends at 2^128 - 1', () => {
    expect(integerDifficulty(CHAINS.regtest, 0x01010000)).toBe(2n ** 128n - 1n)
  })

  it('of a target of zero is a bug: the header gate refuses it', () => {
    expect(() => integerDifficulty(SIGNET, 0x1b000000)).toThrow()
  })

  it('times ten and the multiplier is the weight a window must reach', () => {
    expect(windowThreshold(SIGNET, 0x1b00ddeb)).toBe(671_094_540n)
    expect(windowThreshold({ ...SIGNET, difficultyMultiplier: 3n }, 0x1b00ddeb)).toBe(2_013_283_620n)
  })
})
