import ts from 'typescript'
import { BRANDS } from './table.ts'

/** One thing found at one place. */
export interface Found {
  readonly text: string
  /** 1 is the first. */
  readonly line: number
}

/** What the rules want to know about one file of source. */
export interface SourceFacts {
  /** Module specifiers of imports, re-exports, `import()` and import types. */
  readonly imports: readonly Found[]
  /** Uses of the clock, of chance, of waiting and of event emitters. */
  readonly impurities: readonly Found[]
  /** Casts to a branded type. */
  readonly brandCasts: readonly Found[]
  /** Statements that do anything but re-export or import for effect. */
  readonly ownStatements: readonly Found[]
}

const IMPURE_NAMES: ReadonlySet<string> = new Set(['Date', 'EventEmitter', 'globalThis'])

/** Parses one file; knows nothing of types, so a name is judged by its spelling. */
export function readFacts(path: string, text: string): SourceFacts {
  const file = ts.createSourceFile(path, text, ts.ScriptTarget.Latest, true)
  const facts = {
    imports: [] as Found[],
    impurities: [] as Found[],
    brandCasts: [] as Found[],
    ownStatements: [] as Found[]
  }
  const at = (node: ts.Node, text: string): Found => ({
    text,
    line: file.getLineAndCharacterOfPosition(node.getStart(file)).line + 1
  })
  const visit = (node: ts.Node): void => {
    const specifier = specifierOf(node)
    if (specifier !== null) facts.imports.push(at(node, specifier))
    const impurity = impurityOf(node)
    if (impurity !== null) facts.impurities.push(at(node, impurity))
    if (ts.isAsExpression(node) || ts.isTypeAssertionExpression(node)) {
      const brand = brandIn(node.type)
      if (brand !== null) facts.brandCasts.push(at(node, brand))
    }
    ts.forEachChild(node, visit)
  }
  visit(file)
  for (const statement of file.statements) {
    if (!isReExport(statement)) facts.ownStatements.push(at(statement, ts.SyntaxKind[statement.kind] ?? ''))
  }
  return facts
}

function specifierOf(node: ts.Node): string | null {
  const literal = specifierNodeOf(node)
  return literal !== undefined && ts.isStringLiteralLike(literal) ? literal.text : null
}

function specifierNodeOf(node: ts.Node): ts.Node | undefined {
  if (ts.isImportDeclaration(node) || ts.isExportDeclaration(node)) return node.moduleSpecifier
  if (ts.isCallExpression(node) && node.expression.kind === ts.SyntaxKind.ImportKeyword) return node.arguments[0]
  if (ts.isImportTypeNode(node) && ts.isLiteralTypeNode(node.argument)) return node.argument.literal
  return undefined
}

function impurityOf(node: ts.Node): string | null {
  if (ts.isAwaitExpression(node)) return 'await'
  if (ts.isForOfStatement(node) && node.awaitModifier !== undefined) return 'for await'
  if (node.kind === ts.SyntaxKind.AsyncKeyword) return 'async'
  if (!ts.isIdentifier(node) || isMemberName(node)) return null
  if (IMPURE_NAMES.has(node.text)) return node.text
  return node.text === 'Math' && !isMathOtherThanRandom(node) ? 'Math.random' : null
}

/** The `x` of `a.x`, `{ x: 1 }`, `{ x() {} }` or a member of a class or type: a word of ours, not a global. */
function isMemberName(node: ts.Identifier): boolean {
  const { parent } = node
  if (ts.isPropertyAccessExpression(parent)) return parent.name === node
  if (ts.isQualifiedName(parent)) return parent.right === node
  if (ts.isBindingElement(parent)) return parent.propertyName === node
  return (
    (ts.isPropertyAssignment(parent) || ts.isClassElement(parent) || ts.isTypeElement(parent)) && parent.name === node
  )
}

/** `Math.max` is; `Math.random`, `Math['x']` and `const { random } = Math` are not. */
function isMathOtherThanRandom(node: ts.Identifier): boolean {
  const { parent } = node
  return ts.isPropertyAccessExpression(parent) && parent.expression === node && parent.name.text !== 'random'
}

function brandIn(type: ts.TypeNode): string | null {
  let brand: string | null = null
  const visit = (node: ts.Node): void => {
    if (ts.isTypeReferenceNode(node)) {
      const name = ts.isIdentifier(node.typeName) ? node.typeName.text : node.typeName.right.text
      if (BRANDS.has(name)) brand = name
    }
    ts.forEachChild(node, visit)
  }
  visit(type)
  return brand
}

/** `export … from`, `export {}` and `import './for-its-effect.ts'`. */
function isReExport(statement: ts.Statement): boolean {
  if (ts.isExportDeclaration(statement)) {
    const { exportClause } = statement
    const isEmpty = exportClause !== undefined && ts.isNamedExports(exportClause) && exportClause.elements.length === 0
    return statement.moduleSpecifier !== undefined || isEmpty
  }
  return ts.isImportDeclaration(statement) && statement.importClause === undefined
}
