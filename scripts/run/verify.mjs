// `check`, `test` and `docs`: the checks, the tests and one line of totals; the pages that are made from the sources.
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { availableParallelism, tmpdir } from 'node:os'
import { join } from 'node:path'
import { compile, ensureBuilt } from './build.mjs'
import { attach, captureNode } from './child.mjs'
import { ensureInstalled } from './install.mjs'
import { Failure, say, secondsSince } from './terminal.mjs'

/**
 * @typedef {import('./child.mjs').Captured} Captured
 * @typedef {import('./child.mjs').Outcome} Outcome
 * @typedef {{ passed: number, failed: number, skipped: number }} Totals
 */

const MAKE_DOCS = ['--import', 'tsx', '--conditions=p2pool-source', 'scripts/make-docs.ts']

/** @type {Record<string, (env: NodeJS.ProcessEnv) => Promise<Captured>>} */
const CHECKS = {
  types: async env => {
    const sources = await compile({ env })
    // The second project holds the sources again, together with the tests: it would say the same errors twice.
    return sources.ok ? captureNode(['node_modules/typescript/bin/tsc', '-p', 'tsconfig.test.json'], env) : sources
  },
  page: env =>
    captureNode(
      ['apps/dashboard/node_modules/svelte-check/bin/svelte-check', '--tsconfig', 'apps/dashboard/tsconfig.json'],
      env
    ),
  lint: env =>
    captureNode(
      ['node_modules/@biomejs/biome/bin/biome', 'check', '--error-on-warnings', '--diagnostic-level=warn'],
      env
    ),
  layers: env => captureNode(['--import', 'tsx', 'scripts/check-layers.ts'], env),
  supply: env => captureNode(['--import', 'tsx', 'scripts/check-supply.ts'], env),
  papers: env => captureNode(['--import', 'tsx', 'scripts/check-papers.ts'], env),
  docs: env => captureNode([...MAKE_DOCS, '--check'], env)
}

/** The `check` command. @returns {Promise<Outcome>} */
export async function check() {
  await ensureInstalled()
  const { failed } = await runChecks()
  return { code: failed === 0 ? 0 : 1, signal: null }
}

/** The `docs` command: writes the pages that the check of that name compares. @returns {Promise<Outcome>} */
export async function docs() {
  await ensureInstalled()
  return attach(process.execPath, MAKE_DOCS)
}

/**
 * The `test` command: the checks and all tests, or with filters only the tests they name. The last line on the standard
 * output is the totals, whatever happens.
 * @param {string[]} filters passed to vitest
 * @returns {Promise<Outcome>}
 */
export async function test(filters) {
  try {
    await ensureInstalled()
  } catch (error) {
    if (!(error instanceof Failure)) throw error
    say(error.message)
    process.stderr.write(error.details)
    return report({ passed: 0, failed: 1, skipped: 0 })
  }
  const checks = filters.length === 0 ? await runChecks() : { passed: 0, failed: 0, skipped: 0 }
  const tests = await runTests(filters)
  return report({
    passed: checks.passed + tests.passed,
    failed: checks.failed + tests.failed,
    skipped: checks.skipped + tests.skipped
  })
}

/**
 * A command that runs the suite of one folder, which wants more than `npm test` can give: minutes, or another compiler.
 * @param {string} folder with a vitest.config.ts
 * @returns {(filters: string[]) => Promise<Outcome>}
 */
export function suite(folder) {
  return async filters => {
    await ensureInstalled()
    await ensureBuilt()
    return report(await runTests(['--config', `${folder}/vitest.config.ts`, ...filters]))
  }
}

/** @returns {Outcome} */
function report(/** @type {Totals} */ { passed, failed, skipped }) {
  process.stdout.write(`${passed} passed, ${failed} failed${skipped > 0 ? `, ${skipped} skipped` : ''}\n`)
  return { code: failed === 0 ? 0 : 1, signal: null }
}

/** Each check counts as one. They use one core each, so they run side by side where there are two. */
async function runChecks() {
  const env = process.stderr.isTTY ? { ...process.env, FORCE_COLOR: '1' } : process.env
  const names = Object.keys(CHECKS)
  say(`checking ${names.join(', ')}`)
  const totals = { passed: 0, failed: 0, skipped: 0 }
  const runOne = async (/** @type {string} */ name) => {
    const startMs = performance.now()
    const { ok, output } = await /** @type {(typeof CHECKS)[string]} */ (CHECKS[name])(env)
    totals[ok ? 'passed' : 'failed'] += 1
    say(`${name} ${ok ? 'ok' : 'FAILED'} (${secondsSince(startMs)})`)
    if (!ok) process.stderr.write(`${output.trimEnd()}\n`)
  }
  if (availableParallelism() > 1) await Promise.all(names.map(runOne))
  else for (const name of names) await runOne(name)
  return totals
}

/** @returns {Promise<Totals>} */
async function runTests(/** @type {string[]} */ filters) {
  const directory = mkdtempSync(join(tmpdir(), 'p2poolv2-test-'))
  const totalsPath = join(directory, 'totals.json')
  try {
    const reporters = ['--reporter=default', '--reporter=./scripts/totals-reporter.ts']
    const { code, signal } = await attach(
      process.execPath,
      ['node_modules/vitest/vitest.mjs', 'run', ...reporters, ...filters],
      { ...process.env, P2POOLV2_TEST_TOTALS: totalsPath }
    )
    const totals = readTotals(totalsPath)
    // A run that broke off, or found nothing to run, is a failure of its own.
    if (totals === null) return { passed: 0, failed: 1, skipped: 0 }
    if ((code !== 0 || signal !== null) && totals.failed === 0) return { ...totals, failed: 1 }
    return totals
  } finally {
    rmSync(directory, { recursive: true, force: true })
  }
}

/** @returns {Totals | null} */
function readTotals(/** @type {string} */ path) {
  try {
    return JSON.parse(readFileSync(path, 'utf8'))
  } catch {
    return null
  }
}
