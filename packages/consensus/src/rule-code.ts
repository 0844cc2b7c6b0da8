/** Every rule a share can break: its permanent code, what a breach means, and the rule as a sentence. */

/**
 * - `invalid`: the share is refused for ever, and so is everything built on it;
 * - `recoverable`: something is not here yet; the share stays header-valid and is tried again;
 * - `bad-copy`: this copy is wrong; nothing is remembered about the hash, another peer may have the right one;
 * - `unresolvable`: data this node no longer holds would be needed; dropped without a verdict.
 * Source: protocol §12.1, §12.4.
 */
export type RuleVerdict = 'invalid' | 'recoverable' | 'bad-copy' | 'unresolvable'

export interface Rule {
  readonly verdict: RuleVerdict
  readonly sentence: string
}

const rule = (verdict: RuleVerdict, sentence: string): Rule => Object.freeze({ verdict, sentence })

const TABLE = {
  // Header gate (protocol §12.2). Nothing is stored for a header that has shown no work, hence bad-copy.
  'share-miner-program': rule('bad-copy', 'The miner’s share address is a version 1 witness program of 32 bytes.'),
  'share-uncle-count': rule('bad-copy', 'A share names at most three uncles.'),
  'share-target-zero': rule('bad-copy', 'The share target is not zero.'),
  'share-target-ceiling': rule('bad-copy', 'The share target is at or below the easiest one the pool allows.'),
  'share-work': rule('bad-copy', 'The hash of the bitcoin header is at or below the share target.'),

  // Coinbase proof (protocol §6.1). The branch is not part of the share hash, so another copy may be right.
  'proof-branch-length': rule('bad-copy', 'The merkle branch is at most 16 nodes of 32 bytes.'),
  'proof-prefix-length': rule('bad-copy', 'The coinbase prefix is a positive multiple of 64 bytes long.'),
  'proof-bitcoin-height': rule('bad-copy', 'The bitcoin height is at least 1 and at most 500,000,000.'),
  'proof-merkle-root': rule('bad-copy', 'The proven coinbase folds up its branch to the bitcoin merkle root.'),

  // Body matches header (protocol §12.5).
  'body-no-transactions': rule('bad-copy', 'A share has at least its coinbase transaction.'),
  'body-duplicate-transaction': rule('bad-copy', 'The wtxids of a share’s transactions are pairwise distinct.'),
  'body-witness-root': rule('bad-copy', 'The witness root of the transactions is the one the header commits to.'),
  'body-share-coinbase': rule('bad-copy', 'Transaction 0 is the share coinbase that follows from the header.'),
  'body-coinbase-txid': rule('bad-copy', 'The bitcoin coinbase has the txid that follows from the coinbase proof.'),
  'body-coinbase-witness': rule('bad-copy', 'The bitcoin coinbase carries no witness.'),
  'body-size': rule(
    'bad-copy',
    'A share’s transactions and its bitcoin coinbase are together at most 204,800 bytes long.'
  ),

  // Place in the share chain (protocol §12.3, §12.6, §13).
  'share-parent-unknown': rule('recoverable', 'The parent share is known.'),
  'share-parent-invalid': rule('invalid', 'The parent share is not invalid.'),
  'share-parent-unvalidated': rule('recoverable', 'The parent share is fully validated.'),
  'share-bits': rule('invalid', 'The share target is the one that follows from the parent’s time and height.'),
  'uncle-repeated': rule('invalid', 'A share names each uncle once.'),
  'uncle-unknown': rule('recoverable', 'Every uncle is known.'),
  'uncle-height': rule('invalid', 'An uncle is lower than the share that names it.'),
  'uncle-depth': rule('invalid', 'An uncle is at most three heights below the share that names it.'),
  'uncle-is-ancestor': rule('invalid', 'An uncle is none of the share’s last three ancestors.'),
  'uncle-body-missing': rule('recoverable', 'The body of every uncle is stored.'),

  // The header commits to the transactions, so their number is no fault of a copy.
  'body-transaction-count': rule('invalid', 'A share has at most 100 transactions.'),

  // Share transactions. None exist on the network yet; their scripts and sources are not checked (protocol §17). Retired:
  // share-transactions-unsupported.
  'transaction-repeated': rule('invalid', 'The txids of a share’s transactions are pairwise distinct.'),
  'transaction-no-outputs': rule('invalid', 'Every transaction of a share has outputs.'),
  'transaction-no-inputs': rule('invalid', 'Every transaction of a share but its coinbase has inputs.'),
  'transaction-double-spend': rule('invalid', 'The transactions of a share spend every output once.'),
  'transaction-value': rule('invalid', 'The outputs of a transaction are worth at most 21,000,000 bitcoin together.'),

  // Chain context (protocol §12.7). Only the passage of time can heal a future share, and no other node's clock is
  // ours: a verdict for ever would let clock skew split the chain.
  'share-time-future': rule('recoverable', 'The share time is at most 120 seconds ahead of the clock.'),
  'share-time-median': rule('invalid', 'The share time is above the median of its last eleven ancestors’ times.'),
  'share-ancestors-gone': rule('unresolvable', 'The share’s last eleven ancestors are held.'),
  'share-donation-range': rule('invalid', 'The donation is at most 10,000 basis points.'),
  'share-fee-range': rule('invalid', 'The fee is at most 10,000 basis points.'),
  'bitcoin-target-zero': rule('invalid', 'The bitcoin target in the share’s bitcoin header is not zero.'),
  'payout-window-gone': rule('unresolvable', 'Every share of the payout window is held.'),
  'payout-empty': rule('invalid', 'The payout window carries weight and the bitcoin coinbase pays somebody.'),
  'coinbase-value': rule('invalid', 'The bitcoin coinbase pays at most 21,000,000 bitcoin.'),
  'coinbase-form': rule('invalid', 'The bitcoin coinbase has the five pushes and the outputs of a share’s coinbase.'),
  'coinbase-padding': rule(
    'invalid',
    'The padding output has the form that most of the share’s last 100 ancestors show, once 20 decide.'
  ),
  'coinbase-payout': rule('invalid', 'The bitcoin coinbase is, byte for byte, the one the payout window demands.'),
  'coinbase-merkle-root': rule('bad-copy', 'The bitcoin coinbase folds up its branch to the bitcoin merkle root.')
} as const satisfies Record<string, Rule>

/** Closed list of rule codes. A code is permanent: it is never renamed or reused. */
export type RuleCode = keyof typeof TABLE

export const RULES: Readonly<Record<RuleCode, Rule>> = Object.freeze(TABLE)

/**
 * Raised with every change of what a rule accepts or refuses. Verdicts are stored with it, and what another version refused
 * is judged again: a share refused by a fault of ours, or for want of something we have learnt since, must not split us off.
 */
export const RULES_VERSION = 2

/** Whether a stored text is a code of these rules. */
export function isRuleCode(text: string): text is RuleCode {
  return Object.hasOwn(TABLE, text)
}
