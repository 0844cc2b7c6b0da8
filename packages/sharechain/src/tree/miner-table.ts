import type { ConsensusAddress } from '@p2poolv2/consensus'
import { invariant } from '@p2poolv2/primitives'

interface Entry {
  readonly key: string
  readonly address: ConsensusAddress
  uses: number
}

/**
 * Payout addresses as small numbers, so that a share costs four bytes for its miner and the payout window sums by index.
 * A number is given back when the last share with it is gone; the table is therefore never larger than the header index.
 */
export class MinerTable {
  readonly #makeAddress: (addressClass: 0 | 1 | 2, script: Uint8Array) => ConsensusAddress
  readonly #byKey = new Map<string, number>()
  readonly #entries: (Entry | null)[] = []
  readonly #free: number[] = []

  /** @param makeAddress builds the address with its text; called once a miner */
  constructor(makeAddress: (addressClass: 0 | 1 | 2, script: Uint8Array) => ConsensusAddress) {
    this.#makeAddress = makeAddress
  }

  get size(): number {
    return this.#byKey.size
  }

  /** The miner's number, counted as used once more. */
  acquire(miner: Pick<ConsensusAddress, 'addressClass' | 'script'>): number {
    const key = keyOf(miner)
    const known = this.#byKey.get(key)
    if (known !== undefined) {
      this.#entry(known).uses++
      return known
    }
    // A copy: the script given may be a view into a whole message.
    const address = this.#makeAddress(miner.addressClass, new Uint8Array(miner.script))
    const entry = { key, address, uses: 1 }
    const number = this.#free.pop() ?? this.#entries.length
    this.#entries[number] = entry
    this.#byKey.set(key, number)
    return number
  }

  release(number: number): void {
    const entry = this.#entry(number)
    entry.uses--
    if (entry.uses > 0) return
    this.#byKey.delete(entry.key)
    this.#entries[number] = null
    this.#free.push(number)
  }

  address(number: number): ConsensusAddress {
    return this.#entry(number).address
  }

  /** Throws unless every miner is used exactly as often as `usesOf` says. */
  checkInvariants(usesOf: ReadonlyMap<number, number>): void {
    invariant(usesOf.size === this.#byKey.size, 'every interned miner has a share')
    for (const [number, uses] of usesOf) invariant(this.#entry(number).uses === uses, 'uses of a miner are counted')
    invariant(this.#free.length + this.#byKey.size === this.#entries.length, 'a miner number is in use or free')
  }

  #entry(number: number): Entry {
    const entry = this.#entries[number]
    invariant(entry !== null && entry !== undefined, 'a miner number is used only while a share holds it')
    return entry
  }
}

/** A character a byte: a third of the time of hex, and it is asked for with every share that is read back. */
function keyOf({ addressClass, script }: Pick<ConsensusAddress, 'addressClass' | 'script'>): string {
  const codes: number[] = [addressClass]
  for (let i = 0; i < script.length; i++) codes.push(script[i] as number)
  return String.fromCharCode.apply(null, codes)
}
