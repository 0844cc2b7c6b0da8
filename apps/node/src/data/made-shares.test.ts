import { statSync } from 'node:fs'
import { appendFile, mkdir, readdir, readFile, truncate } from 'node:fs/promises'
import { join } from 'node:path'
import { encodeShare } from '@p2poolv2/consensus'
import { A_BLOCK, A_SHARE, address, Rig } from '@p2poolv2/node/testing'
import { type ShareHash, shareHash } from '@p2poolv2/primitives'
import { createLog } from '@p2poolv2/runtime'
import { useDirectory } from '@p2poolv2/runtime/testing'
import { ChainBuilder, easyParams, FAR_FUTURE_MS } from '@p2poolv2/sharechain/testing'
import { expect, it } from 'vitest'
import { openShareChain } from '../wire/share-store.ts'
import { LONG_BYTES, MAX_FILE_BYTES, MadeShares } from './made-shares.ts'

const PARAMS = easyParams()
const LOG = createLog({ level: 'silent', format: 'json' })
const directory = useDirectory('kept-shares')
const builder = new ChainBuilder(PARAMS)
const SHARES = builder.row(builder.genesis, 3)

const hashOf = (n: number): ShareHash => shareHash(n.toString(16).padStart(64, '0'))
/** Of one byte, with that as its hash. */
const made = (n: number, untilSequence: number | null) => ({
  shareHash: hashOf(n),
  encoded: Uint8Array.of(n),
  untilSequence
})

it('shares that were told of and had not come to the store are in the chain after the next start, and known ones stay', async () => {
  const path = join(directory.path, 'made-shares')
  const folder = join(directory.path, 'store')
  const { shares, left } = MadeShares.open(path)
  expect(left).toEqual([])
  const { store, chain } = await openShareChain(folder, PARAMS, { log: LOG })
  for (const [index, share] of SHARES.entries()) {
    const { delta } = chain.addShare(share, 'own', FAR_FUTURE_MS)
    if (delta === null) throw new Error('a share is stored')
    shares.keep({ shareHash: share.hash, encoded: encodeShare(share), untilSequence: delta.sequence })
    // The others are on their way when the process is killed.
    if (index === 0) await store.commit(delta)
  }
  await store.close()
  shares.close()
  await appendFile(path, 'deadbeef 00ff\n1234')

  for (let start = 0; start < 2; start++) {
    const again = MadeShares.open(path)
    expect(again.left).toEqual(SHARES.map(encodeShare))
    const left = [Uint8Array.of(1, 2, 3), ...again.left]
    const opened = await openShareChain(folder, PARAMS, { log: LOG, left, nowMs: FAR_FUTURE_MS })
    expect(opened.chain.confirmedTip().hash).toBe(SHARES.at(-1)?.hash)
    await opened.store.close()
    again.shares.close()
  }
})

it('the file is empty when the store has all that is in it, and not before', async () => {
  const path = join(directory.path, 'made-shares')
  const { shares } = MadeShares.open(path)
  shares.keep(made(1, 5))
  shares.keep(made(2, 7))
  shares.written(6)
  expect((await readFile(path, 'latin1')).split('\n')).toHaveLength(3)
  shares.written(7)
  expect(await readFile(path, 'latin1')).toBe('')
  shares.keep(made(3, 8))
  shares.close()
  expect(MadeShares.open(path).left).toEqual([Uint8Array.of(3)])
})

it('the file does not grow for ever while some of it always waits for the store', async () => {
  const path = join(directory.path, 'made-shares')
  const { shares } = MadeShares.open(path)
  const share = new Uint8Array(300_000)
  for (let n = 1; n <= 40; n++) {
    shares.keep({ shareHash: hashOf(n), encoded: share.fill(n), untilSequence: n })
    shares.written(n - 1)
    expect((await readFile(path, 'latin1')).length).toBeLessThan(LONG_BYTES + 700_000)
  }
  shares.close()
  expect(MadeShares.open(path).left.at(-1)).toEqual(share)
})

it('while much waits for long it is not written anew at every commit', async () => {
  const path = join(directory.path, 'made-shares')
  const { shares } = MadeShares.open(path)
  const share = new Uint8Array(50_000)
  let [rewrites, rewrittenBytes, inode] = [0, 0, statSync(path).ino]
  for (let n = 1; n <= 200; n++) {
    // Nothing of it comes to the store: twenty megabytes of lines.
    shares.keep({ shareHash: hashOf(n), encoded: share.fill(n), untilSequence: 1_000 })
    shares.keep({ ...made(1_000 + n, n) })
    shares.written(n)
    const { ino, size } = statSync(path)
    if (ino === inode) continue
    rewrites += 1
    rewrittenBytes += size
    inode = ino
  }
  expect(rewrites).toBe(0)
  expect(rewrittenBytes).toBeLessThanOrEqual(statSync(path).size)
  // Half of it comes: now it is worth it, once.
  for (let n = 1; n <= 120; n++) shares.keep({ shareHash: hashOf(n), encoded: share, untilSequence: 300 })
  shares.written(300)
  expect(statSync(path).ino).not.toBe(inode)
  expect(statSync(path).size).toBeLessThan(8_100_000)
  inode = statSync(path).ino
  shares.written(301)
  expect(statSync(path).ino).toBe(inode)
  shares.close()
})

