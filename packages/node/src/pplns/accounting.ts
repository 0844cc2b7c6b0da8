import type { BitcoinNetwork } from '@p2poolv2/bitcoin'
import type { ConsensusAddress, PayoutWeights } from '@p2poolv2/consensus'
import { consensusAddress } from '@p2poolv2/consensus'
import type { CompactBits, SteadyMs } from '@p2poolv2/primitives'
import { HASHES_PER_DIFFICULTY, invariant, workFromBits } from '@p2poolv2/primitives'

/** A slice of the accounting is closed after so long, or when it holds this part of a window. */
export const SLICE_MS = 600_000
const SLICES_OF_WINDOW = 1024n
/** Slices kept: more than a year of a small pool, some sixty windows of a large one. At the cap the oldest goes. */
export const MAX_SLICES = 65_536
/** Rows kept, one for each address in each slice, some 100 MB. At the cap the oldest slice goes. */
export const MAX_ACCOUNTING_ROWS = 500_000
/** Payees of one block. Beyond them those with the least work are left out of that block; their work stays in the window. */
export const MAX_ACCOUNTING_PAYEES = 1_000

/** What one address did in one slice. Rows of a higher slice are newer. */
export interface AccountingRow {
  readonly slice: number
  /** Canonical text. */
  readonly address: string
  /** Expected hashes of its accepted submits; exact. */
  readonly workHashes: bigint
  readonly submits: number
}

/** What has changed since the last: rows as they are now, and those that are gone. */
export interface AccountingDelta {
  readonly puts: readonly AccountingRow[]
  readonly deletes: readonly Pick<AccountingRow, 'slice' | 'address'>[]
}

/** Who has earned what of the next block. */
export interface AccountingWindow {
  /** In expected hashes; `total` is 0 before the first accepted submit. */
  readonly weights: PayoutWeights
  readonly submits: number
}

export interface AccountingOptions {
  readonly network: BitcoinNetwork
  /** Length of the window, in blocks' work; more than 0. */
  readonly windowBlocks: number
  readonly maxSlices?: number
  readonly maxRows?: number
}

type AddressWeight = NonNullable<ReturnType<PayoutWeights['byAddress']['get']>>

interface Entry {
  readonly address: ConsensusAddress
  workHashes: bigint
  submits: number
}

interface Slice {
  readonly number: number
  readonly entries: Map<string, Entry>
  workHashes: bigint
  submits: number
}

/** Parts of a block's work in which the length of a window is counted. */
const WINDOW_PARTS = 1_000_000

/**
 * The accounting of a pool without a share chain: who did how much of the newest work (PPLNS). The window is the newest slices whose work
 * together reaches `windowBlocks` blocks; the slice that reaches it counts in full.
 */
export class Accounting {
  readonly #windowParts: bigint
  readonly #maxSlices: number
  readonly #maxRows: number
  /** Oldest first. */
  readonly #slices: Slice[] = []
  #rows = 0
  /** Since when the newest slice takes submits; null: it takes none any more. */
  #openSinceMs: SteadyMs | null = null
  /** Work of a whole window, as it was asked for last. */
  #wantedHashes = 0n
  /** Position of the oldest slice in the window, and what is in the window from there on. */
  #from = 0
  #workHashes = 0n
  #submits = 0
  readonly #sums = new Map<string, { readonly address: ConsensusAddress; weight: bigint }>()
  readonly #changed = new Map<string, AccountingRow>()
  readonly #gone: Pick<AccountingRow, 'slice' | 'address'>[] = []

