import type { PaddingMark, RuleCode, ShareValidity } from '@p2poolv2/consensus'
import { PADDING_MARKS } from '@p2poolv2/consensus'
import { invariant } from '@p2poolv2/primitives'
import { NumberColumn } from './columns.ts'
import type { Slot } from './links.ts'

/** Which of the two chains a share is on. */
export type Membership = 'none' | 'candidate' | 'confirmed'

const VALIDITIES = ['headerValid', 'invalid', 'blockValid'] as const satisfies readonly ShareValidity[]
const MEMBERSHIPS = ['none', 'candidate', 'confirmed'] as const satisfies readonly Membership[]
const VALIDITY_MASK = 0x03
const MEMBERSHIP_SHIFT = 2
const MEMBERSHIP_MASK = 0x0c
const BODY = 0x10
const CONTEXT_SKIPPED = 0x20
const SCRIPTS_UNCHECKED = 0x40

/** What has become of each share: its verdict, its place on the chains, its body. */
export class ShareMarks {
  readonly #flags = new NumberColumn('u8')
  readonly #padding = new NumberColumn('u8')
  /** Bytes of the stored body; 0 for none. */
  readonly #bodyBytes = new NumberColumn('u32')
  #sideBodyBytes = 0
  #scriptsUnchecked = 0
  /** Why a share is invalid. */
  readonly #verdicts = new Map<Slot, RuleCode>()

  /** Bytes of the stored bodies of shares that are on neither chain. */
  get sideBodyBytes(): number {
    return this.#sideBodyBytes
  }

  validity(slot: Slot): ShareValidity {
    return VALIDITIES[this.#flags.get(slot) & VALIDITY_MASK] as ShareValidity
  }

  setValidity(slot: Slot, validity: Exclude<ShareValidity, 'invalid'>): void {
    this.#setValidity(slot, validity)
    this.#verdicts.delete(slot)
  }

  /** Marks a share invalid. */
  condemn(slot: Slot, code: RuleCode): void {
    this.#setValidity(slot, 'invalid')
    this.#verdicts.set(slot, code)
  }

  /** The rule an invalid share breaks; null for others. */
  verdict(slot: Slot): RuleCode | null {
    return this.#verdicts.get(slot) ?? null
  }

  membership(slot: Slot): Membership {
    return MEMBERSHIPS[(this.#flags.get(slot) & MEMBERSHIP_MASK) >>> MEMBERSHIP_SHIFT] as Membership
  }

  setMembership(slot: Slot, membership: Membership): void {
    const bits = MEMBERSHIPS.indexOf(membership) << MEMBERSHIP_SHIFT
    if (this.membership(slot) === 'none') this.#sideBodyBytes -= this.bodyBytes(slot)
    if (membership === 'none') this.#sideBodyBytes += this.bodyBytes(slot)
    this.#flags.set(slot, (this.#flags.get(slot) & ~MEMBERSHIP_MASK) | bits)
  }

  hasBody(slot: Slot): boolean {
    return (this.#flags.get(slot) & BODY) !== 0
  }

  /** Bytes of the stored body; 0 without one. */
  bodyBytes(slot: Slot): number {
    return this.#bodyBytes.get(slot)
  }

  /** The share's body is stored and takes so many bytes. */
  setBody(slot: Slot, sizeBytes: number): void {
    if (this.membership(slot) === 'none') this.#sideBodyBytes += sizeBytes - this.bodyBytes(slot)
    this.#flags.set(slot, this.#flags.get(slot) | BODY)
    this.#bodyBytes.set(slot, sizeBytes)
  }

  clearBody(slot: Slot): void {
    this.setBody(slot, 0)
    this.#flags.set(slot, this.#flags.get(slot) & ~BODY)
  }

  /** What the share's body says about the form of the padding; known as long as the share is, once its body was here. */
  padding(slot: Slot): PaddingMark {
    return PADDING_MARKS[this.#padding.get(slot)] as PaddingMark
  }

  setPadding(slot: Slot, mark: PaddingMark): void {
    this.#padding.set(slot, PADDING_MARKS.indexOf(mark))
  }

  /** Whether the share was taken as valid without its time and payouts being looked at, being below the payout zone. */
  contextSkipped(slot: Slot): boolean {
    return (this.#flags.get(slot) & CONTEXT_SKIPPED) !== 0
  }

  setContextSkipped(slot: Slot, state: 'skipped' | 'checked'): void {
    const flags = this.#flags.get(slot)
    this.#flags.set(slot, state === 'skipped' ? flags | CONTEXT_SKIPPED : flags & ~CONTEXT_SKIPPED)
  }

  /** Whether it was taken as valid although it carries transactions whose scripts nobody here can check. */
  scriptsUnchecked(slot: Slot): boolean {
    return (this.#flags.get(slot) & SCRIPTS_UNCHECKED) !== 0
  }

  setScriptsUnchecked(slot: Slot): void {
    if (!this.scriptsUnchecked(slot)) this.#scriptsUnchecked++
    this.#flags.set(slot, this.#flags.get(slot) | SCRIPTS_UNCHECKED)
  }

  /** How many of those there are. */
  get scriptsUncheckedCount(): number {
    return this.#scriptsUnchecked
  }

  /** A share has come in: header-valid, on no chain, without body. */
  protected newMarks(slot: Slot): void {
    this.#flags.set(slot, 0)
    this.#padding.set(slot, 0)
    this.#bodyBytes.set(slot, 0)
  }

  /** A share is about to leave. */
  protected clearMarks(slot: Slot): void {
    if (this.membership(slot) === 'none') this.#sideBodyBytes -= this.bodyBytes(slot)
    this.#verdicts.delete(slot)
    if (this.scriptsUnchecked(slot)) this.#scriptsUnchecked--
  }

  /** Throws unless what is counted over all shares is right. */
  protected checkMarks(slots: Iterable<Slot>): void {
    let sideBodyBytes = 0
    for (const slot of slots) {
      invariant((this.validity(slot) === 'invalid') === this.#verdicts.has(slot), 'what is invalid says why')
      if (this.membership(slot) === 'none') sideBodyBytes += this.bodyBytes(slot)
    }
    invariant(this.#sideBodyBytes === sideBodyBytes, 'bytes of bodies are counted')
  }

  #setValidity(slot: Slot, validity: ShareValidity): void {
    this.#flags.set(slot, (this.#flags.get(slot) & ~VALIDITY_MASK) | VALIDITIES.indexOf(validity))
  }
}
