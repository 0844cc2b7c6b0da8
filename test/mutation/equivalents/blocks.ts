import { BOUND, type Equivalent, INVARIANT } from './reasons.ts'

const FOLDER = 'bitcoind/src/blocks'

export const BLOCKS: readonly Equivalent[] = [
  {
    path: `${FOLDER}/block-submitter.ts`,
    within: 'this.#ports.log.info(',
    what: 'any',
    because: 'what is said of what went well is for people'
  },
  {
    path: `${FOLDER}/block-submitter.ts`,
    within: 'log.info({ blockHash, bitcoinHeight, ms }',
    what: 'any',
    because: 'what is said of what went well is for people'
  },
  {
    path: `${FOLDER}/block-submitter.ts`,
    within: 'const ms = Math.round(',
    what: 'any',
    because: 'what is said of what went well is for people'
  },
  {
    path: `${FOLDER}/block-submitter.ts`,
    within: 'else this.#ports.log.debug(',
    what: 'any',
    because: 'what is said of each further try is for people'
  },
  {
    path: `${FOLDER}/block-submitter.ts`,
    within: 'const backOff = {',
    what: 'any',
    because: 'a millisecond more or less between two tries'
  },
  {
    path: `${FOLDER}/block-submitter.ts`,
    within: 'export const GIVE_UP_AFTER_MS',
    what: 'any',
    because: 'a millisecond more of an hour'
  },
  {
    path: `${FOLDER}/block-submitter.ts`,
    within: '(this.#ports.bitcoinHeight() ?? 0)',
    what: '0 becomes (0 + 1)',
    because: 'no block is below height 0, and two above that is more than 1'
  },
  {
    path: `${FOLDER}/block-submitter.ts`,
    within: 'performance.now() >= endsAtMs',
    what: '>= becomes >',
    because: 'a moment more of an hour'
  },
  {
    path: `${FOLDER}/block-watch.ts`,
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
  { path: `${FOLDER}/block-submitter.ts`, within: 'export const MAX_UNDER_WAY', what: 'any', because: BOUND },
  { path: `${FOLDER}/sibling-gate.ts`, within: 'export const MAX_PARENTS', what: 'any', because: BOUND },
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
  },
  { path: 'chain/found-siblings.ts', within: 'export const MAX_FOUND_PARENTS', what: 'any', because: BOUND },
  { path: 'chain/found-siblings.ts', within: 'export const MAX_WAITING_SIBLINGS', what: 'any', because: BOUND }
]
