/** Builds and mines real shares on a devnet for tests: every rule is met, nothing is skipped. */
import {
  type BitcoinHeader,
  bitcoinHeaderHashWire,
  buildCoinbase,
  coinbaseOf,
  decodeTransaction,
  encodeTransactionStripped,
  foldBranch,
  type Transaction,
  txidWire
} from '@p2poolv2/bitcoin'
import { ByteReader, hashMeetsTarget, hexToBytes, type ShareHash, targetFromBits } from '@p2poolv2/primitives'
import {
  buildCoinbaseProof,
  type ChainParams,
  type ConsensusAddress,
  commitmentOf,
  commitmentPrefix,
  consensusAddressFromScript,
  devnetParams,
  type PayoutWeights,
  payoutOutputs,
  type Share,
  type ShareHeader,
  shareCoinbase,
  shareHashOf
} from '../index.ts'

export const TEST_PARAMS: ChainParams = devnetParams({ genesisTimeSec: 1_700_000_000 })

/** A payout address of the test chain, by number. */
export function testAddress(number: number): ConsensusAddress {
  const script = new Uint8Array(22)
  script.set([0x00, 0x14])
  script.set([number & 0xff, number >> 8], 2)
  const address = consensusAddressFromScript(2, script)
  if (address === null) throw new Error('a test address is an address')
  return address
}

export function testProgram(number: number): ShareHeader['minerAddress'] {
  return { version: 1, program: new Uint8Array(32).fill(number) }
}

export interface ShareSpec {
  readonly params: ChainParams
  readonly prev: ShareHash
  readonly bits: number
  readonly timeSec: number
  readonly weights: PayoutWeights
  readonly uncles?: readonly ShareHash[]
  readonly miner?: number
  readonly valueSats?: bigint
  readonly donation?: { readonly address: ConsensusAddress; readonly bps: number } | null
  readonly fee?: { readonly address: ConsensusAddress; readonly bps: number } | null
  /** Basis points that the header states although nobody is to have them. */
  readonly cutsWithoutAddress?: Pick<ShareHeader, 'donationBps' | 'feeBps'>
  readonly bitcoinHeight?: number
  readonly bitcoinBits?: number
  readonly merkleBranch?: Uint8Array
  readonly auxFlags?: Uint8Array
  readonly poolSignature?: Uint8Array
  readonly witnessCommitmentScript?: Uint8Array | null
  readonly shareWitnessRoot?: Uint8Array
  /** Alters the bitcoin coinbase before it is proven and mined; what it returns must be as long as before. */
  readonly editCoinbase?: (coinbase: Transaction) => Transaction
}

/** Builds a share the way a producer does and mines it (about 256 hashes at the devnet's easiest target). */
export function buildShare(spec: ShareSpec): Share {
  const { params } = spec
  const bitcoinHeight = spec.bitcoinHeight ?? 100
  const merkleBranch = spec.merkleBranch ?? new Uint8Array(64).fill(0xb1)
  const shareWitnessRoot = spec.shareWitnessRoot ?? new Uint8Array(32)
  const donation = spec.donation ?? null
  const fee = spec.fee ?? null
  const fields = {
    prevShareHash: spec.prev,
    uncles: spec.uncles ?? [],
    minerBitcoinAddress: testAddress(spec.miner ?? 1),
    minerAddress: testProgram(spec.miner ?? 1),
    bits: spec.bits,
    timeSec: spec.timeSec,
    donationAddress: donation?.address ?? null,
    donationBps: donation?.bps ?? 0,
    feeAddress: fee?.address ?? null,
    feeBps: fee?.bps ?? 0,
    ...spec.cutsWithoutAddress,
    bitcoinHeight: BigInt(bitcoinHeight)
  }
  const outputs = payoutOutputs({ valueSats: spec.valueSats ?? 5_000_000_000n, donation, fee, weights: spec.weights })
  const coinbase = buildCoinbase({
    bitcoinHeight,
    auxFlags: spec.auxFlags ?? new Uint8Array(0),
    poolSignature: spec.poolSignature ?? params.poolSignature,
    outputs: outputs.map(({ valueSats, address }) => ({ valueSats, script: address.script })),
    witnessCommitmentScript:
      spec.witnessCommitmentScript === undefined ? EMPTY_BLOCK_COMMITMENT : spec.witnessCommitmentScript,
    layout: 'share'
  })
  const commitment = commitmentOf(
    commitmentPrefix({ ...fields, shareWitnessRoot }),
    fields.minerBitcoinAddress,
    fields.minerAddress
  )
  const extranonce = hexToBytes('8e5180120500000000000000')
  const honest = coinbaseOf({ nsecs: 1_788_250_798_835_194_942n, commitment, work: { coinbase } }, extranonce)
  const edit = spec.editCoinbase ?? ((transaction: Transaction) => transaction)
  const bitcoinCoinbase = edit(decodeTransaction(new ByteReader(honest)))
  const bytes = encodeTransactionStripped(bitcoinCoinbase)
  const bitcoinHeader = mine(
    {
      version: 0x20000000,
      prevHashWire: new Uint8Array(32).fill(7),
      merkleRootWire: foldBranch(txidWire(bitcoinCoinbase), merkleBranch),
      timeSec: spec.timeSec,
      bits: spec.bitcoinBits ?? 0x1f00ffff,
      nonce: 0
    },
    spec.bits
  )
  const header: ShareHeader = {
    ...fields,
    bitcoinHeader,
    coinbaseProof: buildCoinbaseProof(bytes, coinbase.prefixLengthBytes, shareWitnessRoot)
  }
  return { hash: shareHashOf(header), header, transactions: [shareCoinbase(header)], merkleBranch, bitcoinCoinbase }
}

const EMPTY_BLOCK_COMMITMENT = hexToBytes(
  '6a24aa21a9ede2f61c3f71d1defd3fa999dfa36953755c690689799962b48bebd836974e8cf9'
)

/** Counts the nonce up until the header meets the target. */
export function mine(header: BitcoinHeader, bits: number): BitcoinHeader {
  const target = targetFromBits(bits)
  for (let nonce = 0; ; nonce++) {
    const candidate = { ...header, nonce }
    if (hashMeetsTarget(bitcoinHeaderHashWire(candidate), target)) return candidate
  }
}
