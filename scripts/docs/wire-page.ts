import ts from 'typescript'
import {
  chainParams,
  encodeShare,
  encodeShareHeader,
  genesisShare,
  protocolTag
} from '../../packages/consensus/src/index.ts'
import { encodeFrame, MAX_PAYLOAD_BYTES } from '../../packages/gossip/src/wire/frame.ts'
import { encodeMessage, type PeerMessage } from '../../packages/gossip/src/wire/messages.ts'
import type { Tree } from '../layers/tree.ts'
import { readConstants } from './constants.ts'
import { code, DocsError, grouped, type Page, pageText, table } from './page.ts'
import { commentAt, commentOf, findFunction, parseFile, propertiesOf, propertyComments } from './source.ts'
import { batchParts, frameParts, headerParts, hexBlock, partsTable, shareParts, shortHex } from './wire-example.ts'
import { contentText, type LayoutField, layoutOf } from './writer-layout.ts'

const TEMPLATES = 'packages/gossip/src/wire/template-messages.ts'

/** The bytes of shares, headers, frames and messages; every example is the genesis share of signet. */
export function wirePage(tree: Tree): Page {
  const params = chainParams('signet')
  const share = genesisShare(params)
  const handshake = encodeMessage({ type: 'handshake', tipHeight: 0, tipHash: share.hash })
  const headerBytes = encodeShareHeader(share.header)
  return {
    path: 'docs/wire.md',
    text: pageText({
      title: 'Wire',
      source: 'scripts/docs/wire-page.ts; the bytes are made by the encoders it describes',
      parts: [
        PREFACE,
        `Every example is the genesis share of signet, ${code(share.hash)} (tag ${code(protocolTag(params))}, protocol §10).`,
        '## Share header (protocol §3.1)',
        `${grouped(headerBytes.length)} bytes in the example; each uncle adds 32. The share hash is SHA256d of these bytes, always of a
header encoded again, never of bytes as they came (§3.2). The work is that of the bitcoin header: its SHA256d as a
little-endian number is at or below the target of \`bits\`.`,
        partsTable(headerParts(share)),
        'The whole header:',
        hexBlock(headerBytes),
        '## Share (protocol §8)',
        `${grouped(encodeShare(share).length)} bytes in the example. Bitcoin's transactions beside the coinbase are not sent. Bytes after the end are
an error.`,
        partsTable(shareParts(share)),
        '## Header batch (protocol §9)',
        `Many headers with their merkle branches. The sender leaves a merkle root out if the coinbase proof and the branch give it;
the reader computes it, and refuses the whole batch if it cannot. The genesis has no proof and keeps its root.`,
        partsTable(batchParts(share)),
        '## Frame (protocol §18.3)',
        `One request a stream, one answer. The payload has at most ${grouped(MAX_PAYLOAD_BYTES)} bytes. The example is a handshake.`,
        partsTable(frameParts(handshake)),
        `The whole frame:`,
        hexBlock(encodeFrame(handshake)),
        '## Messages (protocol §18.4)',
        MESSAGES,
        messageTable(share),
        '## Our own messages about templates',
        ...templateSections(parseFile(tree, TEMPLATES))
      ]
    }),
    problems: []
  }
}

const PREFACE = `What travels between nodes, protocol revision 2026-10. Integers are little-endian. A CompactSize is bitcoin's variable
integer; a longer form than needed is an error. A \`hash\` is 32 bytes as SHA256d gives them (wire order); in text they are
reversed. A \`bool\` is one byte, written 0 or 1; any but 0 reads as true. An \`address\` is a class byte (0 main, 1 test
networks, 2 regtest's bech32) and the output script with a CompactSize length (§2.1). A \`transaction\` is encoded as in
BIP144 (§1).`

const MESSAGES = `A payload is a type byte and a body; anything behind the body is an error, and so is an unknown type. An item is a kind (u8: 0
share, 1 transaction) and a hash. The last column is each about the genesis share, with its length.`

interface MessageText {
  readonly name: string
  readonly body: string
  readonly answer: string
}

const MESSAGE_TEXTS: Readonly<Record<PeerMessage['type'], MessageText>> = {
  inventory: { name: 'Inventory', body: 'u8 kind, CompactSize, hashes', answer: 'Ack' },
  notFound: { name: 'NotFound', body: 'item', answer: 'none' },
  getShareHeaders: {
    name: 'GetShareHeaders',
    body: 'CompactSize, locator hashes, stop hash',
    answer: 'ShareHeaders, perhaps empty'
  },
  getShareBlocks: {
    name: 'GetShareBlocks',
    body: 'CompactSize, locator hashes, stop hash',
    answer: 'Inventory of share hashes'
  },
  shareHeaders: { name: 'ShareHeaders', body: 'header batch', answer: 'none' },
  shareBlock: { name: 'ShareBlock', body: 'share', answer: 'Ack' },
  getData: { name: 'GetData', body: 'item', answer: 'share: ShareBlock, or NotFound with the item; transaction: none' },
  transaction: { name: 'Transaction', body: 'transaction', answer: 'none' },
  handshake: { name: 'Handshake', body: 'u32 height of the tip, hash of the tip', answer: 'Ack' },
  ack: { name: 'Ack', body: 'nothing', answer: 'none' }
}

