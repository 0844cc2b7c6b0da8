import { finderOutputs, standaloneCoinbase } from './standalone-work.ts'
import type { BlockCuts, MinerAddresses, WorkTemplate } from './work-template.ts'

/**
 * The work of a miner whose block pays it: what remains after donation and fee in a node that stands alone, and all of it where its
 * firmware cannot take the share chain's coinbase. Then the coinbase is as small as one can be, and donation and fee are left out, for which
 * such firmware has no room either. What it finds is never a share.
 *
 * It always fits: bitcoind keeps room for 8,000 units and a hundred signature checks, and where the work has left transactions out,
 * its own coinbase needs more than that.
 *
 * It has the id of the work it is made from, which says all of it: whoever keeps that work can make it again.
 */
export function soloWorkOf(work: WorkTemplate, { bitcoin }: MinerAddresses, cuts: BlockCuts): WorkTemplate {
  const { mining, template, paysFinder } = work
  const taken = paysFinder ? cuts : { donation: null, fee: null }
  const outputs = finderOutputs(template.coinbaseValueSats, taken, bitcoin)
  const payees = outputs.map(({ address, valueSats }) => ({ valueSats, script: address.script }))
  const coinbase = standaloneCoinbase(template, payees, cuts.poolSignature)
  return {
    ...work,
    mining: { ...mining, shareTarget: null, coinbase },
    share: null,
    paid: () => outputs
  }
}
