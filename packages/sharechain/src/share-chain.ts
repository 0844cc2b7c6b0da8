import type { PaddingForm } from '@p2poolv2/bitcoin'
import type {
  BodyWait,
  ChainParams,
  ChainVerdict,
  ChainView,
  HeaderItem,
  HeaderQuestion,
  PaddingDemand,
  PayoutWeights,
  Share,
  ShareFacts
} from '@p2poolv2/consensus'
import {
  genesisShare,
  medianTimePastOrNull,
  PayoutWindow,
  producedPadding,
  requiredBits,
  requiredPadding,
  selectUncles
} from '@p2poolv2/consensus'
import type { CompactBits, Height, ShareHash, UnixMs, Work } from '@p2poolv2/primitives'
import { invariant, unixMs } from '@p2poolv2/primitives'
import { headerEntry, Intake, type Pass } from './admission/intake.ts'
import { Validator } from './admission/validator.ts'
import { Evictor } from './chains/evictor.ts'
import { MiningBase } from './chains/mining-base.ts'
import { Organiser } from './chains/organise.ts'
import { Pruner } from './chains/pruner.ts'
import { StallWatch } from './chains/stall-watch.ts'
import { uncleSource } from './chains/uncle-source.ts'
import { ACCEPTED, type ChainOutcome, type ShareChainOptions, type ShareOrigin, type ShareWalk } from './contract.ts'
import { type BlockChanges, withBlocks } from './store/block-rows.ts'
import { Changes } from './store/changes.ts'
import { FIRST_SEQUENCE, firstDelta } from './store/first-delta.ts'
import { stateKey } from './store/keys.ts'
import { encodeState, type StateRow } from './store/records.ts'
import { Restorer } from './store/restore.ts'
import { sealed } from './store/seal.ts'
import type { ChainDelta, StoredRow } from './store/share-store.ts'
import { headerAnswer } from './tree/header-answer.ts'
import { HeaderIndex, NO_SLOT, type Slot } from './tree/header-index.ts'
import { bodiesWanted, locatorHashes, sortedAtHeight } from './tree/locator.ts'

/**
 * The share chain: which shares are known, which are candidate, which are confirmed, and what to mine on.
 *
 * Every call that may change something returns a `ChainOutcome` with one delta; deltas are to be committed in order. Shares
 * from our own miners go through the very same checks as a peer's.
 */
export class ShareChain {
  readonly #params: ChainParams
  readonly #index: HeaderIndex
  readonly #organiser: Organiser
  readonly #window: PayoutWindow
  readonly #validator: Validator
  readonly #intake: Intake
  readonly #base: MiningBase
  readonly #stall: StallWatch
  readonly #evictor: Evictor
  readonly #pruner: Pruner
  #sequence = FIRST_SEQUENCE
  #restorer: Restorer | null = null

