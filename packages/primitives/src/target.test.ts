import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { bytesToHexReversed, hexToBytes } from './bytes.ts'
import { InvariantError } from './invariant.ts'
import {
  bigIntFromBits,
  bigIntFromTarget,
  bitsFromBigInt,
  difficultyFromBits,
  difficultyOfHash,
  hashMeetsTarget,
  MAX_TARGET_1,
  targetFromBigInt,
  targetFromBits,
  targetFromDifficulty,
  workFromBits
} from './target.ts'

const MAX = 2n ** 256n - 1n
const bitsArbitrary = fc.oneof(
  fc.integer({ min: 0, max: 0xffff_ffff }),
  fc.tuple(fc.integer({ min: 0, max: 40 }), fc.integer({ min: 0, max: 0xff_ffff })).map(([e, m]) => e * 2 ** 24 + m)
)
/** Of all sizes: a uniform 256-bit number is nearly never small. */
const targetArbitrary = fc.tuple(fc.bigInt(0n, MAX), fc.integer({ min: 0, max: 256 })).map(([n, s]) => n >> BigInt(s))

function wire(hashDisplay: string): Uint8Array {
  return hexToBytes(hashDisplay).reverse()
}

describe('compact targets', () => {
  // protocol §11 and its rule written out; the values up to 0x20123456 are also Bitcoin Core's (arith_uint256_tests).
  const expansions: readonly [bits: number, target: bigint][] = [
    [0x0000_0000, 0n],
    [0x0012_3456, 0n],
    [0x0100_3456, 0n],
    [0x0200_0056, 0n],
    [0x0300_0000, 0n],
    [0x0400_0000, 0n],
    [0x0092_3456, 0n],
    [0x0112_3456, 0x12n],
    [0x0212_3456, 0x1234n],
    [0x0312_3456, 0x12_3456n],
    [0x0412_3456, 0x1234_5600n],
    [0x0492_3456, 0n],
    [0x0500_9234, 0x9234_0000n],
    [0x2012_3456, 0x12_3456n << 232n],
    [0x1b41_88f5, 0x41_88f5n << 192n],
    [0x1b38_4bd7, 0x38_4bd7n << 192n],
    [0x1d00_ffff, MAX_TARGET_1],
    [0x207f_ffff, 0x7f_ffffn << 232n],
    [0x1e03_77ae, 0x03_77aen << 216n]
  ]
  it.each(expansions)('%i expands', (bits, target) => {
    expect(bigIntFromBits(bits)).toBe(target)
    expect(bigIntFromTarget(targetFromBits(bits))).toBe(target)
  })

  it('a sign bit that is shifted down is an ordinary bit', () => {
    expect(bigIntFromBits(0x01fe_dcba)).toBe(0xfen)
    expect(bigIntFromBits(0x0392_3456)).toBe(0n)
  })

  it('the shift wraps at 256 bits', () => {
    expect(bigIntFromBits(0x3b38_4bd7)).toBe(bigIntFromBits(0x1b38_4bd7))
    expect(bigIntFromBits(0xff12_3456)).toBe(0x12_3456n << 224n)
    expect(bigIntFromBits(0x2312_3456)).toBe(0x12_3456n)
  })

  it('bits that leave the top are lost', () => {
    expect(bigIntFromBits(0x2112_3456)).toBe(0x3456n << 240n)
    expect(bigIntFromBits(0x2212_3456)).toBe(0x56n << 248n)
  })

  it('the byte form is the number form', () => {
    fc.assert(
      fc.property(bitsArbitrary, bits => {
        expect(bigIntFromTarget(targetFromBits(bits))).toBe(bigIntFromBits(bits))
      })
    )
  })

  it('the expansion is the rule of protocol §11', () => {
    fc.assert(
      fc.property(bitsArbitrary, bits => {
        const exponent = bits >>> 24
        let mantissa = BigInt(bits & 0xff_ffff)
        if (exponent <= 3) mantissa >>= BigInt(8 * (3 - exponent))
        const shift = exponent <= 3 ? 0 : (8 * (exponent - 3)) % 256
        const target = mantissa > 0x7f_ffffn ? 0n : (mantissa * 2n ** BigInt(shift)) % 2n ** 256n
        expect(bigIntFromBits(bits)).toBe(target)
      })
    )
  })

  // protocol §11, the required bits of its table; Compact(1) of protocol §11; Bitcoin Core.
  const canonical = [
    0x1b41_88f5, 0x1b40_c8d4, 0x1b38_4bd7, 0x1b2e_11dd, 0x1b20_646a, 0x1b28_cf32, 0x1b01_0323, 0x0401_9b57, 0x0101_0000,
    0x0112_0000, 0x0212_3400, 0x0312_3456, 0x0412_3456, 0x0500_9234, 0x2012_3456, 0x1d00_ffff, 0x207f_ffff, 0x1e03_77ae
  ]
  it.each(canonical)('%i comes back', bits => {
    expect(bitsFromBigInt(bigIntFromBits(bits))).toBe(bits)
  })

  it('compressing keeps the top three bytes and no sign bit', () => {
    expect(bitsFromBigInt(0n)).toBe(0)
    expect(bitsFromBigInt(1n)).toBe(0x0101_0000)
    expect(bitsFromBigInt(0x7fn)).toBe(0x017f_0000)
    expect(bitsFromBigInt(0x80n)).toBe(0x0200_8000)
    expect(bitsFromBigInt(0x1234_56ffn)).toBe(0x0412_3456)
    expect(bitsFromBigInt(0x8234_56ffn)).toBe(0x0500_8234)
    expect(bitsFromBigInt(MAX)).toBe(0x2100_ffff)
  })

  it('compressing drops less than one part in 2^15 and never adds', () => {
    fc.assert(
      fc.property(targetArbitrary, target => {
        const kept = bigIntFromBits(bitsFromBigInt(target))
        expect(kept <= target && target - kept <= target >> 15n).toBe(true)
        expect(bitsFromBigInt(kept)).toBe(bitsFromBigInt(target))
      })
    )
  })

  it('a number that is no target is refused', () => {
    expect(() => bitsFromBigInt(-1n)).toThrow(InvariantError)
    expect(() => bitsFromBigInt(MAX + 1n)).toThrow(InvariantError)
    expect(() => targetFromBigInt(-1n)).toThrow(InvariantError)
    expect(() => targetFromBigInt(MAX + 1n)).toThrow(InvariantError)
    expect(() => bigIntFromTarget(new Uint8Array(31))).toThrow(InvariantError)
  })

  it('a target of bytes is little-endian', () => {
    expect(Array.from(targetFromBigInt(0x0102_03n)).slice(0, 4)).toEqual([3, 2, 1, 0])
    fc.assert(
      fc.property(targetArbitrary, target => {
        const bytes = targetFromBigInt(target)
        expect(bigIntFromTarget(bytes)).toBe(target)
        expect(bytesToHexReversed(bytes)).toBe(target.toString(16).padStart(64, '0'))
      })
    )
  })
})

