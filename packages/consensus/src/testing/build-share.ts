/** Builds and mines real shares on a devnet for tests: every rule is met, nothing is skipped. */
import type { PaddingForm, Transaction } from '@p2poolv2/bitcoin'
import { hexToBytes, type ShareHash } from '@p2poolv2/primitives'
import {
  type ChainParams,
  type ConsensusAddress,
  consensusAddressFromScript,
  devnetParams,
  mineShare,
  type PayoutWeights,
  payoutOutputs,
  type Share,
  type ShareHeader
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
  readonly padding?: PaddingForm
  readonly witnessCommitmentScript?: Uint8Array | null
  readonly shareWitnessRoot?: Uint8Array
  /** Alters the bitcoin coinbase before it is proven and mined; what it returns must be as long as before. */
  readonly editCoinbase?: (coinbase: Transaction) => Transaction
}

/** Builds a share the way a producer does and mines it (about 256 hashes at the devnet's easiest target). */
export function buildShare(spec: ShareSpec): Share {
  const donation = spec.donation ?? null
  const fee = spec.fee ?? null
  const payouts = payoutOutputs({ valueSats: spec.valueSats ?? 5_000_000_000n, donation, fee, weights: spec.weights })
  return mineShare({
    fields: {
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
      bitcoinHeight: BigInt(spec.bitcoinHeight ?? 100)
    },
    outputs: payouts.map(({ valueSats, address }) => ({ valueSats, script: address.script })),
    bitcoinHeader: {
      version: 0x20000000,
      prevHashWire: new Uint8Array(32).fill(7),
      timeSec: spec.timeSec,
      bits: spec.bitcoinBits ?? 0x1f00ffff
    },
    merkleBranch: spec.merkleBranch ?? new Uint8Array(64).fill(0xb1),
    witnessCommitmentScript:
      spec.witnessCommitmentScript === undefined ? EMPTY_BLOCK_COMMITMENT : spec.witnessCommitmentScript,
    nsecs: 1_788_250_798_835_194_942n,
    extranonce: hexToBytes('8e5180120500000000000000'),
    ...(spec.auxFlags === undefined ? {} : { auxFlags: spec.auxFlags }),
    ...(spec.padding === undefined ? {} : { padding: spec.padding }),
    ...(spec.poolSignature === undefined ? {} : { poolSignature: spec.poolSignature }),
    ...(spec.shareWitnessRoot === undefined ? {} : { shareWitnessRoot: spec.shareWitnessRoot }),
    ...(spec.editCoinbase === undefined ? {} : { editCoinbase: spec.editCoinbase })
  })
}

const EMPTY_BLOCK_COMMITMENT = hexToBytes(
  '6a24aa21a9ede2f61c3f71d1defd3fa999dfa36953755c690689799962b48bebd836974e8cf9'
)
