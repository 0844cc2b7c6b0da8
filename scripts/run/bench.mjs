// Benchmarks run one after the other, each in a process of its own: what one leaves in the heap is no cost of the next.
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { attach, ROOT } from './child.mjs'
import { ensureInstalled } from './install.mjs'
import { listFiles } from './stamp.mjs'
import { Failure, say } from './terminal.mjs'

const DIRECTORY = 'test/bench'

/**
 * The `bench` command: every `test/bench/*.bench.ts`, or those whose path holds one of `filters`.
 * @param {string[]} filters
 * @returns {Promise<import('./child.mjs').Outcome>}
 */
export async function runBenches(filters) {
  await ensureInstalled()
  const all = existsSync(join(ROOT, DIRECTORY)) ? listFiles(ROOT, DIRECTORY, name => name.endsWith('.bench.ts')) : []
  const chosen = all.filter(path => filters.length === 0 || filters.some(filter => path.includes(filter)))
  if (chosen.length === 0)
    throw new Failure(`no benchmark in ${DIRECTORY} fits. There are: ${all.join(', ') || 'none'}`)
  let failed = 0
  for (const path of chosen) {
    say(path)
    const { code, signal } = await attach(process.execPath, [
      '--import',
      'tsx',
      '--conditions=p2pool-source',
      '--expose-gc',
      path
    ])
    if (signal !== null) return { code, signal }
    if (code !== 0) failed += 1
  }
  if (failed > 0) say(`${failed} of ${chosen.length} benchmarks failed`)
  return { code: failed === 0 ? 0 : 1, signal: null }
}
