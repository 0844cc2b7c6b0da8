import type { BlockTemplate, CoinbaseSkeleton, MiningWork, PaddingForm, ScarceRoom } from '@p2poolv2/bitcoin'
import { buildCoinbase, coinbaseRoom, fitTemplate } from '@p2poolv2/bitcoin'
import type {
  ChainParams,
  ConsensusAddress,
  PayoutCut,
  PayoutOutput,
  PayoutRequest,
  PayoutWeights,
  WitnessProgram
} from '@p2poolv2/consensus'
import { commitmentOf, commitmentPrefix, payoutOutputs, SHARE_COINBASE_BYTES } from '@p2poolv2/consensus'
import type { CompactBits, ShareHash, UnixMs } from '@p2poolv2/primitives'
import { secFromMs, targetFromBits } from '@p2poolv2/primitives'
import type { ShareChain } from '@p2poolv2/sharechain'
import type { IneligibleReason } from '../contract.ts'

/**
 * How far below the limit of protocol §12.7 a share's time must stay, so that peers whose clocks are a little behind ours
 * still take it.
 */
export const FUTURE_TIME_MARGIN_SEC = 10

/** Who a job's share would belong to. */
export interface MinerAddresses {
  readonly bitcoin: ConsensusAddress
  /** Version 1, 32 bytes. */
  readonly share: WitnessProgram
}

/** What a share made from this work will say about itself. */
export interface ShareTerms {
  readonly baseHash: ShareHash
  readonly uncles: readonly ShareHash[]
  readonly bits: CompactBits
  readonly timeSec: number
  readonly donation: PayoutCut | null
  readonly fee: PayoutCut | null
  /** 32 bytes, digest order. */
  readonly shareWitnessRoot: Uint8Array
}

/** Work for one bitcoin template and one mining base: what miners hash, and what becomes of a solution. Immutable. */
export interface WorkTemplate {
  /** What sessions are given. It holds on to nothing of the rest. */
  readonly mining: MiningWork
  /** As bitcoind gave it, or with its last transactions left out. */
  readonly template: BlockTemplate
  /** Null when a solution cannot become a share; it still is a bitcoin block that pays the same. */
  readonly share: ShareTerms | null
  readonly ineligible: IneligibleReason | null
  /** Everything of the commitment but the miner's two addresses (protocol §4.1); work that cannot become a share has one too. */
  readonly commitmentPrefix: Uint8Array
  /** Its blocks pay whoever finds them: every miner has work of its own (`soloWorkOf`), and this itself is given to nobody. */
  readonly paysFinder: boolean
  /** The share below which the payout window lies; null without a share chain. */
  readonly windowBase: ShareHash | null
  /** Of the share chain, or accepted submits without one. */
  readonly windowShares: number
  readonly weights: PayoutWeights
  /**
   * In coinbase order, without the outputs of value zero that carry commitments. Sums to the template's coinbase value; empty where
   * the finder is paid. Worked out again for who asks: many works are kept, and few are asked.
   */
  readonly paid: () => readonly PayoutOutput[]
  /**
   * Transactions left out because the coinbase needs more room than bitcoind reserved; 0 normally. Null when that was
   * not possible: a block made from this work would be over a limit.
   */
  readonly droppedTransactions: number | null
  /** The limit for which transactions were left out, or would have to be; null normally. */
  readonly scarceRoom: ScarceRoom | null
}

/** The payout window as it was read last, kept so that miners are paid when the window cannot be read. */
export interface KnownWindow {
  readonly base: ShareHash
  readonly shares: number
  readonly weights: PayoutWeights
}

/** What is the same in every block made here. */
export interface BlockCuts {
  readonly donation: PayoutCut | null
  readonly fee: PayoutCut | null
  /** At most `MAX_POOL_SIGNATURE_BYTES`. */
  readonly poolSignature: Uint8Array
}

export interface WorkRequest {
  /** `MiningWork.id` of what is made. */
  readonly workId: number
  readonly params: ChainParams
  readonly chain: ShareChain
  readonly template: BlockTemplate
  /** Whole seconds since the template was made, by our steady clock: moves the time that is offered to miners along. */
  readonly templateAgeSec: number
  readonly donation: PayoutCut | null
  readonly fee: PayoutCut | null
  /** At most `MAX_POOL_SIGNATURE_BYTES`. */
  readonly poolSignature: Uint8Array
  readonly lastWindow: KnownWindow | null
  readonly wallMs: UnixMs
  /** Why no share is wanted now, whatever the chain would say: it would count for nobody. */
  readonly withheld: 'other-rules' | 'joining' | null
}

export type BuiltWork =
  | { readonly ok: true; readonly work: WorkTemplate }
  /** Nobody can be paid: `window-unavailable` before any window was read, `window-empty` if it has no weight (a bug). */
  | { readonly ok: false; readonly reason: 'window-unavailable' | 'window-empty' }

/** Our shares carry no transaction but their own coinbase. */
const WITNESS_ROOT_OF_COINBASE_ALONE = new Uint8Array(32)

/**
 * One snapshot of template, mining base and payout window as work. Reads the chain, changes nothing.
 * Cost: the payout window moves from where it was read last; one coinbase is built.
 */
