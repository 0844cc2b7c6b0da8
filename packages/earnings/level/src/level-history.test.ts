import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, readdir, readFile, rm, stat, truncate, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { frameRow, type HistoryStore } from '@p2poolv2/earnings'
import { describeHistoryStore, frameAt } from '@p2poolv2/earnings/testing/history-store-suite'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { openLevelHistory } from './index.ts'

const ALL = { fromSec: 0, toSec: 2 ** 32 - 1 }

describeHistoryStore('on LevelDB', async () => {
  const directory = await mkdtemp(join(tmpdir(), 'history-'))
  let store = await openLevelHistory(directory)
  return {
    store,
    reopen: async () => {
      await store.close()
      store = await openLevelHistory(directory)
      return store
    },
    dispose: async () => {
      await store.close()
      await rm(directory, { recursive: true })
    }
  }
})

let directory: string
const opened: HistoryStore[] = []

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'history-'))
})
afterEach(async () => {
  for (const store of opened.splice(0)) await store.close()
  await rm(directory, { recursive: true })
})

async function open(): Promise<HistoryStore> {
  const store = await openLevelHistory(directory)
  opened.push(store)
  return store
}

async function fill(minutes: number): Promise<void> {
  const store = await openLevelHistory(directory)
  for (let n = 1; n <= minutes; n++) await store.commit({ puts: [frameRow(frameAt('minute', n * 60, n))], forget: [] })
  await store.close()
}

it('a directory in use is refused, and says that mining goes on', async () => {
  await open()
  await expect(openLevelHistory(directory)).rejects.toMatchObject({ code: 'history-unavailable' })
  await expect(openLevelHistory(directory)).rejects.toThrow('mining and payouts go on')
})

it('a closed history refuses, and can be opened again', async () => {
  const store = await openLevelHistory(directory)
  const last = store.commit({ puts: [frameRow(frameAt('minute', 60))], forget: [] })
  await store.close()
  await last
  await expect(store.commit({ puts: [], forget: [] })).rejects.toMatchObject({ code: 'history-unavailable' })
  await expect(store.readSeries()).rejects.toMatchObject({ code: 'history-unavailable' })
  expect((await (await open()).readFrames('minute', ALL)).length).toBe(1)
})

it('a path that is no directory, and one that lost its CURRENT file, are refused', async () => {
  const file = join(directory, 'file')
  await writeFile(file, '')
  await expect(openLevelHistory(file)).rejects.toMatchObject({ code: 'history-unavailable' })
  await fill(3)
  await rm(join(directory, 'CURRENT'))
  await expect(openLevelHistory(directory)).rejects.toThrow('CURRENT')
})

it('a log cut off in the middle costs the last minutes only', async () => {
  await fill(50)
  const log = (await readdir(directory)).find(name => name.endsWith('.log'))
  if (log === undefined) throw new Error('LevelDB keeps a log')
  const path = join(directory, log)
  await truncate(path, (await stat(path)).size - 500)
  const read = await (await open()).readFrames('minute', ALL)
  expect(read.length).toBeGreaterThan(45)
  expect(read.length).toBeLessThan(50)
  expect(read.map(({ household }) => household.accepted)).toEqual(read.map((_, i) => i + 1))
})

it('damage in the middle of a table costs the minutes it hit and hides no others', async () => {
  await fill(2000)
  // Opening once more turns the log into a table.
  await (await openLevelHistory(directory)).close()
  for (const name of await readdir(directory)) {
    if (!name.endsWith('.ldb')) continue
    const bytes = await readFile(join(directory, name))
    bytes.fill(0xee, bytes.length >> 1, (bytes.length >> 1) + 400)
    await writeFile(join(directory, name), bytes)
  }
  const store = await open()
  const read = await store.readFrames('minute', ALL)
  expect(read.length).toBeGreaterThan(1900)
  expect(read.length).toBeLessThan(2000)
  for (const frame of read) expect(frame).toEqual(frameAt('minute', frame.startSec, frame.startSec / 60))
  expect(await store.readSeries()).toEqual([])
})

it('every minute a killed process was told of is there afterwards', async () => {
  const script = fileURLToPath(new URL('testing/commit-until-killed.ts', import.meta.url))
  const child = spawn(process.execPath, ['--conditions=p2pool-source', '--import=tsx', script, directory], {
    stdio: ['ignore', 'pipe', 'inherit']
  })
  const ended = once(child, 'exit')
  let told = 0
  for await (const line of createInterface(child.stdout)) {
    told = Number(line)
    if (told === 100) child.kill('SIGKILL')
  }
  expect(await ended).toEqual([null, 'SIGKILL'])
  const read = await (await open()).readFrames('minute', ALL)
  expect(read.length).toBeGreaterThanOrEqual(told)
  expect(read.map(({ household }) => household.accepted)).toEqual(read.map((_, i) => i + 1))
})
