/** Rules about the transactions a share carries besides its coinbase. Source: protocol §12.6, rule 9, and §12.7, rule 3. */
import { type Transaction, txidWire } from '@p2poolv2/bitcoin'
import { bytesToHexReversed } from '@p2poolv2/primitives'
import { type Checked, PASSED, refused, type Share } from '../share.ts'

/** 21 million bitcoin. */
const MAX_MONEY_SATS = 2_100_000_000_000_000n

/**
 * Everything about them that needs neither an interpreter nor the outputs they spend. No share on the network carries any yet, and
 * none of them touches what a bitcoin block pays. Scripts, and whether the source is there and unspent, are not checked: a
 * node that refused what it cannot read would leave the chain with the first share that carries one.
 */
export function checkTransactions({ transactions }: Pick<Share, 'transactions'>): Checked {
  const txids = new Set(transactions.map(transaction => bytesToHexReversed(txidWire(transaction))))
  // transaction-repeated
  if (txids.size !== transactions.length) return refused('transaction-repeated', { transactions: transactions.length })

  const spent = new Set<string>()
  for (const [at, transaction] of transactions.entries()) {
    const checked = checkOutputs(transaction)
    if (!checked.ok) return checked
    if (at === 0) continue
    // transaction-no-inputs
    if (transaction.inputs.length === 0) return refused('transaction-no-inputs', { transaction: at })
    for (const { prevTxidWire, prevIndex } of transaction.inputs) {
      // transaction-double-spend: by one transaction or two of them.
      const outpoint = `${bytesToHexReversed(prevTxidWire)}:${prevIndex}`
      if (spent.has(outpoint)) return refused('transaction-double-spend', { outpoint })
      spent.add(outpoint)
    }
  }
  return PASSED
}

/** Whether a share carries transactions whose scripts this node cannot check. */
export function hasUncheckedScripts({ transactions }: Pick<Share, 'transactions'>): boolean {
  return transactions.length > 1
}

function checkOutputs({ outputs }: Transaction): Checked {
  // transaction-no-outputs
  if (outputs.length === 0) return refused('transaction-no-outputs')

  // transaction-value
  const valueSats = outputs.reduce((sum, output) => sum + output.valueSats, 0n)
  return valueSats > MAX_MONEY_SATS ? refused('transaction-value', { valueSats }) : PASSED
}
