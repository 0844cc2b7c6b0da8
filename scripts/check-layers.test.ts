import { describe, expect, it } from 'vitest'
import { checkTree } from './layers/check-tree.ts'
import { LAYERS } from './layers/table.ts'

/** A tree with nothing to complain about: primitives, bitcoin, runtime, bitcoind and stratum with its edge folder. */
const SOUND: Readonly<Record<string, string>> = {
  'tsconfig.json': JSON.stringify({
    references: ['primitives', 'bitcoin', 'runtime', 'bitcoind', 'stratum', 'stratum/tcp'].map(name => ({
      path: `packages/${name}`
    }))
  }),
  ...packageFiles('primitives', { dependencies: [], references: [] }),
  ...packageFiles('bitcoin', {
    dependencies: ['@p2poolv2/primitives', 'bitcoinjs-lib'],
    references: ['../primitives']
  }),
  ...packageFiles('runtime', { dependencies: ['@p2poolv2/primitives', 'pino'], references: ['../primitives'] }),
  ...packageFiles('bitcoind', { dependencies: ['@p2poolv2/bitcoin', 'zeromq'], references: ['../bitcoin'] }),
  ...packageFiles('stratum', { dependencies: ['@p2poolv2/bitcoin', '@p2poolv2/runtime'], references: ['../bitcoin'] }),
  'packages/stratum/tcp/src/index.ts': "export { listen } from './listen.ts'\n",
  'packages/stratum/tcp/src/listen.ts': "import { createServer } from 'node:net'\nexport const listen = createServer\n",
  'packages/stratum/tcp/tsconfig.json': JSON.stringify({ references: [{ path: '..' }, { path: '../../runtime' }] })
}

function packageFiles(name: string, options: { dependencies: string[]; references: string[] }): Record<string, string> {
  const home = `packages/${name}`
  return {
    [`${home}/package.json`]: JSON.stringify({
      name: `@p2poolv2/${name}`,
      exports: { '.': {}, './testing': {}, './rules': {} },
      dependencies: Object.fromEntries(options.dependencies.map(dependency => [dependency, '*']))
    }),
    [`${home}/tsconfig.json`]: JSON.stringify({ references: options.references.map(path => ({ path })) }),
    [`${home}/README.md`]: '# What it is for\n',
    [`${home}/src/index.ts`]: "export { thing } from './thing.ts'\n",
    [`${home}/src/thing.ts`]: 'export const thing = Math.max(1, 2)\n'
  }
}

/** `path:line rule` of each breach after laying `changes` over the sound tree; undefined removes a file. */
function breachesWith(changes: Record<string, string | undefined>): string[] {
  const entries = Object.entries({ ...SOUND, ...changes })
  const tree = new Map(entries.flatMap(([path, text]) => (text === undefined ? [] : [[path, text] as const])))
  return checkTree(tree).map(({ path, line, rule }) => `${path}:${line} ${rule}`)
}

/** The rules broken by one more source in packages/stratum. */
const rulesBrokenBy = (text: string, path = 'packages/stratum/src/extra.ts'): string[] =>
  breachesWith({ [path]: text }).map(breach => breach.split(' ')[1] ?? '')

it('a sound tree has no breach', () => {
  expect(breachesWith({})).toEqual([])
})

it('the table has each layer once, and its arrows end at layers and lead to no higher level', () => {
  expect(new Set(LAYERS.map(layer => layer.name)).size).toBe(LAYERS.length)
  for (const layer of LAYERS) {
    for (const name of layer.imports) {
      const target = LAYERS.find(other => other.name === name)
      expect(target?.level, `${layer.name} → ${name}`).toBeLessThanOrEqual(layer.level)
      if (layer.kind === 'pure') expect(target?.kind, `${layer.name} → ${name}`).toBe('pure')
    }
  }
})

