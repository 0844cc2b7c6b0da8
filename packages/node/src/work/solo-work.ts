import { buildCoinbase } from '@p2poolv2/bitcoin'
import type { MinerAddresses, WorkTemplate } from './work-template.ts'

/**
 * The work of a miner whose firmware cannot take the share chain's coinbase: a bitcoin block of the same template that pays it
 * alone, as small as a coinbase can be. What it finds is never a share, and donation and fee are left out, for which such firmware has
 * no room either.
 *
 * It always fits: bitcoind keeps room for 8,000 units and a hundred signature checks, and where the work has left transactions out,
 * its own coinbase needs more than that.
 *
 * It has the id of the work it is made from, which says all of it: whoever keeps that work can make it again.
 */
export function soloWorkOf(work: WorkTemplate, { bitcoin }: MinerAddresses, poolSignature: Uint8Array): WorkTemplate {
  const { mining, template } = work
  const outputs = [{ kind: 'payout' as const, address: bitcoin, valueSats: template.coinbaseValueSats }]
  const coinbase = buildCoinbase({
    bitcoinHeight: template.bitcoinHeight,
    auxFlags: template.auxFlags,
    poolSignature,
    outputs: outputs.map(({ address, valueSats }) => ({ valueSats, script: address.script })),
    witnessCommitmentScript: template.witnessCommitmentScript,
    padding: null
  })
  return {
    ...work,
    mining: { ...mining, shareTarget: null, coinbase },
    share: null,
    outputs
  }
}