  /** A chain that holds the genesis only. */
  constructor(options: ShareChainOptions) {
    const { params } = options
    this.#params = params
    this.#index = new HeaderIndex(headerEntry(genesisShare(params)))
    this.#organiser = new Organiser(this.#index)
    this.#window = new PayoutWindow(params, this.#index)
    const parts = { index: this.#index, organiser: this.#organiser, window: this.#window }
    this.#validator = new Validator(params, parts)
    this.#intake = new Intake(params, { ...parts, validator: this.#validator })
    this.#base = new MiningBase(this.#index, this.#organiser)
    this.#stall = new StallWatch(params, this.#index, this.#organiser)
    this.#evictor = new Evictor(params, this.#index, options.limits)
    this.#pruner = new Pruner(params, {
      index: this.#index,
      organiser: this.#organiser,
      base: this.#base,
      window: this.#window,
      letGo: slot => this.#letGo(slot)
    })
  }

  /** The known shares, read only. */
  get view(): ChainView {
    return this.#index
  }

  /** Sequence number of the last delta made. */
  get sequence(): number {
    return this.#sequence
  }

  /** The first delta of a new store. */
  genesisDelta(): ChainDelta {
    return firstDelta(this.#params, this.#index)
  }

  /** Begins to read a stored chain back. Only for a chain that holds the genesis only. */
  beginRestore(): void {
    invariant(this.#index.size === 1 && this.#restorer === null, 'a chain is restored once and before anything else')
    const parts = { index: this.#index, organiser: this.#organiser, validator: this.#validator }
    this.#restorer = new Restorer({ ...parts, intake: this.#intake })
  }

  /** Takes one row, in the order `ShareStore.load` gives them. @throws StoreCorrupt */
  restoreRow(row: StoredRow): void {
    invariant(this.#restorer !== null, 'rows come between beginRestore and finishRestore')
    this.#restorer.row(row)
  }

  /**
   * Ends reading back.
   * @returns `empty` when there were no rows: the store is new and wants `genesisDelta`
   * @throws StoreCorrupt
   */
  finishRestore(): 'restored' | 'empty' {
    invariant(this.#restorer !== null, 'finishRestore comes after beginRestore')
    const state = this.#restorer.finish()
    this.#restorer = null
    if (state === null) return 'empty'
    this.#sequence = state.sequence
    this.#base.restore()
    return 'restored'
  }

  /** Takes a share (protocol §12.4 to §14). Cost: about a millisecond, and released orphans up to a cap. */
  addShare(share: Share, origin: ShareOrigin, nowMs: UnixMs): ChainOutcome {
    return this.#run(nowMs, pass => this.#intake.share(share, origin, pass))
  }

  /**
   * Takes a batch of headers, all or none (protocol §12.3). Hashes must be the headers' own, as decoding gives them. While
   * `isUndecided`, headers of a heavier chain that forks from below what is kept make us begin anew.
   * @param provenWork of the chain they belong to, if all its headers have been followed
   */
  addHeaders(items: readonly HeaderItem[], nowMs: UnixMs, provenWork: Work = 0n): ChainOutcome {
    const last = items.at(-1)
    if (last !== undefined) this.#evictor.batch(last.hash)
    return this.#run(nowMs, pass => {
      this.#pruner.expect({ items, provenWork, nowMs }, pass.changes)
      return this.#intake.headers(items, pass)
    })
  }

  /** When `advance` should be called: work was left over by a step cap, or a share's time will have come. */
  get nextDeadlineMs(): UnixMs | null {
    if (this.#intake.hasWork) return unixMs(0)
    const parts = [this.#validator, this.#intake, this.#stall]
    const due = parts.map(part => part.nextDeadlineMs).filter(at => at !== null)
    return due.length === 0 ? null : unixMs(Math.min(...due))
  }

  /** What the candidate chain's bodies are waited for with: it is turned away from if they do not come. */
  awaitBodies(wait: BodyWait, nowMs: UnixMs): ChainOutcome {
    this.#stall.setWait(wait)
    return this.advance(nowMs)
  }

  /** Takes up what is due. */
  advance(nowMs: UnixMs): ChainOutcome {
    return this.#run(nowMs, () => ACCEPTED)
  }

  /** Whether a share is followed that is dated further ahead than one may be that comes now. */
  hasAhead(nowMs: UnixMs): boolean {
    return this.#intake.hasAhead(nowMs)
  }

  /** Takes such shares off both chains until their time has come, with all that is built on them. Cost: O(shares known). */
  holdAhead(nowMs: UnixMs): ChainOutcome {
    return this.#run(nowMs, pass => {
      this.#intake.holdAhead(pass)
      return ACCEPTED
    })
  }

  /**
   * Shares with a stored body and no verdict whose body is not in memory, parents first: to be read from the store and
   * given to `bodiesRead`, until none are left. Non-empty after a restart, or when too many bodies waited at once.
   */
  resume(limit: number): readonly ShareHash[] {
    return this.#validator.unread(limit)
  }

  /** Takes bodies that `resume` asked for, in its order. */
  bodiesRead(shares: readonly Share[], nowMs: UnixMs): ChainOutcome {
    return this.#run(nowMs, pass => {
      for (const share of shares) this.#intake.storedBody(share, pass)
      return ACCEPTED
    })
  }

  /**
   * The store has no readable body of these shares: they are to be fetched from peers again.
   * @returns in `wanted` those that are still needed; what else is named changes nothing
   */
  bodiesLost(hashes: readonly ShareHash[], nowMs: UnixMs): ChainOutcome {
    return this.#run(nowMs, pass => {
      for (const hash of hashes) this.#intake.bodyLost(hash, pass)
      return ACCEPTED
    })
  }

  /** The delta that stores found blocks, or their results once known. With a record in it it is flushed to the platter. */
  recordBlocks(blocks: BlockChanges): ChainDelta {
    this.#sequence++
    const puts = [sealed(stateKey(), encodeState(this.#state()))]
    return withBlocks({ sequence: this.#sequence, puts, deletes: [], durability: 'buffered' }, blocks)
  }

  /** The share to build on (protocol §15). */
  miningBase(): ShareFacts {
    return this.#index.factsOf(this.#base.slot)
  }

  confirmedTip(): ShareFacts {
    return this.#index.factsOf(this.#organiser.confirmedTip)
  }

  candidateTip(): ShareFacts {
    return this.#index.factsOf(this.#organiser.candidateTip)
  }

  /** The bits a child of this share must carry. */
  nextShareBits(baseHash: ShareHash): CompactBits {
    const slot = this.#slot(baseHash)
    return requiredBits(this.#params, this.#index.timeSec(slot), this.#index.height(slot))
  }

  /**
   * The time a child of this share must exceed, unix seconds. Where an ancestor it needs is pruned, as after a fall to the
   * lowest shares kept, the share's own time: a child of it cannot be judged anyway.
   */
  medianTimePast(baseHash: ShareHash): number {
    const slot = this.#slot(baseHash)
    return medianTimePastOrNull(this.#params, this.#index, baseHash) ?? this.#index.timeSec(slot)
  }

  /** The uncles a child of this share should name, in the order to write them (protocol §15). */
  uncleChoice(baseHash: ShareHash): readonly ShareHash[] {
    return selectUncles(this.#params, uncleSource(this.#index, this.#organiser, this.#slot(baseHash)), baseHash)
  }

  /** The form of padding a child of this share must have, and the one to give it. */
  padding(baseHash: ShareHash): { readonly demand: PaddingDemand; readonly form: PaddingForm } {
    const base = this.#slot(baseHash)
    return {
      demand: requiredPadding(this.#params, this.#index, base),
      form: producedPadding(this.#params, this.#index, base)
    }
  }

  /** Weights of the payout window that ends at this share, inclusive; null if part of it is no longer held. */
  payoutWeights(baseHash: ShareHash, bitcoinBits: CompactBits): PayoutWeights | null {
    return this.#window.weights(this.#slot(baseHash), bitcoinBits)
  }

  /** How many shares, without uncles, that window holds. */
  windowShares(baseHash: ShareHash, bitcoinBits: CompactBits): number {
    return this.payoutWeights(baseHash, bitcoinBits) === null ? 0 : this.#window.length
  }

  /** The shares down from this one, as who walks back over them reads them. Slots hold until the chain changes. */
  walkFrom(hash: ShareHash): { readonly source: ShareWalk; readonly anchorSlot: number } {
    return { source: this.#index, anchorSlot: this.#slot(hash) }
  }

  /** Undefined above the confirmed tip and where pruned. */
  confirmedHashAt(height: Height): ShareHash | undefined {
    const slot = this.#organiser.confirmedAt(height)
    return slot === NO_SLOT ? undefined : this.#index.hash(slot)
  }

  facts(hash: ShareHash): ShareFacts | undefined {
    return this.#index.facts(hash)
  }

  /** By digest, the order the network lists them in. */
  hashesAtHeight(height: Height): readonly ShareHash[] {
    return sortedAtHeight(this.#index, height).map(slot => this.#index.hash(slot))
  }

  /** Our candidate chain for a header request, newest first (protocol §19.2). */
  locator(depth = 0): readonly ShareHash[] {
    return locatorHashes(this.#index, this.#organiser, depth)
  }

  /** The shares whose headers answer a peer's question (protocol §18.5). */
  headerAnswer(question: HeaderQuestion): readonly ShareHash[] {
    return headerAnswer(this.#params, { index: this.#index, organiser: this.#organiser }, question)
  }

  /** Shares whose bodies are to be fetched next, uncles before nephews (protocol §19.4). */
  bodiesWanted(limit: number): readonly ShareHash[] {
    const { lostBodies } = this.#intake
    return bodiesWanted(this.#params, { index: this.#index, organiser: this.#organiser, lost: lostBodies }, limit)
  }

  /** Uncles named by confirmed shares since the genesis. */
  get uncleCount(): number {
    return this.#organiser.uncleCount
  }

  /** Shares in memory that are followed although they carry transactions whose scripts nobody here can check. */
  get scriptsUnchecked(): number {
    return this.#index.scriptsUncheckedCount
  }

  /** Shares in memory, the genesis included. */
  get shareCount(): number {
    return this.#index.size
  }

  /** The lowest height above the genesis that is in memory; what is below is pruned but for its headers on disk. */
  get keptFromHeight(): Height {
    return this.#index.lowestHeight
  }

  /** Whether a heavier chain is still taken that forks from below `keptFromHeight`: not once all that is kept was validated here. */
  get isUndecided(): boolean {
    return this.#pruner.isUndecided
  }

  /** Whether less work is known than the chain must have: nothing more of it is confirmed, and it is no chain to mine on. */
  get isTooLight(): boolean {
    return this.#index.work(this.#organiser.candidateTip) < this.#params.minimumChainWork
  }

  /** Shares waiting in memory for a parent or an uncle. */
  get orphanCount(): number {
    return this.#intake.orphanCount
  }

  checkInvariants(): void {
    const parts = [this.#index, this.#organiser, this.#validator, this.#intake, this.#base, this.#stall, this.#window]
    for (const part of parts) part.checkInvariants()
  }

  #run(nowMs: UnixMs, work: (pass: Pass) => ChainVerdict): ChainOutcome {
    const before = this.#state()
    const base = this.#base.slot
    const changes = new Changes(this.#index)
    const pass = { changes, nowMs }
    const verdict = work(pass)
    this.#intake.drain(pass)
    for (const slot of changes.validatedSlots) this.#organiser.release(slot)
    if (changes.grownHeights.size > 0) this.#organiser.releaseOutgrown(this.#params)
    this.#promote(changes)
    const blocking = this.#stall.update(this.#base.slot, nowMs)
    if (blocking !== NO_SLOT) {
      this.#organiser.withhold(blocking)
      this.#promote(changes)
    }
    this.#evictor.run(changes, this.#base.slot, slot => {
      this.#organiser.evicted(slot)
      this.#letGo(slot)
    })
    this.#pruner.prune(changes)
    const after = this.#state()
    const moved = before.confirmedTip !== after.confirmedTip || before.candidateTip !== after.candidateTip
    const delta = changes.touched || moved ? changes.delta({ ...after, sequence: ++this.#sequence }) : null
    return changes.outcome({ verdict, delta, newBase: base !== this.#base.slot })
  }

  #promote(changes: Changes): void {
    if (!this.isTooLight) changes.moved(this.#organiser.promote(this.#organiser.bodiesFrom(this.#params)))
    this.#base.update(changes.validatedSlots)
  }

  #letGo(slot: Slot): void {
    this.#validator.forget(slot)
    this.#intake.forget(slot)
    this.#stall.forget(slot)
    this.#window.forget(slot)
  }

  #state(): StateRow {
    return {
      sequence: this.#sequence,
      confirmedTip: this.#index.hash(this.#organiser.confirmedTip),
      candidateTip: this.#index.hash(this.#organiser.candidateTip),
      uncleCount: this.#organiser.uncleCount
    }
  }

  #slot(hash: ShareHash): Slot {
    const slot = this.#index.slotOf(hash)
    invariant(slot !== NO_SLOT, 'the share asked about is known')
    return slot
  }
}
