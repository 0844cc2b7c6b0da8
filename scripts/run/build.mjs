// Compiling. `tsc -b` alone takes seconds to find out that nothing has changed; a stamp takes milliseconds.
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { captureNode, ROOT } from './child.mjs'
import { ensureInstalled, installStamp } from './install.mjs'
import { withLock } from './lock.mjs'
import { hashListing, listFiles, readStamp, removeStamp, writeStamp } from './stamp.mjs'
import { Failure, secondsSince, step } from './terminal.mjs'

const STAMP_PATH = join(ROOT, 'node_modules', '.p2poolv2-build')
const TSC = 'node_modules/typescript/bin/tsc'
const DASHBOARD = join('apps', 'dashboard')
const VITE = join(DASHBOARD, 'node_modules', 'vite', 'bin', 'vite.js')

const isSource = (/** @type {string} */ name) =>
  (/\.([cm]?tsx?|svelte|css|html|svg)$/.test(name) && !/\.test\.tsx?$/.test(name)) || /^tsconfig.*\.json$/.test(name)

function buildStamp() {
  const sources = ['packages', 'apps'].flatMap(directory => listFiles(ROOT, directory, isSource))
  const paths = ['tsconfig.json', 'tsconfig.pure.json', 'tsconfig.edge.json', ...sources]
  return hashListing(ROOT, { paths, facts: [installStamp()] })
}

/** Every project of the root tsconfig.json has its output, and the page; somebody may have removed a dist folder. */
function hasOutput() {
  if (!existsSync(join(ROOT, DASHBOARD, 'dist', 'index.html'))) return false
  const { references } = JSON.parse(readFileSync(join(ROOT, 'tsconfig.json'), 'utf8'))
  return references.every((/** @type {{ path: string }} */ project) =>
    existsSync(join(ROOT, project.path, 'dist', '.tsbuildinfo'))
  )
}

const isBuilt = () => readStamp(STAMP_PATH) === buildStamp() && hasOutput()

/** Compiles what has changed since the last time; costs milliseconds if nothing has. */
export async function ensureBuilt() {
  if (isBuilt()) return
  const { ok, output } = await step('building', compile)
  if (!ok) throw new Failure('the build failed:', output)
}

/**
 * Runs `tsc -b` and packs the page, whatever the stamp says. A source that changes meanwhile makes the next build run again.
 * @param {{ env?: NodeJS.ProcessEnv }} [options]
 */
export function compile({ env = process.env } = {}) {
  return withLock(async () => {
    const stamp = buildStamp()
    removeStamp(STAMP_PATH)
    // The page needs nothing that the compiler makes, and each of the two uses one core.
    const [compiled, packed] = await Promise.all([
      captureNode([TSC, '-b'], env),
      captureNode([VITE, 'build', '--logLevel', 'warn', '--config', join(DASHBOARD, 'vite.config.ts')], env)
    ])
    if (compiled.ok && packed.ok) writeStamp(STAMP_PATH, stamp)
    return compiled.ok ? packed : compiled
  })
}

/** The `build` command. */
export async function build() {
  const startMs = performance.now()
  await ensureInstalled()
  const { ok, output } = await step('building', () => compile())
  if (!ok) throw new Failure('the build failed:', output)
  process.stdout.write(`built in ${secondsSince(startMs)}\n`)
  return { code: 0, signal: null }
}