describe('imports', () => {
  it.each([
    ["import { a } from '@p2poolv2/consensus'"],
    ["import type { A } from '@p2poolv2/consensus'"],
    ["export { a } from '@p2poolv2/consensus'"],
    ["export type A = import('@p2poolv2/consensus').A"],
    ["export const load = () => import('@p2poolv2/consensus')"],
    ["import { listen } from '@p2poolv2/stratum/tcp'"],
    ["import { encode } from 'a-library'"]
  ])('not in the table: %s', text => {
    expect(rulesBrokenBy(`${text}\n`)).toEqual(['import-not-in-table'])
  })

  it('the line of the breach is the line of the import', () => {
    const changes = { 'packages/primitives/src/extra.ts': "\n\nimport { a } from '@p2poolv2/bitcoin'\n" }
    expect(breachesWith(changes)).toEqual(['packages/primitives/src/extra.ts:3 import-not-in-table'])
  })

  it('in the table are accepted, of a package, a subpath it exports, a library and a Node module at the edge', () => {
    expect(rulesBrokenBy("import { a } from '@p2poolv2/bitcoin'\n")).toEqual([])
    expect(rulesBrokenBy("import { a } from '@p2poolv2/bitcoin/rules'\n")).toEqual([])
    expect(rulesBrokenBy("import { a } from 'bitcoinjs-lib'\n", 'packages/bitcoin/src/extra.ts')).toEqual([])
    expect(rulesBrokenBy("import { a } from 'zeromq'\n", 'packages/bitcoind/src/extra.ts')).toEqual([])
    expect(rulesBrokenBy("import { a } from '@p2poolv2/stratum'\n", 'packages/stratum/tcp/src/extra.ts')).toEqual([])
  })

  it('into the src or dist of a package are refused, and so are export paths that do not exist', () => {
    expect(rulesBrokenBy("import { a } from '@p2poolv2/bitcoin/src/thing.ts'\n")).toEqual(['import-into-src'])
    expect(rulesBrokenBy("import { a } from '@p2poolv2/bitcoin/dist/thing.js'\n")).toEqual(['import-into-src'])
    expect(rulesBrokenBy("import { a } from '../../bitcoin/src/thing.ts'\n")).toEqual(['import-leaves-package'])
    expect(rulesBrokenBy("import { a } from '../tcp/src/listen.ts'\n")).toEqual(['import-leaves-package'])
    expect(rulesBrokenBy("import { a } from '@p2poolv2/bitcoin/inside'\n")).toEqual(['import-unknown'])
    expect(rulesBrokenBy("import { a } from '@p2poolv2/wallet'\n")).toEqual(['import-unknown'])
  })

  it("of a package's own index are refused inside the package", () => {
    expect(rulesBrokenBy("import { thing } from './index.ts'\n")).toEqual(['import-own-index'])
    expect(rulesBrokenBy("import { thing } from '@p2poolv2/stratum'\n")).toEqual(['import-own-index'])
  })

  it('out of a room are refused but for what the room may see', () => {
    const room = 'packages/stratum/src/mining/judge.ts'
    expect(rulesBrokenBy("import { line } from '../v1/line.ts'\n", room)).toEqual(['import-leaves-room'])
    expect(rulesBrokenBy("import type { Event } from '../contract.ts'\n", room)).toEqual([])
    expect(rulesBrokenBy("import { other } from './other.ts'\n", room)).toEqual([])
    expect(rulesBrokenBy("import { judge } from '../mining/judge.ts'\n", 'packages/stratum/src/v1/line.ts')).toEqual([])
    const contract = 'packages/stratum/src/contract.ts'
    expect(rulesBrokenBy("import type { Line } from './v1/line.ts'\n", contract)).toEqual(['import-leaves-room'])
  })

  it('of what is for tests are refused outside tests, and that code counts as a test itself', () => {
    for (const specifier of ['@p2poolv2/bitcoin/testing', './testing/build.ts', './thing.test.ts']) {
      const text = `import { a } from '${specifier}'\n`
      expect(rulesBrokenBy(text), specifier).toEqual(['import-of-tests'])
      expect(rulesBrokenBy(text, 'packages/stratum/src/extra.test.ts'), specifier).toEqual([])
    }
    const support = "import { thing } from '../index.ts'\nexport const now = async () => Date.now() as UnixMs\n"
    expect(rulesBrokenBy(support, 'packages/stratum/src/testing/build.ts')).toEqual([])
  })

  it('have to be declared in package.json', () => {
    expect(rulesBrokenBy("import { a } from '@p2poolv2/primitives'\n")).toEqual(['import-undeclared'])
    expect(rulesBrokenBy("import { a } from 'pino'\n", 'packages/bitcoind/src/extra.ts')).toEqual(['import-undeclared'])
  })

  it('of a test may go to its own level and below, to test/ and to any library, but not up', () => {
    const below =
      "import { a } from '@p2poolv2/devchain'\nimport { b } from '../../../test/builders/block.ts'\nimport 'vitest'\n"
    expect(rulesBrokenBy(below, 'packages/stratum/src/extra.test.ts')).toEqual([])
    expect(rulesBrokenBy("import { a } from '@p2poolv2/node'\n", 'packages/stratum/src/extra.test.ts')).toEqual([
      'import-not-in-table'
    ])
  })

  it('in package.json and in the references of tsconfig.json obey the same table', () => {
    const upwards = packageFiles('bitcoin', { dependencies: ['@p2poolv2/stratum'], references: ['../stratum'] })
    expect(breachesWith(upwards)).toEqual([
      'packages/bitcoin/package.json:0 import-not-in-table',
      'packages/bitcoin/tsconfig.json:0 import-not-in-table'
    ])
  })
})

