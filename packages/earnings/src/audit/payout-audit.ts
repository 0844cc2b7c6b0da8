/** What a coinbase must pay by an audited window, held against what it pays. Source: protocol §16.3, §16.4. */
import type { PayoutCut } from '@p2poolv2/consensus'
import type { AuditedPayee, WindowAudit } from './window-audit.ts'

/** An output as the coinbase has it. */
export interface RealOutput {
  readonly address: string
  readonly sats: bigint
}

/** One line of the proof: an output that is due, an output that is there, or both. */
export interface AuditedOutput {
  readonly address: string
  readonly kind: 'donation' | 'fee' | 'payout' | 'not-due'
  /** Of the miner in the window; null for a cut and for what is not due. */
  readonly payee: AuditedPayee | null
  /** Null: nothing is due. */
  readonly dueSats: bigint | null
  /** Null: the coinbase has no such output at this place. */
  readonly paidSats: bigint | null
}

export interface PayoutAudit {
  readonly outputs: readonly AuditedOutput[]
  /** What the coinbase pays in all, which is what is divided. */
  readonly sats: bigint
  readonly donationSats: bigint
  readonly feeSats: bigint
  /** What is left for miners. */
  readonly minersSats: bigint
  /** Whether every output is what is due, in its place, to the satoshi. */
  readonly matches: boolean
}

export interface PayoutAuditRequest {
  readonly window: WindowAudit
  readonly donation: PayoutCut | null
  readonly fee: PayoutCut | null
  /** In the order of the coinbase, without those of value zero that carry commitments. */
  readonly paid: readonly RealOutput[]
}

type Due = Omit<AuditedOutput, 'paidSats' | 'dueSats'> & { readonly dueSats: bigint }

/** Divides what the coinbase pays once more and compares output by output. */
export function auditedPayout({ window, donation, fee, paid }: PayoutAuditRequest): PayoutAudit {
  const sats = paid.reduce((sum, output) => sum + output.sats, 0n)
  const donationSats = cutOf(sats, donation)
  const feeSats = cutOf(sats - donationSats, fee)
  const minersSats = sats - donationSats - feeSats
  const due: Due[] = [
    ...cutDue('donation', donation, donationSats),
    ...cutDue('fee', fee, feeSats),
    ...(minersSats === 0n ? [] : minersDue(window, minersSats))
  ]
  const outputs = Array.from({ length: Math.max(due.length, paid.length) }, (_, i) => outputAt(due[i], paid[i])).flat()
  return {
    outputs,
    sats,
    donationSats,
    feeSats,
    minersSats,
    matches: outputs.every(({ dueSats, paidSats }) => dueSats !== null && dueSats === paidSats)
  }
}

function cutOf(sats: bigint, cut: PayoutCut | null): bigint {
  return cut === null ? 0n : (sats * BigInt(cut.bps)) / 10_000n
}

function cutDue(kind: 'donation' | 'fee', cut: PayoutCut | null, dueSats: bigint): Due[] {
  return cut === null || cut.bps === 0 ? [] : [{ address: cut.address.text, kind, payee: null, dueSats }]
}

/** By the bytes of the address, which are ASCII; rounded down for all but the last, who gets what is left. */
function minersDue({ payees, weight }: WindowAudit, minersSats: bigint): Due[] {
  const sorted = [...payees.values()].sort((a, b) => (a.address.text < b.address.text ? -1 : 1))
  let leftSats = minersSats
  return sorted.map((payee, i) => {
    const dueSats = i === sorted.length - 1 ? leftSats : (minersSats * payee.weight) / weight
    leftSats -= dueSats
    return { address: payee.address.text, kind: 'payout', payee, dueSats }
  })
}

/** One line where both speak of one address, else two. */
function outputAt(due: Due | undefined, paid: RealOutput | undefined): AuditedOutput[] {
  if (due !== undefined && paid !== undefined && due.address === paid.address) return [{ ...due, paidSats: paid.sats }]
  return [
    ...(due === undefined ? [] : [{ ...due, paidSats: null }]),
    ...(paid === undefined
      ? []
      : [{ address: paid.address, kind: 'not-due' as const, payee: null, dueSats: null, paidSats: paid.sats }])
  ]
}