describe('a hash meets a target', () => {
  it('if it is at most the target, and the byte loop agrees with numbers', () => {
    const neighbour = fc.tuple(targetArbitrary, fc.nat(255), fc.constantFrom(-1n, 0n, 1n)).map(([n, bit, step]) => {
      const other = n + step * 2n ** BigInt(bit)
      return [n, other < 0n || other > MAX ? n : other] as const
    })
    fc.assert(
      fc.property(fc.oneof(fc.tuple(targetArbitrary, targetArbitrary), neighbour), ([hash, target]) => {
        expect(hashMeetsTarget(targetFromBigInt(hash), targetFromBigInt(target))).toBe(hash <= target)
      }),
      { numRuns: 1000 }
    )
  })

  it('and the hashes of stratum §2.19 meet their difficulties and no more', () => {
    const v3 = wire('000000496aa94d2fafca9840bf1979ce57a9e3693d8b9d88f076057ee6301edb')
    expect(hashMeetsTarget(v3, targetFromBits(0x1e00_ffff))).toBe(true)
    expect(hashMeetsTarget(v3, targetFromDifficulty(0.0136))).toBe(true)
    expect(hashMeetsTarget(v3, targetFromDifficulty(0.0137))).toBe(false)
    expect(hashMeetsTarget(v3, targetFromBits(0x1702_a000))).toBe(false)
  })

  it('and bytes of another length are no hash', () => {
    expect(() => hashMeetsTarget(new Uint8Array(31), new Uint8Array(32))).toThrow(InvariantError)
    expect(() => hashMeetsTarget(new Uint8Array(32), new Uint8Array(33))).toThrow(InvariantError)
  })
})

describe('work', () => {
  // protocol §11.
  const table: readonly [bits: number, work: bigint][] = [
    [0x1b41_88f5, 0x3e8_03f3_9cbfn],
    [0x1b38_4bd7, 0x48c_2095_cc8en],
    [0x1d00_ffff, 0x1_0001_0001n],
    [0x207f_ffff, 2n],
    [0x1e03_77ae, 0x49_d414n],
    [0x0000_0000, MAX],
    [0x0101_0000, MAX],
    [0x0102_0000, 2n ** 256n / 3n]
  ]
  it.each(table)('%i has its work', (bits, work) => {
    expect(workFromBits(bits)).toBe(work)
  })

  it('is the formula of protocol §11', () => {
    fc.assert(
      fc.property(bitsArbitrary, bits => {
        const target = bigIntFromBits(bits)
        expect(workFromBits(bits)).toBe(target <= 1n ? MAX : (MAX - target) / (target + 1n) + 1n)
      })
    )
  })
})

