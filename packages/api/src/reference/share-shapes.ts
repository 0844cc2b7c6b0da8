import {
  type BitcoinHeader,
  bitcoinHeaderHashWire,
  encodeTransaction,
  type Transaction,
  txidWire
} from '@p2poolv2/bitcoin'
import type { Share, ShareFacts, ShareHeader } from '@p2poolv2/consensus'
import type { ShareReads } from '@p2poolv2/node'
import { bytesToHex, bytesToHexReversed } from '@p2poolv2/primitives'
import type { ShareStatus } from '../answers/share-statuses.ts'

/** A share of the chain as the reference lists it: hashes in the order in which they are shown, `bits` a number. */
export function shareInfo(shares: ShareReads, facts: ShareFacts) {
  return {
    blockhash: facts.hash,
    prev_blockhash: facts.prevHash,
    height: facts.height,
    miner_address: facts.minerAddress,
    timestamp: facts.timeSec,
    bits: facts.bits,
    uncles: facts.uncles.flatMap(hash => {
      const uncle = shares.facts(hash)
      return uncle === undefined ? [] : [uncleInfo(uncle)]
    })
  }
}

function uncleInfo({ hash, prevHash, minerAddress, timeSec, height }: ShareFacts) {
  return {
    blockhash: hash,
    prev_blockhash: prevHash,
    miner_address: minerAddress,
    timestamp: timeSec,
    height: height as number | null
  }
}

const STATUS_NAMES: Readonly<Record<ShareStatus, string>> = {
  confirmed: 'Confirmed',
  candidate: 'Candidate',
  uncle: 'BlockValid',
  valid: 'BlockValid',
  pending: 'HeaderValid',
  invalid: 'Invalid'
}

export function dagEntry(facts: ShareFacts, status: ShareStatus) {
  return {
    blockhash: facts.hash,
    height: facts.height,
    status: STATUS_NAMES[status],
    parent: facts.prevHash,
    uncles: facts.uncles,
    miner_address: facts.minerAddress,
    has_block_data: facts.hasBody
  }
}

/** @param share its header and what the bitcoin block's root is folded from; transactions where all of it is at hand */
export function shareDetail(
  facts: ShareFacts,
  status: ShareStatus,
  share: Pick<Share, 'header' | 'merkleBranch'> & Partial<Pick<Share, 'transactions'>>,
  isFull: boolean
) {
  const { header, merkleBranch, transactions = [] } = share
  return {
    blockhash: facts.hash,
    height: facts.height as number | null,
    status: STATUS_NAMES[status],
    parent: facts.prevHash,
    uncles: facts.uncles,
    miner_address: facts.minerAddress,
    // What commits to the share's transactions since the header has no merkle root of its own.
    merkle_root: bytesToHexReversed(header.coinbaseProof.shareWitnessRoot),
    bits: bitsHex(facts.bits),
    time: utcTime(facts.timeSec),
    bitcoin_header: {
      block_hash: bytesToHexReversed(bitcoinHeaderHashWire(header.bitcoinHeader)),
      ...headerFields(header.bitcoinHeader),
      time: utcTime(header.bitcoinHeader.timeSec),
      bits: bitsHex(header.bitcoinHeader.bits),
      nonce: header.bitcoinHeader.nonce
    },
    template_merkle_branches_count: merkleBranch.length / 32,
    ...(isFull ? { transactions: transactions.map(transaction => txidOf(transaction)) } : {})
  }
}

/** The fifteen fields of a header (protocol §3.1), in the reference's names. */
export function headerShape(header: ShareHeader) {
  const { bitcoinHeader, coinbaseProof, minerAddress } = header
  return {
    prev_share_blockhash: header.prevShareHash,
    uncles: header.uncles,
    miner_bitcoin_address: header.minerBitcoinAddress.text,
    miner_address: bytesToHex(
      new Uint8Array([minerAddress.version, minerAddress.program.length, ...minerAddress.program])
    ),
    bitcoin_header: {
      ...headerFields(bitcoinHeader),
      time: bitcoinHeader.timeSec,
      bits: bitcoinHeader.bits,
      nonce: bitcoinHeader.nonce
    },
    bits: header.bits,
    time: header.timeSec,
    donation_address: header.donationAddress?.text ?? null,
    donation: header.donationAddress === null ? null : header.donationBps,
    fee_address: header.feeAddress?.text ?? null,
    fee: header.feeAddress === null ? null : header.feeBps,
    bitcoin_height: Number(header.bitcoinHeight),
    coinbase_proof: {
      midstate: [...coinbaseProof.midstate],
      prefix_length: coinbaseProof.prefixLengthBytes,
      share_witness_root: bytesToHexReversed(coinbaseProof.shareWitnessRoot)
    }
  }
}

function headerFields({ version, prevHashWire, merkleRootWire }: BitcoinHeader) {
  return {
    version,
    prev_blockhash: bytesToHexReversed(prevHashWire),
    merkle_root: bytesToHexReversed(merkleRootWire)
  }
}

/** Hashes of a branch, leaf side first. */
export function branchShape(merkleBranch: Uint8Array): string[] {
  return Array.from({ length: merkleBranch.length / 32 }, (_, i) =>
    bytesToHexReversed(merkleBranch.subarray(i * 32, i * 32 + 32))
  )
}

/** A transaction as it stands within a header's answer. */
export function embeddedTransaction({ version, lockTime, inputs, outputs }: Transaction) {
  return {
    version,
    lock_time: lockTime,
    input: inputs.map(({ prevTxidWire, prevIndex, scriptSig, sequence, witness }) => ({
      previous_output: `${bytesToHexReversed(prevTxidWire)}:${prevIndex}`,
      script_sig: bytesToHex(scriptSig),
      sequence,
      witness: witness.map(item => bytesToHex(item))
    })),
    output: outputs.map(({ valueSats, script }) => ({ value: Number(valueSats), script_pubkey: bytesToHex(script) }))
  }
}

/** A transaction asked for by itself. */
export function decodedTransaction(transaction: Transaction) {
  const { version, lockTime, inputs, outputs } = transaction
  return {
    txid: txidOf(transaction),
    version,
    lock_time: String(lockTime),
    inputs: inputs.map(({ prevTxidWire, prevIndex, scriptSig, sequence }) => ({
      previous_output: `${bytesToHexReversed(prevTxidWire)}:${prevIndex}`,
      script_sig: bytesToHex(scriptSig),
      sequence
    })),
    outputs: outputs.map(({ valueSats, script }) => ({ value: Number(valueSats), script_pubkey: bytesToHex(script) }))
  }
}

export function rawTransaction(transaction: Transaction) {
  return { txid: txidOf(transaction), hex: bytesToHex(encodeTransaction(transaction)) }
}

export function txidOf(transaction: Transaction): string {
  return bytesToHexReversed(txidWire(transaction))
}

function bitsHex(bits: number): string {
  return `0x${bits.toString(16)}`
}

function utcTime(sec: number): string {
  return `${new Date(sec * 1_000).toISOString().slice(0, 19).replace('T', ' ')} UTC`
}
