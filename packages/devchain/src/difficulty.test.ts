import type { BitcoinHeader } from '@p2poolv2/bitcoin'
import { bigIntFromBits, seededRng, workFromBits } from '@p2poolv2/primitives'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { DevChain } from './dev-chain.ts'
import { bitsFromHashes, DEV_DIFFICULTY, isStalled, nextBits } from './difficulty.ts'

const ZERO = new Uint8Array(32)
const header = (timeSec: number, bits: number): BitcoinHeader => ({
  version: 4,
  prevHashWire: ZERO,
  merkleRootWire: ZERO,
  timeSec,
  bits,
  nonce: 0
})

/** Headers as a miner of `hashrate` would find them, the waiting times drawn as chance draws them. */
function mine(headers: BitcoinHeader[], options: { blocks: number; hashrate: number; seed: string }): BitcoinHeader[] {
  const rng = seededRng(options.seed)
  const chain = [...headers]
  let atSec = chain.at(-1)?.timeSec ?? 1_800_000_000
  for (let i = 0; i < options.blocks; i++) {
    const bits = nextBits(DEV_DIFFICULTY, chain)
    const luck = -Math.log((rng.u32() + 1) / 2 ** 32)
    atSec += (Number(workFromBits(bits)) / options.hashrate) * luck
    chain.push(header(Math.ceil(atSec), bits))
  }
  return chain
}

const meanSpacing = (headers: readonly BitcoinHeader[], last: number): number => {
  const recent = headers.slice(-last - 1)
  return ((recent.at(-1)?.timeSec ?? 0) - (recent[0]?.timeSec ?? 0)) / last
}

describe('the development difficulty', () => {
  it('begins at about half a million hashes, eight development shares', () => {
    const work = workFromBits(nextBits(DEV_DIFFICULTY, []))
    expect(Number(work)).toBeGreaterThan(500_000)
    expect(Number(work) / 65_536).toBeCloseTo(8, 0)
    expect(new DevChain().template(1_800_000_000).bits).toBe('1e200000')
  })

  it.each([40_000, 1_000_000, 50_000_000, 1e12])('finds a spacing near 30 s at %d hashes a second', hashrate => {
    const headers = mine([], { blocks: 400, hashrate, seed: `hashrate ${hashrate}` })
    expect(meanSpacing(headers, 300)).toBeGreaterThan(24)
    expect(meanSpacing(headers, 300)).toBeLessThan(38)
  })

  it('follows a miner that becomes a hundred times faster within 40 blocks', () => {
    const slow = mine([], { blocks: 60, hashrate: 100_000, seed: 'slow' })
    const fast = mine(slow, { blocks: 240, hashrate: 10_000_000, seed: 'fast' })
    expect(meanSpacing(fast, 200)).toBeGreaterThan(20)
  })

  it('stays within its bounds and within a factor of two, whatever the times say', () => {
    const easiest = bigIntFromBits(DEV_DIFFICULTY.easiestBits)
    const hardest = bigIntFromBits(DEV_DIFFICULTY.hardestBits)
    const gap = fc.integer({ min: -10_000, max: 1_000_000 })
    fc.assert(
      fc.property(fc.array(gap, { minLength: 1, maxLength: 60 }), gaps => {
        const headers: BitcoinHeader[] = []
        let timeSec = 1_800_000_000
        for (const step of gaps) {
          const bits = nextBits(DEV_DIFFICULTY, headers)
          const target = bigIntFromBits(bits)
          expect(target <= easiest && target >= hardest).toBe(true)
          const before = headers.at(-1)
          if (before !== undefined) {
            // Compact bits cut off up to one part in 2^15.
            expect(target <= 2n * bigIntFromBits(before.bits)).toBe(true)
            expect(target * 21n >= bigIntFromBits(before.bits) * 10n).toBe(true)
          }
          timeSec = Math.max(1_300_000_000, timeSec + step)
          headers.push(header(timeSec, bits))
        }
      })
    )
  })

  it('a block much later than its parent may be easy', () => {
    const parent = header(1_800_000_000, bitsFromHashes(2n ** 40n))
    expect(isStalled(DEV_DIFFICULTY, parent, 1_800_000_300)).toBe(false)
    expect(isStalled(DEV_DIFFICULTY, parent, 1_800_000_301)).toBe(true)
    expect(isStalled(DEV_DIFFICULTY, null, 1_800_000_301)).toBe(false)
  })
})
