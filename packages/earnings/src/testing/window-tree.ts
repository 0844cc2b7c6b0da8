/** A chain of shares without work or hashes, as the payout window reads it. */
import { type ConsensusAddress, consensusAddress } from '@p2poolv2/consensus'
import { type ShareHash, shareHash } from '@p2poolv2/primitives'
import type { DatedWindowSource } from '../window/window-view.ts'

interface TreeShare {
  readonly prev: number
  readonly miner: number
  readonly bits: number
  readonly uncles: readonly number[]
}

const BECH32 = [
  'bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t4',
  'bc1qrp33g0q5c5txsp9arysrx4k6zdkfs4nce4xj0gdcccefvpysxf3qccfmv3',
  'bc1p0xlxvlhemja6c4dqv22uapctqupfhlxm9h8z3k2e72q4k9hcz7vqzk5jj0',
  '1A1zP1eP5QGefi2DMPTfTL5SLmv7DivfNa'
]

/** Payout addresses of main by the number of their miner. */
export const MINERS: readonly ConsensusAddress[] = BECH32.map(text => {
  const address = consensusAddress(text, 'main')
  if (address === null) throw new Error('an address of main')
  return address
})

/** Text of a miner's payout address. */
export function minerText(miner: number): string {
  return (MINERS[miner] as ConsensusAddress).text
}

/** Shares by slot; slot 0 is the genesis, each ten seconds after the one before. */
export class WindowTree implements DatedWindowSource {
  readonly shares: TreeShare[]
  /** Slots below are no longer held. */
  heldFrom = 0

  constructor(genesis: { readonly miner: number; readonly bits: number }) {
    this.shares = [{ ...genesis, prev: -1, uncles: [] }]
  }

  /** @returns its slot */
  add(share: { prev: number; miner: number; bits: number; uncles?: readonly number[] }): number {
    return this.shares.push({ ...share, uncles: share.uncles ?? [] }) - 1
  }

  prevSlot(slot: number): number {
    return this.#held(this.#at(slot).prev)
  }

  isGenesis(slot: number): boolean {
    return slot === 0
  }

  bits(slot: number): number {
    return this.#at(slot).bits
  }

  miner(slot: number): number {
    return this.#at(slot).miner
  }

  uncleSlots(slot: number): readonly number[] {
    return this.#at(slot).uncles.map(uncle => this.#held(uncle))
  }

  minerAddress(miner: number): ConsensusAddress {
    return MINERS[miner] as ConsensusAddress
  }

  hash(slot: number): ShareHash {
    return shareHash((slot + 1).toString(16).padStart(64, '0'))
  }

  timeSec(slot: number): number {
    return 1_800_000_000 + slot * 10
  }

  #held(slot: number): number {
    return slot < this.heldFrom ? -1 : slot
  }

  #at(slot: number): TreeShare {
    const share = this.shares[slot]
    if (share === undefined) throw new Error(`no share in slot ${slot}`)
    return share
  }
}
