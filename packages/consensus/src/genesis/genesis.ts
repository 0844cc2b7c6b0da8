/** The first share of every chain. Source: protocol §10. */
import { decodeBitcoinHeader, decodeTransaction, type Transaction, witnessProgramScript } from '@p2poolv2/bitcoin'
import { ByteReader, invariant, ZERO_SHARE_HASH } from '@p2poolv2/primitives'
import { shareCoinbase } from '../coinbase/share-coinbase.ts'
import { shareHashOf } from '../encoding/share-codec.ts'
import type { ChainParams } from '../params.ts'
import { consensusAddressFromScript, type Share, type ShareHeader } from '../share.ts'

const ZERO_32 = new Uint8Array(32)

/** Stands in where the built-in block's first transaction is not known. */
const UNKNOWN_COINBASE: Transaction = Object.freeze({ version: 1, inputs: [], outputs: [], lockTime: 0 })

const cache = new WeakMap<ChainParams, Share>()

/**
 * The genesis share: height 0, confirmed from the start, never validated, part of the work and of the payout window.
 *
 * Its hash depends on the header alone. Where the chain's `genesisBitcoinCoinbase` is null (main, unless configured) the
 * body ends in an empty transaction and must not be served: see `hasGenesisBody`. Made once per `params` object.
 */
export function genesisShare(params: ChainParams): Share {
  const known = cache.get(params)
  if (known !== undefined) return known
  const header = genesisHeader(params)
  const share: Share = Object.freeze({
    hash: shareHashOf(header),
    header,
    transactions: [shareCoinbase(header)],
    merkleBranch: new Uint8Array(0),
    bitcoinCoinbase: genesisBitcoinCoinbase(params)
  })
  cache.set(params, share)
  return share
}

/** Whether the genesis body is the network's own and may be served to a peer that asks for it. */
export function hasGenesisBody(params: ChainParams): boolean {
  return params.genesisBitcoinCoinbase !== null
}

function genesisHeader(params: ChainParams): ShareHeader {
  const minerBitcoinAddress = consensusAddressFromScript(
    params.addressClass,
    witnessProgramScript(0, params.genesisMinerKeyHash)
  )
  invariant(minerBitcoinAddress !== null, 'the genesis pays to an address')
  return {
    prevShareHash: ZERO_SHARE_HASH,
    uncles: [],
    minerBitcoinAddress,
    minerAddress: { version: 1, program: params.genesisShareProgram },
    bitcoinHeader: decodeBitcoinHeader(new ByteReader(params.genesisBitcoinHeader)),
    bits: params.anchorBits,
    timeSec: params.genesisTimeSec,
    donationAddress: null,
    donationBps: 0,
    feeAddress: null,
    feeBps: 0,
    bitcoinHeight: BigInt(params.genesisBitcoinHeight),
    coinbaseProof: { midstate: ZERO_32, prefixLengthBytes: 0, shareWitnessRoot: ZERO_32 }
  }
}

function genesisBitcoinCoinbase(params: ChainParams): Transaction {
  if (params.genesisBitcoinCoinbase === null) return UNKNOWN_COINBASE
  const reader = new ByteReader(params.genesisBitcoinCoinbase)
  const transaction = decodeTransaction(reader)
  reader.expectEnd()
  return transaction
}
