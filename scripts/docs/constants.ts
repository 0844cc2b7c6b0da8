import ts from 'typescript'
import { directoryOf, resolvePath } from '../layers/workspace.ts'
import { commentAt, commentOf, hasEmptyLine, lineOf } from './source.ts'

/** A constant in capitals at the top of a file. */
export interface Constant {
  readonly name: string
  readonly path: string
  readonly line: number
  /** Null if it is not a number, or not one that can be worked out by reading. */
  readonly value: number | bigint | null
  /** What is written behind the equals sign. */
  readonly text: string
  /** Empty if there is none. */
  readonly comment: string
  /** The constant whose comment this is, if it stands over a run of several. */
  readonly commentFrom: string | null
  /** It is the capacity of a `BoundedMap` or `BoundedSet` in the same file. */
  readonly isCapacity: boolean
}

const NAME = /^[A-Z][A-Z0-9_]*$/

/** Every constant in capitals at the top of these files, in their order. */
export function readConstants(files: readonly ts.SourceFile[]): Constant[] {
  const scope: Scope = new Map(files.map(file => [file.fileName, file]))
  return files.flatMap(file => {
    const capacities = capacitiesIn(file)
    let comment = ''
    let commentFrom: string | null = null
    return file.statements.flatMap((statement, index) => {
      if (!ts.isVariableStatement(statement)) return []
      const [declaration] = statement.declarationList.declarations
      if (declaration?.initializer === undefined || !ts.isIdentifier(declaration.name)) return []
      const name = declaration.name.text
      const own = commentOf(statement)
      if (own !== '' || !followsAtOnce(file.statements[index - 1], statement)) {
        comment = own
        commentFrom = own === '' ? null : name
      }
      const isMeant = commentFrom !== null && shareAWord(name, commentFrom)
      if (!NAME.test(name)) return []
      const constant: Constant = {
        name,
        path: file.fileName,
        line: lineOf(statement),
        value: evaluated(declaration.initializer, { file, scope }),
        text: declaration.initializer.getText(),
        comment: isMeant ? comment : '',
        commentFrom: isMeant && commentFrom !== name ? commentFrom : null,
        isCapacity: capacities.has(name)
      }
      return [constant]
    })
  })
}

/** `MAX_ROUND_MS` and `FIRST_ROUND_MS` do, apart from extremes and units: then a comment is about both. */
function shareAWord(name: string, other: string): boolean {
  const words = wordsOf(other)
  return name === other || wordsOf(name).some(word => words.includes(word))
}

const wordsOf = (name: string): string[] =>
  name
    .split('_')
    .map(word => word.replace(/S$/, ''))
    .filter(word => !/^(MAX|MIN|FIRST|LAST|M|SEC|BYTE|PER)$/.test(word))

/** No empty line and no comment between two declarations of constants. */
function followsAtOnce(previous: ts.Statement | undefined, statement: ts.Statement): boolean {
  if (previous === undefined || !ts.isVariableStatement(previous)) return false
  const { text } = statement.getSourceFile()
  const between = { from: statement.getFullStart(), to: statement.getStart() }
  return !hasEmptyLine(text.slice(between.from, between.to)) && commentAt(text, between) === ''
}

function capacitiesIn(file: ts.SourceFile): Set<string> {
  const names = new Set<string>()
  const visit = (node: ts.Node): void => {
    if (ts.isNewExpression(node) && /^Bounded(Map|Set)$/.test(node.expression.getText())) {
      const [capacity] = node.arguments ?? []
      if (capacity !== undefined && ts.isIdentifier(capacity)) names.add(capacity.text)
    }
    ts.forEachChild(node, visit)
  }
  visit(file)
  return names
}

/** Files by path, for names that are imported. */
type Scope = ReadonlyMap<string, ts.SourceFile>
interface Place {
  readonly file: ts.SourceFile
  readonly scope: Scope
}
type Value = number | bigint | null

/** The value of arithmetic with literals and other constants; null for anything else. */
function evaluated(node: ts.Expression, place: Place): Value {
  if (ts.isNumericLiteral(node)) return Number(node.text)
  if (ts.isBigIntLiteral(node)) return BigInt(node.text.slice(0, -1))
  if (ts.isParenthesizedExpression(node) || ts.isAsExpression(node)) return evaluated(node.expression, place)
  if (ts.isIdentifier(node)) return valueOfName(node.text, place)
  if (ts.isBinaryExpression(node)) {
    const left = evaluated(node.left, place)
    const right = evaluated(node.right, place)
    if (typeof left === 'number' && typeof right === 'number') return ofNumbers(node.operatorToken.kind, left, right)
    if (typeof left === 'bigint' && typeof right === 'bigint') return ofBigInts(node.operatorToken.kind, left, right)
    return null
  }
  if (ts.isCallExpression(node) && node.expression.getText() === 'Math.floor' && node.arguments[0] !== undefined) {
    const value = evaluated(node.arguments[0], place)
    return typeof value === 'number' ? Math.floor(value) : null
  }
  return null
}

function ofNumbers(operator: ts.SyntaxKind, left: number, right: number): Value {
  if (operator === ts.SyntaxKind.PlusToken) return left + right
  if (operator === ts.SyntaxKind.MinusToken) return left - right
  if (operator === ts.SyntaxKind.AsteriskToken) return left * right
  if (operator === ts.SyntaxKind.SlashToken) return left / right
  if (operator === ts.SyntaxKind.AsteriskAsteriskToken) return left ** right
  return operator === ts.SyntaxKind.LessThanLessThanToken ? left << right : null
}

function ofBigInts(operator: ts.SyntaxKind, left: bigint, right: bigint): Value {
  if (operator === ts.SyntaxKind.PlusToken) return left + right
  if (operator === ts.SyntaxKind.MinusToken) return left - right
  if (operator === ts.SyntaxKind.AsteriskToken) return left * right
  if (operator === ts.SyntaxKind.SlashToken) return left / right
  if (operator === ts.SyntaxKind.AsteriskAsteriskToken) return left ** right
  return operator === ts.SyntaxKind.LessThanLessThanToken ? left << right : null
}

/** A name of the file itself, or one it imports from a neighbour or from another package. */
function valueOfName(name: string, { file, scope }: Place): Value {
  const source = file.statements.filter(ts.isImportDeclaration).find(statement => imports(statement, name))
  const files = source === undefined ? [file] : targetsOf(source, { file, scope })
  for (const target of files) {
    const initializer = initializerOf(name, target)
    if (initializer !== undefined) return evaluated(initializer, { file: target, scope })
  }
  return null
}

function initializerOf(name: string, file: ts.SourceFile): ts.Expression | undefined {
  return file.statements
    .filter(ts.isVariableStatement)
    .flatMap(statement => [...statement.declarationList.declarations])
    .find(declaration => declaration.name.getText() === name)?.initializer
}

function imports(statement: ts.ImportDeclaration, name: string): boolean {
  const bindings = statement.importClause?.namedBindings
  return bindings !== undefined && ts.isNamedImports(bindings) && bindings.elements.some(e => e.name.text === name)
}

function targetsOf(statement: ts.ImportDeclaration, { file, scope }: Place): ts.SourceFile[] {
  const specifier = ts.isStringLiteral(statement.moduleSpecifier) ? statement.moduleSpecifier.text : ''
  if (!specifier.startsWith('.')) {
    const directory = `packages/${specifier.split('/')[1] ?? ''}/`
    return [...scope.values()].filter(candidate => candidate.fileName.startsWith(directory))
  }
  const target = scope.get(resolvePath(directoryOf(file.fileName), specifier))
  return target === undefined ? [] : [target]
}
