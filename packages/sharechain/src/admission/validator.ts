import type { ChainParams, Checked, PayoutWindow, Share } from '@p2poolv2/consensus'
import {
  checkBody,
  checkContext,
  checkPrunedBody,
  hasUncheckedScripts,
  RULES,
  requiredPadding,
  shareBodyBytes
} from '@p2poolv2/consensus'
import type { ShareHash, UnixMs } from '@p2poolv2/primitives'
import { Deadlines, invariant, msFromSec, secFromMs, unixMs, unixSec } from '@p2poolv2/primitives'
import type { Organiser } from '../chains/organise.ts'
import { inPayoutZone } from '../chains/zones.ts'
import type { Changes } from '../store/changes.ts'
import { type HeaderIndex, NO_SLOT, type Slot } from '../tree/header-index.ts'
import { SlotsInOrder } from '../tree/slots-in-order.ts'
import { type KeptBody, keptBody } from './kept-share.ts'

/**
 * Most bodies kept in memory while they wait for their parent's verdict or for their time. At the cap a newcomer's body
 * stays on disk only, and `unread` asks for it once its turn has come.
 */
export const MAX_PENDING_BODIES = 1024
/** Most bytes of such bodies; the same happens at this cap. One share fits a frame of 1 MiB. */
export const MAX_PENDING_BYTES = 32 * 1024 * 1024

/** How long a body that neither could be judged nor kept stays on disk at least, unless something changes. */
const PUT_BACK_MS = 60_000

/** A body to try, and when. */
export interface Attempt {
  readonly share: Share
  readonly nowMs: UnixMs
}

type Refusal = Exclude<Checked, { ok: true }>

/** How a share fared in one attempt to validate it. */
export type Validation =
  | { readonly type: 'valid' }
  | { readonly type: 'parked' }
  | { readonly type: 'failed'; readonly checked: Refusal }

const VALID: Validation = Object.freeze({ type: 'valid' })
const PARKED: Validation = Object.freeze({ type: 'parked' })

/**
 * Gives every share with a stored body its verdict, parents before children (protocol §12.6, §12.7, §14.3).
 *
 * A share whose parent is not judged yet is parked; once the parent is valid its children become ready. Whoever owns this
 * takes one share at a time with `step`, so that a long row of waiting shares never holds up the rest of the node.
 */
export class Validator {
  readonly #params: ChainParams
  readonly #index: HeaderIndex
  readonly #organiser: Organiser
  readonly #window: PayoutWindow
  /** Shares with a stored body and without verdict. */
  readonly #unjudged = new Set<Slot>()
  /** Those of them whose body is not in memory. */
  readonly #unread: SlotsInOrder
  readonly #pending = new Map<Slot, KeptBody>()
  #pendingBytes = 0
  /** Read, and neither judged nor kept for lack of room: not to be read again before something has changed. */
  readonly #putBack = new Set<Slot>()
  readonly #ready = new Set<Slot>()
  readonly #retryAt = new Deadlines<Slot, UnixMs>()

  constructor(params: ChainParams, parts: { index: HeaderIndex; organiser: Organiser; window: PayoutWindow }) {
    this.#params = params
    this.#index = parts.index
    this.#unread = new SlotsInOrder(parts.index)
    this.#organiser = parts.organiser
    this.#window = parts.window
  }

  /** Whether a share can be validated now. */
  get hasReady(): boolean {
    return this.#ready.size > 0
  }

  /** When a share parked for its time should be tried again. */
  get nextDeadlineMs(): UnixMs | null {
    return this.#retryAt.peek()?.atMs ?? null
  }

  hasPending(slot: Slot): boolean {
    return this.#pending.has(slot)
  }

  /** The body in memory of a share that waits, if it is in memory. */
  pendingShare(slot: Slot): Share | undefined {
    return this.#pending.get(slot)?.share()
  }

  /** A share's body is stored and its verdict open: after a restart. */
  restoreUnjudged(slot: Slot): void {
    this.#unjudged.add(slot)
    this.#unread.add(slot)
  }

