/** A plain list of real shares with the views the rules need; what the share chain's index is in the node. */
import { type CompactBits, type ShareHash, workFromBits } from '@p2poolv2/primitives'
import {
  type ChainParams,
  type ChainView,
  type ConsensusAddress,
  genesisShare,
  type PaddingDemand,
  type PaddingMark,
  type PaddingSource,
  type PayoutWeights,
  PayoutWindow,
  paddingMarkOf,
  requiredBits,
  requiredPadding,
  type Share,
  type ShareFacts,
  type WindowSource
} from '../index.ts'
import type { PaddingReader, PayoutWindowReader } from '../rules/check-context.ts'
import { buildShare, type ShareSpec } from './build-share.ts'

type NextShare = Omit<ShareSpec, 'params' | 'prev' | 'bits' | 'timeSec' | 'weights'> &
  Partial<Pick<ShareSpec, 'timeSec' | 'weights'>>

export class ShareLedger implements ChainView, WindowSource, PaddingSource, PaddingReader, PayoutWindowReader {
  readonly params: ChainParams
  readonly shares: Share[] = []
  readonly overrides = new Map<ShareHash, Partial<ShareFacts>>()
  readonly #slots = new Map<ShareHash, number>()
  readonly #facts: ShareFacts[] = []
  readonly #miners: ConsensusAddress[] = []
  readonly #window: PayoutWindow

  constructor(params: ChainParams) {
    this.params = params
    this.add(genesisShare(params))
    this.#window = new PayoutWindow(params, this)
  }

  get tip(): Share {
    return this.shares.at(-1) as Share
  }

  add(share: Share): Share {
    const { header, hash } = share
    const parent = this.facts(header.prevShareHash)
    this.#slots.set(hash, this.shares.push(share) - 1)
    this.#facts.push({
      hash,
      prevHash: header.prevShareHash,
      height: parent === undefined ? 0 : parent.height + 1,
      bits: header.bits,
      timeSec: header.timeSec,
      uncles: header.uncles,
      minerAddress: header.minerBitcoinAddress.text,
      chainWork: (parent?.chainWork ?? 0n) + workFromBits(header.bits),
      validity: 'blockValid',
      hasBody: true
    })
    return share
  }

  /** An honest share on a parent, not added. */
  next(spec: NextShare = {}, parent: Share = this.tip): Share {
    const facts = this.facts(parent.hash) as ShareFacts
    const weights = this.weights(parent.hash, spec.bitcoinBits ?? 0x1f00ffff)
    if (weights === null) throw new Error('the window is held')
    return buildShare({
      params: this.params,
      prev: parent.hash,
      bits: requiredBits(this.params, facts.timeSec, facts.height),
      timeSec: facts.timeSec + 1,
      weights,
      ...spec
    })
  }

  facts(hash: ShareHash): ShareFacts | undefined {
    const facts = this.#facts[this.#slots.get(hash) ?? -1]
    return facts === undefined ? undefined : { ...facts, ...this.overrides.get(hash) }
  }

  weights(anchor: ShareHash, bitcoinBits: CompactBits): PayoutWeights | null {
    return this.#window.weights(this.#slots.get(anchor) ?? -1, bitcoinBits)
  }

  padding(slot: number): PaddingMark {
    return paddingMarkOf(this.shares[slot] as Share)
  }

  demand(parent: ShareHash): PaddingDemand {
    return requiredPadding(this.params, this, this.#slots.get(parent) ?? -1)
  }

  prevSlot(slot: number): number {
    return this.#slots.get((this.shares[slot] as Share).header.prevShareHash) ?? -1
  }

  isGenesis(slot: number): boolean {
    return slot === 0
  }

  bits(slot: number): CompactBits {
    return (this.shares[slot] as Share).header.bits
  }

  miner(slot: number): number {
    const { minerBitcoinAddress } = (this.shares[slot] as Share).header
    const known = this.#miners.findIndex(address => address.text === minerBitcoinAddress.text)
    return known >= 0 ? known : this.#miners.push(minerBitcoinAddress) - 1
  }

  uncleSlots(slot: number): readonly number[] {
    return (this.shares[slot] as Share).header.uncles.map(uncle => this.#slots.get(uncle) ?? -1)
  }

  minerAddress(miner: number): ConsensusAddress {
    return this.#miners[miner] as ConsensusAddress
  }
}
