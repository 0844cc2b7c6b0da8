import { bytesToHex } from '@p2poolv2/primitives'
import { useDirectory } from '@p2poolv2/runtime/testing'
import {
  encodeIdentity,
  foundBlockRow,
  identityKey,
  LAYOUT_STEPS,
  layoutSteps,
  OLDEST_LAYOUT,
  RETIRED_PREFIX,
  SCHEMA_VERSION,
  type StoredRow
} from '@p2poolv2/sharechain'
import { deltaOf, foundBlock, TEST_IDENTITY } from '@p2poolv2/sharechain/testing'
import { describe, expect, it } from 'vitest'
import { type Database, openDatabase } from './database.ts'
import { type LevelStore, openLevelStore, repairLevelStore, rollbackLayout } from './index.ts'
import { changeLayout } from './layout.ts'

/** Some batches of the change. */
const BLOCKS = 400
const OLD_IDENTITY = { ...TEST_IDENTITY, schemaVersion: 3 }
const NEWEST_FIRST = Array.from({ length: BLOCKS }, (_, index) => foundBlock(BLOCKS - index))

const directory = useDirectory('store-layout')

/** A found block as layout 3 has it. */
function oldRow(bitcoinHeight: number): StoredRow {
  const row = layoutSteps(4, 3)[0]?.down(foundBlockRow(foundBlock(bitcoinHeight)))
  if (row === undefined) throw new Error('there is a step')
  return row
}

async function withDatabase<T>(work: (database: Database) => Promise<T>): Promise<T> {
  const database = await openDatabase(directory.path)
  try {
    return await work(database)
  } finally {
    await database.close()
  }
}

async function makeOldStore(): Promise<void> {
  await withDatabase(async database => {
    const rows = [...deltaOf(1).puts, ...NEWEST_FIRST.map(({ bitcoinHeight }) => oldRow(bitcoinHeight))]
    await database.clear()
    await database.put(identityKey(), encodeIdentity(OLD_IDENTITY))
    await database.batch(rows.map(row => ({ type: 'put', ...row })))
  })
}

/** All rows but the notes of LevelStore, which older versions pass over. */
function rows(): Promise<string> {
  return withDatabase(async database => {
    const all = await database.iterator().all()
    return all
      .map(([key, value]) => `${bytesToHex(key)} ${bytesToHex(value)}`)
      .filter(row => !row.startsWith('6a'))
      .join('\n')
  })
}

const open = (): Promise<LevelStore> => openLevelStore(directory.path, TEST_IDENTITY, { onLayoutChange: () => {} })
const goBack = (): Promise<number> => rollbackLayout(directory.path, TEST_IDENTITY, { wanted: 3, onProgress: () => {} })

/** Changes the layout up to one of its steps, and then no more, as a process does that is killed. @returns whether there was such a step */
function stoppedAfter(steps: number, from: number, to: number): Promise<boolean> {
  return withDatabase(async database => {
    const identity = { ...TEST_IDENTITY, schemaVersion: from }
    const change = changeLayout(database, { directory: directory.path, identity }, to)
    for (let step = 0; step < steps; step++) if ((await change.next()).done === true) return false
    return true
  })
}

describe('a store of an older layout', () => {
  it('has all that was in it in the new layout, wherever an earlier try to get there ended', async () => {
    let steps = 0
    for (let isStep = true; isStep; steps++) {
      await makeOldStore()
      isStep = await stoppedAfter(steps, 3, 4)
      const store = await open()
      expect(await store.readBlocks(BLOCKS + 1)).toEqual(NEWEST_FIRST)
      await store.commit(deltaOf(2))
      await store.close()
      expect((await rows()).includes(`\n${RETIRED_PREFIX.plainBlock.toString(16)}`)).toBe(false)
    }
    // Batches, the new layout, the old rows gone.
    expect(steps).toBeGreaterThan(5)
  })

  it('goes back with all that came since, wherever an earlier try ended, to the very rows it had', async () => {
    await makeOldStore()
    const before = await rows()
    for (let steps = 0, isStep = true; isStep; steps++) {
      await (await open()).close()
      isStep = await stoppedAfter(steps, 4, 3)
      await goBack()
      expect((await rows()) === before, `after ${steps} steps`).toBe(true)
    }
    const store = await open()
    await store.commit(deltaOf(2, { puts: [foundBlockRow(foundBlock(BLOCKS + 1))] }))
    await store.close()
    expect(await goBack()).toBe(4)
    const { key, value } = oldRow(BLOCKS + 1)
    expect((await rows()).includes(`\n${bytesToHex(key)} ${bytesToHex(value)}`)).toBe(true)
    expect(await goBack()).toBe(3)
  })

  it('is told how far it is, and leaves behind what cannot be read', async () => {
    await makeOldStore()
    await withDatabase(database => database.put(oldRow(7).key, Uint8Array.of(1, 2, 3)))
    const told: object[] = []
    const store = await openLevelStore(directory.path, TEST_IDENTITY, { onLayoutChange: said => told.push(said) })
    expect(told.at(-1)).toEqual({ from: 3, to: 4, done: BLOCKS - 1, unreadable: 1 })
    expect(await store.countBlocks()).toBe(BLOCKS - 1)
    await store.close()
  })

  it('is refused and not touched by whoever does not want it changed', async () => {
    await makeOldStore()
    const before = await rows()
    const refusal = openLevelStore(directory.path, TEST_IDENTITY)
    await expect(refusal).rejects.toMatchObject({ code: 'store-schema' })
    await expect(refusal).rejects.toThrow('Start the node once')
    expect((await rows()) === before).toBe(true)
  })

  it('is brought on by a repair as well', async () => {
    await makeOldStore()
    await repairLevelStore(directory.path, TEST_IDENTITY)
    await (await open()).close()
  })
})

it('each layout since the oldest has its step, and prefixes of its own', () => {
  expect(LAYOUT_STEPS.map(({ from, to }) => to - from)).toEqual(LAYOUT_STEPS.map(() => 1))
  expect(layoutSteps(OLDEST_LAYOUT, SCHEMA_VERSION).at(-1)?.to).toBe(SCHEMA_VERSION)
  const prefixes = LAYOUT_STEPS.flatMap(({ fromPrefix, toPrefix }) => [fromPrefix, toPrefix])
  expect(new Set(prefixes).size).toBe(prefixes.length)
})

it('a record of a found block that the disk changed is noticed at the start', async () => {
  const store = await openLevelStore(directory.path, TEST_IDENTITY)
  const puts = [1, 2].map(height => foundBlockRow(foundBlock(height)))
  await store.commit(deltaOf(1, { puts }))
  await store.close()
  const [{ key, value } = foundBlockRow(foundBlock(1))] = puts
  value[40] = (value[40] ?? 0) ^ 1
  await withDatabase(database => database.put(key, value))
  await expect(openLevelStore(directory.path, TEST_IDENTITY)).rejects.toMatchObject({ code: 'store-damaged' })
})
