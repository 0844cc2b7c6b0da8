import type { ConsensusAddress } from '@p2poolv2/consensus'
import { consensusAddress } from '@p2poolv2/consensus'
import { HASHES_PER_DIFFICULTY, steadyMs, workFromBits } from '@p2poolv2/primitives'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { address, HARD_BITS } from '../testing/rig.ts'
import { Accounting, type AccountingRow, MAX_ACCOUNTING_PAYEES, SLICE_MS } from './accounting.ts'

function payee(number: number): ConsensusAddress {
  const parsed = consensusAddress(address(number), 'regtest')
  if (parsed === null) throw new Error('a test address is an address')
  return parsed
}

const BLOCK_HASHES = workFromBits(HARD_BITS)
/** Of so many hashes. */
const difficulty = (hashes: number): number => hashes / HASHES_PER_DIFFICULTY
const accounting = (rows: readonly AccountingRow[] = [], options = {}) =>
  new Accounting(rows, { network: 'regtest', windowBlocks: 1, ...options })

/** What was kept, as a store has it. */
class Kept {
  readonly rows = new Map<string, AccountingRow>()

  take(from: Accounting): void {
    const { puts, deletes } = from.takeDelta() ?? { puts: [], deletes: [] }
    for (const row of puts) this.rows.set(`${row.slice} ${row.address}`, row)
    for (const { slice, address: gone } of deletes) this.rows.delete(`${slice} ${gone}`)
  }

  get list(): AccountingRow[] {
    return [...this.rows.values()]
  }
}

/** The window once more, from the rows alone: slices newest first, in full, until they have the work. */
function windowByHand(rows: readonly AccountingRow[], wantedHashes: bigint): Record<string, bigint> {
  const weights: Record<string, bigint> = {}
  let total = 0n
  const slices = [...new Set(rows.map(({ slice }) => slice))].sort((a, b) => b - a)
  for (const slice of slices) {
    if (total >= wantedHashes) break
    for (const row of rows.filter(other => other.slice === slice)) {
      weights[row.address] = (weights[row.address] ?? 0n) + row.workHashes
      total += row.workHashes
    }
  }
  return weights
}

const weightsOf = (from: Accounting, bits = HARD_BITS) =>
  Object.fromEntries([...from.window(bits).weights.byAddress].map(([text, { weight }]) => [text, weight]))

describe('the accounting', () => {
  it('weighs every address by the work of its accepted submits, exactly', () => {
    const books = accounting()
    expect(books.isEmpty).toBe(true)
    books.credit(payee(1), difficulty(1_000), steadyMs(0))
    books.credit(payee(2), difficulty(500), steadyMs(1))
    books.credit(payee(1), difficulty(1), steadyMs(2))
    expect(books.window(HARD_BITS)).toMatchObject({ weights: { total: 1_501n }, submits: 3 })
    expect(weightsOf(books)).toEqual({ [address(1)]: 1_001n, [address(2)]: 500n })
    // What is worth less than a hash still counts as one.
    books.credit(payee(3), 1e-15, steadyMs(3))
    expect(weightsOf(books)[address(3)]).toBe(1n)
  })

  it('keeps a row for each address and slice, with its sums, and begins a slice every ten minutes', () => {
    const books = accounting()
    books.credit(payee(1), difficulty(10), steadyMs(0))
    books.credit(payee(1), difficulty(10), steadyMs(SLICE_MS - 1))
    books.credit(payee(1), difficulty(10), steadyMs(SLICE_MS))
    expect(books.takeDelta()).toEqual({
      puts: [
        { slice: 1, address: address(1), workHashes: 20n, submits: 2 },
        { slice: 2, address: address(1), workHashes: 10n, submits: 1 }
      ],
      deletes: []
    })
    expect(books.takeDelta()).toBeNull()
  })

  it('after a restart goes on in a slice of its own, with the same window', () => {
    const books = accounting()
    const kept = new Kept()
    books.credit(payee(1), difficulty(10), steadyMs(0))
    kept.take(books)
    const again = accounting(kept.list)
    expect(weightsOf(again)).toEqual(weightsOf(books))
    again.credit(payee(1), difficulty(5), steadyMs(1))
    expect(again.takeDelta()?.puts).toEqual([{ slice: 2, address: address(1), workHashes: 5n, submits: 1 }])
  })

  it('is the walk over its rows, whatever came when, at any difficulty, over restarts and beyond its caps', () => {
    const step = fc.record({
      who: fc.integer({ min: 1, max: 6 }),
      hashes: fc.integer({ min: 1, max: 40_000 }),
      afterMs: fc.constantFrom(0, 1_000, SLICE_MS),
      next: fc.constantFrom('go on', 'go on', 'go on', 'restart', 'easier', 'harder')
    })
    const caps = fc.record({ maxSlices: fc.integer({ min: 1, max: 12 }), maxRows: fc.integer({ min: 1, max: 30 }) })
    fc.assert(
      fc.property(fc.array(step, { maxLength: 80 }), caps, (steps, options) => {
        let books = accounting([], options)
        const kept = new Kept()
        let nowMs = 0
        let bits = HARD_BITS
        for (const { who, hashes, afterMs, next } of steps) {
          nowMs += afterMs
          books.credit(payee(who), difficulty(hashes), steadyMs(nowMs))
          kept.take(books)
          if (next === 'restart') books = accounting(kept.list, options)
          if (next === 'easier') bits = 0x2000ffff
          if (next === 'harder') bits = HARD_BITS
          expect(weightsOf(books, bits)).toEqual(windowByHand(kept.list, workFromBits(bits)))
          books.checkInvariants()
        }
      })
    )
  })

  it('a busy pool closes a slice at a thousandth of the window, so that old work leaves bit by bit', () => {
    const books = accounting()
    books.window(HARD_BITS)
    const part = Number(BLOCK_HASHES / 1024n)
    for (let n = 0; n < 3_000; n++) books.credit(payee(1 + (n % 2)), difficulty(part), steadyMs(n))
    const total = books.window(HARD_BITS).weights.total
    expect(total).toBeGreaterThanOrEqual(BLOCK_HASHES)
    expect(total).toBeLessThan(BLOCK_HASHES + BigInt(3 * part))
  })

  it('the length of the window is a matter of choice', () => {
    const rows = Array.from({ length: 10 }, (_, n) => ({
      slice: n + 1,
      address: address(1),
      workHashes: BLOCK_HASHES / 4n + 1n,
      submits: 1
    }))
    for (const windowBlocks of [0.25, 1, 2.5]) {
      const { total } = accounting(rows, { windowBlocks }).window(HARD_BITS).weights
      expect(Number((total * 100n) / BLOCK_HASHES) / 100).toBeCloseTo(windowBlocks, 1)
    }
  })

  it('of more payees than a block has room for those with the most work are paid', () => {
    const rows = Array.from({ length: MAX_ACCOUNTING_PAYEES + 5 }, (_, n) => ({
      slice: 1,
      address: address(n),
      workHashes: BigInt(n + 1),
      submits: 1
    }))
    const { byAddress, total } = accounting(rows).window(HARD_BITS).weights
    expect(byAddress.size).toBe(MAX_ACCOUNTING_PAYEES)
    expect(byAddress.has(address(4))).toBe(false)
    expect(byAddress.has(address(5))).toBe(true)
    expect([...byAddress.values()].reduce((sum, { weight }) => sum + weight, 0n)).toBe(total)
  })

  it('refuses rows of another network', () => {
    const row = { slice: 1, address: 'bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t4', workHashes: 1n, submits: 1 }
    expect(() => accounting([row])).toThrow(RangeError)
  })
})
