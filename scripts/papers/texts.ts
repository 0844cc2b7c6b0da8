import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'

/** Path from the root, with forward slashes, to text; directories end in a slash and are empty. */
export type Texts = ReadonlyMap<string, string>

const SKIPPED = /^(node_modules|dist|coverage|\..+)$/
const READ = /\.([cm]?[jt]sx?|svelte|md|json|html)$/

/** Everything in the repository at `root`; files that hold no prose or code have no text. */
export function readTexts(root: string): Texts {
  const texts = new Map<string, string>()
  const walk = (directory: string): void => {
    for (const entry of readdirSync(join(root, directory), { withFileTypes: true })) {
      const path = `${directory}${entry.name}`
      if (SKIPPED.test(entry.name)) continue
      if (entry.isDirectory()) {
        texts.set(`${path}/`, '')
        walk(`${path}/`)
      } else if (entry.isFile()) texts.set(path, READ.test(path) ? readFileSync(join(root, path), 'utf8') : '')
    }
  }
  walk('')
  return texts
}
