import type { HistorySample, HistoryStore } from '@p2poolv2/earnings'
import { type Moment, steadyMs, unixMs } from '@p2poolv2/primitives'
import { createLog } from '@p2poolv2/runtime'
import { beforeEach, expect, it } from 'vitest'
import { HistoryKeeper } from './history-keeper.ts'
import { memoryHistory } from './memory-history.ts'

const START_SEC = 1_800_000_000
const ATTIC = { address: 'bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t4', worker: 'attic' }

let nowSec: number
let accepted: number
let best: number
let lines: { readonly level: string; readonly msg: string }[]
beforeEach(() => {
  nowSec = START_SEC
  accepted = 0
  best = 0
  lines = []
})

const now = (): Moment => ({ wallMs: unixMs(nowSec * 1_000), steadyMs: steadyMs((nowSec - START_SEC) * 1_000) })
const log = createLog({
  level: 'info',
  format: 'json',
  sink: { write: line => void lines.push(JSON.parse(line)) }
})

function sample(): HistorySample {
  const counters = { accepted, rejected: 0, workHashes: accepted * 100, bestDifficulty: best }
  return {
    household: counters,
    workers: [{ ...ATTIC, isConnected: true, ...counters }],
    gauges: { poolHps: null, peers: 1, shareDifficulty: null, bitcoinDifficulty: null }
  }
}

const open = (store: HistoryStore): Promise<HistoryKeeper> => HistoryKeeper.open(store, { sample, clock: { now }, log })

/** A quarter of a minute in which so much is accepted. */
async function quarter(keeper: HistoryKeeper, more: number): Promise<void> {
  nowSec += 15
  accepted += more
  await keeper.sample()
}

it('keeps what was mined across a stop, the open minute too, and the records of all time', async () => {
  const store = memoryHistory()
  const first = await open(store)
  best = 7
  for (let count = 0; count < 6; count++) await quarter(first, 2)
  await first.stop()
  // The node starts anew: its counters begin at zero.
  accepted = 0
  best = 0
  const second = await open(store)
  expect(second.records.household).toBe(7)
  const [series] = second.series
  expect(series).toMatchObject({ ...ATTIC, id: 1 })
  expect(second.records.workers.get(1)).toBe(7)
  for (let count = 0; count < 8; count++) await quarter(second, 1)
  await second.stop()
  const [hour] = await store.readFrames('hour', { fromSec: START_SEC - 3_600, toSec: nowSec + 1 })
  expect(hour?.household).toMatchObject({ accepted: 20, bestDifficulty: 7 })
})

it('says once that the disk refuses and once that it takes rows again, and lets mining go on', async () => {
  const memory = memoryHistory()
  let isRefusing = true
  const keeper = await open({
    ...memory,
    commit: delta => (isRefusing ? Promise.reject(new Error('no space left')) : memory.commit(delta))
  })
  for (let count = 0; count < 12; count++) await quarter(keeper, 1)
  expect(lines.map(({ level }) => level)).toEqual(['warn'])
  isRefusing = false
  for (let count = 0; count < 8; count++) await quarter(keeper, 1)
  expect(lines.map(({ level }) => level)).toEqual(['warn', 'info'])
  await keeper.stop()
})
