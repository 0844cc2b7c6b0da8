import {
  type ChainParams,
  type ChainView,
  consensusAddress,
  naivePayoutWeights,
  type PayoutWeights,
  type ShareFacts,
  type WindowSource
} from '@p2poolv2/consensus'
import { type CompactBits, invariant, type ShareHash } from '@p2poolv2/primitives'
import type { ShareChain } from '@p2poolv2/sharechain'

/** Addresses and weights as one text, by address: equal texts pay the same. */
export function weightsText(weights: PayoutWeights): string {
  const parts = [...weights.byAddress].map(([text, { weight }]) => `${text}=${weight}`)
  return `${weights.total};${parts.sort().join(';')}`
}

/** What a chain would pay for a share on its confirmed tip; null while the window cannot be read. */
export function payoutText(chain: ShareChain, bitcoinBits: CompactBits): string | null {
  const weights = chain.payoutWeights(chain.confirmedTip().hash, bitcoinBits)
  return weights === null ? null : weightsText(weights)
}

/** The same by the rule's own words, share by share over the view. Cost: O(window) with a map entry a share. */
export function naivePayoutText(params: ChainParams, chain: ShareChain, bitcoinBits: CompactBits): string | null {
  const source = new ViewWindow(params, chain.view)
  const anchorSlot = source.slotOf(chain.confirmedTip().hash)
  const weights = naivePayoutWeights(params, source, { anchorSlot, bitcoinBits })
  return weights === null ? null : weightsText(weights)
}

/** Numbers the shares of a view as they are asked about. */
class ViewWindow implements WindowSource {
  readonly #params: ChainParams
  readonly #view: ChainView
  readonly #facts: ShareFacts[] = []
  readonly #slots = new Map<ShareHash, number>()
  readonly #addresses: string[] = []
  readonly #miners = new Map<string, number>()

  constructor(params: ChainParams, view: ChainView) {
    this.#params = params
    this.#view = view
  }

  /** -1 for a share that is not held. */
  slotOf(hash: ShareHash): number {
    const known = this.#slots.get(hash)
    if (known !== undefined) return known
    const facts = this.#view.facts(hash)
    if (facts === undefined) return -1
    this.#facts.push(facts)
    this.#slots.set(hash, this.#facts.length - 1)
    return this.#facts.length - 1
  }

  prevSlot(slot: number): number {
    return this.isGenesis(slot) ? -1 : this.slotOf(this.#at(slot).prevHash)
  }

  isGenesis(slot: number): boolean {
    return this.#at(slot).height === 0
  }

  bits(slot: number): CompactBits {
    return this.#at(slot).bits
  }

  miner(slot: number): number {
    const { minerAddress } = this.#at(slot)
    const known = this.#miners.get(minerAddress)
    if (known !== undefined) return known
    this.#addresses.push(minerAddress)
    this.#miners.set(minerAddress, this.#addresses.length - 1)
    return this.#addresses.length - 1
  }

  uncleSlots(slot: number): readonly number[] {
    return this.#at(slot).uncles.map(uncle => this.slotOf(uncle))
  }

  minerAddress(miner: number): NonNullable<ReturnType<typeof consensusAddress>> {
    const address = consensusAddress(this.#addresses[miner] ?? '', this.#params.addressNetwork)
    invariant(address !== null, 'a share pays to an address')
    return address
  }

  #at(slot: number): ShareFacts {
    const facts = this.#facts[slot]
    invariant(facts !== undefined, 'a slot asked about was given out')
    return facts
  }
}
