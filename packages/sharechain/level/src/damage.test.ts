import { copyFile, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type SeededRng, seededRng } from '@p2poolv2/primitives'
import { useDirectory } from '@p2poolv2/runtime/testing'
import { bodyKey } from '@p2poolv2/sharechain'
import { deltaOf, hashOf, TEST_IDENTITY } from '@p2poolv2/sharechain/testing'
import { describe, expect, it } from 'vitest'
import { openLevelStore } from './level-store.ts'

const DELTAS = 120
const DAMAGES = 60

const directory = useDirectory('store-damage')

/** Deltas of every size from a state row alone to a large share; each has a body of its own. */
async function fill(path: string): Promise<void> {
  const rng = seededRng('damaged store')
  const store = await openLevelStore(path, TEST_IDENTITY)
  for (let n = 1; n <= DELTAS; n++) {
    const value = rng.bytes(1 + (rng.u32() % (n % 7 === 0 ? 30_000 : 900)))
    await store.commit(deltaOf(n, { puts: [{ key: bodyKey(hashOf(n)), value }] }))
  }
  await store.close()
}

async function damaged(bytes: Buffer, rng: SeededRng): Promise<Buffer> {
  const at = rng.u32() % bytes.length
  switch (rng.u32() % 4) {
    case 0:
      return bytes.subarray(0, at)
    case 1:
      bytes[at] = (bytes[at] ?? 0) ^ (1 << (rng.u32() % 8))
      return bytes
    case 2:
      // A page that was never written.
      return bytes.fill(0, at, at + 4_096)
    default:
      rng.bytes(1 + (rng.u32() % 500)).forEach((byte, offset) => {
        if (at + offset < bytes.length) bytes[at + offset] = byte
      })
      return bytes
  }
}

describe('damage to the log of the store', () => {
  it(`is noticed wherever it is: ${DAMAGES} damages, and not one delta missing without a word`, async () => {
    await fill(directory.path)
    const rng = seededRng('damages')
    const seen = { whole: 0, newest: 0, between: 0 }
    for (let damage = 0; damage < DAMAGES; damage++) {
      const copy = await mkdtemp(join(tmpdir(), 'store-damage-copy-'))
      for (const name of await readdir(directory.path)) await copyFile(join(directory.path, name), join(copy, name))
      const log = (await readdir(copy)).find(name => name.endsWith('.log'))
      if (log === undefined) throw new Error('LevelDB keeps a log')
      await writeFile(join(copy, log), await damaged(await readFile(join(copy, log)), rng))
      const store = await openLevelStore(copy, TEST_IDENTITY)
      const bodies = await store.readShares(Array.from({ length: DELTAS }, (_, n) => hashOf(n + 1)))
      const missing = bodies.filter(body => body === null).length
      const { newest, between } = store.lost
      expect({ damage, lost: newest + between }).toEqual({ damage, lost: missing })
      seen.whole += missing === 0 ? 1 : 0
      seen.newest += newest > 0 ? 1 : 0
      seen.between += between > 0 ? 1 : 0
      await store.close()
      await rm(copy, { recursive: true })
    }
    expect(seen.newest).toBeGreaterThan(10)
    expect(seen.between).toBeGreaterThan(10)
  })

  it('is told from what a version wrote that keeps no notes', async () => {
    await fill(directory.path)
    await rm(join(directory.path, 'progress.json'))
    const store = await openLevelStore(directory.path, TEST_IDENTITY)
    expect(store.lost).toEqual({ newest: 0, werePromised: false, between: 0 })
    await store.close()
  })

  it('says so when what is gone was promised to be on the platter', async () => {
    const store = await openLevelStore(directory.path, TEST_IDENTITY)
    for (let n = 1; n <= 3; n++) await store.commit(deltaOf(n, { durability: n === 2 ? 'flushed' : 'buffered' }))
    await store.close()
    const log = (await readdir(directory.path)).find(name => name.endsWith('.log')) ?? ''
    await writeFile(join(directory.path, log), '')
    const again = directory.closing(await openLevelStore(directory.path, TEST_IDENTITY))
    expect(again.lost).toEqual({ newest: 3, werePromised: true, between: 0 })
  })

  it('is told once', async () => {
    await fill(directory.path)
    const log = (await readdir(directory.path)).find(name => name.endsWith('.log')) ?? ''
    const bytes = await readFile(join(directory.path, log))
    await writeFile(join(directory.path, log), bytes.subarray(0, -1_000))
    const first = await openLevelStore(directory.path, TEST_IDENTITY)
    expect(first.lost.newest).toBeGreaterThan(0)
    await first.close()
    const second = directory.closing(await openLevelStore(directory.path, TEST_IDENTITY))
    expect(second.lost.newest).toBe(0)
  })
})
