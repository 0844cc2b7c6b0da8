import type { NodeFact } from '@p2poolv2/node'
import type { Log } from '@p2poolv2/runtime'

type BlockFoundFact = Extract<NodeFact, { type: 'blockFound' }>

/** Who found a block is seldom the one it pays: the lines say which. */
const FOUND_LINES = {
  finder: 'BLOCK FOUND: it pays the miners of the window, finderSats of it to the one that found it',
  others: 'BLOCK FOUND: it pays the miners of the window, of whom the one that found it is none yet',
  nobody: 'BLOCK FOUND: lostSats of it go to the key of the genesis share, which nobody has'
} as const

/** Not a find of its own: it says nothing of what comes in. */
const ANOTHER_FOUND =
  'another block of ours on the same parent: one of them at most can be in the chain, and further ones are told at level debug'

function whoIsPaid({ finderSats, lostSats }: BlockFoundFact): keyof typeof FOUND_LINES {
  return lostSats > 0n ? 'nobody' : finderSats > 0n ? 'finder' : 'others'
}

function foundFields({ type: _type, payoutAddress, worker, ...fields }: BlockFoundFact): Record<string, unknown> {
  return { ...fields, foundBy: payoutAddress, foundByWorker: worker }
}

/**
 * A found block's line: told once of a parent, and once that there are more.
 * @param safe makes fields ready for the log
 */
export function logFoundBlock(
  log: Log,
  fact: BlockFoundFact,
  safe: (fields: Readonly<Record<string, unknown>>) => Record<string, unknown>
): void {
  const fields = safe(foundFields(fact))
  if (fact.siblingsBefore === 0) log.info(fields, FOUND_LINES[whoIsPaid(fact)])
  else if (fact.siblingsBefore === 1) log.info(fields, ANOTHER_FOUND)
  else log.debug(fields, ANOTHER_FOUND)
}
