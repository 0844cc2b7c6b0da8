import { readdir, rm, stat, truncate, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { frameRow, type HistoryStore } from '@p2poolv2/earnings'
import { describeHistoryStore, frameAt } from '@p2poolv2/earnings/testing/history-store-suite'
import { damageTables, killedAt, reopenable, useDirectory } from '@p2poolv2/runtime/testing'
import { expect, it } from 'vitest'
import { openLevelHistory } from './index.ts'

const ALL = { fromSec: 0, toSec: 2 ** 32 - 1 }

describeHistoryStore('on LevelDB', () => reopenable('history', openLevelHistory))

const directory = useDirectory('history')

async function open(): Promise<HistoryStore> {
  return directory.closing(await openLevelHistory(directory.path))
}

async function fill(minutes: number): Promise<void> {
  const store = await openLevelHistory(directory.path)
  for (let n = 1; n <= minutes; n++) await store.commit({ puts: [frameRow(frameAt('minute', n * 60, n))], forget: [] })
  await store.close()
}

it('a directory in use is refused, and says that mining goes on', async () => {
  await open()
  await expect(openLevelHistory(directory.path)).rejects.toMatchObject({ code: 'history-unavailable' })
  await expect(openLevelHistory(directory.path)).rejects.toThrow('mining and payouts go on')
})

it('a closed history refuses, and can be opened again', async () => {
  const store = await openLevelHistory(directory.path)
  const last = store.commit({ puts: [frameRow(frameAt('minute', 60))], forget: [] })
  await store.close()
  await last
  await expect(store.commit({ puts: [], forget: [] })).rejects.toMatchObject({ code: 'history-unavailable' })
  await expect(store.readSeries()).rejects.toMatchObject({ code: 'history-unavailable' })
  expect((await (await open()).readFrames('minute', ALL)).length).toBe(1)
})

it('a path that is no directory, and one that lost its CURRENT file, are refused', async () => {
  const file = join(directory.path, 'file')
  await writeFile(file, '')
  await expect(openLevelHistory(file)).rejects.toMatchObject({ code: 'history-unavailable' })
  await fill(3)
  await rm(join(directory.path, 'CURRENT'))
  await expect(openLevelHistory(directory.path)).rejects.toThrow('CURRENT')
})

it('a log cut off in the middle costs the last minutes only', async () => {
  await fill(50)
  const log = (await readdir(directory.path)).find(name => name.endsWith('.log'))
  if (log === undefined) throw new Error('LevelDB keeps a log')
  const path = join(directory.path, log)
  await truncate(path, (await stat(path)).size - 500)
  const read = await (await open()).readFrames('minute', ALL)
  expect(read.length).toBeGreaterThan(45)
  expect(read.length).toBeLessThan(50)
  expect(read.map(({ household }) => household.accepted)).toEqual(read.map((_, i) => i + 1))
})

it('damage in the middle of a table costs the minutes it hit and hides no others', async () => {
  await fill(2000)
  // Opening once more turns the log into a table.
  await (await openLevelHistory(directory.path)).close()
  expect(await damageTables(directory.path)).toBeGreaterThan(0)
  const store = await open()
  const read = await store.readFrames('minute', ALL)
  expect(read.length).toBeGreaterThan(1900)
  expect(read.length).toBeLessThan(2000)
  for (const frame of read) expect(frame).toEqual(frameAt('minute', frame.startSec, frame.startSec / 60))
  expect(await store.readSeries()).toEqual([])
})

it('every minute a killed process was told of is there afterwards', async () => {
  const told = await killedAt(100, new URL('testing/commit-until-killed.ts', import.meta.url), directory.path)
  const read = await (await open()).readFrames('minute', ALL)
  expect(read.length).toBeGreaterThanOrEqual(told)
  expect(read.map(({ household }) => household.accepted)).toEqual(read.map((_, i) => i + 1))
})
