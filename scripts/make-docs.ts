// `node --import tsx --conditions=p2pool-source scripts/make-docs.ts [--check]`: the pages of docs/ that repeat what the
// sources say. With --check nothing is written, and a page that differs is a failure.
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { DocsError } from './docs/page.ts'
import { complaintsAbout, makePages } from './docs/pages.ts'
import { readTree } from './layers/tree.ts'

const root = fileURLToPath(new URL('..', import.meta.url))

function committed(path: string): string {
  return existsSync(join(root, path)) ? readFileSync(join(root, path), 'utf8') : ''
}

try {
  const pages = makePages(readTree(root))
  if (!process.argv.includes('--check')) {
    for (const { path, text } of pages) if (committed(path) !== text) writeFileSync(join(root, path), text)
  }
  const complaints = complaintsAbout(pages, committed)
  for (const complaint of complaints) console.log(complaint)
  console.log(`${pages.length} pages, ${complaints.length} complaints`)
  process.exitCode = complaints.length === 0 ? 0 : 1
} catch (error) {
  if (!(error instanceof DocsError)) throw error
  console.log(error.message)
  process.exitCode = 1
}
