import type { Rng } from '@p2poolv2/primitives'

/** The shortest wait after a connection failed or ended. */
export const MIN_BACKOFF_MS = 5_000
/** The longest wait between two dials of an address that is wanted. */
export const MAX_BACKOFF_MS = 300_000
/** The same for one that any other could stand for. */
export const MAX_IDLE_BACKOFF_MS = 3_600_000

/**
 * How long to wait before the next dial: twice as long after each failure, and anywhere in the upper half of that, so that nodes that
 * lost each other at one moment do not come back at one moment.
 * @param failures dials that failed one after another
 * @returns milliseconds from `MIN_BACKOFF_MS` to `maxMs`
 */
export function backoffMs(failures: number, maxMs: number, rng: Rng): number {
  const longest = Math.min(maxMs, 2 * MIN_BACKOFF_MS * 2 ** Math.min(Math.max(0, failures - 1), 20))
  const shortest = longest / 2
  return Math.floor(shortest + (shortest * rng.u32()) / 2 ** 32)
}
