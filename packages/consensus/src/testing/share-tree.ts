/** Trees of share facts for tests of rules and of the payout window; no hashing, no work. */
import { type ShareHash, shareHash, ZERO_SHARE_HASH } from '@p2poolv2/primitives'
import type { ConsensusAddress, ShareFacts, WindowSource } from '../index.ts'
import type { UncleSource } from '../rules/select-uncles.ts'
import { testAddress } from './build-share.ts'

export interface TreeShare {
  readonly prev: number
  readonly miner: number
  readonly bits: number
  readonly uncles: readonly number[]
  readonly height: number
}

/** Shares by slot; slot 0 is the genesis. Implements the window's source by slot and the rules' views by hash. */
export class ShareTree implements WindowSource, UncleSource {
  readonly shares: TreeShare[] = []
  readonly overrides = new Map<number, Partial<ShareFacts>>()
  readonly confirmed = new Set<number>()
  readonly referenced = new Set<number>()
  /** Slots below this are no longer held. */
  heldFrom = 0

  constructor(genesis: { readonly miner: number; readonly bits: number }) {
    this.shares.push({ ...genesis, prev: -1, uncles: [], height: 0 })
  }

  add(share: Omit<TreeShare, 'height' | 'uncles'> & { readonly uncles?: readonly number[] }): number {
    return this.shares.push({ ...share, uncles: share.uncles ?? [], height: this.at(share.prev).height + 1 }) - 1
  }

  at(slot: number): TreeShare {
    const share = this.shares[slot]
    if (share === undefined) throw new Error(`no share in slot ${slot}`)
    return share
  }

  hash(slot: number): ShareHash {
    return slot === -1 ? ZERO_SHARE_HASH : shareHash(`${(slot + 1).toString(16).padStart(64, '0')}`)
  }

  prevSlot(slot: number): number {
    const { prev } = this.at(slot)
    return prev < this.heldFrom ? -1 : prev
  }

  isGenesis(slot: number): boolean {
    return slot === 0
  }

  bits(slot: number): number {
    return this.at(slot).bits
  }

  miner(slot: number): number {
    return this.at(slot).miner
  }

  uncleSlots(slot: number): readonly number[] {
    return this.at(slot).uncles.map(uncle => (uncle < this.heldFrom ? -1 : uncle))
  }

  minerAddress(miner: number): ConsensusAddress {
    return testAddress(miner)
  }

  facts(hash: ShareHash): ShareFacts | undefined {
    const slot = Number.parseInt(hash.slice(-12), 16) - 1
    const share = this.shares[slot]
    if (share === undefined || slot < this.heldFrom) return undefined
    return {
      hash,
      prevHash: this.hash(share.prev),
      height: share.height,
      bits: share.bits,
      timeSec: 1_700_000_000 + share.height,
      uncles: share.uncles.map(uncle => this.hash(uncle)),
      minerAddress: testAddress(share.miner).text,
      chainWork: BigInt(share.height) * 1000n,
      validity: 'blockValid',
      hasBody: true,
      ...this.overrides.get(slot)
    }
  }

  children(hash: ShareHash): readonly ShareHash[] {
    return this.shares.flatMap(({ prev }, slot) => (prev !== -1 && this.hash(prev) === hash ? [this.hash(slot)] : []))
  }

  isConfirmed(hash: ShareHash): boolean {
    return this.confirmed.has(Number.parseInt(hash.slice(-12), 16) - 1)
  }

  alreadyReferenced(hash: ShareHash): boolean {
    return this.referenced.has(Number.parseInt(hash.slice(-12), 16) - 1)
  }
}
