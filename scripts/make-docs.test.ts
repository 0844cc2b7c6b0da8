import { fileURLToPath } from 'node:url'
import { beforeAll, describe, expect, it } from 'vitest'
import { ConfigError, loadConfig } from '../apps/node/src/config.ts'
import { CONFIG_KEYS, configSchema } from '../apps/node/src/settings.ts'
import { RULES } from '../packages/consensus/src/index.ts'
import { commentAbove } from './docs/comments.ts'
import { configPage, environmentName } from './docs/config-page.ts'
import { field, layoutTable } from './docs/layout.ts'
import { metricsPage } from './docs/metrics-page.ts'
import { DocsError } from './docs/page.ts'
import { complaintsAbout } from './docs/pages.ts'
import { rulesPage } from './docs/rules-page.ts'
import { storePage } from './docs/store-page.ts'
import { readTree, type Tree } from './layers/tree.ts'

const root = fileURLToPath(new URL('..', import.meta.url))

describe('the configuration', () => {
  it.each(CONFIG_KEYS.map(key => [environmentName(key)]))('%s is a name the node knows', name => {
    const outcome = (): unknown =>
      loadConfig({ file: null, env: { [name]: '\u0000' }, flags: { data_dir: '/nowhere' } })
    try {
      outcome()
    } catch (error) {
      expect(error).toBeInstanceOf(ConfigError)
      expect(String(error)).not.toContain('names no known key')
    }
  })

  it('shows the default, choices and range of a key', () => {
    const { text } = configPage()
    const port = configSchema.parse({}).stratum.port
    expect(text).toContain(`| \`port\` | whole number, 0 to 65,535 | \`${port}\` | \`P2POOL_STRATUM__PORT\` |`)
    expect(text).toContain('| `level` | `error`, `warn`, `info`, `debug` | `"info"` |')
  })
})

it('the metrics have their labels, and those that are not of the reference begin with our prefix', () => {
  const { text } = metricsPage()
  const rowsOf = (part: string): string[] => part.split('\n').filter(line => line.startsWith('| `'))
  const rows = rowsOf(text)
  expect(rows.length).toBeGreaterThan(20)
  for (const row of rows) expect(row).toMatch(/^\| `\w+` \| (counter|gauge|histogram) \| [^|]+ \| [^|]+ \|$/)
  for (const row of rowsOf(text.slice(text.indexOf('## Ours')))) expect(row).toMatch(/^\| `p2pool_/)
  expect(rows).toContainEqual(expect.stringMatching(/`worker_best_share` \| gauge \| `btcaddress`, `workername` \|/))
})

describe('pages made from the sources', () => {
  let tree: Tree
  beforeAll(() => {
    tree = readTree(root)
  })

  /** The tree with the first `from` of a file replaced. */
  const treeWith = (path: string, change: { readonly from: string; readonly to: string }): Tree => {
    const text = tree.get(path) ?? ''
    expect(text).toContain(change.from)
    return new Map([...tree, [path, text.replace(change.from, change.to)]])
  }

  it('rules: every code is there with its verdict and sentence', () => {
    const { text } = rulesPage(tree)
    for (const [code, { verdict, sentence }] of Object.entries(RULES)) {
      expect(text).toContain(`| \`${code}\` | ${verdict} | ${sentence} |`)
    }
  })

  it('rules: a table that is not the one of the code is refused', () => {
    const changed = treeWith('packages/consensus/src/rule-code.ts', { from: "'share-work':", to: "'share-labour':" })
    expect(() => rulesPage(changed)).toThrow(DocsError)
  })

  it('store: a prefix that the table of keys does not name is refused', () => {
    const changed = treeWith('packages/sharechain/src/store/keys.ts', { from: '| `g` ', to: '| `k` ' })
    expect(() => storePage(changed)).toThrow(DocsError)
  })
})

it('a layout of other bytes than the code writes is refused', () => {
  const byte = field(['length', 'u8', 'of the rest'], writer => writer.u8(1))
  expect(layoutTable('thing', [byte, byte], Uint8Array.of(1, 1))).toContain('| length | u8 | of the rest |')
  expect(() => layoutTable('thing', [byte], Uint8Array.of(1, 1))).toThrow(DocsError)
})

it('a comment is the one right above its declaration', () => {
  const tree = new Map([
    ['a.ts', '/** One. */\nconst one = 1\n\n/**\n * Two,\n *\n * and more.\n */\nconst two = 2\nconst three = 3\n']
  ])
  expect(commentAbove(tree, 'a.ts', 'const one')).toEqual(['One.'])
  expect(commentAbove(tree, 'a.ts', 'const two')).toEqual(['Two,', '', 'and more.'])
  expect(() => commentAbove(tree, 'a.ts', 'const three')).toThrow(DocsError)
  expect(() => commentAbove(tree, 'a.ts', 'const four')).toThrow(DocsError)
})

it('a page that differs from the committed one is named with the command that makes it', () => {
  const page = { path: 'docs/rules.md', text: 'new\n' }
  expect(complaintsAbout([page], () => 'old\n')).toEqual(['docs/rules.md  differs from the sources; run: npm run docs'])
  expect(complaintsAbout([page], () => 'new\n')).toEqual([])
})
