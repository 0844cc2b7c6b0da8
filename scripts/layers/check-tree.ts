import type { Breach } from './breach.ts'
import { findCycles } from './cycles.ts'
import { judgeExports } from './export-rules.ts'
import { judgeImport, type LayerFile } from './import-rules.ts'
import { countLines, judgePackages } from './package-rules.ts'
import { readFacts, type SourceFacts } from './source-facts.ts'
import { EMPTY_WORDS, MAX_SOURCE_LINES, MAX_TEST_LINES } from './table.ts'
import type { Tree } from './tree.ts'
import { directoryOf, readManifests, resolvePath, type SourceFile, sourceFiles } from './workspace.ts'

/** Every breach in the tree, in order of path and line. */
export function checkTree(tree: Tree): Breach[] {
  const manifests = readManifests(tree)
  const breaches = judgePackages(tree)
  const edges = new Map<string, string[]>()
  const factsByPath = new Map<string, SourceFacts>()
  for (const file of sourceFiles(tree)) {
    breaches.push(...judgeFile(file))
    const facts = readFacts(file.path, file.text)
    factsByPath.set(file.path, facts)
    const { layer } = file
    if (layer === null) continue
    const layerFile = { ...file, layer }
    for (const found of facts.imports) {
      const breach = judgeImport(layerFile, found, manifests)
      if (breach !== null) breaches.push(breach)
    }
    if (!file.isTest) breaches.push(...judgeSource(layerFile, facts))
    edges.set(file.path, relativeTargets(file.path, facts))
  }
  breaches.push(...judgeExports(factsByPath, manifests))
  return [...breaches, ...findCycles(edges).map(cycleBreach)].sort(inOrder)
}

/** Rules for every file, of whatever folder. */
function judgeFile({ path, text, isTest }: SourceFile): Breach[] {
  const breaches: Breach[] = []
  const lines = countLines(text)
  const limit = isTest ? MAX_TEST_LINES : MAX_SOURCE_LINES
  if (lines > limit) {
    breaches.push({ path, line: 0, rule: 'file-too-long', message: `${lines} lines; at most ${limit}` })
  }
  const name = path.slice(directoryOf(path).length + 1)
  const emptyWord = name.split(/[-.]/).find(word => EMPTY_WORDS.has(word))
  if (emptyWord !== undefined) {
    breaches.push({
      path,
      line: 0,
      rule: 'empty-name',
      message: `'${emptyWord}' says nothing about what is in the file`
    })
  }
  return breaches
}

/** Rules for sources of a layer, tests left out. */
function judgeSource({ path, layer }: LayerFile, facts: SourceFacts): Breach[] {
  const breaches: Breach[] = []
  if (layer.kind === 'pure') {
    for (const { text, line } of facts.impurities) {
      breaches.push({ path, line, rule: 'impure', message: `pure code may not use ${text}` })
    }
  }
  if (layer.name !== 'primitives') {
    for (const { text, line } of facts.brandCasts) {
      breaches.push({ path, line, rule: 'brand-cast', message: `cast to ${text}; use its constructor in primitives` })
    }
  }
  if (path === `${layer.directory}/src/index.ts` && layer.directory.startsWith('packages/')) {
    for (const { line } of facts.ownStatements) {
      breaches.push({ path, line, rule: 'index-does-more', message: 'an index re-exports, and does nothing else' })
    }
  }
  return breaches
}

function relativeTargets(path: string, { imports }: SourceFacts): string[] {
  return imports.filter(({ text }) => text.startsWith('.')).map(({ text }) => resolvePath(directoryOf(path), text))
}

function cycleBreach(cycle: readonly string[]): Breach {
  return { path: cycle[0] ?? '', line: 0, rule: 'file-cycle', message: cycle.join(' → ') }
}

function inOrder(a: Breach, b: Breach): number {
  if (a.path !== b.path) return a.path < b.path ? -1 : 1
  return a.line - b.line
}
