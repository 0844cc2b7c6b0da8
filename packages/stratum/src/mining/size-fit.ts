/** How work stands to what a miner can take, by the bound that is the nearest. */
export interface SizeFit {
  readonly fit: 'near' | 'over'
  readonly what: 'coinbase' | 'coinbase after the extranonce' | 'notify line' | 'job message'
  readonly bytes: number
  readonly limitBytes: number
  readonly sizeClass: SizedMake
  /** What its owner can do about it, a whole sentence; absent where nothing but fewer payees helps. */
  readonly remedy?: string
}

/** The make of firmware that has the bounds. */
export interface SizedMake {
  readonly userAgentPrefix: string
  /**
   * `measured` in the firmware's own code, or seen by many: past it nothing comes of the job. `reported` by other servers: past
   * it there may be trouble, and there may be none.
   */
  readonly basis: 'measured' | 'reported'
}

/** From this part of a bound on the operator is told: payees come one by one, so there is time. */
export const NEAR_LIMIT = 0.75

/** What has a bound, its bytes, and the bound; null where none is known. */
export type Bound = readonly [SizeFit['what'], bytes: number, limitBytes: number | null]

/** @returns null where the work is well within all bounds */
export function nearestBound(bounds: readonly Bound[], sizeClass: SizedMake): SizeFit | null {
  let nearest: Omit<SizeFit, 'fit' | 'sizeClass'> | null = null
  for (const [what, bytes, limitBytes] of bounds) {
    if (limitBytes === null) continue
    if (nearest === null || bytes / limitBytes > nearest.bytes / nearest.limitBytes)
      nearest = { what, bytes, limitBytes }
  }
  if (nearest === null || nearest.bytes < NEAR_LIMIT * nearest.limitBytes) return null
  return { ...nearest, sizeClass, fit: nearest.bytes > nearest.limitBytes ? 'over' : 'near' }
}
