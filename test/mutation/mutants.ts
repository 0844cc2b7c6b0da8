import ts from 'typescript'

/** One small change of a source, of which some test should complain. */
export interface Mutant {
  readonly line: number
  /** As in `< becomes <=`. */
  readonly what: string
  readonly text: string
}

const OPERATORS: ReadonlyMap<ts.SyntaxKind, readonly string[]> = new Map([
  [ts.SyntaxKind.LessThanToken, ['<=', '>=']],
  [ts.SyntaxKind.LessThanEqualsToken, ['<', '>']],
  [ts.SyntaxKind.GreaterThanToken, ['>=', '<=']],
  [ts.SyntaxKind.GreaterThanEqualsToken, ['>', '<']],
  [ts.SyntaxKind.EqualsEqualsEqualsToken, ['!==']],
  [ts.SyntaxKind.ExclamationEqualsEqualsToken, ['===']],
  [ts.SyntaxKind.AmpersandAmpersandToken, ['||']],
  [ts.SyntaxKind.BarBarToken, ['&&']],
  [ts.SyntaxKind.PlusToken, ['-']],
  [ts.SyntaxKind.MinusToken, ['+']],
  [ts.SyntaxKind.AsteriskToken, ['+']],
  [ts.SyntaxKind.SlashToken, ['*']],
  [ts.SyntaxKind.PlusEqualsToken, ['-=']],
  [ts.SyntaxKind.MinusEqualsToken, ['+=']],
  [ts.SyntaxKind.LessThanLessThanToken, ['>>']],
  [ts.SyntaxKind.GreaterThanGreaterThanToken, ['<<']]
])

/**
 * Every mutant of a source: an operator turned, a condition's negation dropped, a truth turned, a number one higher, a statement that calls
 * something left out. What stands in types, imports and calls of `invariant` stays as it is.
 */
export function mutantsOf(source: string, path: string): Mutant[] {
  const file = ts.createSourceFile(path, source, ts.ScriptTarget.Latest, true)
  const mutants: Mutant[] = []
  const add = (node: ts.Node, replacement: string): void => {
    const from = node.getStart(file)
    mutants.push({
      line: file.getLineAndCharacterOfPosition(from).line + 1,
      what: `${shown(node.getText(file))} becomes ${replacement === '' ? 'nothing' : shown(replacement)}`,
      text: source.slice(0, from) + replacement + source.slice(node.getEnd())
    })
  }
  const visit = (node: ts.Node): void => {
    if (ts.isTypeNode(node) || ts.isImportDeclaration(node) || ts.isInterfaceDeclaration(node)) return
    if (isInvariant(node) || (ts.isExpressionStatement(node) && isInvariant(node.expression))) return
    if (ts.isBinaryExpression(node))
      for (const other of OPERATORS.get(node.operatorToken.kind) ?? []) add(node.operatorToken, other)
    if (ts.isPrefixUnaryExpression(node) && node.operator === ts.SyntaxKind.ExclamationToken)
      add(node, node.operand.getText(file))
    if (node.kind === ts.SyntaxKind.TrueKeyword) add(node, 'false')
    if (node.kind === ts.SyntaxKind.FalseKeyword) add(node, 'true')
    if (ts.isNumericLiteral(node)) add(node, `(${node.text} + 1)`)
    if (ts.isBigIntLiteral(node)) add(node, `(${node.text} + 1n)`)
    if (ts.isExpressionStatement(node) && ts.isCallExpression(node.expression)) add(node, '')
    ts.forEachChild(node, visit)
  }
  visit(file)
  return mutants
}

function isInvariant(node: ts.Node): boolean {
  return ts.isCallExpression(node) && ts.isIdentifier(node.expression) && node.expression.text === 'invariant'
}

function shown(text: string): string {
  const flat = text.replace(/\s+/g, ' ')
  return flat.length > 60 ? `${flat.slice(0, 60)}…` : flat
}