export function buildWork(request: WorkRequest): BuiltWork {
  const { chain, template: whole } = request
  const base = chain.miningBase()
  const weights = chain.payoutWeights(base.hash, whole.bits)
  const window: KnownWindow | null =
    weights === null
      ? request.lastWindow
      : { base: base.hash, shares: chain.windowShares(base.hash, whole.bits), weights }
  if (window === null) return { ok: false, reason: 'window-unavailable' }
  if (window.weights.total <= 0n) return { ok: false, reason: 'window-empty' }

  const terms = shareTerms(request, base.hash)
  const padding = chain.padding(base.hash)
  const paymentTerms: PaymentTerms = { weights: window.weights, padding: padding.form }
  let payment = paymentOf(request, whole, paymentTerms)
  const isReadable = weights !== null && padding.demand !== 'unknown'
  const ineligible = isReadable ? ineligibility(request, terms, payment) : 'window-unavailable'
  const share = ineligible === null ? terms : null
  // Amounts have a fixed width, so what fits this coinbase fits the one that pays less.
  const { template: fitting, scarce } = fitTemplate(whole, coinbaseRoom(payment.coinbase, payment.outputs))
  const template = fitting ?? whole
  if (template !== whole) payment = paymentOf(request, template, paymentTerms)
  const { paid } = payment
  return {
    ok: true,
    work: {
      mining: miningWorkOf(request, template, {
        shareTarget: share === null ? null : targetFromBits(share.bits),
        coinbase: payment.coinbase
      }),
      template,
      share,
      ineligible,
      commitmentPrefix: commitmentPrefix({
        prevShareHash: terms.baseHash,
        uncles: terms.uncles,
        bits: terms.bits,
        timeSec: terms.timeSec,
        donationAddress: terms.donation?.address ?? null,
        donationBps: terms.donation?.bps ?? 0,
        feeAddress: terms.fee?.address ?? null,
        feeBps: terms.fee?.bps ?? 0,
        shareWitnessRoot: terms.shareWitnessRoot
      }),
      paysFinder: false,
      windowBase: window.base,
      windowShares: window.shares,
      weights: window.weights,
      paid: () => payoutOutputs(paid),
      droppedTransactions: fitting === null ? null : whole.transactions.length - template.transactions.length,
      scarceRoom: scarce
    }
  }
}

/** What miners are given of a template. */
export function miningWorkOf(
  { workId, templateAgeSec }: Pick<WorkRequest, 'workId' | 'templateAgeSec'>,
  template: BlockTemplate,
  made: Pick<MiningWork, 'shareTarget' | 'coinbase'>
): MiningWork {
  return {
    id: workId,
    bitcoinHeight: template.bitcoinHeight,
    version: template.version,
    prevHash: template.prevHash,
    prevHashWire: template.prevHashWire,
    bits: template.bits,
    timeSec: Math.max(template.minTimeSec, template.curTimeSec + templateAgeSec),
    minTimeSec: template.minTimeSec,
    merkleBranch: template.merkleBranch,
    bitcoinTarget: template.bitcoinTarget,
    ...made
  }
}

/**
 * 32 bytes: what a job of this work commits to for one miner. Work that cannot become a share commits to what there is
 * without the miner (protocol §5.3); null where the coinbase has no room for it, as in solo work and without a share chain.
 */
export function commitmentFor(
  { share, commitmentPrefix, mining }: Pick<WorkTemplate, 'share' | 'commitmentPrefix' | 'mining'>,
  addresses: MinerAddresses
): Uint8Array | null {
  if (mining.coinbase.commitmentOffset === null) return null
  if (share === null) return commitmentOf(commitmentPrefix, null, null)
  return commitmentOf(commitmentPrefix, addresses.bitcoin, addresses.share)
}

function shareTerms({ chain, donation, fee, wallMs }: WorkRequest, baseHash: ShareHash): ShareTerms {
  return {
    baseHash,
    uncles: chain.uncleChoice(baseHash),
    bits: chain.nextShareBits(baseHash),
    timeSec: Math.max(secFromMs(wallMs), chain.medianTimePast(baseHash) + 1),
    donation,
    fee,
    shareWitnessRoot: WITNESS_ROOT_OF_COINBASE_ALONE
  }
}

/**
 * A share must be on a chain as heavy as the chain must be. It must be later than its ancestors, and peers take none from the
 * future; nor one whose body is too long.
 */
function ineligibility(
  { chain, params, wallMs, withheld }: WorkRequest,
  { timeSec }: ShareTerms,
  { coinbase }: Payment
): Exclude<IneligibleReason, 'window-unavailable'> | null {
  if (withheld !== null) return withheld
  if (chain.isTooLight) return 'chain-too-light'
  if (timeSec > secFromMs(wallMs) + params.futureTimeSec - FUTURE_TIME_MARGIN_SEC) return 'clock-behind-chain'
  return SHARE_COINBASE_BYTES + coinbase.bytes.length > params.maxBodyBytes ? 'too-many-payees' : null
}

interface PaymentTerms {
  readonly weights: PayoutWeights
  readonly padding: PaddingForm
}

/** What a template pays to whom, and the coinbase that does it. */
interface Payment {
  readonly paid: PayoutRequest
  readonly outputs: readonly PayoutOutput[]
  readonly coinbase: CoinbaseSkeleton
}

function paymentOf(request: WorkRequest, template: BlockTemplate, terms: PaymentTerms): Payment {
  const paid: PayoutRequest = {
    valueSats: template.coinbaseValueSats,
    donation: request.donation,
    fee: request.fee,
    weights: terms.weights
  }
  const outputs = payoutOutputs(paid)
  const coinbase = buildCoinbase({
    bitcoinHeight: template.bitcoinHeight,
    auxFlags: template.auxFlags,
    poolSignature: request.poolSignature,
    outputs,
    witnessCommitmentScript: template.witnessCommitmentScript,
    padding: terms.padding
  })
  return { paid, outputs, coinbase }
}