describe('difficulty', () => {
  // stratum §2.19, "Targets".
  const targets: readonly [difficulty: number, targetDisplay: string][] = [
    [1, `00000000ffff${'0'.repeat(52)}`],
    [512, `00000000007fff80${'0'.repeat(48)}`],
    [1000, '00000000004188f5c28f5c28f5c28f5c28f5c28f5c28f5c28f5c28f5c28f5c28'],
    [16384, `000000000003fffc${'0'.repeat(48)}`],
    [0.5, `00000001fffe${'0'.repeat(52)}`],
    [0.001, `000003e7fc18${'0'.repeat(52)}`],
    [0.00015, '00001a0a90a000000000000000000000000000000000000000000000000000']
  ]
  it.each(targets)('%d has the target of stratum §2.19', (difficulty, targetDisplay) => {
    expect(bytesToHexReversed(targetFromDifficulty(difficulty))).toBe(targetDisplay.padEnd(64, '0'))
  })

  it('a tiny one has the largest target and a huge one target zero', () => {
    expect(bigIntFromTarget(targetFromDifficulty(Number.MIN_VALUE))).toBe(MAX)
    expect(bigIntFromTarget(targetFromDifficulty(2e-10))).toBe(MAX)
    expect(bigIntFromTarget(targetFromDifficulty(2.5e-10))).toBe(MAX_TARGET_1 * 4_000_000_000n)
    expect(bigIntFromTarget(targetFromDifficulty(Number.MAX_VALUE))).toBe(0n)
  })

  it('a decimal is taken at its word, with an exponent or without', () => {
    expect(bigIntFromTarget(targetFromDifficulty(1e-7))).toBe(MAX_TARGET_1 * 10n ** 7n)
    expect(bigIntFromTarget(targetFromDifficulty(1e21))).toBe(MAX_TARGET_1 / 10n ** 21n)
    expect(bigIntFromTarget(targetFromDifficulty(16383.75))).toBe((MAX_TARGET_1 * 100n) / 1638375n)
  })

  it('a number that is no difficulty is refused', () => {
    for (const none of [0, -1, Number.NaN, Number.POSITIVE_INFINITY]) {
      expect(() => targetFromDifficulty(none), `${none}`).toThrow(InvariantError)
    }
  })

  it('whole difficulties divide exactly', () => {
    fc.assert(
      fc.property(fc.maxSafeNat(), n => {
        expect(bigIntFromTarget(targetFromDifficulty(n + 1))).toBe(MAX_TARGET_1 / BigInt(n + 1))
      })
    )
  })

  it('the target of a difficulty has that difficulty', () => {
    const difficulties = fc.double({ min: 1e-9, max: 1e15, noNaN: true, noDefaultInfinity: true })
    fc.assert(
      fc.property(difficulties, difficulty => {
        expect(difficultyOfHash(targetFromDifficulty(difficulty)) / difficulty).toBeCloseTo(1, 14)
      })
    )
  })

  // stratum §2.19 V1, V2, V3 and the p2poolv2 test data quoted there.
  const hashes: readonly [hashDisplay: string, difficulty: number, digits: number][] = [
    ['00000000a712a6ae973d1eb9f6353ac21aa7e30ee41cbd1341e94a022d917c62', 1.532242, 6],
    ['00000008d53e8f24ba816e00587354c5463bea6401b7380e808f3f890956edc7', 0.11321, 6],
    ['000000496aa94d2fafca9840bf1979ce57a9e3693d8b9d88f076057ee6301edb', 0.0136206, 6],
    ['0000000000cdd305efb7cb9d86c7dc8eccf504a32fdf781ea053f87b6f5b3642', 318.4026, 4]
  ]
  it.each(hashes)('hash %s has its difficulty', (hashDisplay, difficulty, digits) => {
    expect(difficultyOfHash(wire(hashDisplay))).toBeCloseTo(difficulty, digits)
  })

  it('of a hash is within 2^-51 of the exact quotient', () => {
    fc.assert(
      fc.property(
        targetArbitrary.filter(hash => hash > 0n),
        hash => {
          const exact = Number((MAX_TARGET_1 << 300n) / hash) / 2 ** 300
          const given = difficultyOfHash(targetFromBigInt(hash))
          expect(Math.abs(given - exact)).toBeLessThanOrEqual(exact * 2 ** -51)
        }
      ),
      { numRuns: 1000 }
    )
  })

  it('of bits is relative to 0x1d00ffff', () => {
    expect(difficultyFromBits(0x1d00_ffff)).toBe(1)
    expect(difficultyFromBits(0x1e00_ffff)).toBe(0.00390625)
    expect(difficultyFromBits(0x1b38_4bd7)).toBeCloseTo(1164.1, 1)
    expect(Math.floor(difficultyFromBits(0x1b41_88f5))).toBe(1000)
    // Bitcoin's own at block 32,256 and 2,016,000 (mainnet).
    expect(difficultyFromBits(0x1d00_d86a)).toBeCloseTo(1.18289953, 8)
    expect(difficultyFromBits(0x1b04_04cb)).toBeCloseTo(16307.42093852, 8)
  })

  it('of zero is infinite', () => {
    expect(difficultyFromBits(0)).toBe(Number.POSITIVE_INFINITY)
    expect(difficultyOfHash(new Uint8Array(32))).toBe(Number.POSITIVE_INFINITY)
  })
})
