import { type ChainParams, chainParams, naivePayoutWeights, payoutOutputs } from '@p2poolv2/consensus'
import { bigIntFromTarget, bitsFromBigInt, type ShareHash, targetFromDifficulty } from '@p2poolv2/primitives'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { MINERS, minerText, WindowTree } from '../testing/window-tree.ts'
import { auditedPayout, type RealOutput } from './payout-audit.ts'
import { type AuditedHeader, auditedWindow, type WindowAudit } from './window-audit.ts'

const MAIN = chainParams('main')
const bitsOf = (difficulty: number): number => bitsFromBigInt(bigIntFromTarget(targetFromDifficulty(difficulty)))
/** Integer difficulties 16, 32 and 64. */
const [EASY, EVEN, HARD] = [bitsOf(16), bitsOf(32), bitsOf(64)]
const [DONATED, CHARGED] = [MINERS[0], MINERS[2]] as [(typeof MINERS)[number], (typeof MINERS)[number]]

/** Walks the window of the last share, with these shares not stored. */
function audit(
  tree: WindowTree,
  bitcoinBits: number,
  params: ChainParams = MAIN,
  gone: readonly number[] = []
): WindowAudit | { readonly missing: ShareHash } {
  const headers = new Map(
    tree.shares.map((share, slot): [ShareHash, AuditedHeader] => [
      tree.hash(slot),
      {
        prevShareHash: tree.hash(share.prev),
        uncles: share.uncles.map(uncle => tree.hash(uncle)),
        bits: share.bits,
        minerBitcoinAddress: tree.minerAddress(share.miner)
      }
    ])
  )
  for (const slot of gone) headers.delete(tree.hash(slot))
  const newest = tree.hash(tree.shares.length - 1)
  const walk = auditedWindow({ params, newest, bitcoinBits, genesisHash: tree.hash(0) })
  let step = walk.next()
  while (!step.done) step = walk.next(step.value.map(hash => headers.get(hash) ?? null))
  return step.value
}

function windowOf(tree: WindowTree, bitcoinBits: number, params: ChainParams = MAIN): WindowAudit {
  const found = audit(tree, bitcoinBits, params)
  if ('missing' in found) throw new Error('everything is stored')
  return found
}

/** The genesis is miner 1's; then one share each. */
function chainOf(miners: readonly number[]): WindowTree {
  const tree = new WindowTree({ miner: 1, bits: EVEN })
  for (const miner of miners) tree.add({ prev: tree.shares.length - 1, miner, bits: EVEN })
  return tree
}

const miner = fc.nat(3)
const bits = fc.constantFrom(EASY, EVEN, HARD)
const anyChain = fc
  .array(fc.record({ miner, bits, uncles: fc.array(fc.record({ miner, bits }), { maxLength: 2 }) }), {
    minLength: 1,
    maxLength: 40
  })
  .map(shares => {
    const tree = new WindowTree({ miner: 1, bits: EVEN })
    let tip = 0
    for (const { uncles, ...share } of shares) {
      const named = uncles.map(uncle => tree.add({ prev: tip, ...uncle }))
      tip = tree.add({ prev: tip, ...share, uncles: named })
    }
    return tree
  })

describe('the audited window', () => {
  it('weighs what the payout rule weighs', () => {
    fc.assert(
      fc.property(anyChain, fc.integer({ min: 1, max: 4000 }), fc.integer({ min: 1, max: 40 }), (tree, wanted, cap) => {
        const params = { ...MAIN, windowMaxShares: cap }
        const anchor = { anchorSlot: tree.shares.length - 1, bitcoinBits: bitsOf(wanted) }
        const rule = naivePayoutWeights(params, tree, anchor)
        const window = windowOf(tree, bitsOf(wanted), params)
        expect(window.weight).toBe(rule?.total)
        expect([...window.payees].map(([text, { weight }]) => [text, weight]).sort()).toEqual(
          [...(rule?.byAddress ?? [])].map(([text, { weight }]) => [text, weight]).sort()
        )
        const payees = [...window.payees.values()]
        expect(payees.reduce((sum, { shares }) => sum + shares, 0)).toBe(window.shares)
        expect(payees.reduce((sum, { uncles }) => sum + uncles, 0)).toBe(window.uncles)
      })
    )
  })

  it('tells a nephew’s weight from its own, and the uncle’s from both', () => {
    const tree = chainOf([1])
    const uncle = tree.add({ prev: 0, miner: 2, bits: HARD })
    tree.add({ prev: 1, miner: 0, bits: EVEN, uncles: [uncle] })
    const { payees, weight, fullWeight, shares, uncles } = windowOf(tree, bitsOf(1024))
    expect(payees.get(minerText(0))).toMatchObject({ weight: 10n * 32n + 64n, nephewWeight: 64n, shares: 1, uncles: 0 })
    expect(payees.get(minerText(2))).toMatchObject({ weight: 9n * 64n, nephewWeight: 0n, shares: 0, uncles: 1 })
    expect([weight, shares, uncles]).toEqual([2n * 320n + 320n + 640n, 3, 1])
    expect(fullWeight).toBe(10n * 1024n * MAIN.difficultyMultiplier)
  })

  it('ends with the share that fills it, at its cap, or with the genesis', () => {
    const tree = chainOf([0, 2, 0, 2, 0])
    // A share weighs 320.
    const full = windowOf(tree, bitsOf(64))
    const wanted = 10n * 64n * MAIN.difficultyMultiplier
    const shares = Number(wanted / 320n)
    expect(full).toMatchObject({ end: 'full', shares, oldest: tree.hash(6 - shares), newest: tree.hash(5) })
    const capped = windowOf(tree, bitsOf(2 ** 20), { ...MAIN, windowMaxShares: 3 })
    expect(capped).toMatchObject({ end: 'cap', shares: 3, oldest: tree.hash(3) })
    expect(windowOf(tree, bitsOf(2 ** 20))).toMatchObject({ end: 'genesis', shares: 6, oldest: tree.hash(0) })
  })

  it('is at most as heavy as 128 bits hold', () => {
    const params = { ...MAIN, difficultyMultiplier: 1n << 120n }
    expect(windowOf(chainOf([0]), bitsOf(2 ** 20), params).fullWeight).toBe((1n << 128n) - 1n)
  })

  it('cannot be known without a share of it, or an uncle', () => {
    const tree = chainOf([0, 2])
    const uncle = tree.add({ prev: 1, miner: 3, bits: EVEN })
    tree.add({ prev: 2, miner: 0, bits: EVEN, uncles: [uncle] })
    for (const gone of [1, uncle, 4]) {
      expect(audit(tree, bitsOf(2 ** 20), MAIN, [gone])).toEqual({ missing: tree.hash(gone) })
    }
  })
})

