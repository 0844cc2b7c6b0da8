/** The sliding payout window with its sums kept as shares come and go. Source: protocol §16.1. */
import { type CompactBits, invariant } from '@p2poolv2/primitives'
import { integerDifficulty, windowThreshold } from '../asert.ts'
import type { ChainParams } from '../params.ts'
import { type AddressWeight, type PayoutWeights, WindowWeights } from './payout.ts'
import { MAIN_WEIGHT, NEPHEW_WEIGHT, UNCLE_WEIGHT, WeightTable } from './weight-table.ts'
import { WideSums } from './wide-sums.ts'
import { WindowEntries } from './window-entries.ts'
import type { WindowSource } from './window-source.ts'

/** Indexes into the sums that belong to no miner. */
const TOTAL = 0
const THRESHOLD = 1
const SCRATCH = 2

/** Receives one weight: whose, and where its limbs stand. */
type Give = (miner: number, limbs: Float64Array, at: number) => void

interface Answer {
  readonly anchorSlot: number
  readonly bitcoinBits: CompactBits
  readonly weights: WindowWeights
}

/**
 * The payout weights of any share, as `naivePayoutWeights` defines them, at the cost of the way from the last one asked for.
 *
 * Moving along the share tree drops the shares above the common ancestor and pushes those below the new anchor; then the
 * old end follows the threshold. Sums are exact integers per miner. Nothing is allocated per share moved except what the
 * source allocates.
 */
export class PayoutWindow {
  readonly #params: ChainParams
  readonly #source: WindowSource
  readonly #entries: WindowEntries
  readonly #table: WeightTable
  /** Weight of the whole window, the threshold asked for last, and a scratch sum. */
  readonly #sums = new WideSums()
  /** Weight by miner number. */
  readonly #minerSums = new WideSums()
  /** How often each miner occurs in the window; a miner of no weight still gets an output. */
  #occurrences = new Int32Array(64)
  /** Miners that occur, and where each stands in that list; by address text once it has been asked for. */
  readonly #present: number[] = []
  #placeInPresent = new Int32Array(64)
  #isSorted = true
  /** What each miner was last said to have; undefined once that has changed. */
  readonly #said: (AddressWeight | undefined)[] = []
  #answer: Answer | null = null

