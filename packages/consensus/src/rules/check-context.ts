/** Chain context: time and payout, judged once the parent is fully valid. Source: protocol §12.7. */
import { buildCoinbase, coinbaseInto, encodeTransactionStripped, foldBranch, txidWire } from '@p2poolv2/bitcoin'
import { bigIntFromBits, bytesEqual, bytesToHexReversed, type CompactBits, type ShareHash } from '@p2poolv2/primitives'
import { parseBitcoinCoinbase } from '../coinbase/bitcoin-coinbase.ts'
import type { PaddingDemand } from '../coinbase/padding-form.ts'
import { shareWitnessRoot } from '../coinbase/share-coinbase.ts'
import { commitmentOf, commitmentOfHeader, commitmentPrefix } from '../commitment/commitment.ts'
import type { ChainParams } from '../params.ts'
import { type PayoutCut, type PayoutWeights, payoutOutputs } from '../payout/payout.ts'
import { type ChainView, type Checked, PASSED, refused, type Share, type ShareHeader } from '../share.ts'
import { checkTime } from './check-placement.ts'

const WHOLE_BPS = 10_000
/** 21 million bitcoin; a coinbase that pays more is invalid. */
const MAX_MONEY_SATS = 2_100_000_000_000_000n

/** The payout window as the rules see it; the share chain wraps its `PayoutWindow` into this. */
export interface PayoutWindowReader {
  /** Weights of the window that ends at `anchor`, inclusive; null if a share of it is no longer held. */
  weights(anchor: ShareHash, bitcoinBits: CompactBits): PayoutWeights | null
}

/** The padding rule as the others see it; the share chain wraps `requiredPadding` into this. */
export interface PaddingReader {
  demand(parent: ShareHash): PaddingDemand
}

export interface ContextInput {
  readonly params: ChainParams
  readonly share: Share
  readonly view: ChainView
  readonly window: PayoutWindowReader
  readonly padding: PaddingReader
  /** The node's clock, unix seconds. */
  readonly nowSec: number
}

/** Rules 1 and 2 of protocol §12.7. Asked only in the payout zone, after `checkBody`. */
export function checkContext(input: ContextInput): Checked {
  const { header } = input.share
  const parent = input.view.facts(header.prevShareHash)
  if (parent === undefined) return refused('share-parent-unknown', { parent: header.prevShareHash })
  if (parent.validity === 'invalid') return refused('share-parent-invalid', { parent: parent.hash })
  if (parent.validity !== 'blockValid') return refused('share-parent-unvalidated', { parent: parent.hash })
  const timely = checkTime(input.params, header, input)
  return timely.ok ? checkPayout(input) : timely
}

/** Limits without which the arithmetic of payouts has no meaning. */
function checkAmounts(header: ShareHeader): Checked {
  // share-donation-range, share-fee-range: no more than the whole can be given away; without an address nothing is
  // (protocol §16.4).
  const { donationAddress, donationBps, feeAddress, feeBps, bitcoinHeader } = header
  if (donationAddress !== null && donationBps > WHOLE_BPS) return refused('share-donation-range', { donationBps })
  if (feeAddress !== null && feeBps > WHOLE_BPS) return refused('share-fee-range', { feeBps })

  // bitcoin-target-zero: the payout window divides by it (protocol §11).
  const bitcoinBits = bitcoinHeader.bits
  return bigIntFromBits(bitcoinBits) === 0n ? refused('bitcoin-target-zero', { bitcoinBits }) : PASSED
}

function checkPayout({ share, window, padding }: ContextInput): Checked {
  const { header, bitcoinCoinbase } = share
  const amounts = checkAmounts(header)
  if (!amounts.ok) return amounts

  // payout-window-gone, payout-empty: the window is anchored at the parent.
  const weights = window.weights(header.prevShareHash, header.bitcoinHeader.bits)
  if (weights === null) return refused('payout-window-gone', { parent: header.prevShareHash })
  if (weights.total === 0n) return refused('payout-empty', { parent: header.prevShareHash })

  // coinbase-value: what the coinbase pays is taken from itself; subsidy and fees are bitcoin's to check.
  const valueSats = bitcoinCoinbase.outputs.reduce((sum, output) => sum + output.valueSats, 0n)
  if (valueSats > MAX_MONEY_SATS) return refused('coinbase-value', { valueSats })

  // payout-empty once more: of nothing, without a cut that is written as one, nobody is paid.
  const outputs = payoutOutputs({ valueSats, donation: donationOf(header), fee: feeOf(header), weights })
  if (outputs.length === 0) return refused('payout-empty', { valueSats })

  // coinbase-form: the fields that the rebuilt coinbase takes over.
  const parsed = parseBitcoinCoinbase(bitcoinCoinbase)
  if (!parsed.ok) return refused('coinbase-form')
  if (BigInt(parsed.bitcoinHeight) !== header.bitcoinHeight) {
    return refused('coinbase-form', { coinbaseHeight: parsed.bitcoinHeight, bitcoinHeight: header.bitcoinHeight })
  }

  // coinbase-padding: in the form that the ancestors show, or in any while they show none.
  const demand = padding.demand(header.prevShareHash)
  if (demand === 'unknown') return refused('share-ancestors-gone', { parent: header.prevShareHash })
  const form = parsed.paddingForms.find(shown => demand === 'any' || demand === shown)
  if (form === undefined) return refused('coinbase-padding', { form: parsed.paddingForms.join(' '), demand })

  // coinbase-payout: byte for byte the coinbase this node would have built.
  const coinbase = buildCoinbase({
    bitcoinHeight: parsed.bitcoinHeight,
    auxFlags: parsed.auxFlags,
    poolSignature: parsed.poolSignature,
    outputs,
    witnessCommitmentScript: parsed.witnessCommitmentScript,
    padding: form
  })
  const job = { nsecs: parsed.nsecs, commitment: rebuiltCommitment(share), work: { coinbase } }
  // Nobody else holds the bytes.
  const expected = coinbase.bytes
  coinbaseInto(job, parsed.extranonce, expected)
  if (!bytesEqual(expected, encodeTransactionStripped(bitcoinCoinbase))) {
    return refused('coinbase-payout', { outputs: bitcoinCoinbase.outputs.length, expectedPayouts: outputs.length })
  }

  // coinbase-merkle-root: that coinbase is the one under the proof of work.
  const coinbaseTxidWire = txidWire(bitcoinCoinbase)
  if (!bytesEqual(foldBranch(coinbaseTxidWire, share.merkleBranch), header.bitcoinHeader.merkleRootWire)) {
    return refused('coinbase-merkle-root', { coinbaseTxid: bytesToHexReversed(coinbaseTxidWire) })
  }
  return PASSED
}

/** The commitment with the witness root taken from the body, not from the header's word. */
function rebuiltCommitment({ header, transactions }: Share): Uint8Array {
  const witnessRoot = shareWitnessRoot(transactions)
  if (bytesEqual(witnessRoot, header.coinbaseProof.shareWitnessRoot)) return commitmentOfHeader(header)
  const prefix = commitmentPrefix({ ...header, shareWitnessRoot: witnessRoot })
  return commitmentOf(prefix, header.minerBitcoinAddress, header.minerAddress)
}

function donationOf({ donationAddress, donationBps }: ShareHeader): PayoutCut | null {
  return donationAddress === null ? null : { address: donationAddress, bps: donationBps }
}

function feeOf({ feeAddress, feeBps }: ShareHeader): PayoutCut | null {
  return feeAddress === null ? null : { address: feeAddress, bps: feeBps }
}