it.each(['a folder', 'too long'])(
  'what is no file of ours, %s, is set aside, and all goes on without it',
  async what => {
    const path = join(directory.path, 'made-shares')
    if (what === 'a folder') await mkdir(path)
    else {
      await appendFile(path, '')
      await truncate(path, MAX_FILE_BYTES + 1)
    }
    const { shares, left, setAside } = MadeShares.open(path)
    expect([left, setAside]).toEqual([[], `${path}.damaged`])
    expect(await readdir(directory.path)).toEqual(expect.arrayContaining(['made-shares', 'made-shares.damaged']))
    shares.keep(made(1, 1))
    shares.close()
    const again = MadeShares.open(path)
    expect([again.left, again.setAside]).toEqual([[Uint8Array.of(1)], null])
    again.shares.close()
  }
)

it('who cannot be set aside is told of with what to do', async () => {
  const path = join(directory.path, 'made-shares')
  await mkdir(path)
  await mkdir(join(`${path}.damaged`, 'something'), { recursive: true })
  expect(() => MadeShares.open(path)).toThrow(/move both away/)
})

it('a share that is left and waits for its parent stays in the file over own shares and further kills, until it is stored', async () => {
  const path = join(directory.path, 'made-shares')
  const [parent, child] = SHARES
  if (parent === undefined || child === undefined) throw new Error('there are three')
  const { shares: first } = MadeShares.open(path)
  first.keep({ shareHash: child.hash, encoded: encodeShare(child), untilSequence: 1 })
  first.close()
  const start = async (left: readonly Uint8Array[], shares: MadeShares): Promise<number> => {
    const { chain, store } = await openShareChain(join(directory.path, 'store'), PARAMS, {
      log: LOG,
      left,
      onWaits: (hash, encoded) => shares.keepLeft(hash, encoded),
      nowMs: FAR_FUTURE_MS
    })
    await store.close()
    shares.keep(made(1, 5))
    shares.written(5)
    shares.close()
    return chain.shareCount
  }
  for (let kill = 0; kill < 2; kill++) {
    const { shares, left } = MadeShares.open(path)
    expect(await start(left, shares)).toBe(1)
  }
  const { shares, left } = MadeShares.open(path)
  expect(left).toContainEqual(encodeShare(child))
  expect(await start([encodeShare(parent), ...left], shares)).toBe(3)
  expect(await readFile(path, 'latin1')).toBe('')
})

it('a line that a full disk cut off spoils none that comes after it', async () => {
  const path = join(directory.path, 'made-shares')
  await appendFile(path, 'deadbeef 00')
  const { shares } = MadeShares.open(path)
  shares.keep(made(4, 1))
  shares.keep(made(5, 2))
  shares.close()
  expect(MadeShares.open(path).left).toEqual([Uint8Array.of(4), Uint8Array.of(5)])
})

it('a share that waits in memory is kept until the store has it, written once, and one that came to nothing is not', async () => {
  const path = join(directory.path, 'made-shares')
  const { shares } = MadeShares.open(path)
  const lines = async (): Promise<number> => (await readFile(path, 'latin1')).split('\n').length - 1
  shares.keep(made(1, null))
  shares.keep(made(2, null))
  shares.keep(made(3, 4))
  shares.written(1_000)
  shares.letGo(hashOf(2))
  expect(await lines()).toBe(3)
  shares.keep(made(1, 1_001))
  expect(await lines()).toBe(3)
  shares.written(1_001)
  expect(await lines()).toBe(0)
})

it('what our miners were told is accepted while the disk was behind is on the chain after a kill', async () => {
  const path = join(directory.path, 'made-shares')
  const { shares } = MadeShares.open(path)
  const rig = new Rig()
  rig.onEffect = effect => void (effect.type === 'keepShare' && shares.keep(effect))
  rig.template()
  rig.connect(1, address(1))
  rig.handle({ type: 'storeBehind' })
  const effects = [...rig.mine(1, A_SHARE), ...rig.mine(1, A_BLOCK)]
  expect(effects.filter(({ type }) => type === 'sendMiner').length).toBeGreaterThanOrEqual(2)
  expect(rig.chain.shareCount).toBe(1)
  shares.close()

  const { left } = MadeShares.open(path)
  const folder = join(directory.path, 'store')
  const again = await openShareChain(folder, rig.params, { log: LOG, left, nowMs: rig.now.wallMs })
  expect(again.chain.shareCount).toBe(3)
  await again.store.close()
})
