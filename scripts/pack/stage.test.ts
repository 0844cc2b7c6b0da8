import { accessSync, constants, existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs'
import { isBuiltin } from 'node:module'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { layOut, programVersion } from './stage.mjs'

interface PackageManifest {
  readonly name: string
  readonly version: string
  readonly bin: Readonly<Record<string, string>>
  readonly files: readonly string[]
  readonly dependencies: Readonly<Record<string, string>>
  readonly optionalDependencies: Readonly<Record<string, string>>
  readonly bundleDependencies: readonly string[]
}

const ROOT = fileURLToPath(new URL('../..', import.meta.url))
/** `import x from 'y'`, `export * from 'y'`, `import 'y'` and `import('y')`, as the compiler writes them. */
const IMPORT = /(?:^|[;\n])\s*(?:import|export)\b[^'"\n;]*?from\s*['"]([^'"]+)['"]|\bimport\s*\(?['"]([^'"]+)['"]/g

let stage: string
let manifest: PackageManifest
let files: string[]

beforeAll(() => {
  stage = join(mkdtempSync(join(tmpdir(), 'p2poolv2-stage-')), 'package')
  layOut(ROOT, stage)
  manifest = JSON.parse(readFileSync(join(stage, 'package.json'), 'utf8')) as PackageManifest
  files = readdirSync(stage, { recursive: true, encoding: 'utf8' }).filter(path => statSync(join(stage, path)).isFile())
})
afterAll(() => rmSync(join(stage, '..'), { recursive: true }))

/** The package an import names: two words where the first is a scope. */
const packageOf = (specifier: string): string => specifier.split('/', specifier.startsWith('@') ? 2 : 1).join('/')

describe('the package that npm installs', () => {
  it('has the one version there is, and a program that may be run', () => {
    expect(manifest).toMatchObject({ name: 'p2poolv2', version: programVersion(ROOT) })
    const program = join(stage, manifest.bin['p2poolv2'] ?? '')
    accessSync(program, constants.X_OK)
    expect(readFileSync(program, 'utf8')).toMatch(/^#!\/usr\/bin\/env node\n/)
  })

  it('is built files and the page, without tests, types, maps and sources', () => {
    for (const path of files) expect(path).toMatch(/\.(mjs|js|json|html|css|svg|br|gz|md)$|LICENSE$/)
    expect(files.filter(path => /(\.test\.|\/testing\/|\.d\.ts|\.ts$|\.map$)/.test(path))).toEqual([])
    expect(files).toContain(join('apps', 'dashboard', 'dist', 'index.html'))
  })

  it('names exact versions of what others wrote, and nothing only this checkout understands', () => {
    const all = { ...manifest.dependencies, ...manifest.optionalDependencies }
    for (const [name, version] of Object.entries(all)) {
      expect(version, name).toMatch(/^(npm:(@[\w.-]+\/)?[\w.-]+@)?\d+\.\d+\.\d+(-[\w.]+)?$/)
    }
    expect(Object.keys(manifest.optionalDependencies)).toEqual(['zeromq'])
    expect(manifest.dependencies['@chainsafe/libp2p-gossipsub']).toMatch(/^npm:@libp2p\/gossipsub@/)
  })

  it('brings every package of ours that anything in it imports, and names every other', () => {
    const known = new Set([...Object.keys(manifest.dependencies), ...Object.keys(manifest.optionalDependencies)])
    const missing = new Set<string>()
    for (const path of files.filter(path => path.endsWith('.js') && !path.includes('dashboard'))) {
      for (const [, from, bare] of readFileSync(join(stage, path), 'utf8').matchAll(IMPORT)) {
        const specifier = from ?? bare ?? ''
        if (specifier.startsWith('.') || isBuiltin(specifier)) continue
        if (!known.has(packageOf(specifier))) missing.add(`${path}: ${specifier}`)
      }
    }
    expect([...missing]).toEqual([])
    for (const name of manifest.bundleDependencies) {
      const folder = join(stage, 'node_modules', name)
      const { exports } = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8')) as {
        readonly exports: Readonly<Record<string, string>>
      }
      for (const file of Object.values(exports)) expect(existsSync(join(folder, file)), `${name} ${file}`).toBe(true)
    }
  })

  it('has a version in no other file of this checkout that could say something else', () => {
    const places = [
      '',
      ...['packages', 'apps'].flatMap(parent => readdirSync(join(ROOT, parent)).map(name => join(parent, name)))
    ]
    const manifests = places.map(place => join(place, 'package.json')).filter(path => existsSync(join(ROOT, path)))
    const withVersion = manifests.filter(path => 'version' in JSON.parse(readFileSync(join(ROOT, path), 'utf8')))
    expect(withVersion).toEqual([join('apps', 'node', 'package.json')])
    expect(readFileSync(join(ROOT, 'CHANGELOG.md'), 'utf8')).toContain(`## ${programVersion(ROOT)}\n`)
  })
})
