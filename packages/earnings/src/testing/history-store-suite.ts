import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { emptyFrame, type Frame, type Level, withPart } from '../history/frame.ts'
import { frameKey, frameRow, seriesRow } from '../history/rows.ts'
import type { HistoryDelta, HistoryStore } from '../history/store.ts'

/** A store and what its tests need around it. */
export interface HistoryRig {
  readonly store: HistoryStore
  /** Closes the store and opens what it left behind. */
  reopen(): Promise<HistoryStore>
  dispose(): Promise<void>
}

export function frameAt(level: Level, startSec: number, accepted = 1): Frame {
  const empty = emptyFrame(level, startSec)
  const mined = { accepted, rejected: 0, workHashes: 2 ** 32 * accepted, bestDifficulty: 5 }
  return withPart(empty, {
    ...empty,
    observedMs: 1000,
    household: mined,
    workers: new Map([[1, { ...mined, onlineMs: 1000 }]])
  })
}

function deltaOf(frames: readonly Frame[], forget: HistoryDelta['forget'] = []): HistoryDelta {
  return { puts: frames.map(frameRow), forget }
}

const ALL = { fromSec: 0, toSec: 2 ** 32 - 1 }

/** What every implementation of the history store has to do. */
export function describeHistoryStore(name: string, makeRig: () => Promise<HistoryRig>): void {
  describe(`a history store ${name}`, () => {
    let rig: HistoryRig
    beforeEach(async () => {
      rig = await makeRig()
    })
    afterEach(async () => {
      await rig.dispose()
    })

    it('has nothing when it is new', async () => {
      expect(await rig.store.readFrames('minute', ALL)).toEqual([])
      expect(await rig.store.readSeries()).toEqual([])
    })

    it('gives frames of one level by rising time', async () => {
      const minutes = [6000, 60, 256 * 60, 65_536 * 60].map(startSec => frameAt('minute', startSec))
      await rig.store.commit(deltaOf([...minutes, frameAt('hour', 7200), frameAt('day', 86_400)]))
      const read = await rig.store.readFrames('minute', ALL)
      expect(read.map(({ startSec }) => startSec)).toEqual([60, 6000, 256 * 60, 65_536 * 60])
      expect(await rig.store.readFrames('hour', ALL)).toEqual([frameAt('hour', 7200)])
    })

    it('takes the first end of a range and leaves the second', async () => {
      await rig.store.commit(deltaOf([0, 60, 120, 180].map(startSec => frameAt('minute', startSec))))
      const read = await rig.store.readFrames('minute', { fromSec: 60, toSec: 180 })
      expect(read.map(({ startSec }) => startSec)).toEqual([60, 120])
      expect(await rig.store.readFrames('minute', { fromSec: 180, toSec: 60 })).toEqual([])
    })

    it('gives the workers that are asked for', async () => {
      const frame = frameAt('minute', 60)
      const [mined] = frame.workers.values()
      if (mined === undefined) throw new Error('it has a worker')
      const workers = new Map([1, 2, 3].map(id => [id, mined]))
      await rig.store.commit(deltaOf([{ ...frame, workers }]))
      const idsOf = async (wanted?: readonly number[]) =>
        (await rig.store.readFrames('minute', ALL, wanted)).map(read => [...read.workers.keys()])
      expect(await idsOf()).toEqual([[1, 2, 3]])
      expect(await idsOf([2, 9])).toEqual([[2]])
      expect(await rig.store.readFrames('minute', ALL, [])).toEqual([{ ...frame, workers: new Map() }])
    })

    it('has of a stretch what was written last', async () => {
      await rig.store.commit(deltaOf([frameAt('hour', 3600, 1)]))
      await rig.store.commit(deltaOf([frameAt('hour', 3600, 9)]))
      expect((await rig.store.readFrames('hour', ALL)).map(({ household }) => household.accepted)).toEqual([9])
    })

    it('forgets what it is told to, after writing, and twice without harm', async () => {
      await rig.store.commit(deltaOf([0, 60, 120].map(startSec => frameAt('minute', startSec))))
      const forget = [{ from: frameKey('minute', 0), to: frameKey('minute', 120) }]
      await rig.store.commit(deltaOf([frameAt('minute', 180), frameAt('hour', 0)], forget))
      await rig.store.commit(deltaOf([], forget))
      expect((await rig.store.readFrames('minute', ALL)).map(({ startSec }) => startSec)).toEqual([120, 180])
      expect((await rig.store.readFrames('hour', ALL)).length).toBe(1)
    })

    it('keeps what was written when it is opened again', async () => {
      const series = { id: 7, address: 'bc1q', worker: 'garage', firstSec: 1, lastSec: 2 }
      const frames = [frameAt('minute', 60), frameAt('day', 86_400)]
      await rig.store.commit({ puts: [...frames.map(frameRow), seriesRow(series)], forget: [] })
      const again = await rig.reopen()
      expect(await again.readFrames('minute', ALL)).toEqual([frames[0]])
      expect(await again.readFrames('day', ALL)).toEqual([frames[1]])
      expect(await again.readSeries()).toEqual([series])
    })

    it('leaves damaged rows out and gives the others', async () => {
      const { key, value } = frameRow(frameAt('minute', 60))
      const flipped = value.slice()
      flipped[9] = (flipped[9] ?? 0) ^ 1
      const half = frameRow(frameAt('minute', 120))
      const puts = [
        { key, value: flipped },
        { key: half.key, value: half.value.slice(0, 90) },
        { ...frameRow(frameAt('minute', 240)), key: frameKey('minute', 180) },
        frameRow(frameAt('minute', 300)),
        { key: Uint8Array.of(0x73, 0, 0, 0, 1), value: Uint8Array.of(1, 2, 3) }
      ]
      await rig.store.commit({ puts, forget: [] })
      expect((await rig.store.readFrames('minute', ALL)).map(({ startSec }) => startSec)).toEqual([300])
      expect(await rig.store.readSeries()).toEqual([])
    })

    it('writes in the order it was told, without waiting in between', async () => {
      const commits = Array.from({ length: 20 }, (_, n) => rig.store.commit(deltaOf([frameAt('hour', 3600, n + 1)])))
      await Promise.all(commits)
      expect((await rig.store.readFrames('hour', ALL))[0]?.household.accepted).toBe(20)
    })
  })
}
