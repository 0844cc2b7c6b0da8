import { invariant } from '@p2poolv2/primitives'
import { KEY_PREFIX, RETIRED_PREFIX } from './keys.ts'
import { decodeFoundBlock } from './records.ts'
import { sealed, unsealed } from './seal.ts'
import type { StoredRow } from './share-store.ts'

/**
 * What one layout of the store changes of the one before: rows of one prefix get another. Every step can be gone back, so that whoever upgraded
 * can use the version of before again, with all that came since; one that could not would be refused in review.
 */
export interface LayoutStep {
  readonly from: number
  readonly to: number
  readonly fromPrefix: number
  readonly toPrefix: number
  /** @throws CodecError for a row that is damaged, which then has no counterpart */
  up(row: StoredRow): StoredRow
  /** The row that `up` was given. */
  down(row: StoredRow): StoredRow
}

export const LAYOUT_STEPS: readonly LayoutStep[] = [
  {
    from: 3,
    to: 4,
    fromPrefix: RETIRED_PREFIX.plainBlock,
    toPrefix: KEY_PREFIX.block,
    up: ({ key, value }) => {
      // What cannot be read is not sealed as if it could.
      decodeFoundBlock(value)
      return sealed(withPrefix(key, KEY_PREFIX.block), value)
    },
    down: row => ({ key: withPrefix(row.key, RETIRED_PREFIX.plainBlock), value: unsealed(row) })
  }
]

/** The oldest layout that can be read. */
export const OLDEST_LAYOUT = LAYOUT_STEPS[0]?.from ?? 0

/** The steps from one layout to another, newer or older. */
export function layoutSteps(from: number, to: number): readonly LayoutStep[] {
  const [low, high] = from < to ? [from, to] : [to, from]
  const steps = LAYOUT_STEPS.filter(step => step.from >= low && step.to <= high)
  invariant(steps.length === high - low, 'there is a step between any two layouts that follow on each other')
  return from < to ? steps : [...steps].reverse()
}

function withPrefix(key: Uint8Array, prefix: number): Uint8Array {
  const changed = new Uint8Array(key)
  changed[0] = prefix
  return changed
}
