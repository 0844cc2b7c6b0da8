import { readdir, rm, stat, truncate, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { bytesEqual, seededRng, shareHash, utf8FromString } from '@p2poolv2/primitives'
import { damageTables, killedAt, reopenable, useDirectory } from '@p2poolv2/runtime/testing'
import { bodyKey, type StoreIdentity, stateKey } from '@p2poolv2/sharechain'
import { deltaOf, hashOf, TEST_IDENTITY } from '@p2poolv2/sharechain/testing'
import { describeShareStore } from '@p2poolv2/sharechain/testing/share-store-suite'
import { Level } from 'level'
import { expect, it } from 'vitest'
import { type LevelStore, openLevelStore } from './index.ts'
import { KILLED_BODY } from './testing/killed-body.ts'

describeShareStore('on LevelDB', () => reopenable('share-store', directory => openLevelStore(directory, TEST_IDENTITY)))

const directory = useDirectory('share-store')

async function open(identity: StoreIdentity = TEST_IDENTITY): Promise<LevelStore> {
  return directory.closing(await openLevelStore(directory.path, identity))
}

/** Fills the store with some deltas and closes it. */
async function fill(deltas: number): Promise<void> {
  const store = await openLevelStore(directory.path, TEST_IDENTITY)
  for (let n = 1; n <= deltas; n++) {
    await store.commit(deltaOf(n, { puts: [{ key: bodyKey(hashOf(n)), value: new Uint8Array(5000).fill(n) }] }))
  }
  await store.close()
}

async function filesEndingIn(suffix: string): Promise<string[]> {
  const names = await readdir(directory.path)
  return names.filter(name => name.endsWith(suffix)).map(name => join(directory.path, name))
}

it('a store in use is refused with the pid of its holder', async () => {
  await open()
  const refusal = open()
  await expect(refusal).rejects.toMatchObject({ code: 'store-locked', holderPid: process.pid })
  await expect(refusal).rejects.toThrow(`Process ${process.pid}`)
})

it('a holder that is no longer alive is not blamed', async () => {
  await open()
  // Above the largest pid Linux gives.
  await writeFile(
    join(directory.path, 'holder.json'),
    JSON.stringify({ pid: 2 ** 30, since: new Date(0).toISOString() })
  )
  await expect(open()).rejects.toMatchObject({ code: 'store-locked', holderPid: null })
  await writeFile(join(directory.path, 'holder.json'), 'half a f')
  await expect(open()).rejects.toMatchObject({ code: 'store-locked', holderPid: null })
})

it('closing lets go of the lock and of the holder’s file', async () => {
  const store = await open()
  await Promise.all([store.close(), store.close()])
  expect(await filesEndingIn('holder.json')).toEqual([])
  await expect(store.commit(deltaOf(1))).rejects.toMatchObject({ code: 'store-closed' })
  await open()
})

it.each([
  ['store-of-another-chain', { chain: 'signet' }],
  ['store-of-another-fingerprint', { fingerprint: 'e'.repeat(64) }],
  ['store-of-another-fingerprint', { genesisHash: shareHash('0b'.repeat(32)) }],
  ['store-schema', { schemaVersion: 0 }],
  ['store-schema', { schemaVersion: TEST_IDENTITY.schemaVersion + 1 }]
] as const)('refused as %s: %o', async (code, difference) => {
  await fill(1)
  await expect(open({ ...TEST_IDENTITY, ...difference })).rejects.toMatchObject({ code })
  // The refusal left the store unlocked and whole.
  expect((await open()).sequence).toBe(1)
})

it('commits that overlap are written in order and close waits for them', async () => {
  const store = await open()
  const commits = Array.from({ length: 50 }, (_, n) => store.commit(deltaOf(n + 1)))
  await store.close()
  await Promise.all(commits)
  expect((await open()).sequence).toBe(50)
})

it('a write-ahead log cut off in the middle costs the last deltas only', async () => {
  await fill(20)
  const [log] = await filesEndingIn('.log')
  if (log === undefined) throw new Error('LevelDB keeps a log')
  await truncate(log, (await stat(log)).size - 7000)
  const store = await open()
  expect(store.sequence).toBe(18)
  expect(await store.readShares([hashOf(18), hashOf(19)])).toEqual([new Uint8Array(5000).fill(18), null])
  await store.commit(deltaOf(19))
})

it('damage in the middle of a table costs the bodies it hit, and nothing is thrown', async () => {
  const bodyOf = (n: number): Uint8Array => seededRng(`body ${n}`).bytes(5000)
  const numbers = Array.from({ length: 20 }, (_, index) => index + 1)
  const filled = await open()
  for (const n of numbers) {
    await filled.commit(deltaOf(n, { puts: [{ key: bodyKey(hashOf(n)), value: bodyOf(n) }] }))
  }
  await filled.close()
  // Opening once more turns the log into a table.
  await (await open()).close()
  expect(await damageTables(directory.path)).toBe(1)
  const store = await open()
  const bodies = await store.readShares(numbers.map(hashOf))
  const whole = numbers.filter((n, index) => bytesEqual(bodies[index] ?? new Uint8Array(0), bodyOf(n)))
  expect(whole.length).toBeGreaterThan(15)
  expect(whole.length).toBeLessThan(20)
})

it('a store whose manifest is garbage is damaged, and says so', async () => {
  await fill(3)
  for (const file of await filesEndingIn('')) {
    if (file.includes('MANIFEST')) await writeFile(file, 'not a manifest at all')
  }
  await expect(open()).rejects.toMatchObject({ code: 'store-damaged' })
})

it('a store that lost its CURRENT file is damaged, not new', async () => {
  await fill(3)
  await rm(join(directory.path, 'CURRENT'))
  await expect(open()).rejects.toMatchObject({ code: 'store-damaged' })
})

it.each(['the state', 'the identity'])('a store without %s is damaged', async what => {
  await fill(1)
  const database = new Level<Uint8Array, Uint8Array>(directory.path, { keyEncoding: 'view', valueEncoding: 'view' })
  await database.open()
  if (what === 'the identity') await database.del(utf8FromString('m'))
  else await database.put(stateKey(), Uint8Array.of(1, 2, 3))
  await database.close()
  await expect(open()).rejects.toMatchObject({ code: 'store-damaged' })
})

it('a path that is no directory is unavailable', async () => {
  const file = join(directory.path, 'file')
  await writeFile(file, '')
  await expect(openLevelStore(file, TEST_IDENTITY)).rejects.toMatchObject({ code: 'store-unavailable' })
})

it('opening stops when it is aborted', async () => {
  const reason = new Error('stop')
  await expect(openLevelStore(directory.path, TEST_IDENTITY, { signal: AbortSignal.abort(reason) })).rejects.toBe(
    reason
  )
  await open()
})

it('every delta a killed process was told of is there afterwards, and the lock is free', async () => {
  const told = await killedAt(200, new URL('testing/commit-until-killed.ts', import.meta.url), directory.path)
  expect(told).toBeGreaterThanOrEqual(200)

  const store = await open()
  expect(store.sequence).toBeGreaterThanOrEqual(told)
  const hashes = Array.from({ length: store.sequence }, (_, n) => hashOf(n + 1))
  expect(await store.readShares(hashes)).toEqual(hashes.map(() => KILLED_BODY))
  expect(await store.readShares([hashOf(store.sequence + 1)])).toEqual([null])
  await store.commit(deltaOf(store.sequence + 1))
})
