import { cp } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { createLog } from '@p2poolv2/runtime'
import { useDirectory } from '@p2poolv2/runtime/testing'
import { readOwner, rollbackLayout } from '@p2poolv2/sharechain/level'
import { ChainBuilder, easyParams, FAR_FUTURE_MS } from '@p2poolv2/sharechain/testing'
import { expect, it } from 'vitest'
import { openShareChain, storeIdentity } from './share-store.ts'

const FIXTURE = fileURLToPath(new URL('fixtures/store-0.1.0', import.meta.url))
const directory = useDirectory('old-store')

async function open() {
  const said: string[] = []
  const sink = { write: (line: string) => void said.push(line) }
  const folder = join(directory.path, 'store')
  const opened = await openShareChain(folder, easyParams(), {
    log: createLog({ level: 'warn', format: 'json', sink })
  })
  return { ...opened, said }
}

it('a store of version 0.1.0 opens without a word, with its shares and blocks, and goes on', async () => {
  await cp(FIXTURE, join(directory.path, 'store'), { recursive: true })
  const { store, chain, recentBlocks, said } = await open()
  expect(said).toEqual([])
  chain.checkInvariants()
  expect(chain.confirmedTip()).toMatchObject({
    hash: '971eaf2b7250b382cb6e280e9fb3c86a9b7645be1e466fa88e5c43acd631343c',
    height: 54
  })
  expect({ shares: chain.shareCount, uncles: chain.uncleCount }).toEqual({ shares: 61, uncles: 6 })
  expect(recentBlocks).toMatchObject([{ bitcoinHeight: 101, result: 'accepted', shareHash: chain.confirmedTip().hash }])
  const [tip] = await store.readShares([chain.confirmedTip().hash])
  expect(tip).not.toBeNull()

  // A branch from the genesis: no rival of the chain, and stored like any other.
  const builder = new ChainBuilder(easyParams(), 7n)
  for (const share of builder.row(builder.genesis, 3)) {
    const { delta } = chain.addShare(share, 'own', FAR_FUTURE_MS)
    if (delta !== null) await store.commit(delta)
  }
  await store.close()
  const again = await open()
  expect(again.said).toEqual([])
  expect(again.chain.shareCount).toBe(64)
  await again.store.close()
})

it('a store of version 0.1.0 goes back to its layout, with what came since, and forward again', async () => {
  const folder = join(directory.path, 'store')
  await cp(FIXTURE, folder, { recursive: true })
  const goBack = () => rollbackLayout(folder, storeIdentity(easyParams()), { wanted: 3, onProgress: () => {} })
  expect(await goBack()).toBe(3)
  for (let time = 1; time <= 2; time++) {
    const { store, chain, recentBlocks, said } = await open()
    expect(said).toEqual([])
    expect({ shares: chain.shareCount, blocks: recentBlocks.length }).toEqual({ shares: 61, blocks: 1 })
    await store.close()
    expect(await goBack()).toBe(4)
    expect(await readOwner(folder)).toMatchObject({ schemaVersion: 3 })
  }
})
