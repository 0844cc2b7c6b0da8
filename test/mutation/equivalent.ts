import { BLOCKS } from './equivalents/blocks.ts'
import { CONSENSUS } from './equivalents/consensus.ts'
import { EARNINGS } from './equivalents/earnings.ts'
import { ORGANISE } from './equivalents/organise.ts'
import type { Equivalent } from './equivalents/reasons.ts'
import { SUBMITS } from './equivalents/submits.ts'
import { WINDOW } from './equivalents/window.ts'

/** Changes that no test can notice; each says why. */
export const EQUIVALENT: readonly Equivalent[] = [
  ...CONSENSUS,
  ...WINDOW,
  ...ORGANISE,
  ...BLOCKS,
  ...SUBMITS,
  ...EARNINGS
]
