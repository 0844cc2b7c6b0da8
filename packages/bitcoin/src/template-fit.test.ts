import { ByteReader, sha256d } from '@p2poolv2/primitives'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { buildCoinbase, coinbaseWeight } from './coinbase.ts'
import { merkleBranchOf } from './merkle.ts'
import { PADDING_FORMS } from './padding.ts'
import { WITNESS_COMMITMENT_PREFIX } from './script.ts'
import { legacySigopsCost } from './sigops.ts'
import type { BlockTemplate, TemplateTransaction } from './template.ts'
import { parseTemplate, witnessCommitmentScriptOf } from './template.ts'
import { coinbaseRoom, fitTemplate } from './template-fit.ts'
import { decodeTransaction } from './transaction.ts'
import captured from './vectors/templates.json' with { type: 'json' }

/** Header, count and coinbase reserve as bitcoind takes them: 8,000 units. */
const RESERVED = 8_000

/** A coinbase whose payees cost no signature checks. */
const heavy = (weight: number) => ({ weight, sigopsCost: 0 })

function transactionOfWeight(weight: number, n: number): TemplateTransaction {
  const txidWire = sha256d(Uint8Array.of(n))
  return {
    txidWire,
    wtxidWire: sha256d(txidWire),
    dataHex: '00',
    weight,
    feeSats: 1000n + BigInt(n),
    sigopsCost: 0,
    parents: []
  }
}

/** A full template, as mainnet's are: ten transactions that leave room for exactly what bitcoind reserves. */
function fullTemplate(): BlockTemplate {
  const parsed = parseTemplate(captured.regtestOneTransaction)
  if (!parsed.ok) throw new Error(parsed.reason)
  const transactions = Array.from({ length: 10 }, (_, n) => transactionOfWeight((4_000_000 - RESERVED) / 10, n))
  return {
    ...parsed.template,
    transactions,
    coinbaseValueSats: 625_000_000n + 10_045n,
    witnessCommitmentScript: witnessCommitmentScriptOf(transactions),
    merkleBranch: merkleBranchOf(transactions.map(({ txidWire }) => txidWire))
  }
}

describe('fitTemplate', () => {
  it('leaves a template alone that has room for the coinbase', () => {
    const template = fullTemplate()
    expect(fitTemplate(template, heavy(7_000))).toEqual({ template, scarce: null })
    expect(fitTemplate(template, heavy(7_000)).template).toBe(template)
  })

  it('drops the last transactions with their fees, and finds branch and commitment anew', () => {
    const template = fullTemplate()
    const { template: fitted, scarce } = fitTemplate(template, heavy(400_000))
    const kept = template.transactions.slice(0, 9)
    expect(scarce).toBe('weight')
    expect(fitted).toEqual({
      ...template,
      transactions: kept,
      coinbaseValueSats: template.coinbaseValueSats - 1009n,
      witnessCommitmentScript: witnessCommitmentScriptOf(kept),
      merkleBranch: merkleBranchOf(kept.map(({ txidWire }) => txidWire))
    })
  })

  it('keeps header, count, coinbase and transactions within the block weight, whatever the coinbase weighs', () => {
    const template = fullTemplate()
    for (let coinbaseWeight = 1_000; coinbaseWeight < 3_999_000; coinbaseWeight += 61_001) {
      const kept = fitTemplate(template, heavy(coinbaseWeight)).template?.transactions ?? []
      const weight = 4 * 83 + coinbaseWeight + kept.reduce((sum, transaction) => sum + transaction.weight, 0)
      expect(weight, `coinbase of ${coinbaseWeight}`).toBeLessThanOrEqual(4_000_000)
      expect(kept.length).toBe(Math.min(10, Math.floor((4_000_000 - 332 - coinbaseWeight) / 399_200)))
    }
  })

  it('gives up when a dropped fee is unknown, or the coinbase alone is too heavy', () => {
    const template = fullTemplate()
    const transactions = template.transactions.map(({ feeSats: _, ...rest }) => rest)
    expect(fitTemplate({ ...template, transactions }, heavy(400_000)).template).toBeNull()
    expect(fitTemplate(template, heavy(4_000_000))).toEqual({ template: null, scarce: 'weight' })
  })

  it('gives up when the fees exceed what the template says they add up to', () => {
    expect(fitTemplate({ ...fullTemplate(), coinbaseValueSats: 5n }, heavy(400_000)).template).toBeNull()
  })
})

/** Small transactions with these costs; the n-th spends those that `parents` names. */
function checksTemplate(costs: readonly number[], parents: Readonly<Record<number, readonly number[]>> = {}) {
  const transactions: TemplateTransaction[] = []
  for (const [n, sigopsCost] of costs.entries()) {
    const spent = (parents[n] ?? []).flatMap(position => transactions[position] ?? [])
    transactions.push({ ...transactionOfWeight(1_000, n), sigopsCost, parents: spent })
  }
  return { ...fullTemplate(), transactions }
}

const witnessScript = (root: Uint8Array) => Uint8Array.of(...WITNESS_COMMITMENT_PREFIX, ...root)

const plainParts = {
  bitcoinHeight: 900_000,
  auxFlags: new Uint8Array(0),
  poolSignature: new Uint8Array(0),
  witnessCommitmentScript: null
}

function payingOldAddresses(count: number) {
  const outputs = Array.from({ length: count }, () => ({
    valueSats: 1_000n,
    script: Uint8Array.of(0x76, 0xa9, 0x14, ...new Uint8Array(20).fill(0xac), 0x88, 0xac)
  }))
  return coinbaseRoom(buildCoinbase({ ...plainParts, outputs, padding: 'A' }), outputs)
}

