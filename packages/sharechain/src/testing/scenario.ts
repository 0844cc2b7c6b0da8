import type { CompactBits, ShareHash } from '@p2poolv2/primitives'
import { ZERO_SHARE_HASH } from '@p2poolv2/primitives'
import { MiningBase } from '../chains/mining-base.ts'
import { Organiser } from '../chains/organise.ts'
import { HeaderIndex } from '../tree/header-index.ts'
import { easyParams, minerAddress } from './build-chain.ts'
import { hashOf } from './deltas.ts'

/** Work of 0x49d414, 0x24ea0a1488 and 0x189c06b85b35c7. */
export const LIGHT = 0x1e0377ae
export const HEAVY = LIGHT * 2
export const HEAVIEST = LIGHT * 3

const miner = minerAddress(easyParams(), 0)

/** Names shares, so that a scenario reads like one. */
export class Scenario {
  readonly index = new HeaderIndex(this.#entry('G', null, LIGHT))
  readonly organiser = new Organiser(this.index)
  readonly base = new MiningBase(this.index, this.organiser)
  readonly #names = ['G']

  /** A header; several at once are a row. */
  header(names: string, parent: string, bits: CompactBits = LIGHT, uncles: string[] = []): void {
    let prev = parent
    for (const name of names.split(' ')) {
      this.#names.push(name)
      const uncleHashes = uncles.map(uncle => this.#hash(uncle))
      this.organiser.headerAdded(this.index.insert({ ...this.#entry(name, prev, bits), uncles: uncleHashes }))
      prev = name
    }
  }

  /** Bodies arrive and are valid. */
  body(names: string): void {
    for (const name of names.split(' ')) {
      this.index.setBody(this.slot(name), 100)
      this.index.setValidity(this.slot(name), 'blockValid')
    }
  }

  /** Valid as they were found, their bodies gone since. */
  validWithoutBody(names: string): void {
    for (const name of names.split(' ')) this.index.setValidity(this.slot(name), 'blockValid')
  }

  /** Bodies arrive, and nobody has looked at them. */
  unjudged(names: string): void {
    for (const name of names.split(' ')) this.index.setBody(this.slot(name), 100)
  }

  verdict(name: string): string | null {
    return this.index.verdict(this.slot(name))
  }

  promote(pruneHeight = 0): { confirmed: string; unconfirmed: string } {
    const move = this.organiser.promote(pruneHeight)
    this.base.update([...this.index.slots()])
    this.check()
    return { confirmed: this.text(move.confirmed), unconfirmed: this.text(move.unconfirmed) }
  }

  invalid(name: string): string {
    const move = this.organiser.markInvalid(this.slot(name), 'coinbase-payout')
    this.base.update([])
    this.check()
    return this.text(move.invalidated)
  }

  get candidate(): string {
    return this.text([this.organiser.candidateTip])
  }

  get confirmed(): string {
    return this.text([this.organiser.confirmedTip])
  }

  get miningBase(): string {
    return this.text([this.base.slot])
  }

  membership(name: string): string {
    return this.index.membership(this.slot(name))
  }

  work(name: string): bigint {
    return this.index.work(this.slot(name))
  }

  check(): void {
    this.index.checkInvariants()
    this.organiser.checkInvariants()
    this.base.checkInvariants()
  }

  #entry(name: string, prev: string | null, bits: CompactBits) {
    const prevHash = prev === null ? ZERO_SHARE_HASH : this.#hash(prev)
    return { hash: this.#hash(name), prevHash, bits, timeSec: 0, uncles: [], miner }
  }

  #hash(name: string): ShareHash {
    return hashOf(Number.parseInt(Buffer.from(name).toString('hex'), 16))
  }

  slot(name: string): number {
    return this.index.slotOf(this.#hash(name))
  }

  text(slots: readonly number[]): string {
    return slots.map(slot => this.#names.find(name => this.slot(name) === slot)).join(' ')
  }
}
