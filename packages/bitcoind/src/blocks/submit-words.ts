import { printable } from '../rpc/rpc-error.ts'

/** What one answer to `submitblock` means for a block. */
export interface BlockAnswer {
  readonly result: 'accepted' | 'duplicate' | 'lost-race' | 'rejected' | 'failed'
  /** bitcoind's word, or why there is none. */
  readonly reason: string | null
  /** Another attempt may end otherwise. */
  readonly isOpen: boolean
}

/**
 * bitcoind's words by what they mean (BIP22; Bitcoin Core, validation.cpp and rpc/mining.cpp). Every other word is the rule that the
 * block breaks (`high-hash`, `bad-cb-amount`, `bad-prevblk`, `duplicate-invalid`): refused, for good.
 *
 * | word | meaning |
 * | --- | --- |
 * | `duplicate` | it has the block and found it good |
 * | `inconclusive` | it has the block and did not judge it, since another one is at its height or the parent is not judged yet |
 * | `duplicate-inconclusive` | the same, told again |
 * | `inconclusive-not-best-prevblk` | not on its tip: another one came before |
 * | `stale-prevblk`, `stale-work` | the same, from other nodes and proxies |
 * | `prev-blk-not-found` | it has not seen the parent yet, and forgets the block |
 * | `time-too-new` | its clock is behind the block's time, and it forgets the block |
 */
const WORDS: ReadonlyMap<string, Pick<BlockAnswer, 'result' | 'isOpen'>> = new Map([
  ['duplicate', { result: 'duplicate', isOpen: false }],
  ['inconclusive', { result: 'lost-race', isOpen: false }],
  ['duplicate-inconclusive', { result: 'lost-race', isOpen: false }],
  ['inconclusive-not-best-prevblk', { result: 'lost-race', isOpen: false }],
  ['stale-prevblk', { result: 'lost-race', isOpen: false }],
  ['stale-work', { result: 'lost-race', isOpen: false }],
  // Where it ends with these, the network went on without the parent, or without waiting: the race was lost.
  ['prev-blk-not-found', { result: 'lost-race', isOpen: true }],
  ['time-too-new', { result: 'rejected', isOpen: true }]
])

const BREAKS_A_RULE: Pick<BlockAnswer, 'result' | 'isOpen'> = { result: 'rejected', isOpen: false }

/** @param word the result of `submitblock`: null is good, text is a reason */
export function meaningOf(word: unknown): BlockAnswer {
  if (word === null) return { result: 'accepted', reason: null, isOpen: false }
  // Whoever said this did not say what became of the block; to be told of it twice costs nobody anything.
  if (typeof word !== 'string') return { result: 'failed', reason: 'an answer in a shape we do not know', isOpen: true }
  const reason = printable(word)
  const { result, isOpen } = WORDS.get(reason) ?? BREAKS_A_RULE
  return { result, reason: result === 'duplicate' ? null : reason, isOpen }
}
