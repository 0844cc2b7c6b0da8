import ts from 'typescript'
import { BRANDS } from './table.ts'

/** One thing found at one place. */
export interface Found {
  readonly text: string
  /** 1 is the first. */
  readonly line: number
}

/** Stands for all names of a module: `import * as`, `export *`, `import()`. */
export const EVERY_NAME = '*'

/** One name and the module specifier it comes from. */
export interface NameFrom {
  readonly from: string
  readonly name: string
}

/** What the rules want to know about one file of source. */
export interface SourceFacts {
  /** Module specifiers of imports, re-exports, `import()` and import types. */
  readonly imports: readonly Found[]
  /** Each name imported, re-exported or referred to from another module, by the module's own word for it. */
  readonly names: readonly NameFrom[]
  /** Each name exported. */
  readonly exports: readonly Found[]
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
    names: [] as NameFrom[],
    exports: [] as Found[],
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
    if (specifier !== null) {
      facts.imports.push(at(node, specifier))
      for (const name of namesTaken(node)) facts.names.push({ from: specifier, name })
    }
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
    for (const name of namesGiven(statement)) facts.exports.push(at(statement, name))
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

/** What a node that has a module specifier takes from that module. */
function namesTaken(node: ts.Node): string[] {
  if (ts.isImportDeclaration(node)) {
    const { name, namedBindings } = node.importClause ?? {}
    const byDefault = name === undefined ? [] : ['default']
    if (namedBindings === undefined) return byDefault
    if (ts.isNamespaceImport(namedBindings)) return [EVERY_NAME]
    return [...byDefault, ...namedBindings.elements.map(element => (element.propertyName ?? element.name).text)]
  }
  if (ts.isExportDeclaration(node) && node.exportClause !== undefined && ts.isNamedExports(node.exportClause)) {
    return node.exportClause.elements.map(element => (element.propertyName ?? element.name).text)
  }
  if (ts.isImportTypeNode(node) && node.qualifier !== undefined) {
    let { qualifier } = node
    while (ts.isQualifiedName(qualifier)) qualifier = qualifier.left
    return [qualifier.text]
  }
  return [EVERY_NAME]
}

/** The names a statement exports. */
function namesGiven(statement: ts.Statement): string[] {
  if (ts.isExportDeclaration(statement)) {
    const { exportClause } = statement
    if (exportClause === undefined) return [EVERY_NAME]
    return ts.isNamedExports(exportClause)
      ? exportClause.elements.map(element => element.name.text)
      : [exportClause.name.text]
  }
  if (ts.isExportAssignment(statement)) return ['default']
  const modifiers = ts.canHaveModifiers(statement) ? (ts.getModifiers(statement) ?? []) : []
  if (!modifiers.some(({ kind }) => kind === ts.SyntaxKind.ExportKeyword)) return []
  if (ts.isVariableStatement(statement)) return statement.declarationList.declarations.flatMap(d => boundNames(d.name))
  const { name } = statement as ts.DeclarationStatement
  return name !== undefined && ts.isIdentifier(name) ? [name.text] : ['default']
}

function boundNames(name: ts.BindingName): string[] {
  if (ts.isIdentifier(name)) return [name.text]
  return name.elements.flatMap(element => (ts.isBindingElement(element) ? boundNames(element.name) : []))
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
