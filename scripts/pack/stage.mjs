// Lays out the folder that `npm pack` makes the program's package from: built files only, our own packages bundled, what others
// wrote named at the very versions this checkout was tested with.
import { cpSync, existsSync, mkdirSync, readdirSync, readFileSync, realpathSync, rmSync, writeFileSync } from 'node:fs'
import { dirname, join, relative } from 'node:path'
import { Failure } from '../run/terminal.mjs'

/**
 * @typedef {{ name: string, version?: string, bin?: Record<string, string>, exports?: Record<string, { default?: string }>,
 *   dependencies?: Record<string, string> }} Manifest
 * @typedef {{ directory: string, manifest: Manifest }} Workspace
 */

const SCOPE = '@p2poolv2/'
const PROGRAM = '@p2poolv2/app-node'
/** Without it new blocks are noticed a little later; where a system has no build of it, the program works all the same. */
const OPTIONAL = new Set(['zeromq'])
/** What every user of the package reads. */
const PAPERS = ['README.md', 'LICENSE', 'CHANGELOG.md']

/** @returns {Manifest} */
function readManifest(/** @type {string} */ directory) {
  return JSON.parse(readFileSync(join(directory, 'package.json'), 'utf8'))
}

/** The version of the program: the only one there is. */
export function programVersion(/** @type {string} */ root) {
  const { version } = readManifest(join(root, 'apps', 'node'))
  if (version === undefined) throw new Failure('apps/node/package.json has no version')
  return version
}

/**
 * Every package of this repository, by name.
 * @returns {ReadonlyMap<string, Workspace>}
 */
function workspaces(/** @type {string} */ root) {
  const places = ['packages', 'apps'].flatMap(parent =>
    readdirSync(join(root, parent)).map(name => join(root, parent, name))
  )
  const found = places.filter(directory => existsSync(join(directory, 'package.json')))
  return new Map(
    found.map(directory => [readManifest(directory).name, { directory, manifest: readManifest(directory) }])
  )
}

/**
 * The program and all of ours it needs, itself first.
 * @returns {Workspace[]}
 */
function closure(/** @type {ReadonlyMap<string, Workspace>} */ all) {
  const wanted = [PROGRAM]
  for (const name of wanted) {
    const needs = Object.keys(all.get(name)?.manifest.dependencies ?? {})
    wanted.push(...needs.filter(need => need.startsWith(SCOPE) && !wanted.includes(need)))
  }
  return wanted.map(name => {
    const workspace = all.get(name)
    if (workspace === undefined) throw new Failure(`there is no package ${name} here`)
    return workspace
  })
}

/** A dependency as npm is told of it: the version that is installed here, under its own name if it has another one here. */
function pinned(/** @type {string} */ directory, /** @type {string} */ name) {
  const manifest = readManifest(realpathSync(join(directory, 'node_modules', name)))
  return manifest.name === name ? String(manifest.version) : `npm:${manifest.name}@${manifest.version}`
}

/** Copies what the compiler made of sources that are still there; types and maps are for this checkout. */
function copyBuilt(/** @type {string} */ from, /** @type {string} */ to) {
  const source = join(dirname(from), 'src')
  const entries = readdirSync(from, { recursive: true, withFileTypes: true })
  for (const entry of entries) {
    if (!entry.isFile() || !entry.name.endsWith('.js')) continue
    const path = relative(from, join(entry.parentPath, entry.name))
    if (!existsSync(join(source, path.replace(/\.js$/, '.ts')))) continue
    mkdirSync(dirname(join(to, path)), { recursive: true })
    cpSync(join(from, path), join(to, path))
  }
}

/** Folders with built files, such as `dist` and `level/dist`, by what a package exports. */
function builtFolders(/** @type {Manifest} */ { exports = {} }) {
  const files = Object.values(exports).flatMap(({ default: file }) => (file === undefined ? [] : [file]))
  const folders = files.map(file => file.replace(/^\.\//, '').replace(/(^|\/)dist\/.*$/, '$1dist'))
  return [...new Set(['dist', ...folders])]
}

/** Exports that are built: what is for tests alone is not. */
function builtExports(/** @type {Workspace} */ { directory, manifest }) {
  const entries = Object.entries(manifest.exports ?? {}).flatMap(([path, { default: file }]) =>
    file !== undefined && existsSync(join(directory, file)) ? [[path, file]] : []
  )
  return Object.fromEntries(entries)
}

/**
 * @param {string} root the checkout, built
 * @param {string} stage is made anew
 * @returns {{ version: string }}
 */
export function layOut(root, stage) {
  const page = join(root, 'apps', 'dashboard', 'dist')
  if (!existsSync(join(page, 'index.html'))) throw new Failure('nothing is built yet: npm run build')
  rmSync(stage, { recursive: true, force: true })
  const version = programVersion(root)
  const all = closure(workspaces(root))
  /** @type {Record<string, string>} */
  const needed = {}
  /** @type {Record<string, string>} */
  const optional = {}
  /** @type {string[]} */
  const bundled = []
  for (const workspace of all) {
    const { directory, manifest } = workspace
    const isProgram = manifest.name === PROGRAM
    const place = isProgram ? join(stage, 'apps', 'node') : join(stage, 'node_modules', manifest.name)
    for (const folder of builtFolders(manifest)) {
      if (existsSync(join(directory, folder))) copyBuilt(join(directory, folder), join(place, folder))
    }
    const own = { name: manifest.name, version, license: 'MIT', type: 'module', exports: builtExports(workspace) }
    writeJson(join(place, 'package.json'), own)
    if (!isProgram) bundled.push(manifest.name)
    for (const name of Object.keys(manifest.dependencies ?? {}).filter(name => !name.startsWith(SCOPE))) {
      const into = OPTIONAL.has(name) ? optional : needed
      into[name] = pinned(directory, name)
    }
  }
  cpSync(join(root, 'apps', 'node', 'bin'), join(stage, 'apps', 'node', 'bin'), { recursive: true })
  cpSync(page, join(stage, 'apps', 'dashboard', 'dist'), { recursive: true })
  for (const paper of PAPERS) cpSync(join(root, paper), join(stage, paper))
  const { description, engines } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'))
  writeJson(join(stage, 'package.json'), {
    name: 'p2poolv2',
    version,
    description,
    license: 'MIT',
    type: 'module',
    engines,
    bin: { p2poolv2: ['apps', 'node', 'bin', 'p2poolv2.mjs'].join('/') },
    files: ['apps', ...PAPERS],
    dependencies: sorted({ ...needed, ...Object.fromEntries(bundled.map(name => [name, version])) }),
    optionalDependencies: sorted(optional),
    bundleDependencies: bundled.sort()
  })
  return { version }
}

function sorted(/** @type {Record<string, string>} */ record) {
  return Object.fromEntries(Object.entries(record).sort(([a], [b]) => (a < b ? -1 : 1)))
}

function writeJson(/** @type {string} */ file, /** @type {unknown} */ value) {
  mkdirSync(dirname(file), { recursive: true })
  writeFileSync(file, `${JSON.stringify(value, null, 2)}\n`)
}