describe('files that import each other', () => {
  it('in a circle of three are refused once, types included', () => {
    const breaches = breachesWith({
      'packages/stratum/src/a.ts': "import type { B } from './b.ts'\nexport type A = B\n",
      'packages/stratum/src/b.ts': "export { c } from './c.ts'\nexport type B = 1\n",
      'packages/stratum/src/c.ts': "import './a.ts'\nexport const c = 1\n"
    })
    expect(breaches).toEqual(['packages/stratum/src/a.ts:0 file-cycle'])
  })

  it('as a diamond are fine', () => {
    const leaf = 'export const d = 1\n'
    const side = "export { d } from './d.ts'\n"
    const breaches = breachesWith({
      'packages/stratum/src/a.ts': "import './b.ts'\nimport './c.ts'\n",
      'packages/stratum/src/b.ts': side,
      'packages/stratum/src/c.ts': side,
      'packages/stratum/src/d.ts': leaf
    })
    expect(breaches).toEqual([])
  })
})

describe('pure code', () => {
  const IMPURE = [
    'export const now = Date.now()',
    'export const now = new Date(0)',
    'export const born: Date | null = null',
    'export const now = globalThis.performance',
    'export const dice = Math.random()',
    "export const dice = Math['random']()",
    'const { random } = Math',
    'export async function f() {}',
    'export const f = async () => 1',
    'export const o = { async f() {} }',
    'for await (const x of []) use(x)',
    'await 1',
    'class A extends EventEmitter {}',
    "import { readFileSync } from 'node:fs'",
    "import { readFileSync } from 'fs'"
  ].map(text => [text])

  it.each(IMPURE)('may not hold: %s', text => {
    expect(rulesBrokenBy(`${text}\n`)).toEqual(['impure'])
  })

  it.each(IMPURE)('is not what a test or an edge folder has to be: %s', text => {
    expect(rulesBrokenBy(`${text}\n`, 'packages/stratum/src/extra.test.ts')).toEqual([])
    expect(rulesBrokenBy(`${text}\n`, 'packages/stratum/tcp/src/extra.ts')).toEqual([])
  })

  it.each([
    'export const f = (row: Row) => row.Date',
    'export const row = { Date: 1, EventEmitter: 2 }',
    'export interface Row { Date: number }',
    'export class Row { Date = 1 }',
    "// Date.now() and Math.random() in a comment\nexport const text = 'Date.now()'",
    'export const top = Math.max(1, 2)'
  ])('may hold: %s', text => {
    expect(rulesBrokenBy(`${text}\n`)).toEqual([])
  })
})

