/** Which uncles an honest producer names; policy, not a rule. Source: protocol §15. */
import { compareBytes, invariant, type ShareHash, wireFromDisplay } from '@p2poolv2/primitives'
import type { ChainParams } from '../params.ts'
import type { ChainView, ShareFacts } from '../share.ts'

/** What the choice needs to know; the share chain's header index implements it. */
export interface UncleSource extends ChainView {
  /** Shares whose parent is this one, in any order. */
  children(hash: ShareHash): readonly ShareHash[]
  isConfirmed(hash: ShareHash): boolean
  /** Whether a share on the way to the base, or any share this node has organised, already names it as an uncle. */
  alreadyReferenced(hash: ShareHash): boolean
}

/**
 * Uncles for a share built on `base`: siblings of its last three ancestors that nobody has named yet, heaviest first, then
 * by hash in digest order; at most three. The order is the one to write into the header.
 */
export function selectUncles(params: ChainParams, source: UncleSource, base: ShareHash): ShareHash[] {
  const ancestry = new Set<ShareHash>()
  const candidates: ShareFacts[] = []
  let onPath = source.facts(base)
  invariant(onPath !== undefined, 'the base of a new share is known')
  for (let step = 0; step < params.uncleDepth && onPath.height > 0; step++) {
    ancestry.add(onPath.hash)
    for (const hash of source.children(onPath.prevHash)) {
      const facts = source.facts(hash)
      if (facts !== undefined && !ancestry.has(hash) && isEligible(source, facts)) candidates.push(facts)
    }
    const parent = source.facts(onPath.prevHash)
    if (parent === undefined) break
    onPath = parent
  }
  return candidates
    .sort(heaviestFirst)
    .slice(0, params.maxUncles)
    .map(facts => facts.hash)
}

function isEligible(source: UncleSource, { hash, hasBody, validity }: ShareFacts): boolean {
  return hasBody && validity !== 'invalid' && !source.isConfirmed(hash) && !source.alreadyReferenced(hash)
}

// Every node with the same shares makes the same choice, so the order is total.
function heaviestFirst(a: ShareFacts, b: ShareFacts): number {
  if (a.chainWork !== b.chainWork) return a.chainWork > b.chainWork ? -1 : 1
  return compareBytes(wireFromDisplay(a.hash), wireFromDisplay(b.hash))
}
