import { PADDING_FORMS, type PaddingForm } from '@p2poolv2/bitcoin'
import { hexToBytes } from '@p2poolv2/primitives'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { decodeShare } from '../encoding/share-codec.ts'
import { devnetParams } from '../params.ts'
import { ShareLedger } from '../testing/share-ledger.ts'
import derived from '../vectors/derived.json' with { type: 'json' }
import {
  type PaddingMark,
  type PaddingSource,
  paddingMarkOf,
  producedPadding,
  requiredPadding
} from './padding-form.ts'

/** About 256 hashes a share. */
const PARAMS = devnetParams({ genesisTimeSec: 1_700_000_000, anchorBits: 0x2000ffff })

/** A single chain: slot 0 is the genesis, slot n the n-th share. */
class Chain implements PaddingSource {
  readonly #marks: readonly PaddingMark[]
  readonly #heldFrom: number

  constructor(marks: readonly PaddingMark[], heldFrom = 0) {
    this.#marks = marks
    this.#heldFrom = heldFrom
  }

  prevSlot(slot: number): number {
    return slot - 1 < this.#heldFrom ? -1 : slot - 1
  }

  isGenesis(slot: number): boolean {
    return slot === 0
  }

  padding(slot: number): PaddingMark {
    const mark = this.#marks[slot - 1]
    if (mark === undefined) throw new Error(`slot ${slot} is no share`)
    return mark
  }
}

const times = (count: number, mark: PaddingMark): PaddingMark[] => new Array<PaddingMark>(count).fill(mark)
const required = (marks: readonly PaddingMark[], heldFrom = 0) =>
  requiredPadding(PARAMS, new Chain(marks, heldFrom), marks.length)
const produced = (marks: readonly PaddingMark[], heldFrom = 0) =>
  producedPadding(PARAMS, new Chain(marks, heldFrom), marks.length)

describe('the form a share must have', () => {
  it('is any until twenty ancestors are not the genesis, and then theirs', () => {
    for (const form of PADDING_FORMS) {
      for (let count = 0; count <= 19; count++) expect(required(times(count, form)), `${count} shares`).toBe('any')
      expect(required(times(20, form))).toBe(form)
    }
  })

  it.each<[string, PaddingMark[], string]>([
    ['more than half', [...times(9, 'A'), ...times(11, 'B')], 'B'],
    ['half and half: nobody has the majority', [...times(10, 'A'), ...times(10, 'B')], 'any'],
    ['most of three, but not half', [...times(9, 'A'), ...times(6, 'B'), ...times(5, 'C')], 'any'],
    ['more than half of those that show a form', [...times(50, 'none'), ...times(2, 'C'), 'A'], 'C'],
    ['a single one that shows a form', [...times(40, 'none'), 'B', ...times(40, 'none')], 'B'],
    ['none that shows a form', times(100, 'none'), 'any']
  ])('is decided by %s', (_name, marks, form) => {
    expect(required(marks)).toBe(form)
    expect(required(marks.toReversed()), 'in whatever order').toBe(form)
  })

  it('is decided by the last hundred ancestors alone', () => {
    expect(required([...times(500, 'A'), ...times(49, 'A'), ...times(51, 'B')])).toBe('B')
    expect(required([...times(500, 'A'), ...times(50, 'A'), ...times(50, 'B')])).toBe('any')
    expect(required([...times(1, 'A'), ...times(49, 'A'), ...times(50, 'B')])).toBe('any')
  })

  it('is unknown where one of them is not held or its body was never here, and never guessed', () => {
    const chain = times(200, 'A')
    expect(required(chain, 101)).toBe('A')
    expect(required(chain, 102)).toBe('unknown')
    expect(required(['unseen', ...times(100, 'A')])).toBe('A')
    expect(required(['unseen', ...times(99, 'A')])).toBe('unknown')
    expect(required([...times(3, 'A'), 'unseen'])).toBe('unknown')
  })

  it('is what a recount says, on any chain', () => {
    const anyMark = fc.constantFrom<PaddingMark>('A', 'A', 'B', 'C', 'none')
    fc.assert(
      fc.property(fc.array(anyMark, { maxLength: 140 }), marks => {
        const last = marks.slice(-100)
        const shown = last.filter(mark => mark !== 'none')
        const winner = PADDING_FORMS.find(form => shown.filter(mark => mark === form).length > shown.length / 2)
        expect(required(marks)).toBe(last.length < 20 ? 'any' : (winner ?? 'any'))
      })
    )
  })
})

describe('the form a producer uses', () => {
  it.each<[string, PaddingMark[], PaddingForm]>([
    ['the required one', times(20, 'B'), 'B'],
    ['A on the genesis', [], 'A'],
    ['A where any would do', times(19, 'B'), 'A'],
    ['A where a single ancestor of few shows one', [...times(5, 'none'), 'B', ...times(5, 'none')], 'A'],
    ['A where two forms are even', [...times(10, 'B'), ...times(10, 'C')], 'A'],
    ['the network’s after a stretch that shows none', [...times(30, 'B'), ...times(150, 'none')], 'B'],
    ['A where nobody ever showed one', times(150, 'none'), 'A']
  ])('is %s', (_name, marks, form) => {
    expect(produced(marks)).toBe(form)
  })

  it('is looked for as far back as the payout window may reach, and no further', () => {
    const params = { ...PARAMS, windowMaxShares: 150 }
    const after = (quiet: number) => {
      const marks: PaddingMark[] = ['B', ...times(quiet, 'none')]
      return producedPadding(params, new Chain(marks), marks.length)
    }
    expect([after(149), after(150)]).toEqual(['B', 'A'])
  })

  it('is A where the ancestors that decide are not held', () => {
    expect(produced(times(200, 'B'), 150)).toBe('A')
    expect(produced([...times(60, 'B'), ...times(140, 'none')], 70)).toBe('A')
  })
})

describe('what one share shows', () => {
  it.each(derived.syntheticShares)('is the form of the derived share: $padding', ({ padding, shareHex }) => {
    expect(paddingMarkOf(decodeShare(hexToBytes(shareHex)))).toBe(padding)
  })

  it('is nothing at the one length of a coinbase at which A and B are the same', () => {
    const ledger = new ShareLedger(PARAMS)
    const marksAt = (signatureBytes: number): PaddingMark[] => {
      const poolSignature = new Uint8Array(signatureBytes).fill(0x41)
      return PADDING_FORMS.map(padding => paddingMarkOf(ledger.next({ padding, poolSignature })))
    }
    const lengths = Array.from({ length: 64 }, (_, signatureBytes) => marksAt(signatureBytes))
    expect(lengths.filter(marks => marks.includes('none'))).toEqual([['none', 'none', 'C']])
    expect(lengths.filter(marks => !marks.includes('none'))).toEqual(new Array(63).fill(['A', 'B', 'C']))
  })

  it('is nothing for a coinbase without padding', () => {
    const share = new ShareLedger(PARAMS).next()
    const { bitcoinCoinbase } = share
    expect(paddingMarkOf({ ...share, bitcoinCoinbase: { ...bitcoinCoinbase, outputs: [] } })).toBe('none')
    const spoilt = bitcoinCoinbase.outputs.with(-2, { valueSats: 0n, script: hexToBytes('51') })
    expect(paddingMarkOf({ ...share, bitcoinCoinbase: { ...bitcoinCoinbase, outputs: spoilt } })).toBe('none')
  })
})