describe('fitTemplate and the signature checks of a block', () => {
  it('a coinbase costs four for each P2PKH payee, whatever bytes its hash has', () => {
    expect(payingOldAddresses(200).sigopsCost).toBe(800)
  })

  it('a coinbase costs what a count of all its scripts says, and weighs what it weighs', () => {
    const anyParts = fc.record({
      bitcoinHeight: fc.integer({ min: 1, max: 500_000_000 }),
      auxFlags: fc.uint8Array({ maxLength: 75 }),
      poolSignature: fc.uint8Array({ maxLength: 75 }),
      outputs: fc.array(fc.record({ valueSats: fc.constant(1n), script: fc.uint8Array({ maxLength: 60 }) })),
      witnessCommitmentScript: fc.option(fc.uint8Array({ minLength: 32, maxLength: 32 }).map(witnessScript)),
      padding: fc.option(fc.constantFrom(...PADDING_FORMS))
    })
    fc.assert(
      fc.property(anyParts, parts => {
        const skeleton = buildCoinbase(parts)
        const sigopsCost = legacySigopsCost(decodeTransaction(new ByteReader(skeleton.bytes)))
        expect(coinbaseRoom(skeleton, parts.outputs)).toEqual({ weight: coinbaseWeight(skeleton), sigopsCost })
      })
    )
  })

  it('leaves a template alone whose reserve is enough, to the last payee', () => {
    const template = checksTemplate([79_000, 600])
    expect(fitTemplate(template, payingOldAddresses(100)).template).toBe(template)
    const fitting = fitTemplate(template, payingOldAddresses(101))
    expect(fitting.scarce).toBe('sigops')
    expect(fitting.template?.transactions).toEqual(template.transactions.slice(0, 1))
    expect(fitting.template?.coinbaseValueSats).toBe(template.coinbaseValueSats - 1001n)
  })

  it('leaves out what does not fit, and no more: what comes behind it may cost less', () => {
    const template = checksTemplate([79_600, 0, 400, 0])
    const kept = fitTemplate(template, { weight: 1_000, sigopsCost: 800 }).template?.transactions
    expect(kept).toEqual(template.transactions.slice(1))
  })

  it('leaves out what spends a transaction that is left out, and what spends that', () => {
    const template = checksTemplate([79_600, 0, 0, 0], { 1: [0], 2: [1] })
    const kept = fitTemplate(template, { weight: 1_000, sigopsCost: 800 }).template?.transactions
    expect(kept).toEqual(template.transactions.slice(3))
  })

  it('leaves out everything behind it where it is not known what spends what', () => {
    const known = checksTemplate([100, 79_600, 0, 0])
    const transactions = known.transactions.map(({ parents: _, ...rest }) => rest)
    const kept = fitTemplate({ ...known, transactions }, { weight: 1_000, sigopsCost: 800 }).template?.transactions
    expect(kept).toEqual(transactions.slice(0, 1))
  })

  it('counts on what bitcoind sets aside, and on no more, where it does not say what its transactions cost', () => {
    const known = checksTemplate([79_600, 0])
    const transactions = known.transactions.map(({ sigopsCost: _, ...rest }) => rest)
    const template = { ...known, transactions }
    expect(fitTemplate(template, { weight: 1_000, sigopsCost: 400 })).toEqual({ template, scarce: null })
    expect(fitTemplate(template, { weight: 1_000, sigopsCost: 404 })).toEqual({ template: null, scarce: 'sigops' })
  })

  it('gives up when the coinbase alone costs too much', () => {
    expect(fitTemplate(checksTemplate([]), { weight: 1_000, sigopsCost: 80_004 })).toEqual({
      template: null,
      scarce: 'sigops'
    })
  })

  it('keeps every block within both limits, parents before children, and pays what is left', () => {
    const transaction = fc.record({
      weight: fc.integer({ min: 240, max: 400_000 }),
      sigopsCost: fc.integer({ min: 0, max: 16_000 }),
      parent: fc.option(fc.nat({ max: 40 }), { nil: null })
    })
    const room = fc.record({
      weight: fc.integer({ min: 1_000, max: 3_900_000 }),
      sigopsCost: fc.integer({ min: 0, max: 80_000 })
    })
    fc.assert(
      fc.property(fc.array(transaction, { maxLength: 40 }), room, (specs, coinbase) => {
        const transactions: TemplateTransaction[] = []
        for (const [n, { weight, sigopsCost, parent }] of specs.entries()) {
          const spent = parent === null ? undefined : transactions[parent]
          const parents = spent === undefined ? [] : [spent]
          transactions.push({ ...transactionOfWeight(weight, n), sigopsCost, parents })
        }
        const fees = transactions.reduce((sum, { feeSats }) => sum + (feeSats ?? 0n), 0n)
        const template = { ...fullTemplate(), transactions, coinbaseValueSats: 312_500_000n + fees }
        const kept = fitTemplate(template, coinbase).template
        const list = kept?.transactions ?? []
        expect(332 + coinbase.weight + list.reduce((sum, { weight }) => sum + weight, 0)).toBeLessThanOrEqual(4_000_000)
        expect(coinbase.sigopsCost + list.reduce((sum, t) => sum + (t.sigopsCost ?? 0), 0)).toBeLessThanOrEqual(80_000)
        for (const [n, { parents }] of list.entries()) {
          for (const parent of parents ?? []) expect(list.indexOf(parent)).toBeLessThan(n)
          for (const parent of parents ?? []) expect(list.indexOf(parent)).toBeGreaterThanOrEqual(0)
        }
        const feesLeft = list.reduce((sum, { feeSats }) => sum + (feeSats ?? 0n), 0n)
        expect(kept?.coinbaseValueSats).toBe(312_500_000n + feesLeft)
      })
    )
  })
})
