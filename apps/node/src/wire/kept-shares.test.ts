import { appendFile, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { encodeShare } from '@p2poolv2/consensus'
import { createLog } from '@p2poolv2/runtime'
import { useDirectory } from '@p2poolv2/runtime/testing'
import { ChainBuilder, easyParams, FAR_FUTURE_MS } from '@p2poolv2/sharechain/testing'
import { expect, it } from 'vitest'
import { LONG_BYTES, MadeShares } from '../data/made-shares.ts'
import { openShareChain } from './share-store.ts'

const PARAMS = easyParams()
const LOG = createLog({ level: 'silent', format: 'json' })
const directory = useDirectory('kept-shares')
const builder = new ChainBuilder(PARAMS)
const SHARES = builder.row(builder.genesis, 3)

it('shares that were told of and had not come to the store are in the chain after the next start, and known ones stay', async () => {
  const path = join(directory.path, 'made-shares')
  const folder = join(directory.path, 'store')
  const { shares, left } = MadeShares.open(path)
  expect(left).toEqual([])
  const { store, chain } = await openShareChain(folder, PARAMS, { log: LOG })
  for (const [index, share] of SHARES.entries()) {
    const { delta } = chain.addShare(share, 'own', FAR_FUTURE_MS)
    if (delta === null) throw new Error('a share is stored')
    shares.keep(encodeShare(share), delta.sequence)
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
  shares.keep(Uint8Array.of(1), 5)
  shares.keep(Uint8Array.of(2), 7)
  shares.written(6)
  expect((await readFile(path, 'latin1')).split('\n')).toHaveLength(3)
  shares.written(7)
  expect(await readFile(path, 'latin1')).toBe('')
  shares.keep(Uint8Array.of(3), 8)
  shares.close()
  expect(MadeShares.open(path).left).toEqual([Uint8Array.of(3)])
})

it('the file does not grow for ever while some of it always waits for the store', async () => {
  const path = join(directory.path, 'made-shares')
  const { shares } = MadeShares.open(path)
  const share = new Uint8Array(300_000)
  for (let n = 1; n <= 40; n++) {
    shares.keep(share.fill(n), n)
    shares.written(n - 1)
    expect((await readFile(path, 'latin1')).length).toBeLessThan(LONG_BYTES + 700_000)
  }
  shares.close()
  expect(MadeShares.open(path).left.at(-1)).toEqual(share)
})

it('a line that a full disk cut off spoils none that comes after it', async () => {
  const path = join(directory.path, 'made-shares')
  await appendFile(path, 'deadbeef 00')
  const { shares } = MadeShares.open(path)
  shares.keep(Uint8Array.of(4), 1)
  shares.keep(Uint8Array.of(5), 2)
  shares.close()
  expect(MadeShares.open(path).left).toEqual([Uint8Array.of(4), Uint8Array.of(5)])
})
