import { builtinModules } from 'node:module'
import type { Breach } from './breach.ts'
import type { Found } from './source-facts.ts'
import { LAYERS, type Layer, ROOMS, SCOPE } from './table.ts'
import { directoryOf, isTestPath, type Manifest, manifestOf, resolvePath, type SourceFile } from './workspace.ts'

const BUILTINS: ReadonlySet<string> = new Set(builtinModules)

/** A file of source that belongs to a layer. */
export interface LayerFile extends SourceFile {
  readonly layer: Layer
}

/** What is wrong with one import of one file, or null. */
export function judgeImport(file: LayerFile, found: Found, manifests: ReadonlyMap<string, Manifest>): Breach | null {
  const { text } = found
  const complaint = text.startsWith('.')
    ? judgeRelative(file, text)
    : text.startsWith(SCOPE)
      ? judgeWorkspace(file, text, manifests)
      : judgeLibrary(file, text, manifests)
  return complaint === null ? null : { path: file.path, line: found.line, ...complaint }
}

type Complaint = Pick<Breach, 'rule' | 'message'> | null

function judgeRelative(file: LayerFile, specifier: string): Complaint {
  const target = resolvePath(directoryOf(file.path), specifier)
  const home = `${file.layer.directory}/src/`
  if (!target.startsWith(home) && !(file.isTest && target.startsWith('test/'))) {
    return { rule: 'import-leaves-package', message: `'${specifier}' leaves ${home}; import the package by its name` }
  }
  if (!file.isTest && isTestPath(target))
    return { rule: 'import-of-tests', message: `'${specifier}' is for tests only` }
  if (!file.isTest && target === `${home}index.ts`) {
    return { rule: 'import-own-index', message: `'${specifier}' is the package's own index; import the file` }
  }
  return file.isTest ? null : judgeRoom(file.path, target)
}

function judgeRoom(path: string, target: string): Complaint {
  const room = ROOMS.find(({ path: start }) => path.startsWith(start))
  if (room === undefined) return null
  if ([room.path, ...room.imports].some(start => target.startsWith(start))) return null
  return { rule: 'import-leaves-room', message: `what is in ${room.path} may not import ${target}` }
}

function judgeWorkspace(file: LayerFile, specifier: string, manifests: ReadonlyMap<string, Manifest>): Complaint {
  const parts = specifier.slice(SCOPE.length).split('/')
  if (parts.includes('src') || parts.includes('dist')) {
    return { rule: 'import-into-src', message: `'${specifier}' reaches into a package; import an export path of it` }
  }
  const target = layerOfSpecifier(specifier, manifests)
  if (target === null) return { rule: 'import-unknown', message: `'${specifier}' is no export path of a package` }
  if (!file.isTest && parts.includes('testing')) {
    return { rule: 'import-of-tests', message: `'${specifier}' is for tests only` }
  }
  if (target === file.layer) {
    return file.isTest
      ? null
      : { rule: 'import-own-index', message: `'${specifier}' is this package; import the file by a relative path` }
  }
  if (file.isTest ? target.level > file.layer.level : !file.layer.imports.includes(target.name)) {
    return { rule: 'import-not-in-table', message: `${file.layer.name} may not import ${target.name}` }
  }
  return file.isTest ? null : judgeDeclared(file.layer, specifier, manifests)
}

function judgeLibrary(file: LayerFile, specifier: string, manifests: ReadonlyMap<string, Manifest>): Complaint {
  if (file.isTest) return null
  if (specifier.startsWith('node:') || BUILTINS.has(specifier.split('/')[0] ?? '')) {
    return file.layer.kind === 'edge'
      ? null
      : { rule: 'impure', message: `pure code may not import '${specifier}'; that belongs in an edge folder` }
  }
  const name = packageNameOf(specifier)
  if (file.layer.kind === 'pure' && !file.layer.libraries.includes(name)) {
    return { rule: 'import-not-in-table', message: `${file.layer.name} may not import the library ${name}` }
  }
  return judgeDeclared(file.layer, specifier, manifests)
}

function judgeDeclared(layer: Layer, specifier: string, manifests: ReadonlyMap<string, Manifest>): Complaint {
  const manifest = manifestOf(layer, manifests)
  const name = packageNameOf(specifier)
  if (manifest === undefined || manifest.name === name || manifest.dependencies.includes(name)) return null
  return { rule: 'import-undeclared', message: `${name} is not in the dependencies of ${manifest.path}` }
}

/** `@p2poolv2/stratum/tcp` → that layer; a subpath a package.json exports but the table has no row for → its package. */
function layerOfSpecifier(specifier: string, manifests: ReadonlyMap<string, Manifest>): Layer | null {
  const exact = LAYERS.find(layer => specifier === SCOPE + layer.name)
  if (exact !== undefined) return exact
  const packageName = packageNameOf(specifier)
  const subpath = `.${specifier.slice(packageName.length)}`
  if (!manifests.get(packageName)?.exports.includes(subpath)) return null
  return LAYERS.find(layer => packageName === SCOPE + layer.name) ?? null
}

/** `@scure/base/index.js` → `@scure/base`. */
function packageNameOf(specifier: string): string {
  return specifier
    .split('/')
    .slice(0, specifier.startsWith('@') ? 2 : 1)
    .join('/')
}
