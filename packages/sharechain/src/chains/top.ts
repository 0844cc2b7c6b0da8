import type { Height } from '@p2poolv2/primitives'
import type { HeaderIndex, Slot } from '../tree/header-index.ts'

/** Newest shares of the candidate chain that may be without verdict when its top counts as valid: bodies come after headers. */
const TOP_LAG_HEIGHTS = 6

/**
 * Whether the payout window at the top of the candidate chain was validated, bodies and all. Validity follows parents, so that
 * what is valid at the top is valid as far down as bodies are needed.
 */
export function isTopValid(
  index: HeaderIndex,
  chain: { readonly candidateHeight: Height; candidateAt(height: Height): Slot }
): boolean {
  const lowest = Math.max(index.lowestHeight, chain.candidateHeight - TOP_LAG_HEIGHTS)
  for (let height = chain.candidateHeight; height >= lowest; height--) {
    const slot = chain.candidateAt(height)
    if (index.validity(slot) === 'blockValid' && !index.contextSkipped(slot)) return true
  }
  return false
}
