import type { Breach } from './breach.ts'
import { LAYERS, type Layer, MAX_README_LINES, SCOPE } from './table.ts'
import type { Tree } from './tree.ts'
import {
  asRecord,
  directoryOf,
  layersOfPackage,
  type Manifest,
  presentLayers,
  readManifests,
  resolvePath,
  sourceFiles
} from './workspace.ts'

const NO_ROW = 'has no row in scripts/layers/table.ts'

/** Rules about package.json, tsconfig.json, README.md and index.ts of each package. */
export function judgePackages(tree: Tree): Breach[] {
  return [
    ...[...readManifests(tree).values()].flatMap(manifest => [
      ...judgeDependencies(manifest),
      ...judgeReadme(tree, `${directoryOf(manifest.path)}/README.md`)
    ]),
    ...presentLayers(tree).flatMap(layer => [...judgeIndex(tree, layer), ...judgeProject(tree, layer)]),
    ...judgeStrays(tree)
  ]
}

/** A `src` folder the table does not know would escape every other rule. */
function judgeStrays(tree: Tree): Breach[] {
  return sourceFiles(tree)
    .filter(({ path, layer }) => layer === null && /^(packages|apps)\/.*\/src\//.test(path))
    .map(({ path }) => ({ path, line: 0, rule: 'package-not-in-table', message: `this src folder ${NO_ROW}` }))
}

function judgeDependencies({ path, name, dependencies, devDependencies }: Manifest): Breach[] {
  const layers = layersOfPackage(name)
  if (layers.length === 0) {
    return [{ path, line: 0, rule: 'package-not-in-table', message: `${name} ${NO_ROW}` }]
  }
  const level = Math.max(...layers.map(layer => layer.level))
  const inTable = new Set(layers.flatMap(layer => layer.imports).map(imported => imported.split('/')[0]))
  const forbidden = [
    ...dependencies.filter(dependency => isOurs(dependency) && !inTable.has(dependency.slice(SCOPE.length))),
    ...devDependencies.filter(dependency => isOurs(dependency) && levelOf(dependency) > level)
  ]
  return forbidden.map(dependency => ({
    path,
    line: 0,
    rule: 'import-not-in-table',
    message: `${name} may not depend on ${dependency}`
  }))
}

const isOurs = (dependency: string): boolean => dependency.startsWith(SCOPE)

const levelOf = (dependency: string): number =>
  LAYERS.find(layer => SCOPE + layer.name === dependency)?.level ?? Number.POSITIVE_INFINITY

function judgeReadme(tree: Tree, path: string): Breach[] {
  const text = tree.get(path)
  if (text === undefined) {
    return [{ path, line: 0, rule: 'readme-missing', message: 'what it is for, what it may import, its main exports' }]
  }
  const lines = countLines(text)
  if (lines <= MAX_README_LINES) return []
  return [{ path, line: 0, rule: 'readme-too-long', message: `${lines} lines; at most ${MAX_README_LINES}` }]
}

function judgeIndex(tree: Tree, { directory }: Layer): Breach[] {
  const path = `${directory}/src/index.ts`
  if (!directory.startsWith('packages/') || tree.has(path)) return []
  return [{ path, line: 0, rule: 'index-missing', message: 'a package has an index of what others need' }]
}

/** `references` of a project are arrows too, and a project the root does not reference is never compiled. */
function judgeProject(tree: Tree, layer: Layer): Breach[] {
  const path = `${layer.directory}/tsconfig.json`
  const text = tree.get(path)
  const isBuilt =
    layer.isPacked === true || referencesOf(tree.get('tsconfig.json') ?? '{}', '').includes(layer.directory)
  if (text === undefined || !isBuilt) {
    const message = `${layer.directory} needs a tsconfig.json, and the root tsconfig.json must reference it`
    return [{ path, line: 0, rule: 'project-not-built', message }]
  }
  const allowed = new Set(LAYERS.filter(({ name }) => layer.imports.includes(name)).map(({ directory }) => directory))
  return referencesOf(text, layer.directory)
    .filter(directory => !allowed.has(directory))
    .map(directory => ({
      path,
      line: 0,
      rule: 'import-not-in-table',
      message: `${layer.name} may not reference ${directory}`
    }))
}

/** The directories a tsconfig.json references, from the root. */
function referencesOf(text: string, directory: string): string[] {
  const { references } = asRecord(JSON.parse(text))
  if (!Array.isArray(references)) return []
  return references.map(reference => resolvePath(directory, String(asRecord(reference)['path'])))
}

/** Lines of a text; a newline at its end does not begin another. */
export function countLines(text: string): number {
  const lines = text.split('\n')
  return lines.at(-1) === '' ? lines.length - 1 : lines.length
}
