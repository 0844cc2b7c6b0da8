import { compactSizeLength } from '@p2poolv2/primitives'
import { BITCOIN_HEADER_BYTES } from './header.ts'
import { merkleBranchOf } from './merkle.ts'
import type { BlockTemplate } from './template.ts'
import { MAX_BLOCK_WEIGHT, MAX_TEMPLATE_TRANSACTIONS, witnessCommitmentScriptOf } from './template.ts'

/** Header and transaction count at their longest. */
const FRAME_WEIGHT = 4 * (BITCOIN_HEADER_BYTES + compactSizeLength(MAX_TEMPLATE_TRANSACTIONS + 1))

/**
 * Makes room for a coinbase that is heavier than bitcoind reserved for it (8,000 units unless -blockreservedweight says
 * more; a P2WPKH payout takes 124, a P2TR payout 172). A block over the limit is worth nothing, so the last transactions
 * go, with their fees. Nothing that stays can depend on them: a template lists parents first.
 * @param coinbaseWeight as `coinbaseWeight` counts
 * @returns the template itself if it fits; null if a transaction must go whose fee is unknown, or the coinbase alone is too heavy
 */
export function fitTemplate(template: BlockTemplate, coinbaseWeight: number): BlockTemplate | null {
  let weight = FRAME_WEIGHT + coinbaseWeight
  if (weight > MAX_BLOCK_WEIGHT) return null
  let count = 0
  for (const transaction of template.transactions) {
    weight += transaction.weight
    if (weight > MAX_BLOCK_WEIGHT) break
    count += 1
  }
  if (count === template.transactions.length) return template

  let coinbaseValueSats = template.coinbaseValueSats
  for (const { feeSats } of template.transactions.slice(count)) {
    if (feeSats === undefined) return null
    coinbaseValueSats -= feeSats
  }
  if (coinbaseValueSats < 0n) return null
  const transactions = template.transactions.slice(0, count)
  return {
    ...template,
    transactions,
    coinbaseValueSats,
    merkleBranch: merkleBranchOf(transactions.map(transaction => transaction.txidWire)),
    witnessCommitmentScript: template.witnessCommitmentScript === null ? null : witnessCommitmentScriptOf(transactions)
  }
}
