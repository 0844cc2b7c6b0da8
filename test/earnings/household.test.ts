import { mkdtemp, readdir, rm, stat } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import {
  History,
  type HistorySample,
  type HistoryStore,
  historyCsv,
  householdHashrate,
  ledgerCsv,
  ledgerOf,
  levelFor,
  pointOf,
  type WorkerCounters,
  workerHashrate,
  workerPointOf
} from '@p2poolv2/earnings'
import { HistoryUnavailable, openLevelHistory } from '@p2poolv2/earnings/level'
import { blockHash, type UnixMs, unixMs } from '@p2poolv2/primitives'
import { afterEach, beforeEach, expect, it } from 'vitest'

const DAY_SEC = 86_400
/** A Sunday at midnight. */
const START_SEC = 20_786 * DAY_SEC
const ADDRESS = 'bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t4'
const HPS = 1.2e12

let directory: string
let store: HistoryStore

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'household-'))
  store = await openLevelHistory(directory)
})
afterEach(async () => {
  await store.close()
  await rm(directory, { recursive: true })
})

const atMs = (sec: number): UnixMs => unixMs((START_SEC + sec) * 1000)

async function begun(sec: number): Promise<History> {
  const now = START_SEC + sec
  const frames = await Promise.all(
    (['minute', 'hour', 'day'] as const).map(level =>
      store.readFrames(level, { fromSec: now - DAY_SEC, toSec: now + 1 })
    )
  )
  return new History({ series: await store.readSeries(), frames: frames.flat() }, atMs(sec))
}

/** Counters of a node that has run for a time with two miners, the second of which left within an hour. */
function sampleAt(runSec: number): HistorySample {
  const minedIn = (sec: number) => ({
    accepted: Math.floor(sec / 3),
    rejected: 0,
    workHashes: sec * HPS,
    bestDifficulty: sec
  })
  const workers: readonly WorkerCounters[] = [
    { address: ADDRESS, worker: 'attic', isConnected: true, ...minedIn(runSec) },
    { address: ADDRESS, worker: 'cellar', isConnected: runSec < 3580, ...minedIn(Math.min(runSec, 3580)) }
  ]
  const [a, b] = workers as [WorkerCounters, WorkerCounters]
  const household = {
    accepted: a.accepted + b.accepted,
    rejected: 0,
    workHashes: a.workHashes + b.workHashes,
    bestDifficulty: runSec
  }
  return { workers, household, gauges: { poolHps: 1e15, peers: 6, shareDifficulty: 2.3e6, bitcoinDifficulty: 1.4e14 } }
}

async function run(history: History, { fromSec, toSec }: { fromSec: number; toSec: number }): Promise<void> {
  for (let sec = fromSec; sec < toSec; sec += 20) {
    const delta = history.sample(sampleAt(sec - fromSec), atMs(sec))
    if (delta.puts.length > 0) await store.commit(delta)
  }
}

it('a day and a restart read back from disk as one line of charts', async () => {
  const history = await begun(0)
  await run(history, { fromSec: 0, toSec: 10 * 3600 })
  await store.commit(history.close())
  await store.close()
  // Away for two hours.
  store = await openLevelHistory(directory)
  await run(await begun(12 * 3600), { fromSec: 12 * 3600, toSec: 24 * 3600 })

  const range = { fromSec: START_SEC, toSec: START_SEC + DAY_SEC }
  const level = levelFor(range, { nowSec: START_SEC + DAY_SEC, maxPoints: 200 })
  expect(level).toBe('hour')
  const frames = await store.readFrames(level, range)
  const hours = frames.map(frame => (frame.startSec - START_SEC) / 3600)
  expect(hours).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23])
  const points = frames.map(pointOf)
  expect((points[0]?.household.hps ?? 0) / (2 * HPS)).toBeCloseTo(1, 1)
  for (const { household, observed } of points.filter((_, i) => i > 1 && i < 10)) {
    expect((household.hps ?? 0) / HPS).toBeCloseTo(1, 2)
    expect(observed).toBeCloseTo(1, 2)
  }
  const cellar = (await store.readSeries()).find(({ worker }) => worker === 'cellar')
  const seen = frames.flatMap(frame => workerPointOf(frame, cellar?.id ?? 0) ?? [])
  expect(seen.map(({ startSec }) => (startSec - START_SEC) / 3600)).toEqual([0, 12])

  const rate = householdHashrate(frames.slice(2, 10))
  expect(rate?.windowSec).toBeCloseTo(8 * 3600, -2)
  expect((rate?.hps ?? 0) / HPS).toBeCloseTo(1, 2)
  expect(rate?.effectiveFinds).toBeCloseTo((8 * 3600) / 3, -2)
  expect((workerHashrate(frames.slice(0, 1), cellar?.id ?? 0)?.hps ?? 0) / HPS).toBeCloseTo(1, 1)
  expect(historyCsv(points).split('\r\n').length).toBe(1 + frames.length + 1)

  // The day has all of it: twice ten or twelve hours of one miner, and an hour of the other.
  const [day] = await store.readFrames('day', range)
  expect((day?.household.workHashes ?? 0) / (24 * 3600 * HPS)).toBeCloseTo(1, 2)
  expect((day?.household.accepted ?? 0) / (8 * 3600)).toBeCloseTo(1, 2)
  let bytes = 0
  for (const name of await readdir(directory)) bytes += (await stat(join(directory, name))).size
  expect(bytes).toBeLessThan(3e6)
})

it('a ledger of blocks becomes a table', () => {
  const hash = blockHash('ab'.repeat(32))
  const block = { bitcoinHeight: 900_000, blockHash: hash, timeSec: START_SEC, result: 'accepted' }
  const outputs = [{ address: ADDRESS, valueSats: 2583n }]
  const ledger = ledgerOf([{ ...block, outputs }], new Set([ADDRESS]), { tipHeight: 900_099, hashAt: () => hash })
  expect(ledger.sats.mature).toBe(2583n)
  expect(ledgerCsv(ledger)).toContain(`900000,${hash},${ADDRESS},2583,0.00002583,mature,100,accepted\r\n`)
})

it('a second node in the same directory is told that only its charts are missing', async () => {
  await expect(openLevelHistory(directory)).rejects.toBeInstanceOf(HistoryUnavailable)
})
