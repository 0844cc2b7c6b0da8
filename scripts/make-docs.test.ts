import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { beforeAll, describe, expect, it } from 'vitest'
import { ConfigError, loadConfig } from '../apps/node/src/config.ts'
import { CONFIG_KEYS } from '../apps/node/src/config-keys.ts'
import { configSchema } from '../apps/node/src/config-schema.ts'
import { RULES } from '../packages/consensus/src/index.ts'
import { configPage, environmentName } from './docs/config-page.ts'
import { limitsPage } from './docs/limits-page.ts'
import { metricsPage } from './docs/metrics-page.ts'
import { DocsError, type Page } from './docs/page.ts'
import { complaintsAbout } from './docs/pages.ts'
import { rulesPage } from './docs/rules-page.ts'
import { storePage } from './docs/store-page.ts'
import { verified } from './docs/wire-example.ts'
import { wirePage } from './docs/wire-page.ts'
import { readTree, type Tree } from './layers/tree.ts'

const root = fileURLToPath(new URL('..', import.meta.url))

describe('limits', () => {
  const pageOf = (files: Record<string, string>): Page => limitsPage(new Map(Object.entries(files)))
  const rowsOf = (files: Record<string, string>): string[][] =>
    pageOf(files)
      .text.split('\n')
      .filter(line => line.startsWith('| `'))
      .map(line =>
        line
          .split(' | ')
          .slice(0, 3)
          .map(cell => cell.replace(/^\| /, ''))
      )

  it('show a cap with its value and the comment above or behind it', () => {
    const text = `/**
 * Jobs kept. At the cap
 * the oldest goes.
 */
export const MAX_JOBS = 16 * 1_024
const MAX_NAMES = 3 // More are refused.
`
    expect(rowsOf({ 'packages/stratum/src/jobs.ts': text })).toEqual([
      ['`MAX_JOBS`', '16,384', 'Jobs kept. At the cap the oldest goes.'],
      ['`MAX_NAMES`', '3', 'More are refused.']
    ])
  })

  it('work out a value that is made from constants of other files and packages', () => {
    const files = {
      'packages/primitives/src/sizes.ts': 'export const WORD = 4n\n',
      'packages/bitcoin/src/size.ts': 'export const HALF = 5\n',
      'packages/bitcoin/src/caps.ts': `import { WORD } from '@p2poolv2/primitives'
import { HALF } from './size.ts'
/** Refused. */
const MAX_A = Math.floor((2 * HALF + 1) / 2)
/** Refused. */
const MAX_B = WORD << 3n
`
    }
    expect(rowsOf(files).map(([name, value]) => `${name} ${value}`)).toEqual(['`MAX_A` 5', '`MAX_B` 32'])
  })

  it('take a comment for the next constant too only if both are about the same thing', () => {
    const text = `/** First wait; doubled each time. */
const FIRST_WAIT_MS = 1
const MAX_WAIT_MS = 60
const MAX_NODES = 2
`
    const page = { 'packages/simnet/src/waits.ts': text }
    expect(rowsOf(page)[0]).toEqual(['`MAX_WAIT_MS`', '60', '(`FIRST_WAIT_MS`) First wait; doubled each time.'])
    expect(pageOf(page).problems).toEqual([expect.stringContaining('packages/simnet/src/waits.ts:4  MAX_NODES')])
  })

  it('leave out the ranges of number formats, targets, and what is no number', () => {
    const text = `const U32_MAX = 0xffff_ffff
const MAX_U64 = 0xffff_ffff_ffff_ffffn
const MAX_TARGET = (1n << 256n) - 1n
const OUR_LIMIT = fault('mesh')
`
    expect(rowsOf({ 'packages/bitcoin/src/ranges.ts': text })).toEqual([])
    expect(pageOf({ 'packages/bitcoin/src/ranges.ts': text }).problems).toEqual([])
  })

  it('count the capacity of a bounded container as a cap, whatever its name', () => {
    const text = `/** The oldest goes. */
const OLD_ONES = 7
const kept = new BoundedSet<string>(OLD_ONES)
`
    expect(rowsOf({ 'packages/node/src/kept.ts': text })).toEqual([['`OLD_ONES`', '7', 'The oldest goes.']])
  })

  it('ask for a missing comment in pure code, and do not take a heading above an empty line for one', () => {
    const text = '/** What this file is for. */\n\nconst MAX_THINGS = 9\n'
    expect(pageOf({ 'packages/node/src/things.ts': text }).problems).toEqual([
      'packages/node/src/things.ts:3  MAX_THINGS has no comment; say beside it what happens at the cap'
    ])
    expect(pageOf({ 'packages/node/shell/src/things.ts': text }).problems).toEqual([])
  })

  it('do not show what only tests use', () => {
    const text = '/** Tries. */\nconst MAX_TRIES = 1\n'
    expect(rowsOf({ 'packages/node/src/testing/rig.ts': text, 'packages/node/src/rig.test-support.ts': text })).toEqual(
      []
    )
  })
})

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

it('the metrics have their labels and begin with our prefix', () => {
  const rows = metricsPage()
    .text.split('\n')
    .filter(line => line.startsWith('| `'))
  expect(rows.length).toBeGreaterThan(20)
  for (const row of rows) expect(row).toMatch(/^\| `p2pool_\w+` \| (counter|gauge|histogram) \| [^|]+ \| [^|]+ \|$/)
  expect(rows).toContainEqual(
    expect.stringMatching(/`p2pool_worker_best_share` \| gauge \| `btcaddress`, `workername` \|/)
  )
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
    const changed = treeWith('packages/sharechain/src/store/keys.ts', { from: '| `f` ', to: '| `g` ' })
    expect(() => storePage(changed)).toThrow(DocsError)
  })

  it('store: a new field of a record appears in its table', () => {
    const path = 'packages/sharechain/src/store/records.ts'
    const changed = treeWith(path, {
      from: '.u64(BigInt(state.uncleCount))',
      to: '.u64(BigInt(state.uncleCount)).u32(state.age)'
    })
    expect(storePage(tree).text).toContain('| u64 | `uncleCount` | Uncles named')
    expect(storePage(changed).text).toMatch(/`uncleCount` .*\n\| u32 \| `age` \|/)
  })

  it('wire: the handshake on the page is the frame known from elsewhere', () => {
    const vectors = readFileSync(`${root}/packages/gossip/src/vectors/frames.json`, 'utf8')
    const { handshakeFrames } = JSON.parse(vectors) as { handshakeFrames: Record<string, string> }
    const { text } = wirePage(tree)
    expect(text.replace(/([0-9a-f]{64})\n/g, '$1')).toContain(handshakeFrames['signet'])
  })

  it('wire: a description of other bytes than the code writes is refused', () => {
    const part = { name: 'length', encoding: 'u8', meaning: '', bytes: Uint8Array.of(1) }
    expect(verified([part, part], Uint8Array.of(1, 1), 'thing')).toHaveLength(2)
    expect(() => verified([part], Uint8Array.of(1, 1), 'thing')).toThrow(DocsError)
  })
})

it('a page that differs from the committed one is named with the command that makes it', () => {
  const page = { path: 'docs/limits.md', text: 'new\n', problems: ['x.ts:1  say why'] }
  expect(complaintsAbout([page], () => 'old\n')).toEqual([
    'docs/limits.md  differs from the sources; run: npm run docs',
    'x.ts:1  say why'
  ])
  expect(complaintsAbout([{ ...page, problems: [] }], () => 'new\n')).toEqual([])
})
