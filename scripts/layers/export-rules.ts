import type { Breach } from './breach.ts'
import { EVERY_NAME, type SourceFacts } from './source-facts.ts'
import { SCOPE } from './table.ts'
import { directoryOf, layerOf, type Manifest, resolvePath } from './workspace.ts'

/**
 * An index exports what somebody outside imports and nothing else: each name of an index that an export path leads to is imported by
 * another layer, by `test/` or by `scripts/`. An edge folder is outside its pure half.
 * @param facts of every file of source, by path
 */
export function judgeExports(
  facts: ReadonlyMap<string, SourceFacts>,
  manifests: ReadonlyMap<string, Manifest>
): Breach[] {
  const entries = new Map([...manifests.values()].flatMap(entriesOf))
  const wanted = namesWanted(facts, entries)
  const indexes = [...new Set(entries.values())].filter(path => path.endsWith('/index.ts'))
  return indexes.flatMap(path =>
    (facts.get(path)?.exports ?? []).flatMap(({ text, line }): Breach[] => {
      if (text === EVERY_NAME) {
        return [{ path, line, rule: 'export-for-nobody', message: '`export *` hides who needs what: name the names' }]
      }
      const names = wanted.get(path)
      if (names?.has(text) || names?.has(EVERY_NAME)) return []
      return [{ path, line, rule: 'export-for-nobody', message: `nobody outside imports ${text}` }]
    })
  )
}

/** Import specifier to source file, for each export path of a package. */
function entriesOf({ path, name, entries }: Manifest): [string, string][] {
  return [...entries].map(([subpath, source]) => [
    subpath === '.' ? name : `${name}${subpath.slice(1)}`,
    resolvePath(directoryOf(path), source)
  ])
}

/** For each entry file the names imported from it, from elsewhere. */
function namesWanted(
  facts: ReadonlyMap<string, SourceFacts>,
  entries: ReadonlyMap<string, string>
): ReadonlyMap<string, ReadonlySet<string>> {
  const wanted = new Map([...entries.values()].map(path => [path, new Set<string>()]))
  for (const [path, { names }] of facts) {
    const home = layerOf(path)
    for (const { from, name } of names) {
      const target = from.startsWith(SCOPE) ? entries.get(from) : resolvePath(directoryOf(path), from)
      if (target !== undefined && (home === null || home !== layerOf(target))) wanted.get(target)?.add(name)
    }
  }
  return wanted
}
