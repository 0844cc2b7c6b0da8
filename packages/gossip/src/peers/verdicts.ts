import type { CrowdCode, RuleCode } from '@p2poolv2/consensus'
import type { TopicVerdict } from '../network-port.ts'

/** Breaches of the network protocol itself, beside the rules of the share chain. */
export type ProtocolCode =
  | 'malformed-message'
  | 'malformed-answer'
  | 'wrong-answer'
  | 'not-canonical'
  | 'no-work'
  | 'different-genesis'
  | 'answer-dense'
  | 'answer-without-progress'
  | 'request-flood'
  | 'template-lie'
  | 'template-oversize'

export type FaultCode = RuleCode | CrowdCode | ProtocolCode

/** How something reached us: a topic, a push, an answer with a body, an answer with headers, or the stream itself. */
export type Route = 'topic' | 'push' | 'fetch' | 'headers' | 'stream'

/**
 * Whose fault a breach is:
 * - `sender`: every honest node, ours or reference, checks it before it relays, serves or answers;
 * - `relayer`: checked before a share is relayed, but a header or body may be served by a node that has not got to it yet;
 * - `mesh`: our nodes check it before they pass a topic message on; the reference relays first and checks later;
 * - `nobody`: honest nodes can differ about it.
 */
export type Blame = 'sender' | 'relayer' | 'mesh' | 'nobody'

export interface Fault {
  readonly blame: Blame
  /** Out of `DROP_POINTS`. */
  readonly points: number
  readonly why: string
}

const BLAMED: Readonly<Record<Blame, readonly Route[]>> = {
  sender: ['topic', 'push', 'fetch', 'headers', 'stream'],
  relayer: ['topic', 'push'],
  mesh: ['topic'],
  nobody: []
}

const fault = (blame: Blame, points: number, why: string): Fault => Object.freeze({ blame, points, why })
const honest = (why: string): Fault => fault('nobody', 0, why)

const UNWORKED = fault('sender', 50, 'It costs nothing to make, and the header gate comes before any relaying.')
const UNPROVEN = fault('sender', 50, 'The proof travels with the header; whoever sends the one has checked the other.')
const BAD_BODY = fault('sender', 50, 'A body is stored and relayed only if it matches its header.')
const BAD_PLACE = fault('relayer', 50, 'Relaying comes after it; serving a header or body does not depend on it.')
const BAD_CONTEXT = fault('mesh', 20, 'The reference relays before it knows the context; our nodes relay after it.')

/** One row a code: the only place that says what a breach costs a peer. */
const TABLE: Readonly<Record<FaultCode, Fault>> = {
  'share-miner-program': UNWORKED,
  'share-uncle-count': UNWORKED,
  'share-target-ceiling': UNWORKED,
  'share-work': UNWORKED,
  'share-target-zero': UNWORKED,

  'proof-branch-length': UNPROVEN,
  'proof-prefix-length': UNPROVEN,
  'proof-bitcoin-height': UNPROVEN,
  'proof-merkle-root': UNPROVEN,

  'body-no-transactions': BAD_BODY,
  'body-duplicate-transaction': BAD_BODY,
  'body-witness-root': BAD_BODY,
  'body-share-coinbase': BAD_BODY,
  'body-coinbase-txid': BAD_BODY,
  'body-coinbase-witness': BAD_BODY,
  'body-size': BAD_BODY,
  'coinbase-merkle-root': BAD_BODY,

  'share-bits': fault(
    'sender',
    50,
    'A function of the parent alone, checked with every header and before every relay.'
  ),
  'body-transaction-count': BAD_PLACE,
  'uncle-repeated': BAD_PLACE,
  'uncle-height': BAD_PLACE,
  'uncle-depth': BAD_PLACE,
  'uncle-is-ancestor': BAD_PLACE,

  'share-parent-unknown': honest('It may be on its way; shares overtake one another.'),
  'uncle-unknown': honest('It may be on its way; shares overtake one another.'),
  'uncle-body-missing': honest('It may be on its way; shares overtake one another.'),
  'share-parent-unvalidated': honest('We have not come so far.'),
  'share-parent-invalid': honest('Whoever has not seen the parent’s body yet cannot know.'),

  'transaction-repeated': BAD_PLACE,
  'transaction-no-outputs': BAD_PLACE,
  'transaction-no-inputs': BAD_PLACE,
  'transaction-double-spend': BAD_CONTEXT,
  'transaction-value': BAD_PLACE,
  'share-time-future': honest('Clocks differ; it is tried again when its time has come.'),
  'share-time-median': BAD_CONTEXT,
  'share-ancestors-gone': honest('We no longer hold the data that would decide it.'),
  'payout-window-gone': honest('We no longer hold the data that would decide it.'),
  'share-donation-range': BAD_CONTEXT,
  'share-fee-range': BAD_CONTEXT,
  'bitcoin-target-zero': BAD_CONTEXT,
  'payout-empty': BAD_CONTEXT,
  'coinbase-value': BAD_CONTEXT,
  'coinbase-form': BAD_CONTEXT,
  'coinbase-padding': BAD_CONTEXT,
  'coinbase-payout': BAD_CONTEXT,

  'height-crowded': honest(
    'Which shares a node knows at a height is chance; only one answer with too many is a breach.'
  ),
  'batch-work': honest('The protocol drops such a batch and nothing more.'),

  'malformed-message': fault('sender', 20, 'Honest encoders do not write it; one chance is left for a damaged one.'),
  'malformed-answer': fault('sender', 20, 'Honest encoders do not write it; one chance is left for a damaged one.'),
  'wrong-answer': fault('sender', 50, 'It answers with what was not asked for.'),
  'not-canonical': fault('sender', 50, 'Our nodes publish the one canonical form, so that copies are recognised.'),
  'no-work': fault('sender', 50, 'Its hash is above its target, so it cost nothing.'),
  'different-genesis': fault('sender', 100, 'Another network; nothing it says can be of use here.'),
  'answer-dense': fault('sender', 100, 'A header answer holds at most 20 shares a height (protocol §12.3).'),
  'answer-without-progress': fault(
    'sender',
    50,
    'A full answer that ends where the question began leads nowhere, and would be followed by the same again.'
  ),
  'request-flood': fault('sender', 10, 'More requests are waiting than an honest peer has streams.'),
  'template-lie': fault(
    'sender',
    50,
    'A list or transaction is not the one that its name stands for; its giver could see it.'
  ),
  'template-oversize': fault('sender', 50, 'No block can hold it.')
}

/** A peer is dropped at this score. */
export const DROP_POINTS = 100
/** One point is forgiven every so often: a full score in ten minutes. */
export const FORGIVE_MS = 6_000
/** A dropped peer is not let in again for this long. */
export const BAN_MS = 600_000

export function faultOf(code: FaultCode): Fault {
  return TABLE[code]
}

/** What to do with a topic message whose share was refused with this code. */
export function topicVerdict(code: FaultCode): TopicVerdict {
  return pointsFor(code, 'topic') > 0 ? 'reject' : 'ignore'
}

/** What the code costs a peer through which it came on this way; 0 if an honest peer may have done it. */
export function pointsFor(code: FaultCode, route: Route): number {
  const { blame, points } = TABLE[code]
  return BLAMED[blame].includes(route) ? points : 0
}
