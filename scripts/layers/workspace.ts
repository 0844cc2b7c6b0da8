import { LAYERS, type Layer, SCOPE } from './table.ts'
import type { Tree } from './tree.ts'

/** A package.json with what the rules read. */
export interface Manifest {
  readonly path: string
  readonly name: string
  readonly exports: readonly string[]
  /** Export path to its source, both from the package's folder; without those that name no source. */
  readonly entries: ReadonlyMap<string, string>
  readonly dependencies: readonly string[]
  readonly devDependencies: readonly string[]
}

/** A file of source and where it belongs. */
export interface SourceFile {
  readonly path: string
  readonly text: string
  /** Null in `test/` and `scripts/`, which may import everything. */
  readonly layer: Layer | null
  readonly isTest: boolean
}

/** Every file of source in the tree. */
export function sourceFiles(tree: Tree): SourceFile[] {
  return [...tree]
    .filter(([path]) => /\.([cm]?[jt]sx?|svelte)$/.test(path))
    .map(([path, text]) => ({
      path,
      text: path.endsWith('.svelte') ? scriptsIn(text) : text,
      layer: layerOf(path),
      isTest: isTestPath(path)
    }))
}

/** The scripts of a component, each line where it was; what is no script becomes empty lines. */
function scriptsIn(component: string): string {
  return component
    .split(/<script[^>]*>|<\/script>/)
    .map((part, index) => (index % 2 === 1 ? part : part.replace(/[^\n]/g, '')))
    .join('')
}

/** A test, or what a package offers to tests in `src/testing`, which is never part of a program. */
export function isTestPath(path: string): boolean {
  return /\.test\.tsx?$/.test(path) || path.includes('/src/testing/')
}

/** The layer whose `src` holds the file: `packages/stratum/tcp/src/x.ts` is `stratum/tcp`. */
export function layerOf(path: string): Layer | null {
  return LAYERS.find(layer => path.startsWith(`${layer.directory}/src/`)) ?? null
}

/** Layers that are there: a `src` folder or a package.json makes one. */
export function presentLayers(tree: Tree): Layer[] {
  const paths = [...tree.keys()]
  return LAYERS.filter(({ directory }) =>
    paths.some(path => path.startsWith(`${directory}/src/`) || path === `${directory}/package.json`)
  )
}

/** Every package.json under `packages` and `apps`, by package name. */
export function readManifests(tree: Tree): Map<string, Manifest> {
  const manifests = new Map<string, Manifest>()
  for (const [path, text] of tree) {
    if (!/^(packages|apps)\/.*package\.json$/.test(path)) continue
    const json = asRecord(JSON.parse(text))
    const name = String(json['name'])
    const exports = asRecord(json['exports'])
    manifests.set(name, {
      path,
      name,
      exports: Object.keys(exports),
      entries: new Map(
        Object.entries(exports).flatMap(([subpath, conditions]) => {
          const source = asRecord(conditions)['p2pool-source']
          return typeof source === 'string' ? [[subpath, source] as const] : []
        })
      ),
      dependencies: Object.keys(asRecord(json['dependencies'])),
      devDependencies: Object.keys(asRecord(json['devDependencies']))
    })
  }
  return manifests
}

/** The package.json that speaks for a layer: an edge folder shares its package's. */
export function manifestOf(layer: Layer, manifests: ReadonlyMap<string, Manifest>): Manifest | undefined {
  return manifests.get(`${SCOPE}${layer.name.split('/')[0]}`)
}

/** Layers that share one package.json. */
export function layersOfPackage(packageName: string): Layer[] {
  return LAYERS.filter(({ name }) => `${SCOPE}${name.split('/')[0]}` === packageName)
}

/** `./tcp` → `tcp`, `../../primitives` and the like, without touching a disk. Both with forward slashes. */
export function resolvePath(from: string, relative: string): string {
  const parts = from === '' ? [] : from.split('/')
  for (const part of relative.split('/')) {
    if (part === '..') parts.pop()
    else if (part !== '.' && part !== '') parts.push(part)
  }
  return parts.join('/')
}

/** `a/b/c.ts` → `a/b`. */
export function directoryOf(path: string): string {
  return path.slice(0, Math.max(0, path.lastIndexOf('/')))
}

/** An object for JSON of unknown shape; empty if it is none. */
export function asRecord(value: unknown): Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? { ...value } : {}
}
