import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import {
  chainParams,
  encodeShareHeader,
  genesisShare,
  protocolTag,
  requiredBits
} from '../packages/consensus/src/index.ts'
import { encodeFrame } from '../packages/gossip/src/wire/frame.ts'
import { encodeMessage } from '../packages/gossip/src/wire/messages.ts'
import { bytesToHex } from '../packages/primitives/src/index.ts'
import { checkTexts } from './papers/check-texts.ts'
import { citationsIn } from './papers/citations.ts'
import { sectionsOf } from './papers/sections.ts'

const PROTOCOL = `# Protocol
## 12. Validation
### 12.3 Header batch
1. First.
2. Second.
   - 2a. Part.
### 12.4 Admission
See §12.3.
`
const STRATUM = '# Stratum\n\n## 2. Methods\n\n### 2.9 mining.notify\n'

/** `path:line message` for a repository that has the two papers and these files. */
function complaintsAbout(files: Record<string, string>): string[] {
  const texts = new Map(Object.entries({ 'docs/protocol.md': PROTOCOL, 'docs/stratum.md': STRATUM, ...files }))
  return checkTexts(texts).map(({ path, line, message }) => `${path}:${line} ${message}`)
}

const inCode = (text: string): string[] => complaintsAbout({ 'packages/a/src/b.ts': text })

describe('sections', () => {
  it('are the numbered headings, each with the items of the lists in it', () => {
    const sections = sectionsOf(PROTOCOL)
    expect([...sections.keys()]).toEqual(['12', '12.3', '12.4'])
    expect([...(sections.get('12.3') ?? [])]).toEqual(['1', '2', '2a'])
    expect([...(sections.get('12.4') ?? [])]).toEqual([])
  })
})

describe('a citation', () => {
  it.each([
    ['/** Source: protocol §12.3. */'],
    ['// Protocol §12 and stratum §2.9; coinbase split protocol §12.4'],
    ['/**\n * Source: protocol\n * §12.3, §12.4.\n */'],
    ['// protocol §12.3, rule 2, and §12.4'],
    ['// Rules 1 and 2 of protocol §12.3'],
    ['// protocol §12.3, step 2a'],
    ['// FIPS 180-4 §4.2.2 and Unicode 15 §3.9 are not ours']
  ])('that resolves is no complaint: %s', text => {
    expect(inCode(text)).toEqual([])
  })

  it.each([
    ['// protocol §12.7', 'packages/a/src/b.ts:1 docs/protocol.md has no section 12.7'],
    ['//\n// protocol §12.3 to §12.9', 'packages/a/src/b.ts:2 docs/protocol.md has no section 12.9'],
    ['/**\n * stratum\n * §3.1\n */', 'packages/a/src/b.ts:3 docs/stratum.md has no section 3.1'],
    ['// protocol §12.3, rule 3', 'packages/a/src/b.ts:1 docs/protocol.md has no item 3 in section 12.3'],
    ['// Rules 1 to 4 of protocol §12.3', 'packages/a/src/b.ts:1 docs/protocol.md has no item 4 in section 12.3'],
    ['// see §12.3', expect.stringContaining('of which paper?')]
  ])('that does not is one, with its line: %s', (text, complaint) => {
    expect(inCode(text)).toEqual([complaint])
  })

  it('without a paper is one of its own in a paper only', () => {
    expect(citationsIn('docs/protocol.md', 'as in §12.3')).toMatchObject([{ paper: 'protocol', section: '12.3' }])
    expect(citationsIn('docs/stratum.md', 'as in protocol §12.3. And §2.9')).toMatchObject([
      { paper: 'protocol', section: '12.3' },
      { paper: 'stratum', section: '2.9' }
    ])
    expect(citationsIn('docs/wire.md', 'as in §12.3')).toMatchObject([{ paper: null }])
  })
})