describe('the audited payout', () => {
  const TREE = chainOf([0, 2, 0, 3, 3, 0])
  const WINDOW = windowOf(TREE, bitsOf(2 ** 20))
  const donation = { address: DONATED, bps: 50 }
  const fee = { address: CHARGED, bps: 100 }
  const weights = naivePayoutWeights(MAIN, TREE, { anchorSlot: 6, bitcoinBits: bitsOf(2 ** 20) })
  if (weights === null) throw new Error('everything is held')
  const paidFor = (valueSats: bigint, cuts: Pick<Parameters<typeof payoutOutputs>[0], 'donation' | 'fee'>) =>
    payoutOutputs({ valueSats, ...cuts, weights }).map(
      ({ address, valueSats: sats }): RealOutput => ({ address: address.text, sats })
    )

  it('is what a coinbase is divided into, whatever the cuts', () => {
    const bps = fc.constantFrom(null, 0, 1, 50, 9_999, 10_000)
    fc.assert(
      fc.property(fc.bigInt({ min: 1n, max: 5_000_000_000n }), bps, bps, (sats, donated, charged) => {
        const cuts = {
          donation: donated === null ? null : { address: DONATED, bps: donated },
          fee: charged === null ? null : { address: CHARGED, bps: charged }
        }
        const audited = auditedPayout({ window: WINDOW, ...cuts, paid: paidFor(sats, cuts) })
        expect(audited.matches).toBe(true)
        expect(audited.sats).toBe(sats)
        expect(audited.donationSats + audited.feeSats + audited.minersSats).toBe(sats)
      })
    )
  })

  it('says of each output what it is, whose, and what is due', () => {
    const paid = paidFor(1_000_000n, { donation, fee })
    const audited = auditedPayout({ window: WINDOW, donation, fee, paid })
    expect(audited).toMatchObject({ donationSats: 5_000n, feeSats: 9_950n, minersSats: 985_050n })
    expect(audited.outputs.map(({ kind, dueSats }) => [kind, dueSats])).toEqual([
      ['donation', 5_000n],
      ['fee', 9_950n],
      ...paid.slice(2).map(({ sats }) => ['payout', sats])
    ])
    for (const { payee, address, kind } of audited.outputs)
      expect(payee?.address.text ?? null).toBe(kind === 'payout' ? address : null)
  })

  it.each<[string, (paid: RealOutput[]) => RealOutput[]]>([
    [
      'a satoshi was moved',
      paid => paid.map((output, i) => ({ ...output, sats: output.sats + (i === 0 ? 1n : i === 1 ? -1n : 0n) }))
    ],
    ['two outputs have changed places', ([first, second, ...rest]) => [second, first, ...rest] as RealOutput[]],
    ['somebody else is paid', ([first, ...rest]) => [{ ...first, address: 'somebody' }, ...rest] as RealOutput[]]
  ])('does not match when %s', (_, change) => {
    const paid = change(paidFor(1_000_000n, { donation: null, fee: null }))
    expect(auditedPayout({ window: WINDOW, donation: null, fee: null, paid }).matches).toBe(false)
  })

  it('shows what is due and missing, and what is there and not due', () => {
    const whole = paidFor(1_000_000n, { donation: null, fee: null })
    const short = auditedPayout({ window: WINDOW, donation: null, fee: null, paid: whole.slice(0, -1) })
    expect([short.matches, short.outputs.at(-1)?.paidSats]).toEqual([false, null])
    const more = auditedPayout({
      window: WINDOW,
      donation: null,
      fee: null,
      paid: [...whole, { address: 'x', sats: 0n }]
    })
    expect(more.matches).toBe(false)
    expect(more.outputs.at(-1)).toEqual({ address: 'x', kind: 'not-due', payee: null, dueSats: null, paidSats: 0n })
    expect(auditedPayout({ window: WINDOW, donation: null, fee: null, paid: [] })).toMatchObject({
      sats: 0n,
      outputs: []
    })
  })
})
