import type { ConsensusAddress, WindowSource } from '@p2poolv2/consensus'
import { type CompactBits, seededRng } from '@p2poolv2/primitives'
import { minerAddress, SHARE_BITS } from './window-rows.ts'

/** Shares in slots, slot by slot a chain; one in twenty names an uncle that stands behind all of them. */
export class FlatWindow implements WindowSource {
  readonly #shares: number
  readonly #miners: Int32Array
  readonly #addresses: readonly ConsensusAddress[]

  constructor({ shares, miners }: { readonly shares: number; readonly miners: number }) {
    const rng = seededRng('window tree')
    this.#shares = shares
    this.#miners = Int32Array.from({ length: shares * 2 }, () => rng.u32() % miners)
    this.#addresses = Array.from({ length: miners }, (_, miner) => minerAddress(miner))
  }

  prevSlot(slot: number): number {
    return slot - 1
  }

  isGenesis(slot: number): boolean {
    return slot === 0
  }

  bits(_slot: number): CompactBits {
    return SHARE_BITS
  }

  miner(slot: number): number {
    return this.#miners[slot] ?? 0
  }

  uncleSlots(slot: number): readonly number[] {
    return slot > 1 && slot % 20 === 0 ? [this.#shares + slot] : NONE
  }

  minerAddress(miner: number): ConsensusAddress {
    return this.#addresses[miner] ?? minerAddress(miner)
  }
}

const NONE: readonly number[] = Object.freeze([])