  /**
   * @param rows as they were kept, in any order
   * @throws RangeError for a row whose address cannot be paid on this network
   */
  constructor(rows: readonly AccountingRow[], options: AccountingOptions) {
    this.#windowParts = BigInt(Math.max(1, Math.round(options.windowBlocks * WINDOW_PARTS)))
    this.#maxSlices = options.maxSlices ?? MAX_SLICES
    this.#maxRows = options.maxRows ?? MAX_ACCOUNTING_ROWS
    for (const row of [...rows].sort((a, b) => a.slice - b.slice)) {
      const address = consensusAddress(row.address, options.network)
      if (address === null) throw new RangeError(`${row.address} in the accounting is no address of this network`)
      if (this.#slices.at(-1)?.number !== row.slice) this.#open(row.slice)
      this.#add(address, row.workHashes, row.submits)
    }
    this.#trim()
  }

  /** Takes note of an accepted submit. @param difficulty credited, relative to bitcoin's difficulty 1 */
  credit(address: ConsensusAddress, difficulty: number, nowMs: SteadyMs): void {
    const workHashes = BigInt(Math.max(1, Math.round(difficulty * HASHES_PER_DIFFICULTY)))
    if (this.#isFull(nowMs)) {
      this.#open((this.#slices.at(-1)?.number ?? 0) + 1)
      this.#openSinceMs = nowMs
    }
    this.#add(address, workHashes, 1)
    const slice = this.#newest
    const entry = slice.entries.get(address.text)
    invariant(entry !== undefined, 'what was credited has a row')
    const row = { slice: slice.number, address: address.text, workHashes: entry.workHashes, submits: entry.submits }
    this.#changed.set(`${row.slice} ${row.address}`, row)
    this.#trim()
  }

  /** Cost: the slices that entered or left the window since the last call, and the addresses in it. */
  window(bitcoinBits: CompactBits): AccountingWindow {
    this.#wantedHashes = (workFromBits(bitcoinBits) * this.#windowParts) / BigInt(WINDOW_PARTS)
    this.#fit()
    const payees: AddressWeight[] = [...this.#sums.values()].map(({ address, weight }) => ({ address, weight }))
    if (payees.length > MAX_ACCOUNTING_PAYEES) {
      payees.sort(byWeightDescending)
      payees.length = MAX_ACCOUNTING_PAYEES
    }
    const total = payees.reduce((sum, { weight }) => sum + weight, 0n)
    const byAddress = new Map(payees.map(payee => [payee.address.text, payee]))
    return { weights: { total, byAddress }, submits: this.#submits }
  }

  /** Whether nobody has done anything yet. */
  get isEmpty(): boolean {
    return this.#slices.length === 0
  }

  /** What is to be kept, or null. */
  takeDelta(): AccountingDelta | null {
    if (this.#changed.size === 0 && this.#gone.length === 0) return null
    const delta = { puts: [...this.#changed.values()], deletes: this.#gone.splice(0) }
    this.#changed.clear()
    return delta
  }

  /** @throws InvariantError if it contradicts itself. Cost O(rows). */
  checkInvariants(): void {
    invariant(this.#slices.length <= this.#maxSlices, 'slices are within their cap')
    invariant(this.#rows <= this.#maxRows || this.#slices.length === 1, 'rows of the accounting are within their cap')
    const inWindow = this.#slices.slice(this.#from)
    const workHashes = inWindow.reduce((sum, slice) => sum + slice.workHashes, 0n)
    const sums = [...this.#sums.values()].reduce((sum, { weight }) => sum + weight, 0n)
    invariant(workHashes === this.#workHashes && sums === workHashes, 'the window adds up')
    let rows = 0
    for (const { entries } of this.#slices) rows += entries.size
    invariant(rows === this.#rows, 'rows of the accounting are counted')
  }

  get #newest(): Slice {
    const slice = this.#slices.at(-1)
    invariant(slice !== undefined, 'there is a slice')
    return slice
  }

  #isFull(nowMs: SteadyMs): boolean {
    if (this.#openSinceMs === null || nowMs - this.#openSinceMs >= SLICE_MS) return true
    return this.#wantedHashes > 0n && this.#newest.workHashes * SLICES_OF_WINDOW >= this.#wantedHashes
  }

  #open(number: number): void {
    this.#slices.push({ number, entries: new Map(), workHashes: 0n, submits: 0 })
  }

  /** To the newest slice, which is always in the window. */
  #add(address: ConsensusAddress, workHashes: bigint, submits: number): void {
    const slice = this.#newest
    const entry = slice.entries.get(address.text)
    if (entry === undefined) {
      slice.entries.set(address.text, { address, workHashes, submits })
      this.#rows += 1
    } else {
      entry.workHashes += workHashes
      entry.submits += submits
    }
    slice.workHashes += workHashes
    slice.submits += submits
    this.#workHashes += workHashes
    this.#submits += submits
    this.#weigh(address, workHashes)
  }

  /** Lets the window begin where it must: with the slice that makes it whole. */
  #fit(): void {
    while (this.#from > 0 && this.#workHashes < this.#wantedHashes) {
      this.#from -= 1
      this.#count(this.#slices[this.#from], 1)
    }
    for (;;) {
      const oldest = this.#slices[this.#from]
      if (oldest === undefined || this.#from >= this.#slices.length - 1) return
      if (this.#workHashes - oldest.workHashes < this.#wantedHashes) return
      this.#count(oldest, -1)
      this.#from += 1
    }
  }

  #count(slice: Slice | undefined, sign: 1 | -1): void {
    invariant(slice !== undefined, 'the window is made of slices')
    for (const { address, workHashes } of slice.entries.values()) this.#weigh(address, BigInt(sign) * workHashes)
    this.#workHashes += BigInt(sign) * slice.workHashes
    this.#submits += sign * slice.submits
  }

  #weigh(address: ConsensusAddress, weight: bigint): void {
    const sum = this.#sums.get(address.text)
    if (sum === undefined) this.#sums.set(address.text, { address, weight })
    else if (sum.weight + weight === 0n) this.#sums.delete(address.text)
    else sum.weight += weight
  }

  #trim(): void {
    while (this.#slices.length > this.#maxSlices || (this.#rows > this.#maxRows && this.#slices.length > 1)) {
      if (this.#from === 0) this.#count(this.#slices[0], -1)
      const oldest = this.#slices.shift()
      this.#from = Math.max(0, this.#from - 1)
      if (oldest === undefined) return
      this.#rows -= oldest.entries.size
      for (const address of oldest.entries.keys()) {
        this.#changed.delete(`${oldest.number} ${address}`)
        this.#gone.push({ slice: oldest.number, address })
      }
    }
  }
}

function byWeightDescending(a: AddressWeight, b: AddressWeight): number {
  if (a.weight !== b.weight) return a.weight < b.weight ? 1 : -1
  return a.address.text < b.address.text ? -1 : 1
}
