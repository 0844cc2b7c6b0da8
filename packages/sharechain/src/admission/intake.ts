import type { ChainParams, ChainVerdict, Checked, HeaderItem, RuleCode, Share, ShareHeader } from '@p2poolv2/consensus'
import { checkBodyMatches, checkBodySize, checkHeader, paddingMarkOf, verifyCoinbaseProof } from '@p2poolv2/consensus'
import type { ShareHash, UnixMs } from '@p2poolv2/primitives'
import { Deadlines, invariant, msFromSec, secFromMs, unixMs, unixSec } from '@p2poolv2/primitives'
import type { Organiser } from '../chains/organise.ts'
import { ACCEPTED, KNOWN, type ShareOrigin } from '../contract.ts'
import type { Changes } from '../store/changes.ts'
import { type HeaderEntry, type HeaderIndex, NO_SLOT, type Slot } from '../tree/header-index.ts'
import { checkBatch } from './check-batch.ts'
import { judgePlace, type Place } from './door.ts'
import { FuturePool } from './future-pool.ts'
import { type KeptShare, keptShare } from './kept-share.ts'
import { LatestShare } from './latest-share.ts'
import { OrphanPool } from './orphan-pool.ts'
import type { Validator } from './validator.ts'

/**
 * Most released or parked shares taken up in one call besides the one it was made for; about 0.1 s of work. The rest are
 * taken up by the next call or at the deadline.
 */
export const MAX_STEPS_PER_CALL = 64

interface IntakeParts {
  readonly index: HeaderIndex
  readonly organiser: Organiser
  readonly validator: Validator
}

interface Brought {
  readonly share: Share
  readonly origin: ShareOrigin
}

/** One call's notes and its time. */
export interface Pass {
  readonly changes: Changes
  readonly nowMs: UnixMs
}

/** The way of shares and headers into the index: the checks of protocol §12.3 and §12.4, then organising and validation. */
export class Intake {
  readonly #params: ChainParams
  readonly #index: HeaderIndex
  readonly #organiser: Organiser
  readonly #validator: Validator
  readonly #orphans = new OrphanPool()
  /** Shares with a verdict whose stored bodies are not there any more; a part of the index. */
  readonly #lostBodies = new Set<Slot>()
  readonly #future = new FuturePool()
  /**
   * Shares dated ahead that are in the tree, since somebody names them as uncles or our clock was ahead too: when they are judged like any
   * other. A part of the index.
   */
  readonly #heldUntil = new Deadlines<ShareHash, UnixMs>()
  readonly #latest: LatestShare
  /** Orphans that miss nothing any more, in order. Never more than the pool held. */
  readonly #released: KeptShare[] = []

  constructor(params: ChainParams, parts: IntakeParts) {
    this.#params = params
    this.#index = parts.index
    this.#latest = new LatestShare(parts.index)
    this.#organiser = parts.organiser
    this.#validator = parts.validator
  }

  /** Whether `drain` has something left to do. */
  get hasWork(): boolean {
    return this.#released.length > 0 || this.#validator.hasReady
  }

  /** Shares in memory outside the tree: for want of a parent or an uncle, or until their time has come. */
  get orphanCount(): number {
    return this.#orphans.size + this.#future.size
  }

