import type { selectUncles } from '@p2poolv2/consensus'
import type { HeaderIndex, Slot } from '../tree/header-index.ts'
import type { Organiser } from './organise.ts'

/** What the choice of uncles for a child of `base` asks about the shares known. */
export function uncleSource(index: HeaderIndex, organiser: Organiser, base: Slot): UncleSource {
  return {
    facts: hash => index.facts(hash),
    // Asked of ancestors, which may be pruned.
    children: hash => (index.has(hash) ? index.children(index.slotOf(hash)).map(child => index.hash(child)) : []),
    isConfirmed: hash => index.membership(index.slotOf(hash)) === 'confirmed',
    // Named on another branch it would go unpaid if that branch loses.
    alreadyReferenced: hash => index.nephews(hash).some(nephew => organiser.descends(base, nephew))
  }
}

type UncleSource = Parameters<typeof selectUncles>[1]
