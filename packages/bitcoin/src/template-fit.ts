import { compactSizeLength } from '@p2poolv2/primitives'
import { type CoinbaseOutput, type CoinbaseSkeleton, coinbaseWeight } from './coinbase.ts'
import { BITCOIN_HEADER_BYTES } from './header.ts'
import { merkleBranchOf } from './merkle.ts'
import { LEGACY_SIGOP_COST, legacySigops } from './sigops.ts'
import type { BlockTemplate, TemplateTransaction } from './template.ts'
import { MAX_BLOCK_WEIGHT, MAX_TEMPLATE_TRANSACTIONS, witnessCommitmentScriptOf } from './template.ts'

/** Header and transaction count at their longest. */
const FRAME_WEIGHT = 4 * (BITCOIN_HEADER_BYTES + compactSizeLength(MAX_TEMPLATE_TRANSACTIONS + 1))

/** What bitcoind sets aside for the signature checks of a coinbase when it fills a block; no setting of it says more. */
const RESERVED_SIGOPS_COST = 400

/** What a coinbase takes of a block's two limits. */
export interface CoinbaseRoom {
  /** As `coinbaseWeight` counts. */
  readonly weight: number
  /** 4 for each P2PKH payee; payees of witness programs and of P2SH cost nothing. */
  readonly sigopsCost: number
}

/** What kept a template from being used whole. */
export type ScarceRoom = 'weight' | 'sigops'

export interface Fitting {
  /**
   * The template itself if it fits; null if a transaction must go whose fee is unknown, if the coinbase alone is over a
   * limit, or if it is over what bitcoind set aside for its signature checks and a transaction's are not known.
   */
  readonly template: BlockTemplate | null
  /** The limit that was met first; null if the template fits. */
  readonly scarce: ScarceRoom | null
}

/** @param outputs those it was built of; all else in it are pushes, alone or behind OP_RETURN, which have no signature checks */
export function coinbaseRoom(skeleton: CoinbaseSkeleton, outputs: readonly CoinbaseOutput[]): CoinbaseRoom {
  let sigops = 0
  for (const { script } of outputs) sigops += legacySigops(script)
  return { weight: coinbaseWeight(skeleton), sigopsCost: sigops * LEGACY_SIGOP_COST }
}

/**
 * Makes room for a coinbase that needs more than bitcoind reserved for it: 8,000 units of weight unless
 * -blockreservedweight says more (a P2WPKH payout takes 124, a P2TR payout 172), and signature checks at a cost of 400. A
 * block over a limit is worth nothing, so what does not fit any more is left out from the end on, with its fee and with
 * all that spends it; where bitcoind does not say what spends what, everything behind it.
 */
export function fitTemplate(template: BlockTemplate, coinbase: CoinbaseRoom): Fitting {
  const isCounted = template.transactions.every(({ sigopsCost }) => sigopsCost !== undefined)
  // Where the cost of the transactions is not known, it is known that bitcoind left its reserve free.
  const sigopsLimit = isCounted ? template.sigopsCostLimit : RESERVED_SIGOPS_COST
  let weight = FRAME_WEIGHT + coinbase.weight
  let sigops = coinbase.sigopsCost
  if (weight > MAX_BLOCK_WEIGHT) return { template: null, scarce: 'weight' }
  if (sigops > sigopsLimit) return { template: null, scarce: 'sigops' }

  const dropped = new Set<TemplateTransaction>()
  let scarce: ScarceRoom | null = null
  const transactions = template.transactions.filter(transaction => {
    const isTooHeavy = weight + transaction.weight > MAX_BLOCK_WEIGHT
    const sigopsCost = isCounted ? (transaction.sigopsCost ?? 0) : 0
    if (isTooHeavy || sigops + sigopsCost > sigopsLimit || lacksParent(transaction, dropped)) {
      scarce ??= isTooHeavy ? 'weight' : 'sigops'
      dropped.add(transaction)
      return false
    }
    weight += transaction.weight
    sigops += sigopsCost
    return true
  })
  return dropped.size === 0 ? { template, scarce } : { template: withOnly(template, transactions, dropped), scarce }
}

function lacksParent({ parents }: TemplateTransaction, dropped: ReadonlySet<TemplateTransaction>): boolean {
  if (dropped.size === 0) return false
  return parents === undefined || parents.some(parent => dropped.has(parent))
}

/** The template with the transactions that are left, or null where it cannot be known what they pay. */
function withOnly(
  template: BlockTemplate,
  transactions: readonly TemplateTransaction[],
  dropped: ReadonlySet<TemplateTransaction>
): BlockTemplate | null {
  let coinbaseValueSats = template.coinbaseValueSats
  for (const { feeSats } of dropped) {
    if (feeSats === undefined) return null
    coinbaseValueSats -= feeSats
  }
  if (coinbaseValueSats < 0n) return null
  return {
    ...template,
    transactions,
    coinbaseValueSats,
    merkleBranch: merkleBranchOf(transactions.map(transaction => transaction.txidWire)),
    witnessCommitmentScript: template.witnessCommitmentScript === null ? null : witnessCommitmentScriptOf(transactions)
  }
}
