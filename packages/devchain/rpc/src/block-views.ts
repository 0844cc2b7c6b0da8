import {
  addressFromScript,
  encodeBitcoinHeader,
  encodeTransaction,
  encodeTransactionStripped,
  type Transaction,
  txidWire,
  wtxidWire
} from '@p2poolv2/bitcoin'
import { type ChainBlock, type DevChain, decodeBlock, strippedBlockBytes } from '@p2poolv2/devchain'
import { bigIntFromBits, bytesToHex, bytesToHexReversed, difficultyFromBits, invariant } from '@p2poolv2/primitives'

type Json = Readonly<Record<string, unknown>>

export const hex32 = (value: bigint): string => value.toString(16).padStart(64, '0')
export const bitsText = (bits: number): string => bits.toString(16).padStart(8, '0')

/** `getblockheader` as an object. A block beside the chain has -1 confirmations and none above it. */
export function headerView(chain: DevChain, block: ChainBlock): Json {
  const { header, bitcoinHeight } = block
  const isInChain = chain.isInChain(block)
  const next = isInChain ? chain.blockAt(bitcoinHeight + 1) : null
  return {
    hash: block.hash,
    confirmations: isInChain ? chain.tip.bitcoinHeight - bitcoinHeight + 1 : -1,
    height: bitcoinHeight,
    version: header.version,
    versionHex: (header.version >>> 0).toString(16).padStart(8, '0'),
    merkleroot: bytesToHexReversed(header.merkleRootWire),
    time: header.timeSec,
    mediantime: block.medianTimeSec,
    nonce: header.nonce,
    bits: bitsText(header.bits),
    target: hex32(bigIntFromBits(header.bits)),
    difficulty: difficultyFromBits(header.bits),
    chainwork: hex32(block.chainWork),
    nTx: transactionsOf(block).length,
    ...(bitcoinHeight === 0 ? {} : { previousblockhash: bytesToHexReversed(header.prevHashWire) }),
    ...(next === null ? {} : { nextblockhash: next.hash })
  }
}

/** `getblockheader` as hex. */
export function headerHex(block: ChainBlock): string {
  return bytesToHex(encodeBitcoinHeader(block.header))
}

/** `getblock` as an object: transactions as ids, or in full. */
export function blockView(chain: DevChain, block: ChainBlock, transactions: 'ids' | 'full'): Json {
  const list = transactionsOf(block)
  const strippedsize = strippedBlockBytes({ transactions: list })
  return {
    ...headerView(chain, block),
    strippedsize,
    size: block.bytes.length,
    weight: 3 * strippedsize + block.bytes.length,
    tx: list.map(tx => (transactions === 'ids' ? bytesToHexReversed(txidWire(tx)) : transactionView(tx)))
  }
}

function transactionsOf(block: ChainBlock): readonly Transaction[] {
  const decoded = decodeBlock(block.bytes)
  invariant(decoded !== null, 'a block of the chain decodes')
  return decoded.transactions
}

function transactionView(tx: Transaction): Json {
  const bytes = encodeTransaction(tx)
  const weight = 3 * encodeTransactionStripped(tx).length + bytes.length
  return {
    txid: bytesToHexReversed(txidWire(tx)),
    hash: bytesToHexReversed(wtxidWire(tx)),
    version: tx.version,
    size: bytes.length,
    vsize: Math.ceil(weight / 4),
    weight,
    locktime: tx.lockTime,
    // Only coinbases are ever in a block of this chain.
    vin: tx.inputs.map(({ scriptSig, witness, sequence }) => ({
      coinbase: bytesToHex(scriptSig),
      ...(witness.length === 0 ? {} : { txinwitness: witness.map(bytesToHex) }),
      sequence
    })),
    vout: tx.outputs.map(({ valueSats, script }, n) => {
      const address = addressFromScript(script, 'regtest')
      const scriptPubKey = { hex: bytesToHex(script), ...(address === null ? {} : { address }) }
      return { value: Number(valueSats) / 1e8, n, scriptPubKey }
    }),
    hex: bytesToHex(bytes)
  }
}
