// `node --import tsx scripts/check-layers.ts [root]`: the architecture's rules that no compiler or linter knows.
import { fileURLToPath } from 'node:url'
import { checkTree } from './layers/check-tree.ts'
import { readTree } from './layers/tree.ts'

const root = process.argv[2] ?? fileURLToPath(new URL('..', import.meta.url))
const tree = readTree(root)
const breaches = checkTree(tree)
for (const { path, line, rule, message } of breaches) {
  console.log(`${path}${line > 0 ? `:${line}` : ''}  ${rule}: ${message}`)
}
console.log(`${tree.size} files, ${breaches.length} breaches of the layer rules`)
process.exitCode = breaches.length === 0 ? 0 : 1
