import type { BitcoinNetwork, Solution, Transaction } from '@p2poolv2/bitcoin'
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
import { ByteReader, blockHashFromWire, bytesToHex, CodecError, hexToBytes } from '@p2poolv2/primitives'
import type { FoundBlock } from '@p2poolv2/sharechain'
import { RESULT_SUBMITTED } from '../chain/block-log.ts'
import { commitmentFor, type MinerAddresses, type WorkTemplate } from './work-template.ts'

/** A whole bitcoin block, ready for `submitblock`. */
export interface SolvedBlock {
  readonly blockHash: BlockHash
  readonly bitcoinHeight: number
  readonly blockHex: string
}

/** A solution with what it takes to make something of it. */
export interface SolvedWork {
  readonly solution: Solution
  /** The work that the solution names. */
  readonly work: WorkTemplate
  /** Those that the job committed to; others give a coinbase that is not the one mined. */
  readonly addresses: MinerAddresses
}

/** The block of a solution that meets the bitcoin target. Cost: copies the template's transactions as hex. */
export function blockOf(solved: SolvedWork): SolvedBlock {
  const { template, mining } = solved.work
  const { header, hashWire } = solved.solution
  const witness = template.witnessCommitmentScript === null ? 'without' : 'with-witness'
  return {
    blockHash: blockHashFromWire(hashWire),
    bitcoinHeight: mining.bitcoinHeight,
    blockHex: assembleBlock(header, minedCoinbase(solved), template.transactions, witness)
  }
}

/** The record of a block just found; `shareHash` is null if it could not become a share. */
export function foundBlockOf({ solution, work }: SolvedWork, shareHash: ShareHash | null): FoundBlock {
  return {
    bitcoinHeight: work.mining.bitcoinHeight,
    blockHash: blockHashFromWire(solution.hashWire),
    timeSec: decodeBitcoinHeader(new ByteReader(solution.header)).timeSec,
    shareHash,
    outputs: work.paid().map(({ address, valueSats }) => ({ address: address.text, valueSats })),
    result: RESULT_SUBMITTED
  }
}

/** The record of a block that is a peer's share. */
export function foundBlockOfShare(share: Share, network: BitcoinNetwork, result: string): FoundBlock {
  const { bitcoinHeader, bitcoinHeight } = share.header
  return {
    bitcoinHeight: Number(bitcoinHeight),
    blockHash: blockHashFromWire(bitcoinHeaderHashWire(bitcoinHeader)),
    timeSec: bitcoinHeader.timeSec,
    shareHash: share.hash,
    outputs: paid(share.bitcoinCoinbase.outputs, network),
    result
  }
}

/** The record of a block that is all that is left of its solution; null if it cannot be read. */
export function foundBlockOfHex(
  { blockHash, bitcoinHeight, blockHex }: SolvedBlock,
  network: BitcoinNetwork
): FoundBlock | null {
  try {
    const reader = new ByteReader(hexToBytes(blockHex))
    const { timeSec } = decodeBitcoinHeader(reader)
    reader.compactSize()
    const { outputs } = decodeTransaction(reader)
    return {
      bitcoinHeight,
      blockHash,
      timeSec,
      shareHash: null,
      outputs: paid(outputs, network),
      result: RESULT_SUBMITTED
    }
  } catch (error) {
    if (error instanceof CodecError) return null
    throw error
  }
}

/** Outputs without an address are shown as their script in hex. */
function paid(outputs: Transaction['outputs'], network: BitcoinNetwork): FoundBlock['outputs'] {
  return outputs
    .filter(({ valueSats }) => valueSats > 0n)
    .map(({ script, valueSats }) => ({ address: addressFromScript(script, network) ?? bytesToHex(script), valueSats }))
}

export type BuiltShare =
  | { readonly ok: true; readonly share: Share }
  | { readonly ok: false; readonly code: RuleCode; readonly facts: RuleFacts }

/**
 * The share of a solution that meets the share target (protocol §20.3): its proof is built from the coinbase as mined and
 * verified.
 * @returns null if the job could not become a share
 */
export function shareOf(solved: SolvedWork): BuiltShare | null {
  const { solution, work, addresses } = solved
  const { share: terms, mining } = work
  if (terms === null) return null
  const coinbase = minedCoinbase(solved)
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
    bitcoinHeight: BigInt(mining.bitcoinHeight),
    coinbaseProof: buildCoinbaseProof(coinbase, mining.coinbase.prefixLengthBytes, terms.shareWitnessRoot)
  }
  const verified = verifyCoinbaseProof(header, mining.merkleBranch)
  if (!verified.ok) return verified
  return {
    ok: true,
    share: {
      hash: shareHashOf(header),
      header,
      transactions: [shareCoinbase(header)],
      merkleBranch: mining.merkleBranch,
      bitcoinCoinbase: decodeTransaction(new ByteReader(coinbase))
    }
  }
}

/** The coinbase that the miner hashed, without witness. */
function minedCoinbase({ solution, work, addresses }: SolvedWork): Uint8Array {
  const { nsecs, extranonce } = solution
  return coinbaseOf({ work: work.mining, nsecs, commitment: commitmentFor(work, addresses) }, extranonce)
}
