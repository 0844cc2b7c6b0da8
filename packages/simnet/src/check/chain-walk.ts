import type { ChainParams, ShareFacts } from '@p2poolv2/consensus'
import { invariant, type ShareHash } from '@p2poolv2/primitives'
import type { ShareChain } from '@p2poolv2/sharechain'

/** The confirmed chain of a node and the uncles it names. */
export interface ConfirmedWalk {
  /** By height, the genesis first. */
  readonly shares: readonly ShareFacts[]
  /** Each uncle with the height of the share that names it first. */
  readonly uncles: ReadonlyMap<ShareHash, number>
  /** Uncles named by more than one share of the chain. */
  readonly repeatedUncles: readonly ShareHash[]
}

/**
 * Walks the confirmed chain from its genesis and checks it on the way: dense, linked by parents, at most three uncles a
 * share, and none of them on the chain itself. Of a chain older than the prune depth the part that is kept with bodies.
 * @throws InvariantError
 */
export function walkConfirmed(chain: ShareChain, params: Pick<ChainParams, 'maxUncles' | 'pruneDepth'>): ConfirmedWalk {
  const shares: ShareFacts[] = []
  const uncles = new Map<ShareHash, number>()
  const repeatedUncles: ShareHash[] = []
  const tip = chain.confirmedTip()
  const from = chain.keptFromHeight === 1 ? 0 : chain.candidateTip().height - params.pruneDepth
  for (let height = from; height <= tip.height; height++) {
    const hash = chain.confirmedHashAt(height)
    const facts = hash === undefined ? undefined : chain.view.facts(hash)
    invariant(facts !== undefined && facts.height === height, 'the confirmed chain is dense')
    invariant(height === from || facts.prevHash === shares.at(-1)?.hash, 'the confirmed chain is linked by parents')
    invariant(facts.validity === 'blockValid' && facts.hasBody, 'a confirmed share is valid and its body is here')
    invariant(facts.uncles.length <= params.maxUncles, 'a share has at most three uncles')
    for (const uncle of facts.uncles) {
      if (uncles.has(uncle)) repeatedUncles.push(uncle)
      else uncles.set(uncle, height)
    }
    shares.push(facts)
  }
  invariant(shares.at(-1)?.hash === tip.hash, 'the confirmed chain ends with its tip')
  for (const { hash } of shares) invariant(!uncles.has(hash), 'an uncle is not on the confirmed chain')
  return { shares, uncles, repeatedUncles }
}
