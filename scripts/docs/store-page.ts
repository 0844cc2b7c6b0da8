import ts from 'typescript'
import { chainParams, genesisShare } from '../../packages/consensus/src/index.ts'
import { bytesToHex } from '../../packages/primitives/src/index.ts'
import { indexKey, KEY_PREFIX } from '../../packages/sharechain/src/store/keys.ts'
import { encodeIndexRow, type IndexRow } from '../../packages/sharechain/src/store/records.ts'
import type { Tree } from '../layers/tree.ts'
import { code, DocsError, type Page, pageText, table } from './page.ts'
import { commentLines, commentOf, findConstant, findFunction, parseFile, propertyComments } from './source.ts'
import { contentText, layoutOf } from './writer-layout.ts'

const KEYS = 'packages/sharechain/src/store/keys.ts'
const RECORDS = 'packages/sharechain/src/store/records.ts'
const SHARE_STORE = 'packages/sharechain/src/store/share-store.ts'
const SEAL = 'packages/sharechain/src/store/seal.ts'

/** Keys and values of the share store. */
export function storePage(tree: Tree): Page {
  const records = parseFile(tree, RECORDS)
  const shareStore = parseFile(tree, SHARE_STORE)
  const seal = parseFile(tree, SEAL)
  const keyLines = commentLines(findConstant(parseFile(tree, KEYS), 'KEY_PREFIX'))
  checkPrefixes(keyLines)
  return {
    path: 'docs/store.md',
    text: pageText({
      title: 'Store',
      source: `${KEYS}, records.ts and seal.ts beside it`,
      parts: [
        PREFACE,
        `A delta is \`flushed\` or \`buffered\`. ${propertyComments([shareStore], 'ChainDelta').get('durability') ?? ''}`,
        '## Keys',
        keyLines.join('\n'),
        exampleKey(),
        '## Values',
        VALUES,
        ...valueSections(records, [records, shareStore]),
        '## Flags of an index row',
        flagsTable(propertyComments([records], 'IndexRow').get('contextSkipped') ?? ''),
        '## Sealed rows',
        commentOf(findFunction(seal, 'sealed')),
        `The checksum: ${commentOf(findFunction(seal, 'checksum'))}`
      ]
    }),
    problems: []
  }
}

const PREFACE = `The share chain is kept in one LevelDB database, \`<data_dir>/<chain>/store\`. Every change of the chain is one atomic batch
(a delta) with a sequence number; the store takes them in order and without gaps, so what is on disk is always a state
the chain was in. A store belongs to one chain and one set of consensus values: its identity row is compared before
anything else is read, and a store of another chain, of other rules or of another schema is not opened.`

const VALUES = `Integers are little-endian; \`hash\` is 32 bytes in wire order; CompactSize is bitcoin's. A body is a share as it is sent
([wire](wire.md)); a confirmed row is a hash; the identity is JSON.`

/** Encoders of records.ts and the heading of what they encode; null where the text above says it all. */
const HEADINGS: Readonly<Record<string, string | null>> = {
  encodeIndexRow: 'Index row (`i`), sealed',
  encodeState: 'State (`s`), sealed',
  encodeHeaderRecord: 'Header (`h`)',
  encodeFoundBlock: 'Found block (`f`)',
  encodeIdentity: null
}

function valueSections(records: ts.SourceFile, interfaces: readonly ts.SourceFile[]): string[] {
  const encoders = records.statements
    .filter(ts.isFunctionDeclaration)
    .filter(({ name }) => name?.text.startsWith('encode') === true)
  if (
    encoders
      .map(({ name }) => name?.text)
      .sort()
      .join() !== Object.keys(HEADINGS).sort().join()
  ) {
    throw new DocsError(`${RECORDS} encodes other records than scripts/docs/store-page.ts has headings for`)
  }
  return encoders.flatMap(encoder => {
    const heading = HEADINGS[encoder.name?.text ?? '']
    if (heading === null || heading === undefined) return []
    const comments = propertyComments(interfaces, encoder.parameters[0]?.type?.getText() ?? '')
    const rows = layoutOf(encoder).map(field => {
      const note = comments.get(field.content) || writerComment(records, field.encoding)
      return [field.encoding, contentText(field), note]
    })
    return [`### ${heading}`, table({ head: ['encoding', 'what', ''], rows })]
  })
}

/** What `writeWork` and the like say of what they write. */
function writerComment(records: ts.SourceFile, encoding: string): string {
  const writer = records.statements
    .filter(ts.isFunctionDeclaration)
    .find(({ name }) => name?.text.toLowerCase() === `write${encoding}`)
  return writer === undefined ? '' : commentOf(writer)
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
  const { hash } = genesisShare(chainParams('signet'))
  return `For example, the index row of signet's genesis share ${code(hash)} at height 0 has the key
${code(bytesToHex(indexKey(0, hash)))}.`
}

type Flags = Pick<IndexRow, 'validity' | 'hasBody' | 'contextSkipped'>

function flagsTable(contextSkipped: string): string {
  const byte = (flags: Partial<Flags>): string => `0x${bytesToHex(encodeIndexRow(rowWith(flags)).subarray(0, 1))}`
  return table({
    head: ['bits', 'meaning'],
    rows: [
      ...(['headerValid', 'invalid', 'blockValid'] as const).map(validity => [
        byte({ validity }),
        `validity: ${validity}`
      ]),
      [byte({ hasBody: true }), 'the body is stored'],
      [byte({ contextSkipped: true }), contextSkipped]
    ]
  })
}

function rowWith(flags: Partial<Flags>): IndexRow {
  const { hash, header } = genesisShare(chainParams('signet'))
  return {
    prevHash: hash,
    bits: header.bits,
    timeSec: header.timeSec,
    chainWork: 1n,
    miner: header.minerBitcoinAddress,
    uncles: [],
    validity: 'headerValid',
    hasBody: false,
    contextSkipped: false,
    ...flags
  }
}
