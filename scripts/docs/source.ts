import ts from 'typescript'
import type { Tree } from '../layers/tree.ts'
import { DocsError } from './page.ts'

/** Parses a file of the tree; knows nothing of types. @throws DocsError if it is not there */
export function parseFile(tree: Tree, path: string): ts.SourceFile {
  const text = tree.get(path)
  if (text === undefined) throw new DocsError(`${path} is gone; a page under scripts/docs is made from it`)
  return ts.createSourceFile(path, text, ts.ScriptTarget.Latest, true)
}

/** The comment that ends on the line above `node` or follows it on its line, as one line of text; empty if there is none. */
export function commentOf(node: ts.Node): string {
  const { text } = node.getSourceFile()
  return commentAt(text, { from: node.getFullStart(), to: node.getStart() }) || trailingComment(text, node.getEnd())
}

/** The last comment between two places, unless an empty line separates it from the second. */
export function commentAt(text: string, { from, to }: { readonly from: number; readonly to: number }): string {
  return joined(commentLinesAt(text, { from, to }))
}

/** The lines of the comment above `node`, with the stars and slashes taken off. */
export function commentLines(node: ts.Node): string[] {
  const { text } = node.getSourceFile()
  return commentLinesAt(text, { from: node.getFullStart(), to: node.getStart() })
}

function commentLinesAt(text: string, { from, to }: { readonly from: number; readonly to: number }): string[] {
  const ranges = (ts.getLeadingCommentRanges(text, from) ?? []).filter(range => range.end <= to)
  const lines: string[] = []
  let next = to
  for (const range of ranges.reverse()) {
    if (hasEmptyLine(text.slice(range.end, next))) break
    const isBlock = range.kind === ts.SyntaxKind.MultiLineCommentTrivia
    if (isBlock && lines.length > 0) break
    lines.unshift(...bare(text.slice(range.pos, range.end)))
    if (isBlock) break
    next = range.pos
  }
  return lines
}

function trailingComment(text: string, end: number): string {
  const ranges = ts.getTrailingCommentRanges(text, end) ?? []
  return joined(ranges.flatMap(range => bare(text.slice(range.pos, range.end))))
}

export const hasEmptyLine = (text: string): boolean => /\n[ \t]*\r?\n/.test(text)

function bare(comment: string): string[] {
  const inner = comment
    .replace(/^\/\*\*?/, '')
    .replace(/\*\/$/, '')
    .split('\n')
    .map(line => line.replace(/^\s*(\/\/|\*)?\s?/, '').trimEnd())
  while (inner[0] === '') inner.shift()
  while (inner.at(-1) === '') inner.pop()
  return inner
}

/** One line, up to the first tag such as `@throws`. */
function joined(lines: readonly string[]): string {
  return (lines.join(' ').split(/(?:^|\s)@[a-z]+\b/)[0] ?? '').replace(/\s+/g, ' ').trim()
}

/** The declaration of a constant at the top of a file. @throws DocsError if there is none */
export function findConstant(file: ts.SourceFile, name: string): ts.VariableStatement {
  const found = file.statements.find(
    (statement): statement is ts.VariableStatement =>
      ts.isVariableStatement(statement) &&
      statement.declarationList.declarations.some(declaration => declaration.name.getText() === name)
  )
  return found ?? missing(file, name)
}

/** A function at the top of a file. @throws DocsError if there is none */
export function findFunction(file: ts.SourceFile, name: string): ts.FunctionDeclaration {
  const found = file.statements.find(
    (statement): statement is ts.FunctionDeclaration =>
      ts.isFunctionDeclaration(statement) && statement.name?.text === name
  )
  return found ?? missing(file, name)
}

/** Properties of an object literal a constant is declared with, whatever casts surround it. @throws DocsError */
export function propertiesOf(file: ts.SourceFile, name: string): ts.PropertyAssignment[] {
  let value: ts.Expression | undefined
  for (const declaration of findConstant(file, name).declarationList.declarations) {
    if (declaration.name.getText() === name) value = declaration.initializer
  }
  while (value !== undefined && (ts.isAsExpression(value) || ts.isSatisfiesExpression(value))) value = value.expression
  if (value === undefined || !ts.isObjectLiteralExpression(value)) return missing(file, `object ${name}`)
  return value.properties.filter(ts.isPropertyAssignment)
}

/** What the comments of an interface say of its properties. Empty for a name no file declares. */
export function propertyComments(files: readonly ts.SourceFile[], name: string): Map<string, string> {
  const comments = new Map<string, string>()
  for (const statement of files.flatMap(file => [...file.statements])) {
    if (!ts.isInterfaceDeclaration(statement) || statement.name.text !== name) continue
    for (const member of statement.members) {
      const property = member.name?.getText()
      if (property !== undefined) comments.set(property, commentOf(member))
    }
  }
  return comments
}

function missing(file: ts.SourceFile, what: string): never {
  throw new DocsError(`${file.fileName} has no ${what} any more; a page under scripts/docs is made from it`)
}

/** 1 is the first. */
export function lineOf(node: ts.Node): number {
  const file = node.getSourceFile()
  return file.getLineAndCharacterOfPosition(node.getStart()).line + 1
}
