/** What a share chain answers whoever brings it a share or a batch of headers. */
import type { ShareHash } from '@p2poolv2/primitives'
import type { RuleCode } from '../rule-code.ts'
import type { RuleFacts } from '../share.ts'

/**
 * Refusals that are about a batch or a crowd of shares, not about a rule a single share breaks. Nothing is remembered.
 * - `height-crowded`: a batch holds more headers at one height than an honest answer does (protocol §12.3, §14.5);
 * - `batch-work`: a batch of headers, with what it builds on, carries less work than one easiest share (protocol §12.3).
 */
export type CrowdCode = 'height-crowded' | 'batch-work'

/** With what a share chain waits for the bodies of its candidate chain. */
export interface BodyWait {
  /** Peers are asked for them, and no headers are being taken in. */
  readonly isAwaited: boolean
  /** A peer has shown another chain that parts from it in what is kept. */
  readonly isOtherShown: boolean
}

/** What the share chain made of a share or a batch of headers. */
export type ChainVerdict =
  | { readonly type: 'accepted' }
  | { readonly type: 'known' }
  /**
   * It cannot be judged to the end yet. `missing`: what it builds on and is not here; the share is kept in memory if there
   * is room. `code`, with nothing missing: it is stored and tried again by itself, for example once its time has come.
   */
  | { readonly type: 'waiting'; readonly missing: readonly ShareHash[]; readonly code?: RuleCode }
  | { readonly type: 'refused'; readonly code: RuleCode | CrowdCode; readonly facts: RuleFacts }
