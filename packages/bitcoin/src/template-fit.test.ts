import { sha256d } from '@p2poolv2/primitives'
import { describe, expect, it } from 'vitest'
import { merkleBranchOf } from './merkle.ts'
import type { BlockTemplate, TemplateTransaction } from './template.ts'
import { parseTemplate, witnessCommitmentScriptOf } from './template.ts'
import { fitTemplate } from './template-fit.ts'
import captured from './vectors/templates.json' with { type: 'json' }

/** Header, count and coinbase reserve as bitcoind takes them: 8,000 units. */
const RESERVED = 8_000

function transactionOfWeight(weight: number, n: number): TemplateTransaction {
  const txidWire = sha256d(Uint8Array.of(n))
  return { txidWire, wtxidWire: sha256d(txidWire), dataHex: '00', weight, feeSats: 1000n + BigInt(n) }
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
    expect(fitTemplate(template, 7_000)).toBe(template)
  })

  it('drops the last transactions with their fees, and finds branch and commitment anew', () => {
    const template = fullTemplate()
    const fitted = fitTemplate(template, 400_000)
    const kept = template.transactions.slice(0, 9)
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
      const kept = fitTemplate(template, coinbaseWeight)?.transactions ?? []
      const weight = 4 * 83 + coinbaseWeight + kept.reduce((sum, transaction) => sum + transaction.weight, 0)
      expect(weight, `coinbase of ${coinbaseWeight}`).toBeLessThanOrEqual(4_000_000)
      expect(kept.length).toBe(Math.min(10, Math.floor((4_000_000 - 332 - coinbaseWeight) / 399_200)))
    }
  })

  it('gives up when a dropped fee is unknown, or the coinbase alone is too heavy', () => {
    const template = fullTemplate()
    const transactions = template.transactions.map(({ feeSats: _, ...rest }) => rest)
    expect(fitTemplate({ ...template, transactions }, 400_000)).toBeNull()
    expect(fitTemplate(template, 4_000_000)).toBeNull()
  })

  it('gives up when the fees exceed what the template says they add up to', () => {
    expect(fitTemplate({ ...fullTemplate(), coinbaseValueSats: 5n }, 400_000)).toBeNull()
  })
})
