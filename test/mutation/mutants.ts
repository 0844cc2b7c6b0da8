import ts from 'typescript'

/** One small change of a source, of which some test should complain. */
export interface Mutant {
  /** Counted through all files of a run. */
  readonly id: number
  readonly line: number
  /** As in `< becomes <=`. */
  readonly what: string
  /** Whether it is outside of every function: it is there, or not, when the file is loaded. */
  readonly isStatic: boolean
}

const COMPARED: ReadonlyMap<ts.SyntaxKind, readonly string[]> = new Map([
  [ts.SyntaxKind.LessThanToken, ['<=', '>=']],
  [ts.SyntaxKind.LessThanEqualsToken, ['<', '>']],
  [ts.SyntaxKind.GreaterThanToken, ['>=', '<=']],
  [ts.SyntaxKind.GreaterThanEqualsToken, ['>', '<']],
  [ts.SyntaxKind.EqualsEqualsEqualsToken, ['!==']],
  [ts.SyntaxKind.ExclamationEqualsEqualsToken, ['===']],
  [ts.SyntaxKind.PlusToken, ['-']],
  [ts.SyntaxKind.MinusToken, ['+']],
  [ts.SyntaxKind.AsteriskToken, ['+']],
  [ts.SyntaxKind.SlashToken, ['*']],
  [ts.SyntaxKind.LessThanLessThanToken, ['>>']],
  [ts.SyntaxKind.GreaterThanGreaterThanToken, ['<<']]
])
const ASSIGNED: ReadonlyMap<ts.SyntaxKind, string> = new Map([
  [ts.SyntaxKind.PlusEqualsToken, '-='],
  [ts.SyntaxKind.MinusEqualsToken, '+=']
])
const JOINED: ReadonlyMap<ts.SyntaxKind, string> = new Map([
  [ts.SyntaxKind.AmpersandAmpersandToken, '||'],
  [ts.SyntaxKind.BarBarToken, '&&']
])

/** What the switched text asks at every change: whether it is the one that is on. */
export const SWITCH = '__isMutant'

/**
 * A source with all its mutants in it, each of them off until `globalThis.__isMutant` answers true to its number: an operator turned, a
 * condition's negation dropped, a truth turned, a number one higher, a statement that calls something left out. What stands in types,
 * imports and calls of `invariant` stays as it is. Lines stay where they were.
 * @param first number of the first mutant
 */
