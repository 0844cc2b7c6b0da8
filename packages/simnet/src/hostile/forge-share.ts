import {
  bitcoinHeaderHashWire,
  buildCoinbase,
  coinbaseOf,
  decodeTransaction,
  foldBranch,
  txidWire,
  witnessCommitmentScriptOf
} from '@p2poolv2/bitcoin'
import {
  buildCoinbaseProof,
  type ChainParams,
  type ConsensusAddress,
  commitmentOf,
  commitmentPrefix,
  payoutOutputs,
  type Share,
  type ShareHeader,
  shareCoinbase,
  shareHashOf
} from '@p2poolv2/consensus'
import {
  ByteReader,
  type CompactBits,
  hashMeetsTarget,
  type SeededRng,
  type ShareHash,
  targetFromBits
} from '@p2poolv2/primitives'
import type { ShareChain } from '@p2poolv2/sharechain'

export interface ForgeOrder {
  readonly params: ChainParams
  /** The forger's own view, in which the parent is known. */
  readonly chain: ShareChain
  readonly parent: ShareHash
  readonly timeSec: number
  readonly payee: ConsensusAddress
  readonly bitcoinBits: CompactBits
  readonly rng: SeededRng
  readonly uncles?: readonly ShareHash[]
  /** `everything-to-me`: the body is whole and proven, but the payouts are not those of the window. */
  readonly payouts?: 'right' | 'everything-to-me'
  /** Overrides what the difficulty rule asks. */
  readonly bits?: CompactBits
}

const VALUE_SATS = 5_000_000_000n
const EXTRANONCE = new Uint8Array(12)
const BITCOIN_HEIGHT = 800_001

/**
 * Makes a share on any parent and mines it for real: the way an attacker with his own software does, beside the node.
 * @returns null when the payout window of the parent cannot be read
 */
export function forgeShare(order: ForgeOrder): Share | null {
  const { params, chain, parent, payee, rng } = order
  const weights = chain.payoutWeights(parent, order.bitcoinBits)
  if (weights === null) return null
  const bits = order.bits ?? chain.nextShareBits(parent)
  const shareWitnessRoot = new Uint8Array(32)
  const fields = {
    prevShareHash: parent,
    uncles: order.uncles ?? [],
    minerBitcoinAddress: payee,
    minerAddress: { version: 1, program: rng.bytes(32) },
    bits,
    timeSec: order.timeSec,
    donationAddress: null,
    donationBps: 0,
    feeAddress: null,
    feeBps: 0,
    bitcoinHeight: BigInt(BITCOIN_HEIGHT)
  }
  const outputs =
    order.payouts === 'everything-to-me'
      ? [{ valueSats: VALUE_SATS, script: payee.script }]
      : payoutOutputs({ valueSats: VALUE_SATS, donation: null, fee: null, weights }).map(({ valueSats, address }) => ({
          valueSats,
          script: address.script
        }))
  const coinbase = buildCoinbase({
    bitcoinHeight: BITCOIN_HEIGHT,
    auxFlags: new Uint8Array(0),
    poolSignature: params.poolSignature,
    outputs,
    witnessCommitmentScript: witnessCommitmentScriptOf([]),
    layout: 'share'
  })
  const prefix = commitmentPrefix({ ...fields, shareWitnessRoot })
  const commitment = commitmentOf(prefix, fields.minerBitcoinAddress, fields.minerAddress)
  const bytes = coinbaseOf({ nsecs: BigInt(rng.u32()), commitment, work: { coinbase } }, EXTRANONCE)
  const bitcoinCoinbase = decodeTransaction(new ByteReader(bytes))
  const merkleBranch = new Uint8Array(0)
  const bitcoinHeader = mined(
    {
      version: 0x2000_0000,
      prevHashWire: rng.bytes(32),
      merkleRootWire: foldBranch(txidWire(bitcoinCoinbase), merkleBranch),
      timeSec: order.timeSec,
      bits: order.bitcoinBits,
      nonce: 0
    },
    bits
  )
  const header: ShareHeader = {
    ...fields,
    bitcoinHeader,
    coinbaseProof: buildCoinbaseProof(bytes, coinbase.prefixLengthBytes, shareWitnessRoot)
  }
  return { hash: shareHashOf(header), header, transactions: [shareCoinbase(header)], merkleBranch, bitcoinCoinbase }
}

function mined(header: ShareHeader['bitcoinHeader'], bits: CompactBits): ShareHeader['bitcoinHeader'] {
  const target = targetFromBits(bits)
  for (let nonce = 0; ; nonce++) {
    const candidate = { ...header, nonce }
    if (hashMeetsTarget(bitcoinHeaderHashWire(candidate), target)) return candidate
  }
}
