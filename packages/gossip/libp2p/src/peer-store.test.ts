import { readdir, stat, truncate, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { PeerRecord } from '@p2poolv2/gossip'
import { unixMs } from '@p2poolv2/primitives'
import { createLog } from '@p2poolv2/runtime'
import { damageTables, killedAt, useDirectory } from '@p2poolv2/runtime/testing'
import { Level } from 'level'
import { beforeEach, expect, it } from 'vitest'
import { MAX_STORED_RECORDS, openPeerStore, type PeerStore } from './peer-store.ts'

const directory = useDirectory('peer-store')
const { opened } = directory
let folder: string
const said: string[] = []
const log = createLog({ level: 'warn', format: 'json', sink: { write: line => said.push(line) } })

beforeEach(() => {
  folder = join(directory.path, 'peers')
  said.length = 0
})

async function open(): Promise<PeerStore> {
  return directory.closing(await openPeerStore(folder, log))
}

async function reopen(): Promise<PeerStore> {
  await opened.pop()?.close()
  return open()
}

/** Writes to the store behind its back. */
async function write(values: Readonly<Record<string, string>>): Promise<void> {
  const level = new Level<string, string>(folder)
  await level.batch(Object.entries(values).map(([key, value]) => ({ type: 'put', key, value })))
  await level.close()
}

async function keys(): Promise<string[]> {
  const level = new Level<string, string>(folder)
  const all = await level.keys().all()
  await level.close()
  return all
}

const good = (n: number): PeerRecord => ({
  type: 'address',
  key: `/ip4/11.${(n >> 8) & 255}.${n & 255}.1/tcp/6884`,
  peer: null,
  source: 'kademlia',
  lastGoodMs: unixMs(1_700_000_000_000 + n),
  goodForMs: n
})
const ban: PeerRecord = {
  type: 'ban',
  key: 'ip:2a00:1:2:3::/64',
  reason: 'share-work',
  cause: 'breach',
  untilMs: unixMs(1_700_000_000_000),
  banMs: 600_000
}

it('gives back what was kept and not forgotten, as it was last', async () => {
  const store = await open()
  expect(await store.records()).toEqual([])
  for (const n of [1, 2, 3]) store.keep(good(n))
  store.keep(ban)
  store.forget(good(2).key)
  store.keep({ ...good(3), goodForMs: 77 } as PeerRecord)
  store.forget('ip:not there')
  const records = await (await reopen()).records()
  expect(records).toHaveLength(3)
  expect(records).toEqual(expect.arrayContaining([good(1), { ...good(3), goodForMs: 77 }, ban]))
})

it('what is changed while others are written is written before it closes', async () => {
  const store = await open()
  for (let n = 0; n < 500; n++) {
    store.keep(good(n))
    if (n % 7 === 0) await new Promise(setImmediate)
    if (n % 3 === 0) store.forget(good(n).key)
  }
  const records = await (await reopen()).records()
  expect(records).toHaveLength(333)
})

it('counts values that are none, deletes them, and leaves those of a newer version alone', async () => {
  await (await open()).close()
  const value = (record: unknown): string => JSON.stringify({ version: 1, record })
  await write({
    [good(1).key]: value(good(1)),
    'half a value': value(good(2)).slice(0, 40),
    'not json': '\u0000\u00ff',
    'no record': value(null),
    'no version': JSON.stringify(good(3)),
    'under another key': value(good(4)),
    [good(5).key]: value({ ...good(5), source: 'nowhere' }),
    [good(6).key]: value({ ...good(6), peer: 'x'.repeat(3_000) }),
    'of tomorrow': JSON.stringify({ version: 2, anything: [] })
  })
  const store = await open()
  const records = await store.records()
  expect(records.filter(record => record !== null)).toEqual([good(1)])
  expect(records.filter(record => record === null)).toHaveLength(7)
  await store.close()
  expect(await keys()).toEqual([good(1).key, 'of tomorrow'])
})

it('reads so many records and deletes the rest', async () => {
  await (await open()).close()
  const extra = 50
  const records = Array.from({ length: MAX_STORED_RECORDS + extra }, (_, n) => good(n))
  await write(Object.fromEntries(records.map(record => [record.key, JSON.stringify({ version: 1, record })])))
  const store = await open()
  expect(await store.records()).toHaveLength(MAX_STORED_RECORDS)
  await store.close()
  expect(await keys()).toHaveLength(MAX_STORED_RECORDS)
})

it('is not opened twice', async () => {
  await open()
  await expect(openPeerStore(folder, log)).rejects.toMatchObject({ cause: { code: 'LEVEL_LOCKED' } })
})

it('that is damaged is put aside, begins anew and says so', async () => {
  const store = await open()
  store.keep(good(1))
  await store.close()
  for (const name of await readdir(folder)) {
    if (name.startsWith('MANIFEST')) await writeFile(join(folder, name), 'not a manifest at all')
  }
  const again = await open()
  expect(await again.records()).toEqual([])
  again.keep(good(2))
  expect(await (await reopen()).records()).toEqual([good(2)])
  expect(await readdir(directory.path)).toEqual(['peers', 'peers.damaged'])
  expect(said.join('')).toContain('begins anew')
})

it('a log cut off in the middle costs the last changes only', async () => {
  const store = await open()
  for (let n = 0; n < 100; n++) {
    store.keep(good(n))
    await store.written()
  }
  await store.close()
  const [log = ''] = (await readdir(folder)).filter(name => name.endsWith('.log'))
  await truncate(join(folder, log), (await stat(join(folder, log))).size - 500)
  const records = await (await open()).records()
  expect(records.length).toBeGreaterThan(90)
  expect(records.length).toBeLessThan(100)
})

it('damage in the middle of a table costs what it hides, and nothing is thrown', async () => {
  const store = await open()
  for (let n = 0; n < 2_000; n++) store.keep(good(n))
  await store.close()
  // Opening once more turns the log into a table.
  await (await open()).records()
  await opened.pop()?.close()
  expect(await damageTables(folder)).toBeGreaterThan(0)
  const damaged = await open()
  const whole = (await damaged.records()).filter(record => record !== null)
  expect(whole.length).toBeGreaterThan(100)
  expect(whole.length).toBeLessThan(2_000)
  damaged.keep(good(5_000))
  await reopen()
})

it('what a killed process had written is there afterwards', async () => {
  const told = await killedAt(300, new URL('testing/keep-until-killed.ts', import.meta.url), folder)
  const records = await (await open()).records()
  expect(records.every(record => record !== null)).toBe(true)
  expect(records.length).toBeGreaterThanOrEqual(told)
})
