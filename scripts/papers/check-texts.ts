import { citationsIn } from './citations.ts'
import { PAPERS, paperPath, type Sections, sectionsOf } from './sections.ts'
import type { Texts } from './texts.ts'

/** Something a reader of this repository cannot follow. */
export interface Complaint {
  readonly path: string
  readonly line: number
  readonly message: string
}

/** The check and its test write down what they look for. */
const OWN = /^scripts\/(papers\/|check-papers)/
const CITING = /^(?!pnpm-lock).*\.([cm]?[jt]sx?|md|json)$/
const UNREACHABLE = /\b(house|stack|product)\.md\b|\b(wire|consensus)-0\.13\b|\.\.\/shared\b|\bshared\/spec\b/

/** Sections that no page has, pages that no reader has, and links and constants that are not there. */
export function checkTexts(texts: Texts): Complaint[] {
  const papers = new Map<string, Sections>(PAPERS.map(paper => [paper, sectionsOf(texts.get(paperPath(paper)) ?? '')]))
  return [...texts].flatMap(([path, text]) => {
    if (OWN.test(path) || !CITING.test(path)) return []
    const complain = (line: number, message: string): Complaint => ({ path, line, message })
    const citations = citationsIn(path, text).flatMap(({ line, paper, section, items }) => {
      if (paper === null)
        return [complain(line, `§${section} of which paper? write "protocol §${section}" or "stratum §…"`)]
      const there = papers.get(paper)?.get(section)
      if (there === undefined) return [complain(line, `${paperPath(paper)} has no section ${section}`)]
      const missing = items.filter(item => !there.has(item))
      return missing.map(item => complain(line, `${paperPath(paper)} has no item ${item} in section ${section}`))
    })
    const lines = text.split('\n').flatMap((content, index) => {
      const found = [UNREACHABLE.exec(content)?.[0] ?? []].flat().slice(0, 1)
      const messages = found.map(name => `${name} is a page no reader of this repository has`)
      if (path.endsWith('.md'))
        messages.push(...brokenLinks(texts, path, content), ...missingConstants(texts, path, content))
      return messages.map(message => complain(index + 1, message))
    })
    return [...citations, ...lines]
  })
}

/** Relative links of a line, and paths in the typewriter face, that lead to nothing. */
function brokenLinks(texts: Texts, path: string, line: string): string[] {
  const named = [...line.matchAll(/`((?:apps|docs|packages|scripts|test)\/[\w./-]+)`/g)].map(match => match[1] ?? '')
  return [...linksOf(path, line), ...named.map(name => name.replace(/\/$/, ''))]
    .filter(target => !texts.has(target) && !texts.has(`${target}/`))
    .map(target => `leads to ${target}, which is not there`)
}

/** A row of the limits names constants and the file they stand in. */
function missingConstants(texts: Texts, path: string, line: string): string[] {
  const row = /\| ((?:`\w+` )+)in (\[.*\)) \|$/.exec(line)
  if (path !== 'docs/limits.md' || row === null) return []
  const [source = ''] = linksOf(path, row[2] ?? '')
  const names = row[1]?.match(/\w+/g) ?? []
  return names
    .filter(name => !new RegExp(`\\b${name}\\b`).test(texts.get(source) ?? ''))
    .map(name => `${source} has no ${name}`)
}

/** Where relative links of a Markdown line lead, from the root. */
function linksOf(path: string, line: string): string[] {
  const targets = [...line.matchAll(/\]\(([^)\s#]+)(?:#[^)]*)?\)/g)].map(match => match[1] ?? '')
  return targets.filter(target => !/^[a-z]+:/.test(target)).map(target => resolved(path, target))
}

function resolved(path: string, target: string): string {
  const parts = path.split('/').slice(0, -1)
  for (const part of target.split('/')) {
    if (part === '..') parts.pop()
    else if (part !== '.' && part !== '') parts.push(part)
  }
  return parts.join('/')
}
