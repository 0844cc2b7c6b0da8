import type { ChainShare } from './live-node.svelte.ts'

/** Where a share stands in the picture: columns are heights, the newest at the right; lane 0 is the confirmed chain. */
export interface Placed {
  readonly share: ChainShare
  readonly column: number
  readonly lane: number
}

export interface Link {
  readonly from: Placed
  readonly to: Placed
  /** `uncle`: from the share that names it to the uncle. */
  readonly kind: 'prev' | 'uncle'
}

export interface DagLayout {
  readonly placed: readonly Placed[]
  readonly links: readonly Link[]
  readonly columns: number
  readonly lanes: number
}

/** Further side branches of one height are left out of the picture. */
const MAX_LANES = 5

/**
 * @param shares in any order
 * @param columns heights shown at most, counted from the highest
 */
export function layoutDag(shares: readonly ChainShare[], columns: number): DagLayout {
  const highest = shares.reduce((most, { height }) => Math.max(most, height), 0)
  const lowest = shares.reduce((least, { height }) => Math.min(least, height), highest)
  const first = Math.max(lowest, highest - columns + 1)
  const lanesUsed = new Map<number, number>()
  const placed = [...shares]
    .filter(({ height }) => height >= first)
    .sort((a, b) => a.height - b.height || laneRank(a) - laneRank(b) || (a.hash < b.hash ? -1 : 1))
    .flatMap((share): Placed[] => {
      const isMain = laneRank(share) === 0 && !lanesUsed.has(share.height)
      const lane = isMain ? 0 : Math.max(1, lanesUsed.get(share.height) ?? 1)
      lanesUsed.set(share.height, lane + 1)
      return lane < MAX_LANES ? [{ share, column: share.height - first, lane }] : []
    })
  const byHash = new Map(placed.map(at => [at.share.hash, at]))
  const link = (from: Placed, hash: string, kind: Link['kind']): Link[] => {
    const to = byHash.get(hash)
    return to === undefined ? [] : [{ from, to, kind }]
  }
  return {
    placed,
    links: placed.flatMap(at => [
      ...link(at, at.share.prev, 'prev'),
      ...at.share.uncles.flatMap(uncle => link(at, uncle, 'uncle'))
    ]),
    columns: placed.length === 0 ? 0 : highest - first + 1,
    lanes: placed.reduce((most, { lane }) => Math.max(most, lane + 1), 1)
  }
}

/** The chain itself first, what follows it on the heaviest headers next, side branches last. */
function laneRank({ status }: ChainShare): number {
  return status === 'confirmed' || status === 'candidate' ? 0 : status === 'uncle' ? 1 : 2
}

/**
 * What was asked for, and what was confirmed since: those are on the chain, and what they name is an uncle.
 * @param confirmed in any order
 */
export function withConfirmed(shares: readonly ChainShare[], confirmed: readonly ChainShare[]): readonly ChainShare[] {
  const byHash = new Map([...shares, ...confirmed].map(share => [share.hash, share]))
  for (const { uncles } of confirmed) {
    for (const hash of uncles) {
      const uncle = byHash.get(hash)
      if (uncle !== undefined) byHash.set(hash, { ...uncle, status: 'uncle' })
    }
  }
  return [...byHash.values()]
}