describe('what no reader of the repository has', () => {
  it.each(['house.md', 'wire-0.13.md', 'consensus-0.13', '../shared/x.json', "join('shared/spec')"])(
    'is not referred to: %s',
    name => {
      expect(inCode(`// see ${name}`)).toEqual([expect.stringContaining('no reader of this repository has')])
    }
  )

  it('a relative link leads to a file or folder, a constant of the limits to its file', () => {
    expect(complaintsAbout({ 'docs/a.md': '[p](protocol.md#x) [w](https://x.y) [a](../docs/)', 'docs/': '' })).toEqual(
      []
    )
    expect(complaintsAbout({ 'docs/a.md': '`docs/b/` and `packages/*/src`', 'docs/b/': '' })).toEqual([])
    expect(complaintsAbout({ 'docs/a.md': 'in `scripts/gone.ts`' })).toEqual([
      'docs/a.md:1 leads to scripts/gone.ts, which is not there'
    ])
    expect(complaintsAbout({ 'docs/a.md': '\n[gone](gone.md)' })).toEqual([
      'docs/a.md:2 leads to docs/gone.md, which is not there'
    ])
    const row = '| jobs | 64 | … | … | `MAX_JOBS` in [jobs.ts](../jobs.ts) |'
    expect(complaintsAbout({ 'docs/limits.md': row, 'jobs.ts': 'const MAX_JOBS = 64' })).toEqual([])
    expect(complaintsAbout({ 'docs/limits.md': row, 'jobs.ts': 'const MAX_JOBS_PER_MINER = 64' })).toEqual([
      'docs/limits.md:1 jobs.ts has no MAX_JOBS'
    ])
  })
})

describe('the values in docs/protocol.md', () => {
  const page = readFileSync(new URL('../docs/protocol.md', import.meta.url), 'utf8')
  const unwrapped = page.replace(/([0-9a-f]{40,})\n(?=[0-9a-f])/g, '$1')

  it.each(['main', 'signet', 'regtest'] as const)('are the genesis of %s', chain => {
    const params = chainParams(chain)
    const { hash, header } = genesisShare(params)
    expect(page).toContain(`| ${chain} | \`${hash}\` | \`${protocolTag(params)}\` |`)
    expect(unwrapped).toContain(bytesToHex(encodeShareHeader(header)))
  })

  it('are the handshake that opens with it', () => {
    const { hash } = genesisShare(chainParams('signet'))
    const frame = encodeFrame(encodeMessage({ type: 'handshake', tipHeight: 0, tipHash: hash }))
    expect(page).toContain(`\n${bytesToHex(frame)}\n`)
  })

  const params = chainParams('signet')

  it('are the constants of every chain', () => {
    const bits = (value: number): string => `0x${value.toString(16)}`
    const grouped = (value: number): string => value.toLocaleString('en-US')
    for (const row of [
      `| easiest share | ${bits(params.maxTargetBits)} |`,
      `| genesis and anchor | ${bits(params.anchorBits)} |`,
      `| spacing, half-life | ${params.spacingSec} s, ${params.halfLifeSec} s |`,
      `| uncles, depth | ${params.maxUncles}, ${params.uncleDepth} |`,
      `| future time, median | ${params.futureTimeSec} s, ${params.medianTimeSpan} ancestors |`,
      `| body, transactions, signature operations | ${grouped(params.maxBodyBytes)} bytes, ${params.maxTransactions}, ${grouped(params.maxSigopCost)} |`,
      `| window | ${grouped(params.windowMaxShares)} shares |`,
      `| prune depth | ${grouped(params.pruneDepth)} heights |`,
      `| weights: share, uncle, nephew | ${params.mainWeight}, ${params.uncleWeight}, ${params.nephewWeight} |`,
      `| merkle branch | ${params.maxBranchNodes} nodes |`
    ]) {
      expect(page).toContain(`\n${row}\n`)
    }
  })

  it('are the bits that the difficulty rule requires', () => {
    const rows = [...page.matchAll(/^\| (\d+), (\d+) \| 0x[0-9a-f]{8} \| (0x[0-9a-f]{8}) \|/gm)]
    expect(rows).toHaveLength(8)
    for (const [row, sinceGenesisSec, parentHeight, required] of rows) {
      const parentTimeSec = params.genesisTimeSec + Number(sinceGenesisSec)
      expect(requiredBits(params, parentTimeSec, Number(parentHeight)), row).toBe(Number(required))
    }
  })
})
