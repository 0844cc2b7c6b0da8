import { existsSync, readdirSync, readFileSync, realpathSync, statSync } from 'node:fs'
import { dirname, join } from 'node:path'

/** A package of somebody else as it is installed. */
export interface Installed {
  readonly name: string
  readonly version: string
  readonly licence: string
  readonly bytes: number
  /** Scripts that npm would run while installing it. */
  readonly installScripts: readonly string[]
  /** Ends up in a running node; the others build and test. */
  readonly isInNode: boolean
}

interface Manifest {
  readonly name: string
  readonly version: string
  readonly license?: string | { readonly type?: string }
  readonly licenses?: readonly { readonly type?: string }[]
  readonly scripts?: Readonly<Record<string, string>>
  readonly dependencies?: Readonly<Record<string, string>>
  readonly optionalDependencies?: Readonly<Record<string, string>>
}

const INSTALL_SCRIPTS = ['preinstall', 'install', 'postinstall', 'prepare']

/** Everything that is installed and not ours, by name and version. */
export function installedPackages(root: string): Installed[] {
  const inNode = closureOf([join(root, 'apps', 'node'), join(root, 'apps', 'dashboard')])
  const found = new Map<string, Installed>()
  const store = join(root, 'node_modules', '.pnpm')
  for (const entry of readdirSync(store)) {
    const folder = join(store, entry, 'node_modules')
    if (!existsSync(folder)) continue
    for (const directory of packagesIn(folder)) {
      // The others in there are links to packages with a place of their own.
      if (realpathSync(directory) !== directory) continue
      const manifest = manifestIn(directory)
      found.set(`${manifest.name}@${manifest.version}`, {
        name: manifest.name,
        version: manifest.version,
        licence: licenceOf(manifest),
        bytes: bytesIn(directory),
        installScripts: installScriptsOf(directory, manifest),
        isInNode: inNode.has(directory)
      })
    }
  }
  return [...found.values()].sort((a, b) => (`${a.name}@${a.version}` < `${b.name}@${b.version}` ? -1 : 1))
}

/** Names that packages of ours depend on, and whether one of them is for the running node. */
export function namedByUs(root: string): ReadonlyMap<string, 'node' | 'tools'> {
  const named = new Map<string, 'node' | 'tools'>()
  const places = [
    '.',
    'test',
    ...['packages', 'apps'].flatMap(at => readdirSync(join(root, at)).map(name => `${at}/${name}`))
  ]
  for (const place of places) {
    const file = join(root, place, 'package.json')
    if (!existsSync(file)) continue
    const { dependencies = {}, devDependencies = {} } = JSON.parse(readFileSync(file, 'utf8')) as Record<
      'dependencies' | 'devDependencies',
      Readonly<Record<string, string>> | undefined
    >
    const isTest = place === 'test'
    for (const name of Object.keys(dependencies)) if (!isTest) named.set(name, 'node')
    for (const name of [...Object.keys(devDependencies), ...(isTest ? Object.keys(dependencies) : [])]) {
      if (!named.has(name)) named.set(name, 'tools')
    }
  }
  return new Map([...named].filter(([name]) => !name.startsWith('@p2poolv2/')).sort(([a], [b]) => (a < b ? -1 : 1)))
}

/** Folders of everything that some packages need to run. */
function closureOf(starts: readonly string[]): ReadonlySet<string> {
  const seen = new Set<string>()
  const open = [...starts]
  for (let at = open.pop(); at !== undefined; at = open.pop()) {
    if (seen.has(at)) continue
    seen.add(at)
    const { dependencies = {}, optionalDependencies = {} } = manifestIn(at)
    for (const name of Object.keys({ ...dependencies, ...optionalDependencies })) {
      const directory = [join(at, 'node_modules', name), join(nodeModulesOf(at), name)].find(existsSync)
      if (directory !== undefined) open.push(realpathSync(directory))
    }
  }
  return seen
}

/** The folder that a package is installed in, beside what it needs. */
function nodeModulesOf(directory: string): string {
  const parent = dirname(directory)
  return parent.endsWith('node_modules') ? parent : dirname(parent)
}

function packagesIn(folder: string): string[] {
  return readdirSync(folder).flatMap(name => {
    if (name.startsWith('.')) return []
    if (!name.startsWith('@')) return [join(folder, name)]
    return readdirSync(join(folder, name)).map(scoped => join(folder, name, scoped))
  })
}

function manifestIn(directory: string): Manifest {
  return JSON.parse(readFileSync(join(directory, 'package.json'), 'utf8')) as Manifest
}

function licenceOf({ license, licenses }: Manifest): string {
  const given =
    typeof license === 'string' ? license : (license?.type ?? licenses?.map(({ type }) => type).join(' OR '))
  return given === undefined || given === '' ? 'none given' : given
}

function installScriptsOf(directory: string, { scripts = {} }: Manifest): string[] {
  // `prepare` runs for what comes from a repository only, and all of ours come from the registry.
  const named = INSTALL_SCRIPTS.filter(name => name !== 'prepare' && scripts[name] !== undefined)
  return named.length === 0 && existsSync(join(directory, 'binding.gyp')) ? ['binding.gyp'] : named
}

function bytesIn(directory: string): number {
  let bytes = 0
  for (const entry of readdirSync(directory, { withFileTypes: true })) {
    if (entry.isSymbolicLink() || entry.name === 'node_modules') continue
    const path = join(directory, entry.name)
    bytes += entry.isDirectory() ? bytesIn(path) : statSync(path).size
  }
  return bytes
}
