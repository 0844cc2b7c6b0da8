import { BOUND, COMPARED, EITHER_WAY, type Equivalent, REMEMBERED, ROOM } from './reasons.ts'

const FOLDER = 'consensus/src'

export const CONSENSUS: readonly Equivalent[] = [
  {
    path: `${FOLDER}/asert.ts`,
    within: 'const cubic =',
    what: '195766423245049n becomes (195766423245049n + 1n)',
    because: 'no remainder of 16 bits rounds to another factor; all were looked at'
  },
  {
    path: `${FOLDER}/asert.ts`,
    within: 'const cubic =',
    what: '971821376n becomes (971821376n + 1n)',
    because: 'no remainder of 16 bits rounds to another factor; all were looked at'
  },
  {
    path: `${FOLDER}/asert.ts`,
    within: 'if (sh > ARITHMETIC_BITS)',
    what: '> becomes >=',
    because: 'it is above the ceiling with less as well'
  },
  {
    path: `${FOLDER}/asert.ts`,
    within: 'const ARITHMETIC_BITS',
    what: 'any',
    because: 'it is above the ceiling with less as well'
  },
  { path: `${FOLDER}/asert.ts`, within: 'if (target > ceiling)', what: '> becomes >=', because: EITHER_WAY },
  { path: `${FOLDER}/asert.ts`, within: '? params.maxTargetBits : bits', what: '> becomes >=', because: EITHER_WAY },
  {
    path: `${FOLDER}/asert.ts`,
    within: '> MAX_DIFFICULTY ? MAX_DIFFICULTY',
    what: '> becomes >=',
    because: EITHER_WAY
  },
  { path: `${FOLDER}/share.ts`, within: 'KNOWN.set(key, address)', what: 'any', because: REMEMBERED },
  {
    path: `${FOLDER}/share.ts`,
    within: 'const MAX_KNOWN_ADDRESSES',
    what: 'any',
    because: 'how much is remembered'
  },
  { path: `${FOLDER}/commitment/coinbase-proof.ts`, within: 'PROOFS.set(', what: 'any', because: REMEMBERED },
  {
    path: `${FOLDER}/commitment/coinbase-proof.ts`,
    within: '|| proof.rootWire === null',
    what: '=== becomes !==',
    because: REMEMBERED
  },
  {
    path: `${FOLDER}/commitment/commitment.ts`,
    within: 'new ByteWriter(256)',
    what: '256 becomes (256 + 1)',
    because: ROOM
  },
  { path: `${FOLDER}/commitment/commitment.ts`, within: 'COMMITMENTS.set(', what: 'any', because: REMEMBERED },
  {
    path: `${FOLDER}/coinbase/bitcoin-coinbase.ts`,
    within: 'if (bitcoinHeight <= 0)',
    what: '<= becomes <',
    because: '0x50 is no height either way'
  },
  {
    path: `${FOLDER}/coinbase/bitcoin-coinbase.ts`,
    within: 'opcode <= 4 ?',
    what: '4 becomes (4 + 1)',
    because: 'a height in five bytes is above the limit, or not minimal'
  },
  { path: `${FOLDER}/encoding/share-codec.ts`, within: 'new ByteWriter(2048)', what: 'any', because: ROOM },
  { path: `${FOLDER}/encoding/share-codec.ts`, within: 'const HEADER_ROOM_BYTES', what: 'any', because: ROOM },
  {
    path: `${FOLDER}/encoding/share-codec.ts`,
    within: 'const MIN_TRANSACTION_BYTES',
    what: 'any',
    because: 'the shortest that can be read takes 12'
  },
  {
    path: `${FOLDER}/encoding/share-codec.ts`,
    within: 'reader.remaining / MIN_TRANSACTION_BYTES',
    what: '/ becomes *',
    because: 'more than there are end at the first that is missing'
  },
  {
    path: `${FOLDER}/headers/follow-headers.ts`,
    within: 'let lastWork',
    what: 'any',
    because: 'no share that comes so far has a target of nought'
  },
  { path: `${FOLDER}/headers/header-batch.ts`, within: 'export const MAX_BATCH_HEADERS', what: 'any', because: BOUND },
  {
    path: `${FOLDER}/headers/header-batch.ts`,
    within: 'new ByteWriter(items.length * 320)',
    what: 'any',
    because: ROOM
  },
  {
    path: `${FOLDER}/headers/header-batch.ts`,
    within: 'new ByteWriter(items.length * 256)',
    what: 'any',
    because: ROOM
  },
  {
    path: `${FOLDER}/rules/check-placement.ts`,
    within: 'hashes.length < depth',
    what: '< becomes <=',
    because: 'one further down is too deep for an uncle, which is asked first'
  },
  { path: `${FOLDER}/rules/check-share.ts`, within: 'MATCHED.set(', what: 'any', because: REMEMBERED },
  {
    path: `${FOLDER}/rules/select-uncles.ts`,
    within: 'onPath.height > 0',
    what: '> becomes >=',
    because: 'what the genesis names as its parent has no children'
  },
  {
    path: `${FOLDER}/rules/select-uncles.ts`,
    within: 'return a.chainWork > b.chainWork ? -1 : 1',
    what: '> becomes >=',
    because: 'they are not equal there'
  },
  {
    path: `${FOLDER}/rules/select-uncles.ts`,
    within: 'return a.chainWork > b.chainWork ? -1 : 1',
    what: '1 becomes (1 + 1)',
    because: COMPARED
  },
  {
    path: `${FOLDER}/commitment/coinbase-proof.ts`,
    within: 'merkleBranch.length <= MAX_BRANCH_NODES * 32',
    what: '32 becomes (32 + 1)',
    because: 'what more it lets through is no whole number of nodes'
  }
]
