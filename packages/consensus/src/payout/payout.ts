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
  /** The same by text, where somebody has sorted them. */
  readonly inTextOrder?: readonly AddressWeight[]
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
/** Above what four roundings of doubles can be off, relatively. */
const DOUBT = 2 ** -50

/** The weights of a window as it stands: sorted, and a map of them only for who asks for one. */
export class WindowWeights implements PayoutWeights {
  readonly total: bigint
  readonly inTextOrder: readonly AddressWeight[]
  #byAddress: ReadonlyMap<string, AddressWeight> | null = null
  #last: { readonly request: PayoutRequest; readonly outputs: readonly PayoutOutput[] } | null = null

  /** @param inTextOrder every address once */
  constructor(total: bigint, inTextOrder: readonly AddressWeight[]) {
    this.total = total
    this.inTextOrder = inTextOrder
  }

  get byAddress(): ReadonlyMap<string, AddressWeight> {
    this.#byAddress ??= new Map(this.inTextOrder.map(miner => [miner.address.text, miner]))
    return this.#byAddress
  }

  /**
   * `payoutOutputs` of it, with what was asked last at hand: work is made anew again and again from one window, and the share that it
   * becomes is checked by it.
   */
  outputs(request: PayoutRequest): readonly PayoutOutput[] {
    if (this.#last !== null && isSame(this.#last.request, request)) return this.#last.outputs
    const outputs = splitPayout(request)
    this.#last = { request, outputs }
    return outputs
  }

  /** The window has moved on: what was asked last will hardly be asked again, and whoever keeps the weights does not keep it. */
  forgetLast(): void {
    this.#last = null
  }
}

/**
 * The outputs of a coinbase, in order: donation, fee, then every address of the window by text.
 *
 * The donation is taken from the whole, the fee from what is left. All miners but the last get their part rounded down; the
 * last gets the remainder. There is no dust limit. When the cuts leave nothing there are no payout outputs. The values always
 * sum to `valueSats`. Callers refuse cuts above 10,000 bps and windows without weight.
 */
export function payoutOutputs(request: PayoutRequest): readonly PayoutOutput[] {
  return request.weights instanceof WindowWeights ? request.weights.outputs(request) : splitPayout(request)
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
  const miners = request.weights.inTextOrder ?? inTextOrder(request.weights.byAddress)
  invariant(restSats <= BigInt(Number.MAX_SAFE_INTEGER), 'a coinbase value is exact as a number')
  const rest = Number(restSats)
  const scale = rest / Number(total)
  let left = rest
  for (let i = 0; i < miners.length; i++) {
    const { address, weight } = miners[i] as AddressWeight
    let value = left
    if (i < miners.length - 1) {
      // A double tells the whole part for sure unless it comes close to the next number; then it is divided in whole numbers.
      const estimate = scale * Number(weight)
      const doubt = estimate * DOUBT
      value = Math.floor(estimate - doubt)
      if (value !== Math.floor(estimate + doubt)) value = Number((restSats * weight) / total)
    }
    outputs.push({ address, script: address.script, valueSats: BigInt(value), kind: 'payout' })
    left -= value
  }
  return outputs
}

/** Every node must write the same bytes: address texts are ASCII, so code unit order is byte order. */
function inTextOrder(byAddress: PayoutWeights['byAddress']): readonly AddressWeight[] {
  return [...byAddress.values()].sort((a, b) => (a.address.text < b.address.text ? -1 : 1))
}
