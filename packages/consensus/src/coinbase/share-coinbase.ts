/** The transaction every share opens with, and the root its other transactions are committed by. */
import {
  bitcoinHeaderHashWire,
  merkleRoot,
  pushData,
  type Transaction,
  WITNESS_COMMITMENT_PREFIX,
  witnessProgramScript,
  wtxidWire
} from '@p2poolv2/bitcoin'
import { concatBytes, sha256d } from '@p2poolv2/primitives'
import { SHARE_COINBASE_VALUE_SATS } from '../params.ts'
import type { ShareHeader } from '../share.ts'

/** Of every share coinbase, with its witness. */
export const SHARE_COINBASE_BYTES = 210

const ZERO_32 = new Uint8Array(32)
const FINAL_SEQUENCE = 0xffffffff
const NULL_INDEX = 0xffffffff

/**
 * The share coinbase that follows from a header: it pays the miner's share address and carries the hash of the bitcoin
 * header, so no two shares have the same one.
 * Source: protocol §7.
 */
export function shareCoinbase(
  header: Pick<ShareHeader, 'bitcoinHeader' | 'minerAddress' | 'coinbaseProof'>
): Transaction {
  const witnessCommitment = sha256d(concatBytes(header.coinbaseProof.shareWitnessRoot, ZERO_32))
  return {
    version: 2,
    inputs: [
      {
        prevTxidWire: ZERO_32,
        prevIndex: NULL_INDEX,
        scriptSig: pushData(bitcoinHeaderHashWire(header.bitcoinHeader)),
        sequence: FINAL_SEQUENCE,
        witness: [ZERO_32]
      }
    ],
    outputs: [
      {
        valueSats: SHARE_COINBASE_VALUE_SATS,
        script: witnessProgramScript(header.minerAddress.version, header.minerAddress.program)
      },
      { valueSats: 0n, script: concatBytes(WITNESS_COMMITMENT_PREFIX, witnessCommitment) }
    ],
    lockTime: 0
  }
}

/**
 * Merkle root over the wtxids of a share's transactions with zeros for its coinbase; 32 bytes, digest order.
 * With the coinbase alone it is 32 zero bytes. Source: protocol §4.2.
 */
export function shareWitnessRoot(transactions: readonly Transaction[]): Uint8Array {
  return merkleRoot(transactions.map((transaction, index) => (index === 0 ? ZERO_32 : wtxidWire(transaction))))
}