describe('casts to a branded type', () => {
  it.each(['x as ShareHash', 'x as unknown as BlockHash', 'list as readonly TxId[]', '<UnixMs>x', 'x as p.UnixSec'])(
    'are refused outside primitives and tests: %s',
    cast => {
      const text = `export const y = ${cast}\n`
      expect(rulesBrokenBy(text)).toEqual(['brand-cast'])
      expect(rulesBrokenBy(text, 'packages/bitcoind/src/extra.ts')).toEqual(['brand-cast'])
      expect(rulesBrokenBy(text, 'packages/primitives/src/extra.ts')).toEqual([])
      expect(rulesBrokenBy(text, 'packages/stratum/src/extra.test.ts')).toEqual([])
    }
  )

  it('are not annotations', () => {
    expect(rulesBrokenBy('export const y: ShareHash = toShareHash(x)\n')).toEqual([])
  })
})

describe('size and shape', () => {
  const lines = (count: number): string => '// line\n'.repeat(count)

  it('a source has at most 400 lines, a test 500, wherever it stands', () => {
    for (const home of ['packages/stratum/src', 'test/e2e', 'scripts']) {
      expect(rulesBrokenBy(lines(400), `${home}/long.ts`)).toEqual([])
      expect(rulesBrokenBy(lines(401), `${home}/long.ts`)).toEqual(['file-too-long'])
      expect(rulesBrokenBy(lines(500), `${home}/long.test.ts`)).toEqual([])
      expect(rulesBrokenBy(lines(501), `${home}/long.test.ts`)).toEqual(['file-too-long'])
    }
  })

  it('a README is there and has at most 40 lines', () => {
    const path = 'packages/stratum/README.md'
    expect(breachesWith({ [path]: undefined })).toEqual([`${path}:0 readme-missing`])
    expect(breachesWith({ [path]: lines(40) })).toEqual([])
    expect(breachesWith({ [path]: lines(41) })).toEqual([`${path}:0 readme-too-long`])
  })

  it('a package and an edge folder have an index that only re-exports', () => {
    const path = 'packages/stratum/tcp/src/index.ts'
    expect(breachesWith({ [path]: undefined })).toEqual([`${path}:0 index-missing`])
    expect(breachesWith({ [path]: "export * from './listen.ts'\nexport const extra = 1\n" })).toEqual([
      `${path}:2 index-does-more`
    ])
  })

  describe('the index of an export path', () => {
    const index = 'packages/bitcoin/src/index.ts'
    const offering = (text: string): Record<string, string> => ({
      'packages/bitcoin/package.json': JSON.stringify({
        name: '@p2poolv2/bitcoin',
        exports: { '.': { 'p2pool-source': './src/index.ts' }, './rules': { 'p2pool-source': './src/rules.ts' } },
        dependencies: { '@p2poolv2/primitives': '*', 'bitcoinjs-lib': '*' }
      }),
      [index]: text
    })
    const EXTRA = 'packages/stratum/src/extra.ts'

    it.each([
      ["import { thing } from '@p2poolv2/bitcoin'\n", EXTRA],
      ["import { thing as other } from '@p2poolv2/bitcoin'\n", EXTRA],
      ["import type { thing } from '@p2poolv2/bitcoin'\n", EXTRA],
      ["export { thing } from '@p2poolv2/bitcoin'\n", EXTRA],
      ["export type T = import('@p2poolv2/bitcoin').thing\n", EXTRA],
      ["import { thing } from '@p2poolv2/bitcoin'\n", 'packages/stratum/src/extra.test.ts'],
      ["import * as bitcoin from '@p2poolv2/bitcoin'\n", 'test/e2e/extra.e2e.test.ts'],
      ["const { thing } = await import('@p2poolv2/bitcoin')\n", 'scripts/extra.mjs'],
      ["import { thing } from '../packages/bitcoin/src/index.ts'\n", 'scripts/extra.ts']
    ])('may export what somebody outside takes: %s in %s', (text, path) => {
      expect(breachesWith({ ...offering("export { thing } from './thing.ts'\n"), [path]: text })).toEqual([])
    })

    it.each([
      ["import { thing } from '../index.ts'\n", 'packages/bitcoin/src/testing/build.ts'],
      ["import { thing } from '@p2poolv2/bitcoin'\n", 'packages/bitcoin/src/extra.test.ts'],
      ["import { thing as used } from '@p2poolv2/primitives'\n", EXTRA.replace('stratum', 'bitcoin')],
      ["import '@p2poolv2/bitcoin'\nimport { thing } from './thing.ts'\n", 'packages/stratum/src/extra.test.ts']
    ])('may not export what only its own package takes, or nobody: %s in %s', (text, path) => {
      const lines = "export { other } from './thing.ts'\nexport { inner as thing } from './thing.ts'\n"
      const changes = {
        ...offering(lines),
        [path]: text,
        'test/other.ts': "import { other } from '@p2poolv2/bitcoin'\n"
      }
      expect(breachesWith(changes)).toEqual([`${index}:2 export-for-nobody`])
    })

    it('names what it exports', () => {
      const user = { [EXTRA]: "import { thing } from '@p2poolv2/bitcoin'\n" }
      expect(breachesWith({ ...offering("export * from './thing.ts'\n"), ...user })).toEqual([
        `${index}:1 export-for-nobody`
      ])
    })

    it('alone is judged so: a file with an export path of its own is its package’s too', () => {
      const rules = { 'packages/bitcoin/src/rules.ts': 'export const rule = 1\n' }
      expect(breachesWith({ ...offering('export {}\n'), ...rules })).toEqual([])
    })
  })

  it('file names say what is inside', () => {
    expect(rulesBrokenBy('', 'packages/stratum/src/hash-utils.ts')).toEqual(['empty-name'])
    expect(rulesBrokenBy('', 'test/e2e/helpers.ts')).toEqual(['empty-name'])
  })

  it('a package or src folder the table does not know is refused', () => {
    const manifest = JSON.stringify({ name: '@p2poolv2/wallet' })
    expect(breachesWith({ 'packages/wallet/package.json': manifest, 'packages/wallet/README.md': '' })).toEqual([
      'packages/wallet/package.json:0 package-not-in-table'
    ])
    expect(rulesBrokenBy('', 'packages/stratum/udp/src/index.ts')).toEqual(['package-not-in-table'])
  })

  it('each project is referenced by the root, so that it is compiled', () => {
    expect(breachesWith({ 'packages/stratum/tcp/tsconfig.json': undefined })).toEqual([
      'packages/stratum/tcp/tsconfig.json:0 project-not-built'
    ])
    expect(breachesWith({ 'tsconfig.json': '{}' })).toHaveLength(6)
  })
})

it('the scripts of a component are sources like others, and what stands around them is not', () => {
  const path = 'packages/stratum/src/row.svelte'
  const component = (script: string): string => `<p>Date.now()</p>\n<script lang="ts">\n${script}\n</script>\n`
  expect(breachesWith({ [path]: component("import type { thing } from '@p2poolv2/stratum/rules'") })).toEqual([
    `${path}:3 import-own-index`
  ])
  expect(breachesWith({ [path]: component('const one = 1') })).toEqual([])
})
