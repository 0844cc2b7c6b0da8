import { RULES, type RuleCode } from '../../packages/consensus/src/index.ts'
import type { Tree } from '../layers/tree.ts'
import { commentAbove, linesOf } from './comments.ts'
import { code, DocsError, type Page, pageText, table } from './page.ts'

const SOURCE = 'packages/consensus/src/rule-code.ts'

/** Every rule of the share chain; the order and the headings are those of its table in the source. */
export function rulesPage(tree: Tree): Page {
  return {
    path: 'docs/rules.md',
    text: pageText({
      title: 'Rules',
      source: SOURCE,
      parts: [PREFACE, asList(commentAbove(tree, SOURCE, 'export type RuleVerdict')), ...sections(groupsIn(tree))]
    })
  }
}

const PREFACE = `Every rule a share can break. The code is permanent; it is what logs, metrics and tests name. The sentence says what
must hold. The verdict says what a breach means:`

interface Group {
  readonly heading: string
  readonly codes: string[]
}

/** Codes by the comment above them. @throws DocsError if the codes of the text are not the rules the code knows */
function groupsIn(tree: Tree): Group[] {
  const groups: Group[] = []
  let heading: string[] = []
  for (const line of linesOf(tree, SOURCE)) {
    const comment = /^ {2}\/\/ (.*)$/.exec(line)?.[1]
    const name = /^ {2}'([a-z-]+)': /.exec(line)?.[1]
    if (comment !== undefined) heading.push(comment)
    if (name === undefined) continue
    if (heading.length > 0 || groups.length === 0) groups.push({ heading: heading.join(' '), codes: [] })
    groups.at(-1)?.codes.push(name)
    heading = []
  }
  if (groups.flatMap(({ codes }) => codes).join() !== Object.keys(RULES).join()) {
    throw new DocsError(`the table in ${SOURCE} is not what RULES holds; see scripts/docs/rules-page.ts`)
  }
  return groups
}

function sections(groups: readonly Group[]): string[] {
  return groups.flatMap(({ heading, codes }) => [
    heading,
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
