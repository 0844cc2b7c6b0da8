/** From the weights of the payout window to the outputs of the bitcoin coinbase. Source: protocol §16.3, §16.4. */
import { type Bps, invariant, type Sats } from '@p2poolv2/primitives'
import type { ConsensusAddress } from '../share.ts'

export interface AddressWeight {
  readonly address: ConsensusAddress
  readonly weight: bigint
}

/** What each address earned in a payout window. Keyed by address text; `total` is the sum of all weights. */
export interface PayoutWeights {
  readonly total: bigint
  readonly byAddress: ReadonlyMap<string, AddressWeight>
}

/** A share of the coinbase taken before the miners' split. */
export interface PayoutCut {
  readonly address: ConsensusAddress
  readonly bps: Bps
}

export interface PayoutOutput {
  readonly address: ConsensusAddress
  /** The address's, where a coinbase's output has it. */
  readonly script: Uint8Array
  readonly valueSats: Sats
  readonly kind: 'donation' | 'fee' | 'payout'
}

export interface PayoutRequest {
  readonly valueSats: Sats
  readonly donation: PayoutCut | null
  readonly fee: PayoutCut | null
  readonly weights: PayoutWeights
}

const BPS_WHOLE = 10_000n

/** What was asked of a window last. Work is made anew again and again from one window, and the share that it becomes is checked by it. */
const LAST_ASKED = new WeakMap<
  PayoutWeights,
  { readonly request: PayoutRequest; readonly outputs: readonly PayoutOutput[] }
>()

/**
 * The outputs of a coinbase, in order: donation, fee, then every address of the window by text.
 *
 * The donation is taken from the whole, the fee from what is left. All miners but the last get their part rounded down; the
 * last gets the remainder. There is no dust limit. When the cuts leave nothing there are no payout outputs. The values always
 * sum to `valueSats`. Callers refuse cuts above 10,000 bps and windows without weight.
 */
export function payoutOutputs(request: PayoutRequest): readonly PayoutOutput[] {
  const last = LAST_ASKED.get(request.weights)
  if (last !== undefined && isSame(last.request, request)) return last.outputs
  const outputs = splitPayout(request)
  LAST_ASKED.set(request.weights, { request, outputs })
  return outputs
}

function isSame(a: PayoutRequest, b: PayoutRequest): boolean {
  return a.valueSats === b.valueSats && a.donation === b.donation && a.fee === b.fee
}

function splitPayout(request: PayoutRequest): PayoutOutput[] {
  const outputs: PayoutOutput[] = []
  let restSats = request.valueSats
  for (const kind of ['donation', 'fee'] as const) {
    const cut = request[kind]
    if (cut === null || cut.bps === 0) continue
    invariant(cut.bps > 0 && cut.bps <= 10_000, 'a cut is between 0 and 10,000 basis points')
    const valueSats = (restSats * BigInt(cut.bps)) / BPS_WHOLE
    outputs.push({ address: cut.address, script: cut.address.script, valueSats, kind })
    restSats -= valueSats
  }
  if (restSats === 0n) return outputs

  const { total } = request.weights
  invariant(total > 0n, 'a payout needs a window with weight')
  const miners = inTextOrder(request.weights.byAddress)
  let leftSats = restSats
  for (let i = 0; i < miners.length; i++) {
    const { address, weight } = miners[i] as AddressWeight
    const valueSats = i === miners.length - 1 ? leftSats : (restSats * weight) / total
    outputs.push({ address, script: address.script, valueSats, kind: 'payout' })
    leftSats -= valueSats
  }
  return outputs
}

/** Every node must write the same bytes: address texts are ASCII, so code unit order is byte order. A window comes in it. */
function inTextOrder(byAddress: PayoutWeights['byAddress']): readonly AddressWeight[] {
  const miners: AddressWeight[] = []
  let before = ''
  let isOrdered = true
  for (const miner of byAddress.values()) {
    const { text } = miner.address
    if (text < before) isOrdered = false
    before = text
    miners.push(miner)
  }
  return isOrdered ? miners : miners.sort((a, b) => (a.address.text < b.address.text ? -1 : 1))
}
