import { consensusFingerprint, genesisShare } from '@p2poolv2/consensus'
import { unixMs } from '@p2poolv2/primitives'
import { type ChainDelta, SCHEMA_VERSION } from '@p2poolv2/sharechain'
import { expect, it } from 'vitest'
import { DiskPool, SimStore } from './sim-store.ts'
import { VirtualClock } from './virtual-clock.ts'
import { simParams } from './world/world-params.ts'

function setUp() {
  const clock = new VirtualClock(unixMs(0))
  const params = simParams()
  const identity = {
    schemaVersion: SCHEMA_VERSION,
    chain: params.chain,
    fingerprint: consensusFingerprint(params),
    genesisHash: genesisShare(params).hash
  }
  const store = new SimStore({ identity, commitMs: 10, readMs: 5, pool: new DiskPool() }, clock)
  const done: number[] = []
  const commit = (sequence: number): void => store.commit(delta(sequence), () => done.push(sequence))
  const run = (untilMs: number): void => {
    while (clock.runNext(unixMs(untilMs)));
  }
  return { clock, store, done, commit, run }
}

function delta(sequence: number): ChainDelta {
  return { sequence, puts: [], deletes: [], durability: 'buffered' }
}

it('writes one delta after the other, each taking its time', () => {
  const { store, done, commit, run } = setUp()
  for (const sequence of [1, 2, 3]) commit(sequence)
  run(25)
  expect(done).toEqual([1, 2])
  expect(store.disk.sequence).toBe(2)
  expect(store.waiting).toBe(1)
})

it('loses in a crash what was not written, and nothing else', () => {
  const { store, done, commit, run } = setUp()
  for (const sequence of [1, 2, 3]) commit(sequence)
  run(15)
  store.crash()
  run(1_000)
  expect(done).toEqual([1])
  expect(store.disk.sequence).toBe(1)
  commit(2)
  run(2_000)
  expect(store.disk.sequence).toBe(2)
})

it('answers nothing while it stalls and everything afterwards', () => {
  const { store, done, commit, run } = setUp()
  const answers: number[] = []
  store.stall()
  commit(1)
  store.read({ afterSequence: 0, question: disk => disk.readNow([]) }, shares => answers.push(shares.length))
  run(500)
  expect([done, answers]).toEqual([[], []])
  store.resume()
  run(1_000)
  expect([done, answers]).toEqual([[1], [0]])
})

it('answers a question about what is on its way once it is there', () => {
  const { store, commit, run } = setUp()
  const answers: number[] = []
  for (const sequence of [1, 2, 3]) commit(sequence)
  const ask = (afterSequence: number): void =>
    store.read({ afterSequence, question: disk => disk.sequence }, sequence => answers.push(sequence))
  for (const afterSequence of [2, 0]) ask(afterSequence)
  run(15)
  expect(answers).toEqual([0])
  run(1_000)
  expect(answers).toEqual([0, 2])
})

it('holds the same bytes once for all disks, and different bytes apart', () => {
  const pool = new DiskPool()
  const write = (fill: number): Uint8Array | undefined => {
    const put = { key: Uint8Array.of(1), value: new Uint8Array(300).fill(fill) }
    return pool.pooled({ ...delta(1), puts: [put] }).puts[0]?.value
  }
  const first = write(7)
  expect(write(7)).toBe(first)
  expect(write(8)).toEqual(new Uint8Array(300).fill(8))
})
