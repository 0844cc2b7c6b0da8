// What a fuzzer sees of a program: every place where a source can go one way or another tells that it went there.
import ts from 'typescript'

/** Longer words of a source are messages, not what an input has in it. */
const MAX_TOKEN_CHARACTERS = 40

/**
 * @typedef {object} Instrumented
 * @property {string} text JavaScript that calls `__fuzz.hit` on its way
 * @property {number} places that it has, numbered from 0
 * @property {string[]} tokens words and whole numbers that the source names: an input may have to have them too
 */

/**
 * Every body of a function and of a loop, both ways of a condition, what follows `&&`, `||` and `??`, every case and every catch is a
 * place. Nothing else of what the source does is changed.
 * @param {string} source in TypeScript
 * @param {string} path under which the places are known
 * @returns {Instrumented}
 */
export function instrument(source, path) {
  const file = ts.createSourceFile(path, source, ts.ScriptTarget.Latest, true)
  /** @type {{ at: number, isEnd: boolean, text: string }[]} */
  const pieces = []
  /** @type {Set<string>} */
  const tokens = new Set()
  let places = 0
  const hit = () => `__hit(__from+${places++})`
  const insert = (/** @type {number} */ at, /** @type {string} */ text) => pieces.push({ at, isEnd: false, text })
  const end = (/** @type {number} */ at, /** @type {string} */ text) => pieces.push({ at, isEnd: true, text })

  /** Visits `inner` between an opening and a closing text around it. */
  const around = (/** @type {ts.Node} */ inner, /** @type {string} */ open, /** @type {string} */ close) => {
    insert(inner.getStart(file), open)
    visit(inner)
    end(inner.getEnd(), close)
  }
  const expression = (/** @type {ts.Expression} */ inner) => around(inner, `(${hit()},`, ')')
  const statement = (/** @type {ts.Statement} */ inner) => around(inner, `{${hit()};`, '}')
  const block = (/** @type {ts.Block} */ inner) => {
    insert(inner.getStart(file) + 1, `${hit()};`)
    visit(inner)
  }

  /** @param {ts.Node} node */
  function visit(node) {
    if (ts.isTypeNode(node) || ts.isInterfaceDeclaration(node) || ts.isTypeAliasDeclaration(node)) return
    if (ts.isImportDeclaration(node) || ts.isExportDeclaration(node)) return
    if ((ts.isStringLiteral(node) || ts.isNumericLiteral(node)) && node.text.length <= MAX_TOKEN_CHARACTERS) {
      tokens.add(node.text)
    }
    if (ts.isIfStatement(node)) {
      visit(node.expression)
      statement(node.thenStatement)
      if (node.elseStatement === undefined) end(node.getEnd(), ` else {${hit()}}`)
      else statement(node.elseStatement)
    } else if (ts.isConditionalExpression(node)) {
      visit(node.condition)
      expression(node.whenTrue)
      expression(node.whenFalse)
    } else if (ts.isBinaryExpression(node) && isShortCircuit(node.operatorToken.kind)) {
      visit(node.left)
      expression(node.right)
    } else if (ts.isIterationStatement(node, false)) {
      ts.forEachChild(node, child => (child === node.statement ? statement(node.statement) : visit(child)))
    } else if (ts.isArrowFunction(node) && !ts.isBlock(node.body)) {
      node.parameters.forEach(visit)
      expression(node.body)
    } else if (ts.isFunctionLike(node) && 'body' in node && node.body !== undefined && ts.isBlock(node.body)) {
      const { body } = node
      ts.forEachChild(node, child => (child === body ? block(body) : visit(child)))
    } else if (ts.isCatchClause(node)) {
      block(node.block)
    } else if (ts.isCaseOrDefaultClause(node)) {
      if (ts.isCaseClause(node)) visit(node.expression)
      const first = node.statements[0]
      if (first !== undefined) insert(first.getStart(file), `${hit()};`)
      node.statements.forEach(visit)
    } else {
      ts.forEachChild(node, visit)
    }
  }
  visit(file)
  const head = `const __hit=globalThis.__fuzz.hit,__from=globalThis.__fuzz.open(${JSON.stringify(path)},${places},${JSON.stringify([...tokens])});`
  return { text: head + plain(applied(source, pieces), path), places, tokens: [...tokens] }
}

/**
 * What types there are is taken out; lines stay where they were.
 * @param {string} source
 * @param {string} path
 * @returns {string}
 */
export function plain(source, path) {
  const { outputText } = ts.transpileModule(source, {
    fileName: path,
    compilerOptions: {
      target: ts.ScriptTarget.ES2022,
      module: ts.ModuleKind.ESNext,
      verbatimModuleSyntax: true,
      inlineSourceMap: false
    }
  })
  return outputText
}

/**
 * @param {string} source
 * @param {{ at: number, isEnd: boolean, text: string }[]} pieces outer ones first where something begins, inner ones where it ends
 */
function applied(source, pieces) {
  // What ends somewhere ends before the next begins there. The sort keeps the order of equals.
  const ordered = [...pieces].sort((a, b) => a.at - b.at || Number(b.isEnd) - Number(a.isEnd))
  let text = ''
  let from = 0
  for (const piece of ordered) {
    text += source.slice(from, piece.at) + piece.text
    from = piece.at
  }
  return text + source.slice(from)
}

/** @param {ts.SyntaxKind} kind */
function isShortCircuit(kind) {
  return (
    kind === ts.SyntaxKind.AmpersandAmpersandToken ||
    kind === ts.SyntaxKind.BarBarToken ||
    kind === ts.SyntaxKind.QuestionQuestionToken
  )
}