  /** Makes shares ready whose time has come. */
  wake(nowMs: UnixMs): void {
    for (const slot of this.#retryAt.popDue(nowMs)) {
      this.#putBack.delete(slot)
      if (this.#pending.has(slot)) this.#ready.add(slot)
    }
  }

  /** Validates one share that is ready; false when none is. */
  step(changes: Changes, nowMs: UnixMs): boolean {
    for (const slot of this.#ready) {
      this.#ready.delete(slot)
      const pending = this.#pending.get(slot)
      if (pending !== undefined) this.judge(slot, { share: pending.share(), nowMs }, changes)
      return true
    }
    return false
  }

  /**
   * Tries a share whose body is stored. Its verdict, if there is one, is in the index and in `changes` afterwards; without
   * one the body is kept in memory, if there is room, until its parent has a verdict or its time has come.
   */
  judge(slot: Slot, attempt: Attempt, changes: Changes): Validation {
    if (!this.#isOpen(slot)) return PARKED
    this.#unjudged.add(slot)
    const parent = this.#index.prevSlot(slot)
    if (parent === NO_SLOT || !this.#isSettled(parent)) {
      this.#reopen(parent)
      this.#keep(slot, attempt)
      return PARKED
    }
    const inZone = this.#inZone(slot)
    const checked = this.#check(attempt.share, inZone ? 'payout-zone' : 'below', attempt.nowMs)
    if (!checked.ok) return this.#fail(slot, { attempt, checked }, changes)
    this.#index.setValidity(slot, 'blockValid')
    this.#index.setContextSkipped(slot, inZone ? 'checked' : 'skipped')
    if (hasUncheckedScripts(attempt.share)) this.#index.setScriptsUnchecked(slot)
    this.forget(slot)
    changes.validated(slot)
    this.#release(slot)
    return VALID
  }

  /**
   * Shares whose stored bodies should be read and offered again, parents first. Where memory has no room for a body that would
   * have to wait, only such as can be judged at once: otherwise a clock that is behind would have us read without end.
   * @param limit most hashes to return
   */
  unread(limit: number): ShareHash[] {
    const found: ShareHash[] = []
    let room = MAX_PENDING_BODIES - this.#pending.size
    let roomBytes = MAX_PENDING_BYTES - this.#pendingBytes
    for (const slot of this.#unread) {
      if (found.length === limit) break
      const parent = this.#index.prevSlot(slot)
      if (parent === NO_SLOT || this.#putBack.has(slot)) continue
      if (!this.#isSettled(parent)) {
        const sizeBytes = this.#index.bodyBytes(slot)
        if (!this.#unjudged.has(parent) || room <= 0 || sizeBytes > roomBytes) continue
        room--
        roomBytes -= sizeBytes
      }
      found.push(this.#hash(slot))
    }
    return found
  }

  /** Lets go of a share that has its verdict or leaves the index. */
  forget(slot: Slot): void {
    this.#unjudged.delete(slot)
    this.#ready.delete(slot)
    this.#retryAt.delete(slot)
    const pending = this.#pending.get(slot)
    if (pending === undefined) {
      this.#unread.delete(slot)
      this.#putBack.delete(slot)
      return
    }
    this.#pending.delete(slot)
    this.#pendingBytes -= pending.sizeBytes
    this.#putBack.clear()
  }

  checkInvariants(): void {
    let bytes = 0
    for (const [slot, { hash, sizeBytes }] of this.#pending) {
      invariant(this.#hash(slot) === hash, 'a pending body belongs to its slot')
      invariant(this.#unjudged.has(slot) && this.#index.hasBody(slot), 'a pending body is stored and open')
      bytes += sizeBytes
    }
    invariant(bytes === this.#pendingBytes && bytes <= MAX_PENDING_BYTES, 'pending bodies are counted')
    invariant(this.#pending.size <= MAX_PENDING_BODIES, 'pending bodies are below their cap')
    invariant(this.#unread.size === this.#unjudged.size - this.#pending.size, 'what is not in memory is on disk')
    for (const slot of this.#ready) invariant(this.#pending.has(slot), 'what is ready is in memory')
    for (const slot of this.#putBack) invariant(this.#unjudged.has(slot), 'what was put back is open')
    this.#retryAt.checkInvariants()
  }

  /** Makes the children of a share ready whose bodies are in memory. */
  #release(slot: Slot): void {
    this.#putBack.clear()
    // Children are listed newest first; those that came first go first.
    for (const child of this.#index.children(slot).reverse()) if (this.#pending.has(child)) this.#ready.add(child)
  }

  #check(share: Share, zone: 'payout-zone' | 'below', nowMs: UnixMs): Checked {
    if (zone === 'below') return checkPrunedBody(this.#params, share, this.#index)
    const body = checkBody(this.#params, share, this.#index)
    if (!body.ok) return body
    return checkContext({
      params: this.#params,
      share,
      view: this.#index,
      window: { weights: (anchor, bits) => this.#window.weights(this.#index.slotOf(anchor), bits) },
      padding: { demand: parent => requiredPadding(this.#params, this.#index, this.#index.slotOf(parent)) },
      nowSec: secFromMs(nowMs)
    })
  }

  #fail(slot: Slot, failure: { attempt: Attempt; checked: Refusal }, changes: Changes): Validation {
    const { attempt, checked } = failure
    const { verdict } = RULES[checked.code]
    if (verdict === 'invalid') {
      const move = this.#organiser.markInvalid(slot, checked.code)
      for (const gone of move.invalidated) this.forget(gone)
      changes.invalidated(move.invalidated)
      changes.moved(move)
    } else if (verdict === 'recoverable') {
      this.#keep(slot, attempt)
      if (checked.code === 'share-time-future') {
        const dueSec = unixSec(this.#index.timeSec(slot) - this.#params.futureTimeSec)
        this.#retryAt.set(slot, msFromSec(dueSec))
      } else if (!this.#pending.has(slot)) this.#retryAt.set(slot, unixMs(attempt.nowMs + PUT_BACK_MS))
    } else {
      // Dropped without a verdict: header-valid for good, asked about again after a restart at the earliest.
      this.forget(slot)
    }
    return { type: 'failed', checked }
  }

  /** Ancestors accepted below the payout zone have to prove themselves once they are inside: their bodies are wanted back. */
  #reopen(from: Slot): void {
    for (let at = from; at !== NO_SLOT && !this.#unjudged.has(at); at = this.#index.prevSlot(at)) {
      if (!this.#index.contextSkipped(at) || !this.#isOpen(at)) return
      this.restoreUnjudged(at)
    }
  }

  #keep(slot: Slot, { share }: Attempt): void {
    if (this.#pending.has(slot)) return
    if (!this.#hasRoom(shareBodyBytes(share))) {
      this.#unread.add(slot)
      this.#putBack.add(slot)
      return
    }
    this.#unread.delete(slot)
    const body = keptBody(share)
    this.#pending.set(slot, body)
    this.#pendingBytes += body.sizeBytes
  }

  /** No verdict yet, or one given below the payout zone that has to be earned inside it. */
  #isOpen(slot: Slot): boolean {
    const validity = this.#index.validity(slot)
    if (validity === 'blockValid') return this.#index.contextSkipped(slot) && this.#inZone(slot)
    return validity === 'headerValid'
  }

  /** Whether children of this share may be judged. */
  #isSettled(slot: Slot): boolean {
    if (this.#index.validity(slot) === 'blockValid') return !this.#isOpen(slot)
    if (this.#index.validity(slot) !== 'headerValid') return false
    return this.#index.height(slot) < this.#organiser.bodiesFrom(this.#params)
  }

  #hasRoom(sizeBytes: number): boolean {
    return this.#pending.size < MAX_PENDING_BODIES && this.#pendingBytes + sizeBytes <= MAX_PENDING_BYTES
  }

  #inZone(slot: Slot): boolean {
    return inPayoutZone(this.#params, this.#index.height(slot), this.#organiser.zoneHeight(this.#params))
  }

  #hash(slot: Slot): ShareHash {
    return this.#index.hash(slot)
  }
}
