/** A change that makes no difference to anybody, and why. */
export interface Equivalent {
  /** How the file's path ends. */
  readonly path: string
  /** Of the line it is in. */
  readonly within: string
  /** `any`: every change of that line. */
  readonly what: string
  readonly because: string
}

const WINDOW = 'payout/payout-window.ts'
const ROOM = 'how much room is made at a time'
const SORTED = 'it is sorted again, or by the other of window and outputs: the order is the same'
const COMPARED = 'only the sign of a comparison counts, and equals may stand either way'

const REMEMBERED = 'what is not remembered is worked out again'
const BOUND = 'a bound is as good with one more'
const INVARIANT = 'a check of a state that is never wrong finds nothing'
const EITHER_WAY = 'what is equal comes to the same either way'

const CHAINS = 'sharechain/src/chains'
const CONSENSUS = 'consensus/src'
const BLOCKS = 'bitcoind/src/blocks'

export const EQUIVALENT: readonly Equivalent[] = [
  {
    path: `${CHAINS}/mining-base.ts`,
    within: 'return compareDigests(index.hash(a), index.hash(b)) < 0',
    what: 'any',
    because: 'equal are only a share and itself, and then nothing changes'
  },
  {
    path: `${CHAINS}/organise.ts`,
    within: 'checkInvariants()',
    what: 'any',
    because: INVARIANT
  },
  {
    path: `${CHAINS}/candidate-chain.ts`,
    within: 'checkLinked(this.#index, this.#tip, this.#at)',
    what: 'any',
    because: INVARIANT
  },
  {
    path: `${CHAINS}/confirmed-chain.ts`,
    within: 'checkLinked(this.#index, this.#tip, this.#at)',
    what: 'any',
    because: INVARIANT
  },
  {
    path: WINDOW,
    within: 'this.#said.length = 0',
    what: '0 becomes (0 + 1)',
    because: 'who enters is forgotten first'
  },
  { path: WINDOW, within: 'this.#isSorted = true', what: 'true becomes false', because: SORTED },
  {
    path: WINDOW,
    within: 'if (above.length >= this.#params.windowMaxShares',
    what: '>= becomes >',
    because: 'one step more finds the same, or begins anew'
  },
  {
    path: WINDOW,
    within: 'if (above.length >= this.#params.windowMaxShares',
    what: '|| becomes &&',
    because: 'before the genesis there is nothing'
  },
  { path: WINDOW, within: 'own + MAIN_WEIGHT', what: '+ becomes -', because: 'it stands at 0' },
  { path: WINDOW, within: 'return textA < textB', what: '< becomes <=', because: COMPARED },
  { path: WINDOW, within: 'return textA < textB', what: '> becomes >=', because: COMPARED },
  { path: WINDOW, within: 'return textA < textB', what: '1 becomes (1 + 1)', because: COMPARED },
  { path: WINDOW, within: 'return textA < textB', what: '0 becomes (0 + 1)', because: COMPARED },
  {
    path: WINDOW,
    within: 'place < this.#present.length',
    what: '< becomes <=',
    because: 'nobody stands behind the last place'
  },
  { path: WINDOW, within: 'const larger = new Int32Array', what: 'any', because: ROOM },
  {
    path: WINDOW,
    within: 'return textA < textB',
    what: '> becomes <=',
    because: 'a sort asks whether one stands before the other, and nothing else'
  },
  { path: WINDOW, within: '  #isSorted = true', what: 'true becomes false', because: SORTED },
  { path: WINDOW, within: '#occurrences = new Int32Array(64)', what: 'any', because: ROOM },
  { path: WINDOW, within: '#placeInPresent = new Int32Array(64)', what: 'any', because: ROOM },
  { path: 'payout/weight-table.ts', within: '#limbs = new Float64Array', what: 'any', because: ROOM },
  { path: 'payout/weight-table.ts', within: 'const MAX_TARGETS', what: 'any', because: 'how much is remembered' },
  { path: 'payout/weight-table.ts', within: 'const ROW =', what: '3 becomes (3 + 1)', because: ROOM },
  { path: 'payout/wide-sums.ts', within: 'export const LIMBS = 3', what: 'any', because: 'one limb more stays 0' },
  { path: 'payout/wide-sums.ts', within: '#limbs = new Float64Array', what: 'any', because: ROOM },
  {
    path: 'payout/window-entries.ts',
    within: '#oldest = 0',
    what: 'any',
    because: 'it is cleared before the first share enters'
  },
  { path: 'payout/payout.ts', within: 'if (text < before)', what: '< becomes >=', because: SORTED },
  {
    path: 'payout/payout.ts',
    within: 'LAST_ASKED.set(',
    what: 'any',
    because: 'what is not remembered is split again'
  },
  { path: 'payout/payout.ts', within: 'let isOrdered = true', what: 'true becomes false', because: SORTED },
  { path: 'payout/payout.ts', within: 'if (text < before)', what: '< becomes <=', because: SORTED },
  { path: 'payout/payout.ts', within: 'return isOrdered ? miners', what: '< becomes <=', because: COMPARED },
  { path: 'payout/payout.ts', within: 'return isOrdered ? miners', what: '1 becomes (1 + 1)', because: COMPARED },
  {
    path: 'payout/weight-table.ts',
    within: 'if (this.#rowOfBits.size >= MAX_TARGETS)',
    what: 'any',
    because: 'a target that is forgotten is computed again'
  },
  {
    path: 'payout/weight-table.ts',
    within: 'if (row + ROW > this.#limbs.length)',
    what: '> becomes >=',
    because: ROOM
  },
  { path: 'payout/weight-table.ts', within: 'const larger = new Float64Array', what: 'any', because: ROOM },
  { path: 'payout/weight-table.ts', within: 'row + MAIN_WEIGHT', what: '+ becomes -', because: 'it stands at 0' },
  {
    path: 'payout/weight-table.ts',
    within: 'this.#rowOfBits.set(bits, row)',
    what: 'this.#rowOfBits.set(bits, row) becomes nothing',
    because: 'a target that is not remembered is computed again, in the same row'
  },
  {
    path: 'payout/wide-sums.ts',
    within: 'return difference < 0 ? -1 : 1',
    what: '< becomes <=',
    because: 'it is not 0 there'
  },
  {
    path: 'payout/wide-sums.ts',
    within: 'return difference < 0 ? -1 : 1',
    what: '0 becomes (0 + 1)',
    because: 'a difference is a whole number, and not 0 there'
  },
  { path: 'payout/wide-sums.ts', within: 'const needed = (index + 1)', what: '1 becomes (1 + 1)', because: ROOM },
  { path: 'payout/wide-sums.ts', within: 'if (needed > this.#limbs.length)', what: '> becomes >=', because: ROOM },
  { path: 'payout/wide-sums.ts', within: 'const larger = new Float64Array', what: 'any', because: ROOM },
  { path: 'payout/window-entries.ts', within: 'this.#lanes = 1 + maxUncles', what: '1 becomes (1 + 1)', because: ROOM },
  {
    path: 'payout/window-entries.ts',
    within: 'if (slot >= this.#seqOfSlot.length) return null',
    what: '>= becomes >',
    because: 'nothing stands there, which is no sequence of an entry'
  },
  { path: 'payout/window-entries.ts', within: 'const larger = new Int32Array', what: 'any', because: ROOM },
  { path: 'payout/window-entries.ts', within: 'if (this.length > this.#mask)', what: '> becomes >=', because: ROOM },
  {
    path: 'payout/window-entries.ts',
    within: 'seq < this.#end; seq++',
    what: '< becomes <=',
    because: 'the row behind the last is written before it is read'
  },
  {
    path: 'payout/window-entries.ts',
    within: '(oldRow + 1) * lanes), row * lanes',
    what: '1 becomes (1 + 1)',
    because: 'the row behind is written before it is read'
  },
  {
    path: `${CONSENSUS}/asert.ts`,
    within: 'const cubic =',
    what: '195766423245049n becomes (195766423245049n + 1n)',
    because: 'no remainder of 16 bits rounds to another factor; all were looked at'
  },
  {
    path: `${CONSENSUS}/asert.ts`,
    within: 'const cubic =',
    what: '971821376n becomes (971821376n + 1n)',
    because: 'no remainder of 16 bits rounds to another factor; all were looked at'
  },
  {
    path: `${CONSENSUS}/asert.ts`,
    within: 'if (sh > ARITHMETIC_BITS)',
    what: '> becomes >=',
    because: 'it is above the ceiling with less as well'
  },
  {
    path: `${CONSENSUS}/asert.ts`,
    within: 'const ARITHMETIC_BITS',
    what: 'any',
    because: 'it is above the ceiling with less as well'
  },
  { path: `${CONSENSUS}/asert.ts`, within: 'if (target > ceiling)', what: '> becomes >=', because: EITHER_WAY },
  { path: `${CONSENSUS}/asert.ts`, within: '? params.maxTargetBits : bits', what: '> becomes >=', because: EITHER_WAY },
  {
    path: `${CONSENSUS}/asert.ts`,
    within: '> MAX_DIFFICULTY ? MAX_DIFFICULTY',
    what: '> becomes >=',
    because: EITHER_WAY
  },
  { path: `${CONSENSUS}/share.ts`, within: 'KNOWN.set(key, address)', what: 'any', because: REMEMBERED },
  {
    path: `${CONSENSUS}/share.ts`,
    within: 'const MAX_KNOWN_ADDRESSES',
    what: 'any',
    because: 'how much is remembered'
  },
  { path: `${CONSENSUS}/commitment/coinbase-proof.ts`, within: 'PROOFS.set(', what: 'any', because: REMEMBERED },
  {
    path: `${CONSENSUS}/commitment/coinbase-proof.ts`,
    within: '|| proof.rootWire === null',
    what: '=== becomes !==',
    because: REMEMBERED
  },
  {
    path: `${CONSENSUS}/commitment/commitment.ts`,
    within: 'new ByteWriter(256)',
    what: '256 becomes (256 + 1)',
    because: ROOM
  },
  { path: `${CONSENSUS}/commitment/commitment.ts`, within: 'COMMITMENTS.set(', what: 'any', because: REMEMBERED },
  {
    path: `${CONSENSUS}/coinbase/bitcoin-coinbase.ts`,
    within: 'if (bitcoinHeight <= 0)',
    what: '<= becomes <',
    because: '0x50 is no height either way'
  },
  {
    path: `${CONSENSUS}/coinbase/bitcoin-coinbase.ts`,
    within: 'opcode <= 4 ?',
    what: '4 becomes (4 + 1)',
    because: 'a height in five bytes is above the limit, or not minimal'
  },
  { path: `${CONSENSUS}/encoding/share-codec.ts`, within: 'new ByteWriter(2048)', what: 'any', because: ROOM },
  { path: `${CONSENSUS}/encoding/share-codec.ts`, within: 'const HEADER_ROOM_BYTES', what: 'any', because: ROOM },
  {
    path: `${CONSENSUS}/encoding/share-codec.ts`,
    within: 'reader.remaining / MIN_TRANSACTION_BYTES',
    what: '/ becomes *',
    because: 'more than there are end at the first that is missing'
  },
  {
    path: `${CONSENSUS}/headers/header-batch.ts`,
    within: 'new ByteWriter(items.length * 320)',
    what: 'any',
    because: ROOM
  },
  {
    path: `${CONSENSUS}/headers/header-batch.ts`,
    within: 'new ByteWriter(items.length * 256)',
    what: 'any',
    because: ROOM
  },
  {
    path: `${CONSENSUS}/rules/check-placement.ts`,
    within: 'hashes.length < depth',
    what: '< becomes <=',
    because: 'one further down is too deep for an uncle, which is asked first'
  },
  { path: `${CONSENSUS}/rules/check-share.ts`, within: 'MATCHED.set(', what: 'any', because: REMEMBERED },
  {
    path: `${BLOCKS}/block-submitter.ts`,
    within: 'this.#ports.log.info(',
    what: 'any',
    because: 'what is said of what went well is for people'
  },
  {
    path: `${BLOCKS}/block-submitter.ts`,
    within: 'log.info({ blockHash, bitcoinHeight, ms }',
    what: 'any',
    because: 'what is said of what went well is for people'
  },
  {
    path: `${BLOCKS}/block-submitter.ts`,
    within: 'const ms = Math.round(',
    what: 'any',
    because: 'what is said of what went well is for people'
  },
  {
    path: `${BLOCKS}/block-submitter.ts`,
    within: 'else this.#ports.log.debug(',
    what: 'any',
    because: 'what is said of each further try is for people'
  },
  {
    path: `${BLOCKS}/block-submitter.ts`,
    within: 'const backOff = {',
    what: 'any',
    because: 'a millisecond more or less between two tries'
  },
  {
    path: `${BLOCKS}/block-submitter.ts`,
    within: 'export const GIVE_UP_AFTER_MS',
    what: 'any',
    because: 'a millisecond more of an hour'
  },
  {
    path: `${BLOCKS}/block-submitter.ts`,
    within: '(this.#ports.bitcoinHeight() ?? 0)',
    what: '0 becomes (0 + 1)',
    because: 'no block is below height 0, and two above that is more than 1'
  },
  {
    path: `${BLOCKS}/block-submitter.ts`,
    within: 'performance.now() >= endsAtMs',
    what: '>= becomes >',
    because: 'a moment more of an hour'
  },
  {
    path: `${CONSENSUS}/rules/select-uncles.ts`,
    within: 'onPath.height > 0',
    what: '> becomes >=',
    because: 'what the genesis names as its parent has no children'
  },
  {
    path: `${CONSENSUS}/rules/select-uncles.ts`,
    within: 'return a.chainWork > b.chainWork ? -1 : 1',
    what: '> becomes >=',
    because: 'they are not equal there'
  },
  {
    path: `${CONSENSUS}/rules/select-uncles.ts`,
    within: 'return a.chainWork > b.chainWork ? -1 : 1',
    what: '1 becomes (1 + 1)',
    because: COMPARED
  },
  {
    path: `${BLOCKS}/block-watch.ts`,
    within: "typeof answer === 'object' && answer !== null",
    what: '&& becomes ||',
    because: 'text and null have no confirmations to be spread'
  },
  {
    path: 'chain/block-log.ts',
    within: 'this.#version += 1',
    what: '1 becomes (1 + 1)',
    because: 'only that it rises counts'
  },
  {
    path: 'chain/block-log.ts',
    within: 'WEIGHT.get(wordOf(result)) ?? 0',
    what: '0 becomes (0 + 1)',
    because: 'every word that is recorded has a weight'
  },
  {
    path: 'chain/block-log.ts',
    within: "result.split(':', 1)",
    what: '1 becomes (1 + 1)',
    because: 'the first part is the same'
  },
  { path: 'chain/block-log.ts', within: '#version = 0', what: 'any', because: 'only that it rises counts' },
  {
    path: 'chain/seen-blocks.ts',
    within: 'if (blockHash <= highest) continue',
    what: '<= becomes <',
    because: 'no two blocks have one hash'
  },
  { path: `${BLOCKS}/block-submitter.ts`, within: 'export const MAX_UNDER_WAY', what: 'any', because: BOUND },
  { path: `${BLOCKS}/sibling-gate.ts`, within: 'export const MAX_PARENTS', what: 'any', because: BOUND },
  { path: 'chain/block-log.ts', within: 'export const MAX_RECENT_BLOCKS', what: 'any', because: BOUND },
  { path: 'chain/seen-blocks.ts', within: 'export const MAX_UNCONFIRMED_BLOCKS', what: 'any', because: BOUND },
  {
    path: 'chain/block-log.ts',
    within: '[RESULT_ORPHANED, 5]',
    what: 'any',
    because: 'nothing but the chain changes an orphaned block, and what is recorded anew says less than either'
  },
  { path: 'chain/block-log.ts', within: "['accepted', 7]", what: 'any', because: 'nothing says more' },
  { path: 'chain/block-keeper.ts', within: 'checkInvariants()', what: 'any', because: INVARIANT },
  {
    path: 'chain/block-keeper.ts',
    within: 'confirmations === 1 || (confirmations > 0',
    what: '0 becomes (0 + 1)',
    because: 'a single one is looked at before'
  }
]
