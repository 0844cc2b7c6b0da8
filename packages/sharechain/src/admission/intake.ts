import type { ChainParams, ChainVerdict, Checked, HeaderItem, Share, ShareHeader } from '@p2poolv2/consensus'
import {
  checkBodyMatches,
  checkBodySize,
  checkHeader,
  paddingMarkOf,
  requiredBits,
  shareBodyBytes,
  verifyCoinbaseProof
} from '@p2poolv2/consensus'
import type { ShareHash, UnixMs } from '@p2poolv2/primitives'
import { invariant } from '@p2poolv2/primitives'
import type { Organiser } from '../chains/organise.ts'
import { pruneHeightOf } from '../chains/zones.ts'
import { ACCEPTED, KNOWN, type ShareOrigin } from '../contract.ts'
import type { Changes } from '../store/changes.ts'
import { type HeaderEntry, type HeaderIndex, NO_SLOT, type Slot } from '../tree/header-index.ts'
import { belowKept, checkBatch } from './check-batch.ts'
import { OrphanPool, type ReleasedShare } from './orphan-pool.ts'
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
  /** Orphans that miss nothing any more, in order. Never more than the pool held. */
  readonly #released: ReleasedShare[] = []

  constructor(params: ChainParams, parts: IntakeParts) {
    this.#params = params
    this.#index = parts.index
    this.#organiser = parts.organiser
    this.#validator = parts.validator
  }

  /** Whether `drain` has something left to do. */
  get hasWork(): boolean {
    return this.#released.length > 0 || this.#validator.hasReady
  }

  get orphanCount(): number {
    return this.#orphans.size
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
    const missing = this.#missing(header)
    if (missing.length > 0) {
      pass.changes.wanted(missing)
      this.#orphans.add({ share, origin }, missing, shareBodyBytes(share))
      return { type: 'waiting', missing }
    }
    if (known === NO_SLOT) {
      const placed = this.#checkPlace(header)
      if (placed !== ACCEPTED) {
        this.#orphans.dropWaitingFor(hash)
        return placed
      }
    }
    const slot =
      known === NO_SLOT ? this.#insert({ header, hash, merkleBranch: share.merkleBranch }, pass.changes) : known
    this.#index.setBody(slot)
    this.#lostBodies.delete(slot)
    this.#index.setPadding(slot, paddingMarkOf(share))
    pass.changes.row(slot)
    pass.changes.body(share)
    this.#released.push(...this.#orphans.arrived(hash))
    return this.#judge(slot, share, pass)
  }

  /** Takes a batch of headers, all or none. */
  headers(items: readonly HeaderItem[], { changes }: Pass): ChainVerdict {
    const candidateWork = this.#index.work(this.#organiser.candidateTip)
    const verdict = checkBatch(this.#params, this.#index, { items, candidateWork })
    if (verdict.type === 'waiting') changes.wanted(verdict.missing)
    if (verdict.type !== 'accepted') return verdict
    for (const item of items) if (!this.#index.has(item.hash)) this.#insert(item, changes)
    const pruneHeight = pruneHeightOf(this.#params, this.#organiser.candidateHeight)
    const wanted = items.filter(({ hash }) => {
      const slot = this.#index.slotOf(hash)
      const isOpen = !this.#index.hasBody(slot) && this.#index.validity(slot) !== 'invalid'
      return isOpen && this.#index.height(slot) >= pruneHeight
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
  }

  /** Takes up released orphans and parked shares, up to the step cap. */
  drain(pass: Pass): void {
    this.#validator.wake(pass.nowMs)
    for (let step = 0; step < MAX_STEPS_PER_CALL; step++) {
      if (this.#validator.step(pass.changes, pass.nowMs)) continue
      const released = this.#released.shift()
      if (released === undefined) return
      this.share(released.share, released.origin, pass)
    }
  }

  checkInvariants(): void {
    this.#orphans.checkInvariants()
    for (const slot of this.#lostBodies) {
      const isLost = this.#index.validity(slot) !== 'headerValid' && !this.#index.hasBody(slot)
      invariant(isLost, 'a lost body belongs to a share with a verdict')
    }
  }

  #again(slot: Slot, share: Share, pass: Pass): ChainVerdict {
    // Delivered again, it is worth another try if it has no verdict; but only a copy that is whole.
    const isOpen = this.#index.membership(slot) !== 'confirmed' || this.#index.contextSkipped(slot)
    if (isOpen && this.#index.validity(slot) !== 'invalid' && this.#checkCopy(share).ok) this.#judge(slot, share, pass)
    return KNOWN
  }

  #judge(slot: Slot, share: Share, { changes, nowMs }: Pass): ChainVerdict {
    if (this.#index.validity(slot) === 'invalid') {
      return { type: 'refused', code: 'share-parent-invalid', facts: { parent: share.header.prevShareHash } }
    }
    // Its body had been lost, not its verdict.
    if (this.#index.validity(slot) === 'blockValid' && !this.#index.contextSkipped(slot)) return KNOWN
    const validation = this.#validator.judge(slot, { share, sizeBytes: shareBodyBytes(share), nowMs }, changes)
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
    const pruneHeight = pruneHeightOf(this.#params, this.#organiser.candidateHeight)
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

  /** What to ask before a header enters the index: whether its height is kept, its target, and room at its height. */
  #checkPlace(header: ShareHeader): ChainVerdict {
    const index = this.#index
    const parent = index.slotOf(header.prevShareHash)
    const height = index.height(parent) + 1
    if (height < index.lowestHeight) return belowKept(index, height)
    const required = requiredBits(this.#params, index.timeSec(parent), index.height(parent))
    if (header.bits !== required) {
      return { type: 'refused', code: 'share-bits', facts: { bits: header.bits, requiredBits: required } }
    }
    const shares = index.slotsAtHeight(height).length
    const isHeaviest = index.work(parent) + index.workOf(header.bits) > index.work(this.#organiser.candidateTip)
    if (shares >= this.#params.maxSharesPerHeight && !isHeaviest) {
      return { type: 'refused', code: 'height-crowded', facts: { height, shares } }
    }
    return ACCEPTED
  }

  #insert(item: HeaderItem, changes: Changes): Slot {
    const slot = this.#index.insert(entryOf(item))
    changes.row(slot)
    changes.header(slot, item)
    if (this.#organiser.headerAdded(slot) === 'invalid') changes.invalidated([slot])
    return slot
  }
}

function entryOf({ header, hash }: HeaderItem): HeaderEntry {
  return {
    hash,
    prevHash: header.prevShareHash,
    bits: header.bits,
    timeSec: header.timeSec,
    uncles: header.uncles,
    miner: header.minerBitcoinAddress
  }
}

function refusal(checked: Checked): ChainVerdict {
  invariant(!checked.ok, 'only a refusal is reported as one')
  return { type: 'refused', code: checked.code, facts: checked.facts }
}
