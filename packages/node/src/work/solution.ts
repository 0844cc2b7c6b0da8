import type { BitcoinNetwork, Solution } from '@p2poolv2/bitcoin'
import {
  addressFromScript,
  assembleBlock,
  bitcoinHeaderHashWire,
  coinbaseOf,
  decodeBitcoinHeader,
  decodeTransaction
} from '@p2poolv2/bitcoin'
import type { RuleCode, RuleFacts, Share, ShareHeader } from '@p2poolv2/consensus'
import { buildCoinbaseProof, shareCoinbase, shareHashOf, verifyCoinbaseProof } from '@p2poolv2/consensus'
import type { BlockHash, ShareHash } from '@p2poolv2/primitives'
import { ByteReader, blockHashFromWire, bytesToHex } from '@p2poolv2/primitives'
import type { FoundBlock } from '@p2poolv2/sharechain'
import { RESULT_SUBMITTED } from '../chain/block-log.ts'
import type { MinerAddresses } from './job-maker.ts'
import type { WorkTemplate } from './work-template.ts'

/** A whole bitcoin block, ready for `submitblock`. */
export interface SolvedBlock {
  readonly blockHash: BlockHash
  readonly bitcoinHeight: number
  readonly blockHex: string
}

/** The block of a solution that meets the bitcoin target. Cost: copies the template's transactions as hex. */
export function blockOf(solution: Solution<WorkTemplate>): SolvedBlock {
  const { job, header, extranonce, hashWire } = solution
  const { template, bitcoinHeight } = job.work
  const witness = template.witnessCommitmentScript === null ? 'without' : 'with-witness'
  return {
    blockHash: blockHashFromWire(hashWire),
    bitcoinHeight,
    blockHex: assembleBlock(header, coinbaseOf(job, extranonce), template.transactions, witness)
  }
}

/** The record of a block just found; `shareHash` is null if it could not become a share. */
export function foundBlockOf(solution: Solution<WorkTemplate>, shareHash: ShareHash | null): FoundBlock {
  const { work } = solution.job
  return {
    bitcoinHeight: work.bitcoinHeight,
    blockHash: blockHashFromWire(solution.hashWire),
    timeSec: decodeBitcoinHeader(new ByteReader(solution.header)).timeSec,
    shareHash,
    outputs: work.outputs.map(({ address, valueSats }) => ({ address: address.text, valueSats })),
    result: RESULT_SUBMITTED
  }
}

/** The record of a block that is a peer's share. Outputs without an address are shown as their script in hex. */
export function foundBlockOfShare(share: Share, network: BitcoinNetwork, result: string): FoundBlock {
  const { bitcoinHeader, bitcoinHeight } = share.header
  return {
    bitcoinHeight: Number(bitcoinHeight),
    blockHash: blockHashFromWire(bitcoinHeaderHashWire(bitcoinHeader)),
    timeSec: bitcoinHeader.timeSec,
    shareHash: share.hash,
    outputs: share.bitcoinCoinbase.outputs
      .filter(({ valueSats }) => valueSats > 0n)
      .map(({ script, valueSats }) => ({
        address: addressFromScript(script, network) ?? bytesToHex(script),
        valueSats
      })),
    result
  }
}

export type BuiltShare =
  | { readonly ok: true; readonly share: Share }
  | { readonly ok: false; readonly code: RuleCode; readonly facts: RuleFacts }

/**
 * The share of a solution that meets the share target (protocol §20.3): its proof is built from the coinbase as mined and
 * verified.
 * @param addresses those the job committed to; others give a proof that does not verify
 * @returns null if the job could not become a share
 */
export function shareOf(solution: Solution<WorkTemplate>, addresses: MinerAddresses): BuiltShare | null {
  const { work } = solution.job
  const terms = work.share
  if (terms === null) return null
  const coinbase = coinbaseOf(solution.job, solution.extranonce)
  const header: ShareHeader = {
    prevShareHash: terms.baseHash,
    uncles: terms.uncles,
    minerBitcoinAddress: addresses.bitcoin,
    minerAddress: addresses.share,
    bitcoinHeader: decodeBitcoinHeader(new ByteReader(solution.header)),
    bits: terms.bits,
    timeSec: terms.timeSec,
    donationAddress: terms.donation?.address ?? null,
    donationBps: terms.donation?.bps ?? 0,
    feeAddress: terms.fee?.address ?? null,
    feeBps: terms.fee?.bps ?? 0,
    bitcoinHeight: BigInt(work.bitcoinHeight),
    coinbaseProof: buildCoinbaseProof(coinbase, work.coinbase.prefixLengthBytes, terms.shareWitnessRoot)
  }
  const verified = verifyCoinbaseProof(header, work.merkleBranch)
  if (!verified.ok) return verified
  return {
    ok: true,
    share: {
      hash: shareHashOf(header),
      header,
      transactions: [shareCoinbase(header)],
      merkleBranch: work.merkleBranch,
      bitcoinCoinbase: decodeTransaction(new ByteReader(coinbase))
    }
  }
}
