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
  type IndexRow,
  SCHEMA_VERSION
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
        `The checksum: ${commentAbove(tree, SEAL, 'function checksum(').join('\n')}`,
        '## Damage and repair',
        DAMAGE,
        '## Versions',
        VERSIONS,
        '## What may be deleted',
        DELETABLE
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

const DAMAGE = `LevelDB drops a damaged end of its newest log without a word, and reads on behind damage in the midst of it. So the store keeps notes:

- \`progress.json\` beside LevelDB's files says how far it had come, and how far on the platter. If the store opens with less, the log says how
  many changes are gone, and whether they had been promised. What is left is a state the chain was in.
- Every delta writes its number into a ring of the newest 8,192 (\`j\`). If one is missing between others, the store is repaired.
- \`made-shares\` beside the store has every share made here until the store has it, written before its miner is told: a miner's accepted share
  is there after a kill, however far the store had come. What is left of them is taken in at the next start.
- \`identity.json\` is a copy of the identity row, for a repair that does not find it.

A store that is damaged is repaired once at the start, and the log says so: LevelDB makes new lists of what it finds in its files; rows whose
checksum fails, or that are built on what is not there, go, those of found blocks among them; a lost row is made again from its header and judged once more; every body is
held against its hash. What was lost comes from peers like anything a node does not have. The store as it was found stays in
\`store.damaged\` beside it; its tables are links, so it takes little room at first.`

const VERSIONS = `The layout has number ${SCHEMA_VERSION}. A store of layout 3 in the repository, as version 0.1.0 wrote it (\`store-0.1.0\`), has to open in every later
version; layout 4 seals the records of found blocks, the only rows that nothing else proves and that no peer has.

A store of an older layout is brought to the newest by the node's start, and by nothing else: the log says so, and how far it is. The new rows are
written beside the old ones, then the identity says the new layout, in one write that is on the platter, then the old rows go. Ended
anywhere, it begins anew at the next start, and nothing is missing. Each step can be gone back: \`p2poolv2 db rollback\`, on a stopped node
and at any time, gives the version of before its layout again, with all that came since. A store of a newer layout is not opened, and
not touched ([decision 0036](decisions/0036-layouts-go-both-ways.md)).`

const DELETABLE = `With the node stopped. What is safe to delete comes back by itself; what is not is money or a name.

| in \`<data_dir>\` | delete? | then |
| --- | --- | --- |
| \`<chain>/store.damaged\` | yes | the store before its last repair is gone |
| \`<chain>/store\` | only with peers that have the chain | shares are fetched again, hours for a long chain; the list of found blocks begins anew. Alone, or if peers are gone too, the share chain is lost |
| \`<chain>/blocks/*.hex\` with a \`.open\` beside it | no | a found block that some bitcoin node has not answered to is not submitted again |
| other files in \`<chain>/blocks\` | yes, once the blocks are a hundred deep | nobody can look at them any more |
| \`<chain>/made-shares.damaged\` | yes | what was in the place of the next and was none of this program's is gone |
| \`<chain>/made-shares\` | yes | shares that were made in the last milliseconds before a kill are missing |
| \`<chain>/figures\`, \`<chain>/history\` | yes | workers' figures and the page's curves begin anew |
| \`<chain>/alerts.json\` | yes | what has been told and is not over is told once more |
| \`<chain>/hydrapool\` | no | whom the next block pays, in the mode \`hydrapool\`, is forgotten |
| \`<chain>/peers\` | yes | known addresses are looked for again |
| \`<chain>/devchain\` | with the store only | the embedded development chain begins anew, and the store no longer fits it |
| \`devnet-genesis\` | no | the devnet becomes another chain |
| \`wallet.key\` | never without a backup | the key behind the share address is gone |
| \`peer.key\` | no | peers and invites know it by another name |`

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
    '### Found block (`g`), sealed',
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
