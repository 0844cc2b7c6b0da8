import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'

/** The files the check looks at: path from the root, with forward slashes, to text. */
export type Tree = ReadonlyMap<string, string>

const TOP = ['packages', 'apps', 'test', 'scripts']
const SKIPPED = new Set(['node_modules', 'dist', 'coverage'])
const WANTED = /(\.[cm]?[jt]sx?|\.svelte|\/package\.json|\/tsconfig\.json|\/README\.md)$/

/** Reads the sources, manifests and READMEs of the repository at `root`. */
export function readTree(root: string): Tree {
  const tree = new Map([['tsconfig.json', readFileSync(join(root, 'tsconfig.json'), 'utf8')]])
  const walk = (directory: string): void => {
    for (const entry of readdirSync(join(root, directory), { withFileTypes: true })) {
      const path = `${directory}/${entry.name}`
      if (entry.isDirectory() && !SKIPPED.has(entry.name)) walk(path)
      if (entry.isFile() && WANTED.test(path)) tree.set(path, readFileSync(join(root, path), 'utf8'))
    }
  }
  const present = new Set(readdirSync(root))
  for (const directory of TOP) if (present.has(directory)) walk(directory)
  return tree
}
