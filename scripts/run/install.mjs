// The pinned pnpm, and what it installs.
import { existsSync, mkdtempSync, readFileSync, renameSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { attach, capture, captureNode, ROOT } from './child.mjs'
import { withLock } from './lock.mjs'
import { hashContents, listFiles, readStamp, removeStamp, writeStamp } from './stamp.mjs'
import { Failure, step } from './terminal.mjs'

const STAMP_PATH = join(ROOT, 'node_modules', '.p2poolv2-install')

/** What the installed tree depends on; also an input of the build's stamp. */
export function installStamp() {
  const manifests = ['packages', 'apps', 'test'].flatMap(directory =>
    listFiles(ROOT, directory, name => name === 'package.json')
  )
  const paths = ['package.json', 'pnpm-lock.yaml', 'pnpm-workspace.yaml', ...manifests]
  // Native modules are chosen by ABI and platform.
  return hashContents(ROOT, { paths, facts: [process.versions.modules, process.platform, process.arch] })
}

const isInstalled = () => readStamp(STAMP_PATH) === installStamp()

/** Installs exactly what pnpm-lock.yaml says, unless that is what is there. */
export async function ensureInstalled() {
  if (isInstalled()) return
  await withLock(async () => {
    if (isInstalled()) return
    const pnpm = await findPnpm()
    removeStamp(STAMP_PATH)
    const { ok, output } = await step('installing dependencies', () =>
      capture(pnpm.command, [...pnpm.args, 'install', '--frozen-lockfile'], quietEnv())
    )
    if (!ok) throw new Failure(explain(output), output)
    writeStamp(STAMP_PATH, installStamp())
  })
}

/**
 * `pnpm install` that may change pnpm-lock.yaml; `args` go to pnpm.
 * @param {string[]} args
 */
export function installForDevelopers(args) {
  return withLock(async () => {
    const pnpm = await findPnpm()
    removeStamp(STAMP_PATH)
    const command = [...pnpm.args, 'install', '--no-frozen-lockfile', ...args]
    const outcome = await step('installing dependencies', () => attach(pnpm.command, command, quietEnv()))
    if (outcome.code === 0) writeStamp(STAMP_PATH, installStamp())
    return outcome
  })
}

/** With CI set, pnpm asks nothing and prints line by line. */
function quietEnv() {
  return { ...process.env, CI: 'true', COREPACK_ENABLE_DOWNLOAD_PROMPT: '0' }
}

function explain(/** @type {string} */ output) {
  if (output.includes('ERR_PNPM_OUTDATED_LOCKFILE')) {
    return 'pnpm-lock.yaml does not fit the package.json files. Run: node scripts/run.mjs install'
  }
  return 'pnpm could not install the dependencies. Is the package registry reachable? It said:'
}

/**
 * The pnpm that package.json pins, from .tools, from the PATH, or fetched now. Another version would write another
 * lockfile, or refuse to run.
 * @returns {Promise<{ command: string, args: string[] }>}
 */
async function findPnpm() {
  const version = pinnedVersion()
  const home = join(ROOT, '.tools', `pnpm-${version}`)
  const script = join(home, 'node_modules', 'pnpm', 'bin', 'pnpm.cjs')
  const own = { command: process.execPath, args: [script] }
  if (existsSync(script)) return own
  if ((await versionOnPath()) === version) return { command: 'pnpm', args: [] }
  await step(`installing pnpm ${version} (once)`, () => fetchPnpm(version, home))
  return own
}

function pinnedVersion() {
  const { packageManager } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8'))
  const version = /^pnpm@(\d+\.\d+\.\d+)/.exec(packageManager)?.[1]
  if (version === undefined) throw new Failure(`package.json pins no pnpm version: ${packageManager}`)
  return version
}

/** @returns {Promise<string | null>} */
async function versionOnPath() {
  try {
    // A pnpm of corepack's would download another one first.
    const { ok, output } = await capture('pnpm', ['--version'], { ...quietEnv(), COREPACK_ENABLE_NETWORK: '0' })
    return ok ? output.trim() : null
  } catch (error) {
    if (error instanceof Failure) return null
    throw error
  }
}

/**
 * Into a folder of its own first: a run cut short leaves nothing that looks finished, and an npm that outlived its killed
 * parent writes where nobody looks.
 */
async function fetchPnpm(/** @type {string} */ version, /** @type {string} */ home) {
  const partial = mkdtempSync(`${home}.partial-`)
  try {
    const args = ['install', '--prefix', partial, '--ignore-scripts', '--no-audit', '--no-fund', `pnpm@${version}`]
    const npm = process.env['npm_execpath']
    const { ok, output } = npm?.endsWith('npm-cli.js') ? await captureNode([npm, ...args]) : await capture('npm', args)
    if (!ok)
      throw new Failure(`npm could not fetch pnpm ${version}. Is the package registry reachable? It said:`, output)
    rmSync(home, { recursive: true, force: true })
    renameSync(partial, home)
  } finally {
    rmSync(partial, { recursive: true, force: true })
  }
}
