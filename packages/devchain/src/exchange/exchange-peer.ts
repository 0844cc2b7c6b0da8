import { type BlockHash, BoundedSet, RateLimit, type SteadyMs } from '@p2poolv2/primitives'
import type { ChainBlock } from '../block-tree.ts'

/** Tips a peer is known to have; a block told twice costs little. */
const KNOWN_TIPS = 64

/** A peer's questions: 100 at once, then 20 a second. Syncing asks for about ten a second. */
const REQUESTS = { unitMs: 50, burst: 100 }

/** KiB of what it asks and tells: four of the largest blocks at once, then one in ten seconds. To read one takes some tens of milliseconds, and who tells it again has no work with it. */
const SAID_KIB = { unitMs: 10, burst: 4 * 1_024 }

/** KiB of answers to a peer: 24 MiB at once, which is a week of usual blocks, then 1 MiB a second. */
const ANSWERED_KIB = { unitMs: 1, burst: 24 * 1_024 }

export class ExchangePeer {
  /** When it is asked next. */
  nextAskMs: SteadyMs
  /** Its question that is under way. */
  asking: number | null = null
  /** Tips told to it that it has not noted yet. */
  telling = 0
  /** Questions in a row without an answer. */
  failures = 0
  /** The last block that came from it and that we have. */
  heard: ChainBlock | null = null
  /** Height up to which it has answered since it was last asked anew; answers must lead upwards. */
  runHeight = -1
  readonly known = new BoundedSet<BlockHash>(KNOWN_TIPS)
  readonly requests = new RateLimit(REQUESTS)
  readonly saidKib = new RateLimit(SAID_KIB)
  readonly answeredKib = new RateLimit(ANSWERED_KIB)

  constructor(nowMs: SteadyMs) {
    this.nextAskMs = nowMs
  }
}
