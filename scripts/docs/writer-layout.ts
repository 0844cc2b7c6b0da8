import ts from 'typescript'
import { code } from './page.ts'

/** One call of a `ByteWriter`, in the order of the bytes. */
export interface LayoutField {
  /** `u32`, `hash`, `CompactSize`, … */
  readonly encoding: string
  /** What is written, in the words of the source, without conversions. */
  readonly content: string
  /** A loop or condition around it, or empty. */
  readonly when: string
}

const ENCODINGS: Readonly<Record<string, string>> = {
  u8: 'u8',
  u16: 'u16',
  u32: 'u32',
  u64: 'u64',
  bool: 'bool',
  compactSize: 'CompactSize',
  bytes: 'bytes',
  varBytes: 'CompactSize, bytes'
}

const CONVERSIONS: Readonly<Record<string, string | null>> = {
  wireFromDisplay: 'hash',
  utf8FromString: 'CompactSize, UTF-8',
  BigInt: null
}

/**
 * What a function or statement writes: calls on `writer` or `new ByteWriter()` and calls `writeX(writer, …)`, inside loops
 * and conditions as well.
 */
export function layoutOf(node: ts.Node): LayoutField[] {
  const fields: LayoutField[] = []
  const visit = (part: ts.Node, when: string): void => {
    if (ts.isForOfStatement(part)) visit(part.statement, `each of ${code(withoutOwner(part.expression))}`)
    else if (ts.isIfStatement(part)) visit(part.thenStatement, `if ${code(withoutOwner(part.expression))}`)
    else if (ts.isCallExpression(part)) visitCall(part, when)
    else ts.forEachChild(part, child => visit(child, when))
  }
  const visitCall = ({ expression: callee, arguments: [first, second] }: ts.CallExpression, when: string): void => {
    if (ts.isPropertyAccessExpression(callee) && isWriter(callee.expression)) {
      visit(callee.expression, when)
      const encoding = ENCODINGS[callee.name.text]
      if (encoding !== undefined && first !== undefined) fields.push(fieldOf(encoding, first, when))
    } else if (/^write[A-Z]/.test(callee.getText()) && second !== undefined) {
      fields.push(fieldOf(callee.getText().slice('write'.length).toLowerCase(), second, when))
    }
  }
  visit(node, '')
  return fields
}

/** The content in the typewriter face and what it depends on. */
export function contentText({ content, when }: LayoutField): string {
  return when === '' ? code(content) : `${code(content)} (${when})`
}

function isWriter(node: ts.Expression): boolean {
  if (ts.isIdentifier(node)) return node.text === 'writer'
  if (ts.isNewExpression(node)) return node.expression.getText() === 'ByteWriter'
  if (!ts.isCallExpression(node)) return false
  const callee = node.expression
  return ts.isPropertyAccessExpression(callee) ? isWriter(callee.expression) : /^write[A-Z]/.test(callee.getText())
}

function fieldOf(encoding: string, argument: ts.Expression, when: string): LayoutField {
  let value = argument
  while (ts.isCallExpression(value) && value.arguments[0] !== undefined) {
    const conversion = CONVERSIONS[value.expression.getText()]
    if (conversion === undefined) break
    if (conversion !== null) encoding = conversion
    value = value.arguments[0]
  }
  return { encoding, content: withoutOwner(value), when }
}

/** `row.uncles` → `uncles`, but not `uncles.length` → `length`: the object that is encoded goes without saying. */
function withoutOwner(node: ts.Expression): string {
  return node
    .getText()
    .replace(/\s+/g, ' ')
    .replace(/\b[a-z]\w*\.(?!length\b)(?=[a-z])/, '')
}
