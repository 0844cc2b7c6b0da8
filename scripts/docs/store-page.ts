import {
  chainParams,
  encodeHeaderBatch,
  genesisShare,
  PADDING_MARKS,
  type PaddingMark
} from '../../packages/consensus/src/index.ts'
import { blockHash, bytesToHex, utf8FromString, wireFromDisplay } from '../../packages/primitives/src/index.ts'
import { indexKey, KEY_PREFIX } from '../../packages/sharechain/src/store/keys.ts'
import {
  encodeFoundBlock,
  encodeHeaderRecord,
  encodeIndexRow,
  encodeState,
  type IndexRow
} from '../../packages/sharechain/src/store/records.ts'
import type { Tree } from '../layers/tree.ts'
import { commentAbove } from './comments.ts'
import { field, layoutTable } from './layout.ts'
import { code, DocsError, type Page, pageText, table } from './page.ts'

const KEYS = 'packages/sharechain/src/store/keys.ts'
const SEAL = 'packages/sharechain/src/store/seal.ts'

/** Keys and values of the share store. */
export function storePage(tree: Tree): Page {
  const keyLines = commentAbove(tree, KEYS, 'export const KEY_PREFIX')
  checkPrefixes(keyLines)
  return {
    path: 'docs/store.md',
    text: pageText({
      title: 'Store',
      source: `scripts/docs/store-page.ts, ${KEYS} and seal.ts beside it`,
      parts: [
        PREFACE,
        '## Keys',
        keyLines.join('\n'),
        exampleKey(),
        '## Values',
        VALUES,
        ...valueSections(),
        '## Flags of an index row',
        flagsTable(),
        '## Sealed rows',
        commentAbove(tree, SEAL, 'export function sealed(').join('\n'),
        `The checksum: ${commentAbove(tree, SEAL, 'function checksum(').join('\n')}`
      ]
    })
  }
}

const PREFACE = `The share chain is kept in one LevelDB database, \`<data_dir>/<chain>/store\`. Every change of the chain is one delta
with a sequence number; the store takes them in order and without gaps, each whole, several at a time if they wait, so what is on disk is
always a state the chain was in. A delta is on the platter before its commit is done if it holds a found block; any other survives the
process, not the power. A store belongs to one chain and one set of consensus values: its identity row is compared before
anything else is read, and a store of another chain, of other rules or of another schema is not opened.`

const VALUES = `Integers are little-endian; a hash is 32 bytes in wire order; CompactSize is bitcoin's. A body is a share as it is sent
(protocol §8); an archive row is the chain's hash of a height and then, by digest, the
others kept of it; the identity is JSON.

Headers are kept from the genesis on. One takes some 230 bytes and 32 more for each node of its merkle branch, of which a full
bitcoin block has twelve; with both keys about 0.7 KB. At a share every ten seconds and an uncle to every fifteenth these are 3.4 million
headers or 2.3 GB a year. Bodies and index rows go when they are older than the prune depth.`

const GENESIS = genesisShare(chainParams('signet'))

