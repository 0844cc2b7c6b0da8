import {
  type BitcoinHeader,
  buildCoinbase,
  coinbaseOf,
  DEFAULT_POOL_SIGNATURE,
  decodeTransaction,
  encodeBitcoinHeader,
  encodeTransactionStripped,
  foldBranch,
  type PaddingForm,
  type Transaction,
  type TxOutput,
  txidWire
} from '@p2poolv2/bitcoin'
import { ByteReader, type CompactBits, hashMeetsTarget, sha256d80Into, targetFromBits } from '@p2poolv2/primitives'
import { shareCoinbase } from '../coinbase/share-coinbase.ts'
import { shareHashOf } from '../encoding/share-codec.ts'
import type { Share, ShareHeader } from '../share.ts'
import { buildCoinbaseProof } from './coinbase-proof.ts'
import { commitmentOf, commitmentPrefix } from './commitment.ts'

/** All that makes a share, but its work and what follows from it. */
export interface ShareDraft {
  readonly fields: Omit<ShareHeader, 'bitcoinHeader' | 'coinbaseProof'>
  /** Donation, fee and payouts in their order. */
  readonly outputs: readonly TxOutput[]
  readonly bitcoinHeader: Omit<BitcoinHeader, 'merkleRootWire' | 'nonce'>
  /** n × 32 bytes, leaf side first */
  readonly merkleBranch: Uint8Array
  readonly auxFlags?: Uint8Array
  /** Default `P2Poolv2`. */
  readonly poolSignature?: Uint8Array
  /** Default A. */
  readonly padding?: PaddingForm
  readonly witnessCommitmentScript: Uint8Array | null
  /** 32 bytes, digest order; default zeros, as for a share without transactions of its own */
  readonly shareWitnessRoot?: Uint8Array
  /** u64; two shares that differ in nothing else have different hashes. */
  readonly nsecs: bigint
  /** 12 bytes; default zeros */
  readonly extranonce?: Uint8Array
  /** Alters the bitcoin coinbase before it is proven and mined; what it returns must be as long as before. */
  readonly editCoinbase?: (coinbase: Transaction) => Transaction
}

/**
 * Makes a share without a miner and mines it for real: for simulated attackers and for tests. A node makes its shares from
 * what its miners submit. Cost: hashes by the targets.
 * @param targetBits the hash meets all of them; default the share's own bits
 */
export function mineShare(draft: ShareDraft, targetBits: readonly CompactBits[] = [draft.fields.bits]): Share {
  const { fields, merkleBranch, shareWitnessRoot = new Uint8Array(32), extranonce = new Uint8Array(12) } = draft
  const skeleton = buildCoinbase({
    bitcoinHeight: Number(fields.bitcoinHeight),
    auxFlags: draft.auxFlags ?? new Uint8Array(0),
    poolSignature: draft.poolSignature ?? DEFAULT_POOL_SIGNATURE,
    outputs: draft.outputs,
    witnessCommitmentScript: draft.witnessCommitmentScript,
    padding: draft.padding ?? 'A'
  })
  const prefix = commitmentPrefix({ ...fields, shareWitnessRoot })
  const commitment = commitmentOf(prefix, fields.minerBitcoinAddress, fields.minerAddress)
  const honest = coinbaseOf({ nsecs: draft.nsecs, commitment, work: { coinbase: skeleton } }, extranonce)
  const decoded = decodeTransaction(new ByteReader(honest))
  const bitcoinCoinbase = draft.editCoinbase?.(decoded) ?? decoded
  const bitcoinHeader = grindHeader(
    { ...draft.bitcoinHeader, merkleRootWire: foldBranch(txidWire(bitcoinCoinbase), merkleBranch) },
    targetBits
  )
  const stripped = encodeTransactionStripped(bitcoinCoinbase)
  const coinbaseProof = buildCoinbaseProof(stripped, skeleton.prefixLengthBytes, shareWitnessRoot)
  const header: ShareHeader = { ...fields, bitcoinHeader, coinbaseProof }
  return { hash: shareHashOf(header), header, transactions: [shareCoinbase(header)], merkleBranch, bitcoinCoinbase }
}

/** Counts the nonce up from zero until the header's hash meets all the targets. */
export function grindHeader(fields: Omit<BitcoinHeader, 'nonce'>, targetBits: readonly CompactBits[]): BitcoinHeader {
  const targets = targetBits.map(targetFromBits)
  const bytes = encodeBitcoinHeader({ ...fields, nonce: 0 })
  const view = new DataView(bytes.buffer, bytes.byteOffset)
  const hashWire = new Uint8Array(32)
  for (let nonce = 0; ; nonce++) {
    view.setUint32(76, nonce, true)
    sha256d80Into(bytes, 0, hashWire, 0)
    if (targets.every(target => hashMeetsTarget(hashWire, target))) return { ...fields, nonce }
  }
}
