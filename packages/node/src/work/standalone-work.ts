import type { BlockTemplate } from '@p2poolv2/bitcoin'
import { buildCoinbase, coinbaseRoom, fitTemplate } from '@p2poolv2/bitcoin'
import { type PayoutCut, type PayoutOutput, type PayoutWeights, payoutOutputs } from '@p2poolv2/consensus'
import type { Sats } from '@p2poolv2/primitives'
import type { AccountingWindow } from '../pplns/accounting.ts'
import { type BlockCuts, miningWorkOf, type WorkTemplate } from './work-template.ts'

/** The longest script a payee can have here: of a taproot address, or of a witness program as long. */
const LONGEST_PAYEE_SCRIPT = new Uint8Array(34)

export interface StandaloneRequest {
  /** `MiningWork.id` of what is made. */
  readonly workId: number
  readonly template: BlockTemplate
  /** As in `WorkRequest`. */
  readonly templateAgeSec: number
  readonly cuts: BlockCuts
  /** Of the pool's own accounting; null where every block pays its finder. */
  readonly window: AccountingWindow | null
}

const NOBODY: PayoutWeights = { total: 0n, byAddress: new Map() }

/**
 * Work of a node that stands alone: its blocks pay the window of its own accounting, and while that is empty, or where there is none,
 * whoever finds them. It can become no share, so its coinbase has neither padding nor commitment.
 */
export function buildStandaloneWork(request: StandaloneRequest): WorkTemplate {
  const { cuts, template: whole } = request
  const weights = request.window?.weights ?? NOBODY
  const paysFinder = weights.total === 0n
  const payment = (valueSats: Sats, template: BlockTemplate) => {
    const outputs = paysFinder ? [] : payoutOutputs({ valueSats, donation: cuts.donation, fee: cuts.fee, weights })
    // Work that pays its finder stands for all that are made of it, and none of those needs more room.
    const payeesAtMost = [cuts.donation, cuts.fee, 'finder'].filter(payee => payee !== null)
    const payees = paysFinder ? payeesAtMost.map(() => ({ valueSats: 0n, script: LONGEST_PAYEE_SCRIPT })) : outputs
    return { outputs, payees, coinbase: standaloneCoinbase(template, payees, cuts.poolSignature) }
  }
  let paid = payment(whole.coinbaseValueSats, whole)
  const { template: fitting, scarce } = fitTemplate(whole, coinbaseRoom(paid.coinbase, paid.payees))
  const template = fitting ?? whole
  if (template !== whole) paid = payment(template.coinbaseValueSats, template)
  const { outputs } = paid
  return {
    mining: miningWorkOf(request, template, { shareTarget: null, coinbase: paid.coinbase }),
    template,
    share: null,
    ineligible: null,
    commitmentPrefix: new Uint8Array(0),
    paysFinder,
    windowBase: null,
    windowShares: request.window?.submits ?? 0,
    weights,
    paid: () => outputs,
    droppedTransactions: fitting === null ? null : whole.transactions.length - template.transactions.length,
    scarceRoom: scarce
  }
}

/** What a block pays that belongs to its finder: the cuts, and the rest to one address. */
export function finderOutputs(
  valueSats: Sats,
  { donation, fee }: { readonly donation: PayoutCut | null; readonly fee: PayoutCut | null },
  finder: PayoutOutput['address']
): readonly PayoutOutput[] {
  const byAddress = new Map([[finder.text, { address: finder, weight: 1n }]])
  return payoutOutputs({ valueSats, donation, fee, weights: { total: 1n, byAddress } })
}

export function standaloneCoinbase(
  template: BlockTemplate,
  outputs: readonly { readonly valueSats: Sats; readonly script: Uint8Array }[],
  poolSignature: Uint8Array
) {
  return buildCoinbase({
    bitcoinHeight: template.bitcoinHeight,
    auxFlags: template.auxFlags,
    poolSignature,
    outputs,
    witnessCommitmentScript: template.witnessCommitmentScript,
    padding: null
  })
}