/** Each table is checked against the encoder with an example that has every field. */
function valueSections(): string[] {
  const { hash, header } = GENESIS
  const { addressClass, script } = header.minerBitcoinAddress
  const wire = wireFromDisplay(hash)
  const refusal = { bodyBytes: 5, rulesVersion: 6, verdict: 'share-bits' }
  const row = rowWith({ chainWork: 0x0201n, uncles: [hash], ...refusal })
  const state = { sequence: 7, confirmedTip: hash, candidateTip: hash, uncleCount: 3 }
  const output = { address: 'bcrt1', valueSats: 5n }
  const found = {
    bitcoinHeight: 9,
    blockHash: blockHash(hash),
    timeSec: 8,
    shareHash: hash,
    outputs: [output],
    result: 'ok'
  }
  const batch = encodeHeaderBatch([GENESIS])
  return [
    '### Index row (`i`), sealed',
    layoutTable(
      'index row',
      [
        field(['flags', 'u8', 'below'], w => w.u8(0)),
        field(['bits', 'u32', 'share target, compact'], w => w.u32(row.bits)),
        field(['time', 'u32', 'unix seconds'], w => w.u32(row.timeSec)),
        field(['parent', 'hash', ''], w => w.bytes(wire)),
        field(['chain work', 'u8 length, bytes', 'little-endian, no zero at the top'], w => w.u8(2).u8(1).u8(2)),
        field(['class', 'u8', 'of the payout address (protocol §2.1)'], w => w.u8(addressClass)),
        field(['script', 'CompactSize length, bytes', 'of the payout address'], w => w.varBytes(script)),
        field(['uncles', 'u8 count, hashes', ''], w => w.u8(1).bytes(wire)),
        field(['body', 'u32', 'bytes of the stored share; 0 without one'], w => w.u32(5)),
        field(['rules', 'u16', 'version of the rules that gave the verdict; another one judges a refusal again'], w =>
          w.u16(6)
        ),
        field(['verdict', 'CompactSize length, UTF-8', 'code of the rule an invalid share breaks'], w =>
          w.varBytes(utf8FromString('share-bits'))
        )
      ],
      encodeIndexRow(row)
    ),
    '### State (`s`), sealed',
    layoutTable(
      'state',
      [
        field(['sequence', 'u64', 'of the delta that wrote it'], w => w.u64(7n)),
        field(['confirmed tip', 'hash', ''], w => w.bytes(wire)),
        field(['candidate tip', 'hash', ''], w => w.bytes(wire)),
        field(['uncles', 'u64', 'named by confirmed shares since the genesis'], w => w.u64(3n))
      ],
      encodeState(state)
    ),
    '### Header (`h`)',
    layoutTable(
      'header',
      [
        field(['height', 'u32', ''], w => w.u32(4)),
        field(['batch', 'bytes', 'a header batch of one: header and merkle branch (protocol §9)'], w => w.bytes(batch))
      ],
      encodeHeaderRecord(4, GENESIS)
    ),
    '### Found block (`f`)',
    layoutTable(
      'found block',
      [
        field(['bitcoin height', 'u32', ''], w => w.u32(9)),
        field(['block hash', 'hash', ''], w => w.bytes(wire)),
        field(['time', 'u32', 'unix seconds'], w => w.u32(8)),
        field(['share', 'bool, hash if true', 'the share that is this block, if it could become one'], w =>
          w.bool(true).bytes(wire)
        ),
        field(['outputs', 'CompactSize count, outputs', 'CompactSize length, address as text; u64 satoshis'], w =>
          w.compactSize(1).varBytes(utf8FromString(output.address)).u64(output.valueSats)
        ),
        field(
          [
            'result',
            'CompactSize length, UTF-8',
            "what the bitcoin nodes answered; `unconfirmed`: another node's block, whose share is not confirmed"
          ],
          w => w.varBytes(utf8FromString(found.result))
        )
      ],
      encodeFoundBlock(found)
    )
  ]
}

/** The table in the comment names exactly the prefixes there are. */
function checkPrefixes(lines: readonly string[]): void {
  const named = lines.flatMap(line => /^\| `(.)` /.exec(line)?.[1] ?? []).sort()
  const used = Object.values(KEY_PREFIX)
    .map(byte => String.fromCharCode(byte))
    .sort()
  if (named.join() === used.join()) return
  throw new DocsError(
    `the table above KEY_PREFIX in ${KEYS} names ${named.join(' ')}; the prefixes are ${used.join(' ')}`
  )
}

function exampleKey(): string {
  return `For example, the index row of signet's genesis share ${code(GENESIS.hash)} at height 0 has the key
${code(bytesToHex(indexKey(0, GENESIS.hash)))}.`
}

const PADDING_MEANINGS: Readonly<Record<PaddingMark, string>> = {
  unseen: 'form of the padding: not known, the body was never here',
  none: 'form of the padding: none that could be told',
  A: 'form of the padding: A',
  B: 'form of the padding: B',
  C: 'form of the padding: C'
}

function flagsTable(): string {
  const byte = (flags: Partial<IndexRow>): string => `0x${bytesToHex(encodeIndexRow(rowWith(flags)).subarray(0, 1))}`
  return table({
    head: ['bits', 'meaning'],
    rows: [
      ...(['headerValid', 'invalid', 'blockValid'] as const).map(validity => [
        byte({ validity }),
        `validity: ${validity}`
      ]),
      [byte({ hasBody: true }), 'the body is stored'],
      [
        byte({ contextSkipped: true }),
        'valid by the rules below the payout zone only: time and payouts were never looked at'
      ],
      [byte({ scriptsUnchecked: true }), 'valid, but it carries transactions whose scripts were never run'],
      ...PADDING_MARKS.map(padding => [byte({ padding }), PADDING_MEANINGS[padding]])
    ]
  })
}

function rowWith(values: Partial<IndexRow>): IndexRow {
  const { hash, header } = GENESIS
  return {
    prevHash: hash,
    bits: header.bits,
    timeSec: header.timeSec,
    chainWork: 1n,
    miner: header.minerBitcoinAddress,
    uncles: [],
    validity: 'headerValid',
    hasBody: false,
    bodyBytes: 0,
    verdict: '',
    rulesVersion: 0,
    contextSkipped: false,
    scriptsUnchecked: false,
    padding: 'unseen',
    ...values
  }
}
