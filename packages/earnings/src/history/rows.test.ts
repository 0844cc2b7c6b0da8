import { bytesToHex, hexToBytes } from '@p2poolv2/primitives'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { emptyFrame, type Frame, LEVEL_NAMES, LEVELS, MAX_FRAME_WORKERS, type Mined } from './frame.ts'
import { FRAME_BYTES, frameKey, frameOfRow, frameRow, seriesOfRow, seriesRow, WORKER_BYTES } from './rows.ts'

const anyCount = fc.nat(2 ** 31)
const anyValue = fc.double({ min: 0, max: 1e30, noNaN: true })
const anyMined = fc.record({ accepted: anyCount, rejected: anyCount, workHashes: anyValue, bestDifficulty: anyValue })
const anyGauge = fc.record({ sum: anyValue, seenMs: anyCount, min: anyValue, max: anyValue })
const anyWorkers = fc
  .uniqueArray(fc.tuple(fc.nat(2 ** 32 - 1), anyMined, anyCount), {
    selector: ([id]) => id,
    maxLength: MAX_FRAME_WORKERS
  })
  .map(rows => new Map(rows.map(([id, mined, onlineMs]) => [id, { ...mined, onlineMs }])))
const anyFrame: fc.Arbitrary<Frame> = fc
  .record({
    level: fc.constantFrom(...LEVEL_NAMES),
    start: fc.nat(40_000),
    observedMs: anyCount,
    household: anyMined,
    gauges: fc.record({ poolHps: anyGauge, peers: anyGauge, shareDifficulty: anyGauge, bitcoinDifficulty: anyGauge }),
    workers: anyWorkers
  })
  .map(({ start, ...frame }) => ({ ...frame, startSec: start * LEVELS[frame.level].spanSec }))
const anySeries = fc.record({
  id: fc.nat(2 ** 32 - 1),
  address: fc.string({ maxLength: 90 }),
  worker: fc.string({ unit: 'binary', maxLength: 100 }),
  firstSec: anyCount,
  lastSec: anyCount
})

describe('a frame as a row', () => {
  it('has every field at its offset', () => {
    const mined: Mined = { accepted: 1, rejected: 2, workHashes: 1.5, bestDifficulty: 2.5 }
    const gauge = { sum: 3, seenMs: 4, min: 0.5, max: 6 }
    const frame: Frame = {
      ...emptyFrame('hour', 0x01020310 - (0x01020310 % 3600)),
      observedMs: 0x0a0b0c0d,
      household: mined,
      gauges: { poolHps: gauge, peers: gauge, shareDifficulty: gauge, bitcoinDifficulty: gauge },
      workers: new Map([[0xfffffffe, { ...mined, onlineMs: 7 }]])
    }
    const { key, value } = frameRow(frame)
    expect(bytesToHex(key)).toBe(`68${frame.startSec.toString(16).padStart(8, '0')}`)
    // IEEE 754: 1.5 is 3ff8, 2.5 is 4004, 3 is 4008, 0.5 is 3fe0, 6 is 4018, then zeros; little-endian.
    const double = (top: string): string => `000000000000${top.slice(2)}${top.slice(0, 2)}`
    const household = `0100000002000000${double('3ff8')}${double('4004')}`
    const gaugeHex = `${double('4008')}04000000${double('3fe0')}${double('4018')}`
    expect(bytesToHex(value.slice(0, -4))).toBe(
      `010001000d0c0b0a${household}${gaugeHex.repeat(4)}feffffff07000000${household}`
    )
    expect(value.length).toBe(FRAME_BYTES + WORKER_BYTES)
  })

  it('is read back as it was', () => {
    fc.assert(
      fc.property(anyFrame, frame => {
        expect(frameOfRow(frameRow(frame))).toEqual(frame)
      })
    )
  })

  it('is told from a damaged one, whichever byte it is', () => {
    const row = frameRow({
      ...emptyFrame('minute', 60),
      workers: new Map([[1, { accepted: 1, rejected: 0, workHashes: 1, bestDifficulty: 1, onlineMs: 1 }]])
    })
    for (let at = 0; at < row.value.length; at++) {
      const value = row.value.slice()
      value[at] = (value[at] ?? 0) ^ 0x40
      expect(frameOfRow({ key: row.key, value })).toBeNull()
    }
    for (let length = 0; length < row.value.length; length++) {
      expect(frameOfRow({ key: row.key, value: row.value.slice(0, length) })).toBeNull()
    }
    expect(frameOfRow({ key: frameKey('minute', 120), value: row.value })).toBeNull()
    expect(frameOfRow({ key: frameKey('hour', 0), value: row.value })).toBeNull()
  })

  it('takes no bytes for a frame that are none', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 12 }), fc.uint8Array({ maxLength: 300 }), (key, value) => {
        expect(frameOfRow({ key, value })).toBeNull()
        expect(seriesOfRow({ key, value })).toBeNull()
      })
    )
  })

  it('keeps the workers with the most work when there are too many, and stops counts at 32 bits', () => {
    const worker = { accepted: 2 ** 40, rejected: 0, bestDifficulty: 0, onlineMs: 0 }
    const workers = new Map(Array.from({ length: 100 }, (_, id) => [id, { ...worker, workHashes: id }]))
    const back = frameOfRow(frameRow({ ...emptyFrame('day', 86_400), workers }))
    expect([...(back?.workers.keys() ?? [])]).toEqual(Array.from({ length: MAX_FRAME_WORKERS }, (_, i) => 36 + i))
    expect(back?.workers.get(99)?.accepted).toBe(2 ** 32 - 1)
  })
})

describe('a series as a row', () => {
  it('has every field at its offset', () => {
    const { key, value } = seriesRow({ id: 258, address: 'bc1', worker: 'ü', firstSec: 1, lastSec: 2 })
    expect(key).toEqual(hexToBytes('7300000102'))
    expect(bytesToHex(value.slice(0, -4))).toBe('01010000000200000003626331' + '02c3bc')
  })

  it('is read back as it was, whatever the miner called itself', () => {
    fc.assert(
      fc.property(anySeries, series => {
        expect(seriesOfRow(seriesRow(series))).toEqual(series)
      })
    )
  })
})

it('ten years of days, a year of hours and two days of minutes are below 50 MB with as many workers as are kept apart', () => {
  const rowBytes = frameKey('day', 0).length + FRAME_BYTES + MAX_FRAME_WORKERS * WORKER_BYTES
  const rows = LEVEL_NAMES.reduce((sum, level) => sum + LEVELS[level].keepSec / LEVELS[level].spanSec, 0)
  expect(rowBytes).toBe(2201)
  expect(rows).toBe(2880 + 8784 + 3653)
  expect(rows * rowBytes).toBeLessThan(34e6)
})