  /** When a share's time will have come. */
  get nextDeadlineMs(): UnixMs | null {
    const due = [this.#future.nextDeadlineMs, this.#heldUntil.peek()?.atMs ?? null].filter(at => at !== null)
    return due.length === 0 ? null : unixMs(Math.min(...due))
  }

  /** Valid shares whose stored bodies are not there any more. */
  get lostBodies(): Iterable<Slot> {
    return this.#lostBodies
  }

  /** Takes one share through all checks that can be made now. */
  share(share: Share, origin: ShareOrigin, pass: Pass): ChainVerdict {
    const { header, hash } = share
    const known = this.#index.slotOf(hash)
    if (known !== NO_SLOT && this.#index.hasBody(known)) return this.#again(known, share, pass)

    const copy = this.#checkCopy(share)
    if (!copy.ok) return refusal(copy)
    let code: RuleCode | null = null
    if (known === NO_SLOT && this.#index.has(header.prevShareHash)) {
      const place = this.#place(header, pass.nowMs)
      if (place.type === 'refused') {
        this.#orphans.dropWaitingFor(hash)
        return place.verdict
      }
      if (place.type === 'aside') {
        if (!this.#isNamed(hash, pass.nowMs)) return this.#keepOut({ share, origin }, place, pass)
        code = place.code
      }
    }
    const missing = this.#missing(header)
    if (missing.length > 0) return this.#wait({ share, origin }, missing, pass)
    const item = { header, hash, merkleBranch: share.merkleBranch }
    const slot = known === NO_SLOT ? this.#insert(item, code, pass) : known
    this.#index.setBody(slot, pass.changes.body(share))
    this.#lostBodies.delete(slot)
    this.#index.setPadding(slot, paddingMarkOf(share))
    pass.changes.row(slot)
    this.#released.push(...this.#orphans.arrived(hash))
    return this.#judge(slot, share, pass)
  }

  /** Takes a batch of headers, all or none, but for those that only wait or are built on what may not be built on. */
  headers(items: readonly HeaderItem[], pass: Pass): ChainVerdict {
    const { changes, nowMs } = pass
    const { verdict, entrants } = checkBatch(this.#params, this.#index, { items, nowSec: secFromMs(nowMs) })
    if (verdict.type === 'waiting') changes.wanted(verdict.missing)
    if (verdict.type !== 'accepted') return verdict
    for (const { item, code } of entrants) this.#insert(item, code, pass)
    const pruneHeight = this.#organiser.bodiesFrom(this.#params)
    const wanted = items.filter(({ hash }) => {
      const slot = this.#index.slotOf(hash)
      if (slot === NO_SLOT || this.#index.hasBody(slot) || this.#index.height(slot) < pruneHeight) return false
      return this.#index.validity(slot) !== 'invalid'
    })
    changes.wanted(wanted.map(item => item.hash))
    return ACCEPTED
  }

  /** Takes back a stored body whose share has no verdict yet. */
  storedBody(share: Share, pass: Pass): void {
    const slot = this.#index.slotOf(share.hash)
    if (slot !== NO_SLOT && this.#index.hasBody(slot)) this.#again(slot, share, pass)
  }

  /** The store has no readable body of this share. */
  bodyLost(hash: ShareHash, { changes }: Pass): void {
    const index = this.#index
    const slot = index.slotOf(hash)
    // The genesis has no body on some chains; it is nobody's to fetch.
    if (slot === NO_SLOT || index.isGenesis(slot) || !index.hasBody(slot)) return
    // Still in memory: it is stored again below.
    const pending = this.#validator.pendingShare(slot)
    if (pending !== undefined) {
      changes.body(pending)
      return
    }
    index.clearBody(slot)
    changes.row(slot)
    this.#validator.forget(slot)
    if (index.validity(slot) === 'invalid') return
    this.restoreBodyless(slot)
    changes.wanted([hash])
  }

  /** A share is in the index without a body; one that was valid already has lost it. */
  restoreBodyless(slot: Slot): void {
    if (this.#index.validity(slot) === 'blockValid' && !this.#index.isGenesis(slot)) this.#lostBodies.add(slot)
  }

  /** Lets go of a share that is about to leave the index. */
  forget(slot: Slot): void {
    this.#lostBodies.delete(slot)
    this.#heldUntil.delete(this.#index.hash(slot))
  }

  /** Takes up released orphans and parked shares, up to the step cap. */
  drain(pass: Pass): void {
    this.#validator.wake(pass.nowMs)
    this.#released.push(...this.#future.takeDue(pass.nowMs))
    const due = this.#heldUntil.popDue(pass.nowMs).map(hash => this.#index.slotOf(hash))
    for (const slot of parentsFirst(this.#index, due)) this.#reopen(slot, pass)
    for (let step = 0; step < MAX_STEPS_PER_CALL; step++) {
      if (this.#validator.step(pass.changes, pass.nowMs)) continue
      const released = this.#released.shift()
      if (released === undefined) return
      this.share(released.share(), released.origin, pass)
    }
  }

  checkInvariants(): void {
    this.#orphans.checkInvariants()
    for (const slot of this.#lostBodies) {
      const isLost = this.#index.validity(slot) !== 'headerValid' && !this.#index.hasBody(slot)
      invariant(isLost, 'a lost body belongs to a share with a verdict')
    }
    this.#future.checkInvariants()
    for (const slot of this.#index.slots()) {
      const isHeld = this.#index.verdict(slot) === 'share-time-future'
      invariant(isHeld === this.#heldUntil.has(this.#index.hash(slot)), 'a share from the future has its time')
    }
  }

  /** Whether a share that is not invalid is dated further ahead than one may be that comes now: not unless our clock was set back. */
  hasAhead(nowMs: UnixMs): boolean {
    return this.#latest.isAfter(this.#allowedSec(nowMs))
  }

  /**
   * Takes off both chains whatever is dated further ahead than a share may be that came now, with all that is built on it, until its time
   * has come. Changes nothing where too little would be left to judge by what is built there: less than a payout window.
   */
  holdAhead({ changes, nowMs }: Pass): void {
    const latestSec = this.#allowedSec(nowMs)
    const { lowestHeight } = this.#index
    const leastHeight = lowestHeight === 1 ? 0 : lowestHeight + this.#params.windowMaxShares
    if (this.#organiser.timelyHeight(latestSec) < leastHeight) return
    const move = this.#organiser.markAhead(latestSec)
    for (const slot of parentsFirst(this.#index, move.invalidated)) {
      this.#validator.forget(slot)
      this.#lostBodies.delete(slot)
      this.#holdUntilTimely(slot)
    }
    changes.invalidated(move.invalidated)
    changes.moved(move)
  }

  /** A share from the future was read back from the store. */
  restoreHeld(slot: Slot): void {
    this.#holdUntilTimely(slot)
  }

  #again(slot: Slot, share: Share, pass: Pass): ChainVerdict {
    // Delivered again, it is worth another try if it has no verdict; but only a copy that is whole.
    const isOpen = this.#index.membership(slot) !== 'confirmed' || this.#index.contextSkipped(slot)
    if (isOpen && this.#index.validity(slot) !== 'invalid' && this.#checkCopy(share).ok) {
      this.#judge(slot, share, pass)
    }
    return KNOWN
  }

  #judge(slot: Slot, share: Share, { changes, nowMs }: Pass): ChainVerdict {
    if (this.#index.validity(slot) === 'invalid') {
      const code = this.#index.verdict(slot)
      if (code === 'share-time-future') return { type: 'waiting', missing: [], code }
      return { type: 'refused', code: code ?? 'share-parent-invalid', facts: {} }
    }
    // Its body had been lost, not its verdict.
    if (this.#index.validity(slot) === 'blockValid' && !this.#index.contextSkipped(slot)) return KNOWN
    const validation = this.#validator.judge(slot, { share, nowMs }, changes)
    if (validation.type === 'valid') return ACCEPTED
    if (validation.type === 'parked') return { type: 'waiting', missing: [], code: 'share-parent-unvalidated' }
    const { checked } = validation
    const isParked = this.#validator.hasPending(slot)
    return isParked ? { type: 'waiting', missing: [], code: checked.code } : refusal(checked)
  }

  /**
   * Header gate, coinbase proof, size and whether this body belongs to this header: a failure says nothing about the hash.
   * Rules that a body breaks together with its header are validation's: the share may still be an uncle.
   */
  #checkCopy(share: Share): Checked {
    const gate = checkHeader(this.#params, share.header)
    if (!gate.ok) return gate
    const proof = verifyCoinbaseProof(share.header, share.merkleBranch)
    if (!proof.ok) return proof
    const size = checkBodySize(this.#params, share)
    return size.ok ? checkBodyMatches(share.header, share) : size
  }

  /** Parent and uncles that have to be here, with their bodies, before this share is taken up. */
  #missing(header: ShareHeader): ShareHash[] {
    const pruneHeight = this.#organiser.bodiesFrom(this.#params)
    const isHere = (hash: ShareHash): boolean => {
      const slot = this.#index.slotOf(hash)
      return slot !== NO_SLOT && (this.#index.hasBody(slot) || this.#index.height(slot) < pruneHeight)
    }
    const missing = new Set(header.uncles.filter(uncle => !isHere(uncle)))
    // Below an invalid parent the share is invalid too, with or without that parent's body.
    const parent = this.#index.slotOf(header.prevShareHash)
    const isLost = parent !== NO_SLOT && this.#index.validity(parent) === 'invalid'
    return isLost || isHere(header.prevShareHash) ? [...missing] : [header.prevShareHash, ...missing]
  }

  #place(header: ShareHeader, nowMs: UnixMs): Place {
    const index = this.#index
    const verdictOf = (hash: ShareHash) => index.verdict(index.slotOf(hash))
    const doorway = { params: this.#params, view: index, verdictOf, lowestHeight: index.lowestHeight }
    const parent = index.factsOf(index.slotOf(header.prevShareHash))
    return judgePlace(header, parent, { ...doorway, nowSec: secFromMs(nowMs) })
  }

  /** Whether a waiting share that may come in names this one as its uncle, or one that is waited for in turn. */
  #isNamed(hash: ShareHash, nowMs: UnixMs): boolean {
    return this.#orphans.isNeeded(hash, waiting => {
      const { header } = waiting.share()
      return this.#index.has(header.prevShareHash) && this.#place(header, nowMs).type === 'open'
    })
  }

  /** A share on which nothing may be built: it waits outside if time alone is against it, else nothing is remembered of it. */
  #keepOut(brought: Brought, place: Place & { readonly type: 'aside' }, { nowMs }: Pass): ChainVerdict {
    const { share } = brought
    if (!place.waits) {
      this.#orphans.dropBuiltOn(share.hash)
      return { type: 'refused', code: place.code, facts: place.facts }
    }
    const { timeSec, prevShareHash } = share.header
    const dueMs = Math.max(this.#dueMs(timeSec), this.#heldUntil.get(prevShareHash) ?? 0)
    // The parent's time may have come without its having been looked at again.
    this.#future.add(keptShare(share, brought.origin), unixMs(Math.max(dueMs, nowMs + 1)))
    return { type: 'waiting', missing: [], code: place.code }
  }

  #wait({ share, origin }: Brought, missing: readonly ShareHash[], { changes }: Pass): ChainVerdict {
    this.#orphans.add(keptShare(share, origin), missing)
    const elsewhere = missing.filter(hash => !this.#future.has(hash))
    // What is only dated ahead comes in at once if this share needs it as its uncle.
    for (const hash of share.header.uncles) {
      const held = this.#future.take(hash)
      if (held !== null) this.#released.push(held)
    }
    changes.wanted(elsewhere)
    if (elsewhere.length > 0) return { type: 'waiting', missing: elsewhere }
    return { type: 'waiting', missing: [], code: 'share-parent-unvalidated' }
  }

  /** A share's time has come: from now on it is like any other, unless its parent is invalid. */
  #reopen(slot: Slot, { changes }: Pass): void {
    const parent = this.#index.prevSlot(slot)
    if (this.#heldUntil.has(this.#index.prevHash(slot))) {
      this.#holdUntilTimely(slot)
      return
    }
    if (parent === NO_SLOT || this.#index.validity(parent) === 'invalid') {
      this.#index.condemn(slot, 'share-parent-invalid')
      changes.row(slot)
      return
    }
    for (const reopened of this.#organiser.reopen(slot)) {
      changes.row(reopened)
      this.#latest.grew(reopened)
      if (this.#index.hasBody(reopened)) this.#validator.restoreUnjudged(reopened)
      this.#released.push(...this.#orphans.arrived(this.#index.hash(reopened)))
    }
  }

  /** How late a share may be that comes now (protocol §12.7). */
  #allowedSec(nowMs: UnixMs): number {
    return secFromMs(nowMs) + this.#params.futureTimeSec
  }

  /** Nothing is judged before what it is built on. */
  #holdUntilTimely(slot: Slot): void {
    const parentsMs = this.#heldUntil.get(this.#index.prevHash(slot)) ?? 0
    const dueMs = Math.max(this.#dueMs(this.#index.timeSec(slot)), parentsMs)
    this.#heldUntil.set(this.#index.hash(slot), unixMs(dueMs))
  }

  #dueMs(timeSec: number): UnixMs {
    return msFromSec(unixSec(timeSec - this.#params.futureTimeSec))
  }

  #insert(item: HeaderItem, code: RuleCode | null, { changes }: Pass): Slot {
    const slot = this.#index.insert(headerEntry(item))
    changes.header(slot, item)
    if (code === null) {
      this.#latest.grew(slot)
      this.#organiser.headerAdded(slot)
      return slot
    }
    this.#index.condemn(slot, code)
    changes.invalidated([slot])
    if (code === 'share-time-future') this.restoreHeld(slot)
    return slot
  }
}

/** What the index keeps of a header. */
export function headerEntry({ header, hash }: Pick<HeaderItem, 'header' | 'hash'>): HeaderEntry {
  return {
    hash,
    prevHash: header.prevShareHash,
    bits: header.bits,
    timeSec: header.timeSec,
    uncles: header.uncles,
    miner: header.minerBitcoinAddress
  }
}

function parentsFirst(index: HeaderIndex, slots: readonly Slot[]): Slot[] {
  return slots.filter(slot => slot !== NO_SLOT).sort((a, b) => index.height(a) - index.height(b))
}

function refusal(checked: Checked): ChainVerdict {
  invariant(!checked.ok, 'only a refusal is reported as one')
  return { type: 'refused', code: checked.code, facts: checked.facts }
}