function messageTable(share: ReturnType<typeof genesisShare>): string {
  const { hash, header, merkleBranch, bitcoinCoinbase } = share
  const examples: readonly PeerMessage[] = [
    { type: 'inventory', kind: 'share', hashes: [hash] },
    { type: 'notFound', kind: 'share', hash },
    { type: 'getShareHeaders', locator: [hash], stop: hash },
    { type: 'getShareBlocks', locator: [hash], stop: hash },
    { type: 'shareHeaders', items: [{ header, merkleBranch }] },
    { type: 'shareBlock', share },
    { type: 'getData', kind: 'share', hash },
    { type: 'transaction', transaction: bitcoinCoinbase },
    { type: 'handshake', tipHeight: 0, tipHash: hash },
    { type: 'ack' }
  ]
  if (examples.length !== Object.keys(MESSAGE_TEXTS).length) {
    throw new DocsError('scripts/docs/wire-page.ts has no example for one of the messages')
  }
  const rows = examples.map(message => {
    const bytes = encodeMessage(message)
    const { name, body, answer } = MESSAGE_TEXTS[message.type]
    return {
      type: bytes[0] ?? 0,
      row: [String(bytes[0]), name, body, answer, `${bytes.length} B: ${code(shortHex(bytes))}`]
    }
  })
  return table({
    head: ['type', 'message', 'body', 'answer', 'example'],
    rows: rows.sort((a, b) => a.type - b.type).map(({ row }) => row)
  })
}

/** What no reference node knows of: read from the source, which says of each message what it is for. */
function templateSections(file: ts.SourceFile): string[] {
  const encode = findFunction(file, 'encodeTemplateMessage')
  const types = new Map(
    propertiesOf(file, 'TYPE_BYTE').map(property => [nameOf(property), property.initializer.getText()])
  )
  const meanings = meaningsIn(file)
  const bodies = bodiesIn(encode)
  const rows = [...types].map(([name, byte]) => {
    const meaning = meanings.get(name)
    const body = bodies.get(name)
    if (meaning === undefined || body === undefined) {
      throw new DocsError(
        `${TEMPLATES} does not say what ${name} is or how it is encoded; see scripts/docs/wire-page.ts`
      )
    }
    return [byte, code(name), body.map(fieldText).join('; '), meaning]
  })
  const [head] = encode.body?.statements ?? []
  const common = head === undefined ? [] : layoutOf(head).slice(1)
  const comments = propertyComments([file], 'TemplateAnnouncement')
  const constants = new Map(readConstants([file]).map(({ name, value }) => [name, String(value)]))
  const announcement = layoutOf(findFunction(file, 'encodeAnnouncement'))
  return [
    `Only our own nodes speak these, on a protocol and a topic of their own; nothing else depends on them. The topic carries
announcements:`,
    table({
      head: ['encoding', 'what', ''],
      rows: announcement.map(field => [
        field.encoding,
        contentText(field),
        comments.get(field.content) ?? constants.get(field.content) ?? ''
      ])
    }),
    `A message begins with its type (u8) and ${common.map(fieldText).join('; ')}; then:`,
    table({ head: ['type', 'message', 'body', 'meaning'], rows })
  ]
}

const fieldText = (field: LayoutField): string => `${field.encoding} ${contentText(field)}`

const nameOf = (node: ts.PropertyAssignment): string => node.name.getText().replaceAll("'", '')

/** The comment of each member of the union `TemplateMessage`, by its `type`. */
function meaningsIn(file: ts.SourceFile): Map<string, string> {
  const meanings = new Map<string, string>()
  for (const alias of file.statements.filter(ts.isTypeAliasDeclaration)) {
    if (alias.name.text !== 'TemplateMessage' || !ts.isUnionTypeNode(alias.type)) continue
    let from = alias.type.getFullStart()
    for (const member of alias.type.types) {
      const name = /type: '(\w+)'/.exec(member.getText())?.[1]
      const comment = commentOf(member) || commentAt(file.text, { from, to: member.getStart() })
      if (name !== undefined && comment !== '') meanings.set(name, comment)
      from = member.getEnd()
    }
  }
  return meanings
}

/** What each case of the encoder writes. */
function bodiesIn(encode: ts.FunctionDeclaration): Map<string, LayoutField[]> {
  const bodies = new Map<string, LayoutField[]>()
  const visit = (node: ts.Node): void => {
    if (ts.isCaseClause(node))
      bodies.set(node.expression.getText().replaceAll("'", ''), node.statements.flatMap(layoutOf))
    else ts.forEachChild(node, visit)
  }
  visit(encode)
  return bodies
}
