import { PAPERS, type Paper, paperPath } from './sections.ts'

/** A place where a text names a section. */
export interface Citation {
  readonly line: number
  /** Null if the text does not say of what. */
  readonly paper: Paper | null
  /** `12` or `12.3`. */
  readonly section: string
  /** Numbered items of that section it speaks of: `7`, `2d`. */
  readonly items: readonly string[]
}

/** Publications of others that have sections too; theirs are not ours to check. */
const FOREIGN = /(FIPS [\d-]+|Unicode( \d+)?|RFC \d+|BIP ?\d+) $/

const NUMBERS = /\d+[a-z]?(?:(?:,| and| to|, and) \d+[a-z]?)*/.source
const ITEMS_AFTER = new RegExp(`^,? (?:rules?|steps?) (${NUMBERS})`)
const ITEMS_BEFORE = new RegExp(`(?:[Rr]ules?|[Ss]teps?) (${NUMBERS}) of (?:protocol|stratum|sv2) $`)
/** Between two sections of one paper: "§3.4, §3.5", "§12.4, rule 5, and §12.6", "§5.1 steps 8 to 11, §3.6". */
const BETWEEN = /^[^§;.()`"|]{0,24}$/

/** Every section that the text of a file names. In the papers themselves a bare § is one of their own. */
export function citationsIn(path: string, text: string): Citation[] {
  const { joined, lineAt } = withoutWraps(text)
  const home = PAPERS.find(paper => paperPath(paper) === path) ?? null
  const citations: Citation[] = []
  let last: { readonly paper: Paper | null; readonly end: number } = { paper: null, end: 0 }
  for (const match of joined.matchAll(/§(\d+(?:\.\d+)?)(?![\d])/g)) {
    const before = joined.slice(Math.max(0, match.index - 60), match.index)
    if (FOREIGN.test(before)) continue
    const end = match.index + match[0].length
    const named = /\b(protocol|stratum|sv2),? $/i.exec(before)?.[1]?.toLowerCase() as Paper | undefined
    const follows = last.end > 0 && BETWEEN.test(joined.slice(last.end, match.index))
    const paper = named ?? (follows ? last.paper : home)
    const items = [ITEMS_AFTER.exec(joined.slice(end, end + 60)), ITEMS_BEFORE.exec(before)]
    citations.push({
      line: lineAt(match.index),
      paper,
      section: match[1] ?? '',
      items: items.flatMap(found => found?.[1]?.match(/\d+[a-z]?/g) ?? [])
    })
    last = { paper, end }
  }
  return citations
}

/** The text with each line end, and the mark of a comment after it, made one space. */
function withoutWraps(text: string): { readonly joined: string; readonly lineAt: (index: number) => number } {
  const starts: number[] = []
  let joined = ''
  for (const line of text.split('\n')) {
    starts.push(joined.length)
    joined += `${line.replace(/^\s*(\*|\/\/)? ?/, '').trimEnd()} `
  }
  return { joined, lineAt: index => starts.filter(start => start <= index).length }
}