  // Made once: push and drop allocate no closures.
  readonly #credit: Give = (miner, limbs, at) => {
    this.#sums.add(TOTAL, limbs, at)
    this.#minerSums.add(miner, limbs, at)
    this.#said[miner] = undefined
  }
  readonly #debit: Give = (miner, limbs, at) => {
    this.#sums.subtract(TOTAL, limbs, at)
    this.#minerSums.subtract(miner, limbs, at)
    this.#said[miner] = undefined
  }
  readonly #raiseScratch: Give = (_miner, limbs, at) => this.#sums.add(SCRATCH, limbs, at)

  constructor(params: ChainParams, source: WindowSource) {
    this.#params = params
    this.#source = source
    this.#entries = new WindowEntries(params.maxUncles)
    this.#table = new WeightTable(params)
  }

  /** Shares in the window last asked for, without uncles. */
  get length(): number {
    return this.#entries.length
  }

  /**
   * Weights of the window that ends at `anchorSlot`, inclusive, for a bitcoin target.
   * @returns null if a share of the window, or an uncle, is no longer held
   */
  weights(anchorSlot: number, bitcoinBits: CompactBits): PayoutWeights | null {
    const last = this.#answer
    if (last !== null && last.anchorSlot === anchorSlot && last.bitcoinBits === bitcoinBits) return last.weights
    this.#forgetAnswer()
    if (!this.#moveTo(anchorSlot)) return null
    this.#sums.set(THRESHOLD, windowThreshold(this.#params, bitcoinBits))
    if (!this.#fitOldEnd()) return null
    this.#answer = { anchorSlot, bitcoinBits, weights: this.#snapshot() }
    return this.#answer.weights
  }

  /** The source is about to give this slot to another share. */
  forget(slot: number): void {
    if (this.#entries.find(slot) !== null) this.reset()
  }

  #forgetAnswer(): void {
    this.#answer?.weights.forgetLast()
    this.#answer = null
  }

  /** Empties the window; the next question walks it anew. */
  reset(): void {
    this.#forgetAnswer()
    this.#entries.clear()
    this.#sums.clear()
    this.#minerSums.clear()
    this.#occurrences.fill(0)
    this.#present.length = 0
    this.#said.length = 0
    this.#isSorted = true
  }

  /** Makes `anchorSlot` the newest entry. */
  #moveTo(anchorSlot: number): boolean {
    const above: number[] = []
    let slot = anchorSlot
    let junction = this.#entries.find(slot)
    while (junction === null) {
      above.push(slot)
      // Without a common share inside the longest window the old one is of no use.
      if (above.length >= this.#params.windowMaxShares || this.#source.isGenesis(slot)) break
      slot = this.#source.prevSlot(slot)
      if (slot === -1) break
      junction = this.#entries.find(slot)
    }
    if (junction === null) {
      this.reset()
      return this.#push('newest', anchorSlot)
    }
    while (this.#entries.newest > junction) this.#drop('newest')
    for (let i = above.length - 1; i >= 0; i--) {
      if (this.#entries.length === this.#params.windowMaxShares) this.#drop('oldest')
      if (!this.#push('newest', above[i] as number)) return false
    }
    return true
  }

  /** Extends or shortens the old end until the window is the shortest that reaches the threshold. */
  #fitOldEnd(): boolean {
    const entries = this.#entries
    while (this.#sums.compare(TOTAL, THRESHOLD) < 0 && entries.length < this.#params.windowMaxShares) {
      const oldest = entries.slot(entries.oldest)
      if (this.#source.isGenesis(oldest)) break
      const slot = this.#source.prevSlot(oldest)
      if (slot === -1 || !this.#push('oldest', slot)) return false
    }
    while (entries.length > 1 && this.#reachesWithoutOldest()) this.#drop('oldest')
    return true
  }

  #reachesWithoutOldest(): boolean {
    this.#sums.copy(THRESHOLD, SCRATCH)
    this.#weigh(this.#entries.oldest, this.#raiseScratch)
    return this.#sums.compare(TOTAL, SCRATCH) >= 0
  }

  #push(end: 'newest' | 'oldest', slot: number): boolean {
    if (!this.#entries.push(end, slot, this.#source)) return false
    const seq = end === 'newest' ? this.#entries.newest : this.#entries.oldest
    this.#weigh(seq, this.#credit)
    for (let lane = 0; lane < this.#entries.lanes(seq); lane++) this.#enter(this.#entries.miner(seq, lane))
    return true
  }

  #drop(end: 'newest' | 'oldest'): void {
    const seq = end === 'newest' ? this.#entries.newest : this.#entries.oldest
    this.#weigh(seq, this.#debit)
    for (let lane = 0; lane < this.#entries.lanes(seq); lane++) this.#leave(this.#entries.miner(seq, lane))
    this.#entries.drop(end)
  }

  /** Everything one share gives, and to whom; the sum of it is the share's part of the threshold. */
  #weigh(seq: number, give: Give): void {
    const entries = this.#entries
    const nephew = entries.miner(seq, 0)
    const own = this.#table.row(entries.bits(seq, 0))
    give(nephew, this.#table.limbs, own + MAIN_WEIGHT)
    for (let lane = 1; lane < entries.lanes(seq); lane++) {
      const row = this.#table.row(entries.bits(seq, lane))
      give(entries.miner(seq, lane), this.#table.limbs, row + UNCLE_WEIGHT)
      give(nephew, this.#table.limbs, row + NEPHEW_WEIGHT)
    }
  }

  #enter(miner: number): void {
    if (miner >= this.#occurrences.length) {
      this.#occurrences = longer(this.#occurrences, miner)
      this.#placeInPresent = longer(this.#placeInPresent, miner)
    }
    const before = this.#occurrences[miner] as number
    this.#occurrences[miner] = before + 1
    if (before > 0) return
    this.#placeInPresent[miner] = this.#present.push(miner) - 1
    this.#isSorted = false
  }

  #leave(miner: number): void {
    const after = (this.#occurrences[miner] as number) - 1
    this.#occurrences[miner] = after
    if (after > 0) return
    const place = this.#placeInPresent[miner] as number
    const moved = this.#present.pop()
    invariant(moved !== undefined, 'a miner that leaves the payout window was in it')
    if (moved === miner) return
    this.#present[place] = moved
    this.#placeInPresent[moved] = place
    this.#isSorted = false
  }

  /** By address text: who writes the outputs of a coinbase need not sort them again. */
  #snapshot(): WindowWeights {
    if (!this.#isSorted) this.#sort()
    const inTextOrder: AddressWeight[] = []
    let before: AddressWeight | undefined
    for (const miner of this.#present) {
      let last = this.#weightOf(miner)
      // Two numbers may stand for one text; one address is one object nearly always.
      if (before !== undefined && before.address.text === last.address.text) {
        last = { address: last.address, weight: before.weight + last.weight }
        inTextOrder.pop()
      }
      inTextOrder.push(last)
      before = last
    }
    return new WindowWeights(this.#sums.get(TOTAL), inTextOrder)
  }

  #weightOf(miner: number): AddressWeight {
    const said = this.#said[miner]
    if (said !== undefined) return said
    const weight = { address: this.#source.minerAddress(miner), weight: this.#minerSums.get(miner) }
    this.#said[miner] = weight
    return weight
  }

  #sort(): void {
    const text = (miner: number): string => this.#weightOf(miner).address.text
    this.#present.sort((a, b) => {
      const [textA, textB] = [text(a), text(b)]
      return textA < textB ? -1 : textA > textB ? 1 : 0
    })
    for (let place = 0; place < this.#present.length; place++)
      this.#placeInPresent[this.#present[place] as number] = place
    this.#isSorted = true
  }

  /** Throws unless the sums are what the entries say, the entries hang together and the bounds hold. */
  checkInvariants(): void {
    const entries = this.#entries
    invariant(entries.length <= this.#params.windowMaxShares, 'the payout window keeps its bound')
    const weights = new Map<number, bigint>()
    const add = (miner: number, weight: bigint): void => {
      weights.set(miner, (weights.get(miner) ?? 0n) + weight)
    }
    for (let seq = entries.oldest; seq <= entries.newest; seq++) {
      const difficulty = (lane: number): bigint => integerDifficulty(this.#params, entries.bits(seq, lane))
      add(entries.miner(seq, 0), this.#params.mainWeight * difficulty(0))
      for (let lane = 1; lane < entries.lanes(seq); lane++) {
        add(entries.miner(seq, lane), this.#params.uncleWeight * difficulty(lane))
        add(entries.miner(seq, 0), this.#params.nephewWeight * difficulty(lane))
      }
      invariant(entries.find(entries.slot(seq)) === seq, 'every share of the payout window is found')
      const isLinked = seq === entries.oldest || this.#source.prevSlot(entries.slot(seq)) === entries.slot(seq - 1)
      invariant(isLinked, 'the shares of the payout window follow each other')
    }
    invariant(weights.size === this.#present.length, 'the payout window knows who is in it')
    let total = 0n
    for (const [miner, weight] of weights) {
      invariant(this.#minerSums.get(miner) === weight, 'a miner’s sum is what its shares give')
      invariant(this.#present[this.#placeInPresent[miner] as number] === miner, 'a miner stands at its place')
      total += weight
    }
    invariant(this.#sums.get(TOTAL) === total, 'the total is what the shares give')
  }
}

function longer(column: Int32Array, index: number): Int32Array<ArrayBuffer> {
  const larger = new Int32Array(Math.max(index + 1, column.length * 2))
  larger.set(column)
  return larger
}
