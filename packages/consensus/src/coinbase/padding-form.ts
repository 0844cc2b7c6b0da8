/**
 * Which form the padding of a share's bitcoin coinbase has to have. The protocol leaves it open (protocol §5.3), so it is
 * read from the chain: a function of the share's own ancestors, the same on every node that holds them.
 * Source: docs/decisions/0011-padding-read-from-the-chain.md.
 */
import { PADDING_FORMS, type PaddingForm, paddingFormsOf } from '@p2poolv2/bitcoin'
import type { ChainParams } from '../params.ts'
import type { Share } from '../share.ts'

/**
 * What one share says about the form. `none`: nothing, because two forms leave the same bytes there or it has no padding of
 * any form. `unseen`: its body was never here.
 */
export type PaddingMark = PaddingForm | 'none' | 'unseen'

/** Every mark; the place in this list is the number stored for it, so new forms go to the end. */
export const PADDING_MARKS: readonly PaddingMark[] = Object.freeze(['unseen', 'none', ...PADDING_FORMS])

/** The form a share must have. `any`: whichever of the table. `unknown`: an ancestor that decides it is not held. */
export type PaddingDemand = PaddingForm | 'any' | 'unknown'

/** The tree of shares by slot, as the rule reads it; -1 for no share. */
export interface PaddingSource {
  prevSlot(slot: number): number
  isGenesis(slot: number): boolean
  padding(slot: number): PaddingMark
}

/**
 * What a share says about the form, whoever made it and whether or not it is valid.
 * @param share its body must match its header, whose proof states the length that the padding completes
 */
export function paddingMarkOf(share: Pick<Share, 'header' | 'bitcoinCoinbase'>): PaddingForm | 'none' {
  const output = share.bitcoinCoinbase.outputs.at(-2)
  if (output === undefined) return 'none'
  const { prefixLengthBytes } = share.header.coinbaseProof
  const forms = paddingFormsOf(output, prefixLengthBytes - (8 + 1 + output.script.length))
  return forms.length === 1 ? (forms[0] as PaddingForm) : 'none'
}

/**
 * The form that a child of `parent` must have: the one that more than half of its last `paddingSpan` ancestors show, of those
 * that show one. `any` where no form has that majority, and until `paddingMinimum` of these ancestors are not the genesis.
 * Cost: one step an ancestor, 100 at most.
 */
export function requiredPadding(params: ChainParams, source: PaddingSource, parent: number): PaddingDemand {
  const shown = countForms(params, source, parent)
  if (shown === null) return 'unknown'
  if (shown.ancestors < params.paddingMinimum) return 'any'
  return PADDING_FORMS.find(form => 2 * (shown.byForm.get(form) ?? 0) > shown.total) ?? 'any'
}

/**
 * The form an honest producer gives a child of `parent`: the required one, else A. Where none of the ancestors that decide
 * shows any form, the nearest one that does is followed: a quiet stretch must not make us leave the network's form.
 * Cost: as `requiredPadding`; in such a stretch, one step a share of it, at most the payout window.
 */
export function producedPadding(params: ChainParams, source: PaddingSource, parent: number): PaddingForm {
  const required = requiredPadding(params, source, parent)
  if (required !== 'any' && required !== 'unknown') return required
  const fallback = PADDING_FORMS[0] as PaddingForm
  const shown = countForms(params, source, parent)
  if (shown === null || shown.total > 0) return fallback
  let slot = parent
  for (let step = 0; step < params.windowMaxShares && slot !== -1 && !source.isGenesis(slot); step++) {
    const mark = source.padding(slot)
    if (mark !== 'none' && mark !== 'unseen') return mark
    slot = source.prevSlot(slot)
  }
  return fallback
}

interface ShownForms {
  /** Ancestors looked at: not the genesis, and no more than `paddingSpan`. */
  readonly ancestors: number
  /** Those that show a form. */
  readonly total: number
  readonly byForm: ReadonlyMap<PaddingForm, number>
}

/** Null if one of the ancestors is not held, or its body was never here. */
function countForms(params: ChainParams, source: PaddingSource, parent: number): ShownForms | null {
  const byForm = new Map<PaddingForm, number>()
  let ancestors = 0
  let total = 0
  for (let slot = parent; ancestors < params.paddingSpan; slot = source.prevSlot(slot)) {
    if (slot === -1) return null
    if (source.isGenesis(slot)) break
    const mark = source.padding(slot)
    if (mark === 'unseen') return null
    ancestors += 1
    if (mark === 'none') continue
    total += 1
    byForm.set(mark, (byForm.get(mark) ?? 0) + 1)
  }
  return { ancestors, total, byForm }
}
