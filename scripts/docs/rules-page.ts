import { RULES, type RuleCode } from '../../packages/consensus/src/index.ts'
import type { Tree } from '../layers/tree.ts'
import { code, DocsError, type Page, pageText, table } from './page.ts'
import { commentLines, commentOf, parseFile, propertiesOf } from './source.ts'

const SOURCE = 'packages/consensus/src/rule-code.ts'

/** Every rule of the share chain; the order and the headings are those of its table in the source. */
export function rulesPage(tree: Tree): Page {
  const file = parseFile(tree, SOURCE)
  const verdicts = file.statements.find(statement => statement.getText().startsWith('export type RuleVerdict'))
  if (verdicts === undefined)
    throw new DocsError(`${SOURCE} has no RuleVerdict any more; see scripts/docs/rules-page.ts`)
  const groups: { comment: string; codes: string[] }[] = []
  for (const property of propertiesOf(file, 'TABLE')) {
    const comment = commentOf(property)
    if (comment !== '' || groups.length === 0) groups.push({ comment, codes: [] })
    groups.at(-1)?.codes.push(property.name.getText().replaceAll("'", ''))
  }
  const listed = groups.flatMap(({ codes }) => codes)
  if (listed.join() !== Object.keys(RULES).join()) {
    throw new DocsError(`the table in ${SOURCE} is not what RULES holds; see scripts/docs/rules-page.ts`)
  }
  return {
    path: 'docs/rules.md',
    text: pageText({
      title: 'Rules',
      source: SOURCE,
      parts: [PREFACE, asList(commentLines(verdicts)), ...sections(groups)]
    }),
    problems: []
  }
}

const PREFACE = `Every rule a share can break. The code is permanent; it is what logs, metrics and tests name. The sentence says what
must hold. The verdict says what a breach means:`

function sections(groups: readonly { readonly comment: string; readonly codes: readonly string[] }[]): string[] {
  return groups.flatMap(({ comment, codes }) => [
    comment,
    table({
      head: ['code', 'verdict', 'rule'],
      rows: codes.map(name => {
        const { verdict, sentence } = RULES[name as RuleCode]
        return [code(name), verdict, sentence]
      })
    })
  ])
}

const asList = (lines: readonly string[]): string =>
  lines
    .map(line => line.replace(/^ {2,}/, '  '))
    .join('\n')
    .replace(/\n(?=[A-Z])/, '\n\n')
