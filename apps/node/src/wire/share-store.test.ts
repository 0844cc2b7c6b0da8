import { readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { consensusFingerprint, genesisShare, type Share } from '@p2poolv2/consensus'
import { seededRng } from '@p2poolv2/primitives'
import { createLog } from '@p2poolv2/runtime'
import { useDirectory } from '@p2poolv2/runtime/testing'
import { foundBlockRow, SCHEMA_VERSION, ShareChain } from '@p2poolv2/sharechain'
import { openLevelStore } from '@p2poolv2/sharechain/level'
import { ChainBuilder, easyParams, FAR_FUTURE_MS, foundBlock } from '@p2poolv2/sharechain/testing'
import { describe, expect, it } from 'vitest'
import { openShareChain } from './share-store.ts'

const SHARES = 90
const PARAMS = easyParams()
const SILENT = createLog({ level: 'silent', format: 'json' })
const directory = useDirectory('repaired-store')

/** A chain with a fork and an uncle in every tenth share. */
function chainOf(shares: number): readonly Share[] {
  const builder = new ChainBuilder(PARAMS)
  const made: Share[] = []
  for (let n = 0; n < shares; n++) {
    const base = builder.known.miningBase()
    const isSide = n % 10 === 5
    const parent = isSide ? base.prevHash : base.hash
    const uncles = isSide ? [] : builder.known.uncleChoice(parent)
    made.push(builder.build({ parent, uncles, miner: n % 20 }))
  }
  return made
}

const CHAIN = chainOf(SHARES)

async function store(): Promise<string> {
  const folder = join(directory.path, 'store')
  const opened = await openLevelStore(folder, {
    schemaVersion: SCHEMA_VERSION,
    chain: PARAMS.chain,
    fingerprint: consensusFingerprint(PARAMS),
    genesisHash: genesisShare(PARAMS).hash
  })
  const chain = new ShareChain({ params: PARAMS })
  await opened.commit(chain.genesisDelta())
  for (const share of CHAIN) {
    const { delta } = chain.addShare(share, 'own', FAR_FUTURE_MS)
    if (delta !== null) await opened.commit(delta)
  }
  await opened.close()
  return folder
}

async function filesOf(folder: string, is: (name: string) => boolean): Promise<string[]> {
  return (await readdir(folder)).filter(is).map(name => join(folder, name))
}

/** A start of the node on a store: what it said, and how the chain is after peers have given all they have. */
async function start(folder: string) {
  const said: string[] = []
  const sink = { write: (line: string) => void said.push((JSON.parse(line) as { readonly msg: string }).msg) }
  const log = createLog({ level: 'info', format: 'json', sink })
  const opened = await openShareChain(folder, PARAMS, { log })
  directory.closing(opened.store)
  const { chain } = opened
  chain.checkInvariants()
  const before = chain.shareCount
  // What is stored and not judged is read again, and peers give the rest.
  for (let hashes = chain.resume(64); hashes.length > 0; hashes = chain.resume(64)) {
    const shares = CHAIN.filter(({ hash }) => hashes.includes(hash))
    const { delta } = chain.bodiesRead(shares, FAR_FUTURE_MS)
    if (delta !== null) await opened.store.commit(delta)
  }
  for (const share of CHAIN) {
    const { delta } = chain.addShare(share, 'own', FAR_FUTURE_MS)
    if (delta !== null) await opened.store.commit(delta)
  }
  chain.checkInvariants()
  return { chain, before, said }
}

function expectWhole(chain: ShareChain): void {
  const whole = new ShareChain({ params: PARAMS })
  for (const share of CHAIN) whole.addShare(share, 'own', FAR_FUTURE_MS)
  expect(chain.confirmedTip().hash).toBe(whole.confirmedTip().hash)
  expect(chain.shareCount).toBe(whole.shareCount)
}

describe('a store that can be repaired is repaired', () => {
  const isManifest = (name: string): boolean => name.startsWith('MANIFEST')
  it.each([
    ['an empty CURRENT', (name: string) => name === 'CURRENT', ''],
    ['garbage in CURRENT', (name: string) => name === 'CURRENT', 'garbage\n'],
    ['an empty MANIFEST', isManifest, ''],
    ['garbage in the MANIFEST', isManifest, 'not a manifest at all']
  ])('with %s: not a share is lost', async (_what, is, content) => {
    const folder = await store()
    for (const file of await filesOf(folder, is)) await writeFile(file, content)
    const { chain, before, said } = await start(folder)
    expect(before).toBe(SHARES + 1)
    expect(said).toContainEqual(expect.stringContaining('is repaired'))
    expectWhole(chain)
    expect(await readdir(`${folder}.damaged`)).toContain('CURRENT')
  })

  it('without its CURRENT', async () => {
    const folder = await store()
    await rm(join(folder, 'CURRENT'))
    const { chain, before } = await start(folder)
    expect(before).toBe(SHARES + 1)
    expectWhole(chain)
  })

  it('wherever its log is damaged: what is left is a chain, and peers give the rest', async () => {
    const rng = seededRng('damaged chain')
    let repaired = 0
    for (let round = 0; round < 12; round++) {
      const folder = await store()
      const [log] = await filesOf(folder, name => name.endsWith('.log'))
      const bytes = await readFile(log ?? '')
      const at = rng.u32() % bytes.length
      await writeFile(log ?? '', round % 3 === 0 ? bytes.subarray(0, at) : bytes.fill(round, at, at + 3_000))
      const { chain, said, before } = await start(folder)
      if (before < SHARES + 1) {
        expect(said.some(line => line.includes('is repaired') || line.includes('not on disk'))).toBe(true)
        repaired += 1
      }
      expectWhole(chain)
      for (const opened of directory.opened.splice(0)) await opened.close()
      await rm(folder, { recursive: true })
    }
    expect(repaired).toBeGreaterThan(5)
  })

  it('with damage in its tables', async () => {
    const folder = await store()
    // Opening once more turns the log into a table.
    await (await openShareChain(folder, PARAMS, { log: SILENT })).store.close()
    for (const file of await filesOf(folder, name => name.endsWith('.ldb'))) {
      const bytes = await readFile(file)
      await writeFile(file, bytes.fill(0xee, bytes.length - 6_000, bytes.length - 5_500))
    }
    const { chain } = await start(folder)
    expectWhole(chain)
  })

  it('with a record of a found block that the disk changed: that one is left out, the others stay', async () => {
    const folder = await store()
    const identity = {
      chain: PARAMS.chain,
      fingerprint: consensusFingerprint(PARAMS),
      genesisHash: genesisShare(PARAMS).hash
    }
    const opened = await openLevelStore(folder, { schemaVersion: SCHEMA_VERSION, ...identity })
    const [good, bad] = [foundBlockRow(foundBlock(1)), foundBlockRow(foundBlock(2))]
    bad.value[40] = (bad.value[40] ?? 0) ^ 1
    await opened.commit({ sequence: opened.sequence + 1, puts: [good, bad], deletes: [], durability: 'flushed' })
    await opened.close()
    const { store: repaired, recentBlocks } = await openShareChain(folder, PARAMS, { log: SILENT })
    directory.closing(repaired)
    expect(recentBlocks).toEqual([foundBlock(1)])
  })

  it('with nothing in it that could be read: it begins anew, says so, and keeps what was found', async () => {
    const folder = await store()
    const files = await filesOf(folder, name => /^MANIFEST|\.(log|ldb)$/.test(name))
    for (const file of files) await writeFile(file, 'what a dying disk gives back')
    const { chain, before, said } = await start(folder)
    expect(before).toBe(1)
    expect(said).toContainEqual(expect.stringContaining('nothing could be saved'))
    expectWhole(chain)
  })
})

/** A signal that is aborted the n-th time it is asked. */
function abortedAtLook(n: number): { readonly signal: AbortSignal; readonly looks: () => number } {
  const controller = new AbortController()
  const { signal } = controller
  let looks = 0
  signal.throwIfAborted = () => {
    if (++looks === n) controller.abort()
    AbortSignal.prototype.throwIfAborted.call(signal)
  }
  return { signal, looks: () => looks }
}

it.each(['whole', 'damaged'])(
  'a start from a %s store that is told to end does so at its next look, and nothing is lost',
  async state => {
    const folder = await store()
    if (state === 'damaged')
      for (const file of await filesOf(folder, name => name === 'CURRENT')) await writeFile(file, '')
    for (let n = 1; ; n++) {
      const { signal, looks } = abortedAtLook(n)
      const opened = await openShareChain(folder, PARAMS, { log: SILENT, signal }).catch(error => {
        expect(error).toBe(signal.reason)
        return null
      })
      if (opened === null) continue
      expect(looks()).toBeGreaterThan(3)
      await opened.store.close()
      break
    }
    const { chain, before } = await start(folder)
    expect(before).toBe(SHARES + 1)
    expectWhole(chain)
  }
)
