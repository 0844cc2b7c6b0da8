import type { ArchivedHeight } from '@p2poolv2/consensus'
import type { Height } from '@p2poolv2/primitives'

/** An answer begins this far below the match (protocol §18.5). */
const OVERLAP_HEIGHTS = 2

/** Where an answer to somebody begins who knows the archived chain up to a height. */
export function archiveStart(matchHeight: Height): Height {
  return Math.max(matchHeight, OVERLAP_HEIGHTS + 1) - OVERLAP_HEIGHTS
}

/** Whole heights until there are `limit` headers. Rows that do not follow on each other are left: there was an older archive. */
export function wholeHeights(rows: Iterable<ArchivedHeight>, limit: number): ArchivedHeight[] {
  const taken: ArchivedHeight[] = []
  let headers = 0
  for (const row of rows) {
    const last = taken.at(-1)
    if (headers >= limit || (last !== undefined && row.height !== last.height + 1)) break
    taken.push(row)
    headers += row.hashes.length
  }
  return taken
}