export function switched(
  source: string,
  path: string,
  first: number
): { readonly text: string; readonly mutants: readonly Mutant[] } {
  const file = ts.createSourceFile(path, source, ts.ScriptTarget.Latest, true)
  const mutants: Mutant[] = []
  let depth = 0
  const add = (node: ts.Node, becomes: string): string => {
    const id = first + mutants.length
    const line = file.getLineAndCharacterOfPosition(node.getStart(file)).line + 1
    const what = `${shown(node.getText(file))} becomes ${becomes === '' ? 'nothing' : shown(becomes)}`
    mutants.push({ id, line, what, isStatic: depth === 0 })
    return `${SWITCH}(${id})`
  }

  /** The text of a node with what is within it switched. */
  const textOf = (node: ts.Node): string => {
    if (ts.isTypeNode(node) || ts.isImportDeclaration(node) || ts.isExportDeclaration(node)) return node.getText(file)
    if (ts.isInterfaceDeclaration(node) || ts.isTypeAliasDeclaration(node)) return node.getText(file)
    if (isInvariant(node)) return node.getText(file)
    return changedText(node) ?? plainText(node)
  }

  /** As it stands, but for its children. */
  const plainText = (node: ts.Node): string => {
    const isFunction = ts.isFunctionLike(node) || isField(node)
    if (isFunction) depth += 1
    const children: ts.Node[] = []
    ts.forEachChild(node, child => void children.push(child))
    let text = ''
    let from = node.getStart(file)
    for (const child of children) {
      const start = child.getStart(file)
      // Modifiers and names that a node shares with its parent come twice.
      if (start < from) continue
      text += source.slice(from, start) + textOf(child)
      from = child.getEnd()
    }
    if (isFunction) depth -= 1
    return text + source.slice(from, node.getEnd())
  }

  const changedText = (node: ts.Node): string | null => {
    if (ts.isBinaryExpression(node)) return binaryText(node)
    if (ts.isPrefixUnaryExpression(node) && node.operator === ts.SyntaxKind.ExclamationToken) {
      const on = add(node, node.operand.getText(file))
      return `(${on} !== !(${textOf(node.operand)}))`
    }
    if (node.kind === ts.SyntaxKind.TrueKeyword) return `!${add(node, 'false')}`
    if (node.kind === ts.SyntaxKind.FalseKeyword) return add(node, 'true')
    if (ts.isNumericLiteral(node) && !isName(node)) return numberText(node, `(${node.text} + 1)`)
    if (ts.isBigIntLiteral(node)) return numberText(node, `(${node.text} + 1n)`)
    if (ts.isExpressionStatement(node) && ts.isCallExpression(node.expression) && !isInvariant(node.expression)) {
      if (node.expression.expression.kind === ts.SyntaxKind.SuperKeyword) return null
      const on = add(node, '')
      return `if (!${on}) { ${plainText(node)} }`
    }
    // What is not in a block of its own would take an `else` for the one that was put in.
    if (ts.isIfStatement(node)) return ifText(node)
    return null
  }

  const numberText = (node: ts.Node, becomes: string): string => {
    const on = add(node, becomes)
    return `(${on} ? ${becomes} : ${node.getText(file)})`
  }

  const binaryText = (node: ts.BinaryExpression): string | null => {
    const { kind } = node.operatorToken
    const operator = node.operatorToken.getText(file)
    const others = COMPARED.get(kind)
    if (others !== undefined) {
      const [left, right] = [textOf(node.left), textOf(node.right)]
      const mutated = others.map(other => `${add(node.operatorToken, other)} ? l ${other} r : `).join('')
      return `((l, r) => ${mutated}l ${operator} r)(${left}, ${right})`
    }
    const joined = JOINED.get(kind)
    if (joined !== undefined && !waits(node.right)) {
      const [left, right] = [textOf(node.left), textOf(node.right)]
      const on = add(node.operatorToken, joined)
      return `((l, r) => ${on} ? l ${joined} r() : l ${operator} r())(${left}, () => (${right}))`
    }
    const assigned = ASSIGNED.get(kind)
    if (assigned === undefined || /\+\+|--|\(/.test(node.left.getText(file))) return null
    const [left, right] = [textOf(node.left), textOf(node.right)]
    const on = add(node.operatorToken, assigned)
    // A statement may begin here: with a bracket it would go on with the line before.
    return `${left} = ((l, r) => ${on} ? l ${assigned[0]} r : l ${operator[0]} r)(${left}, ${right})`
  }

  const ifText = (node: ts.IfStatement): string => {
    const { expression, thenStatement, elseStatement } = node
    const head = source.slice(node.getStart(file), expression.getStart(file)) + textOf(expression)
    const then = source.slice(expression.getEnd(), thenStatement.getStart(file)) + inBlock(thenStatement)
    if (elseStatement === undefined) return head + then
    return head + then + source.slice(thenStatement.getEnd(), elseStatement.getStart(file)) + inBlock(elseStatement)
  }
  const inBlock = (node: ts.Statement): string => (ts.isBlock(node) ? textOf(node) : `{ ${textOf(node)} }`)

  const start = file.getStart()
  return { text: source.slice(0, start) + textOf(file), mutants }
}

function isInvariant(node: ts.Node): boolean {
  return ts.isCallExpression(node) && ts.isIdentifier(node.expression) && node.expression.text === 'invariant'
}

/** Whether a literal is the name of a member and no value. */
function isName({ parent }: ts.Node): boolean {
  return (ts.isPropertyAssignment(parent) && ts.isNumericLiteral(parent.name)) || ts.isLiteralTypeNode(parent)
}

/** Of each instance: its value is made when that is. */
function isField(node: ts.Node): boolean {
  return (
    ts.isPropertyDeclaration(node) && !ts.getModifiers(node)?.some(({ kind }) => kind === ts.SyntaxKind.StaticKeyword)
  )
}

function waits(node: ts.Node): boolean {
  if (ts.isAwaitExpression(node) || ts.isYieldExpression(node)) return true
  return !ts.isFunctionLike(node) && ts.forEachChild(node, child => waits(child) || undefined) === true
}

function shown(text: string): string {
  const flat = text.replace(/\s+/g, ' ')
  return flat.length > 60 ? `${flat.slice(0, 60)}…` : flat
}
