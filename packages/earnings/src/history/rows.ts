/**
 * History on disk. Keys are a prefix byte and a big-endian u32, so that the order of bytes is the order of time; a prefix once used is
 * never given another meaning.
 *
 * | prefix | rest of the key | value |
 * | ------ | --------------- | ----- |
 * | `m` `h` `d` | start, unix seconds | a minute, an hour, a day |
 * | `s` | series id | whose a series is |
 *
 * Every row is sealed: four bytes behind the value, the first of SHA-256d over key and value. A row that is cut off, damaged or under
 * another key is told from a whole one and left out; what it held is lost, and nothing else.
 */
import {
  ByteReader,
  ByteWriter,
  bytesEqual,
  CodecError,
  concatBytes,
  invariant,
  sha256d,
  utf8FromString,
  utf8ToString
} from '@p2poolv2/primitives'
import {
  type Frame,
  GAUGES,
  type Gauge,
  heaviest,
  LEVEL_NAMES,
  type Level,
  MAX_FRAME_WORKERS,
  type Mined,
  startOf,
  type WorkerMined
} from './frame.ts'

/** A stored key and its value. */
export interface HistoryRow {
  readonly key: Uint8Array
  readonly value: Uint8Array
}

/** Whose a series is. An id is never given to anybody else. */
export interface Series {
  readonly id: number
  /** The payout address, as text. */
  readonly address: string
  /** The name behind the dot; '' without one. */
  readonly worker: string
  readonly firstSec: number
  /** To the hour. */
  readonly lastSec: number
}

const LEVEL_PREFIX: Readonly<Record<Level, number>> = { minute: 0x6d, hour: 0x68, day: 0x64 }
const SERIES_PREFIX = 0x73
const VERSION = 1
const KEY_BYTES = 5
const SEAL_BYTES = 4
const U32_MAX = 0xffff_ffff
const MAX_NAME_BYTES = 1024

/**
 * Offsets in the value of a frame; integers and IEEE doubles are little-endian.
 *
 * | at | bytes | what |
 * | -- | ----- | ---- |
 * | 0 | 1 | version, 1 |
 * | 1 | 1 | 0 |
 * | 2 | 2 | number of workers |
 * | 4 | 4 | observed, ms |
 * | 8 | 24 | household: accepted u32, rejected u32, work f64, best difficulty f64 |
 * | 32 | 4 × 28 | pool's hash rate, peers, share difficulty, bitcoin difficulty: sum f64, seen ms u32, min f64, max f64 |
 * | 144 | 32 each | workers by rising id: id u32, online ms u32, and as the household |
 * | end | 4 | seal |
 */
const AT = { version: 0, workers: 2, observed: 4, household: 8, gauges: 32, records: 144 } as const
const GAUGE_BYTES = 28
export const WORKER_BYTES = 32
/** Of a frame without workers, and its seal. */
export const FRAME_BYTES = AT.records + SEAL_BYTES

export function frameKey(level: Level, startSec: number): Uint8Array {
  return keyOf(LEVEL_PREFIX[level], startSec)
}

export function seriesKey(id: number): Uint8Array {
  return keyOf(SERIES_PREFIX, id)
}

export interface KeyRange {
  /** Inclusive. */
  readonly from: Uint8Array
  /** Exclusive. */
  readonly to: Uint8Array
}

/** Keys of a level's frames that begin in a stretch of unix time: from the first second, before the second. */
export function framesIn(level: Level, fromSec: number, toSec: number): KeyRange {
  return { from: frameKey(level, clamped(fromSec)), to: frameKey(level, clamped(toSec)) }
}

/** Keys of the series with these ids: from the first, before the second. */
export function seriesIn(fromId: number, toId: number): KeyRange {
  return { from: seriesKey(clamped(fromId)), to: seriesKey(clamped(toId)) }
}

function clamped(number: number): number {
  return Math.min(Math.max(0, Math.ceil(number)), U32_MAX)
}

function keyOf(prefix: number, number: number): Uint8Array {
  invariant(Number.isInteger(number) && number >= 0 && number <= U32_MAX, 'the number in a key is a u32')
  const key = new Uint8Array(KEY_BYTES)
  key[0] = prefix
  new DataView(key.buffer).setUint32(1, number)
  return key
}

/** Of more than `MAX_FRAME_WORKERS` workers those with the most work are written. Counts stop at 2^32 - 1. */
export function frameRow(frame: Frame): HistoryRow {
  const workers = [...heaviest(frame.workers, MAX_FRAME_WORKERS)].sort(([a], [b]) => a - b)
  const value = new Uint8Array(AT.records + workers.length * WORKER_BYTES)
  const view = new DataView(value.buffer)
  view.setUint8(AT.version, VERSION)
  view.setUint16(AT.workers, workers.length, true)
  view.setUint32(AT.observed, u32(frame.observedMs), true)
  putMined(view, AT.household, frame.household)
  for (const [i, name] of GAUGES.entries()) putGauge(view, AT.gauges + i * GAUGE_BYTES, frame.gauges[name])
  for (const [i, [id, worker]] of workers.entries()) {
    const at = AT.records + i * WORKER_BYTES
    view.setUint32(at, id, true)
    view.setUint32(at + 4, u32(worker.onlineMs), true)
    putMined(view, at + 8, worker)
  }
  return sealed(frameKey(frame.level, frame.startSec), value)
}

/**
 * @param wanted ids of the workers to give; all if left out. At the bound they are most of the cost.
 * @returns null for a row that is damaged, of another version or no frame at all
 */
export function frameOfRow({ key, value }: HistoryRow, wanted?: ReadonlySet<number>): Frame | null {
  const level = LEVEL_NAMES.find(name => LEVEL_PREFIX[name] === key[0])
  const content = unsealed(key, value)
  if (level === undefined || content === null || content.length < AT.records || content[AT.version] !== VERSION)
    return null
  const view = viewOf(content)
  const count = view.getUint16(AT.workers, true)
  const startSec = viewOf(key).getUint32(1)
  if (content.length !== AT.records + count * WORKER_BYTES || startOf(level, startSec) !== startSec) return null
  const gaugeAt = (i: number): Gauge => gaugeOf(view, AT.gauges + i * GAUGE_BYTES)
  const workers = new Map<number, WorkerMined>()
  for (let at: number = AT.records; at < content.length; at += WORKER_BYTES) {
    const id = view.getUint32(at, true)
    if (wanted !== undefined && !wanted.has(id)) continue
    workers.set(id, { ...minedOf(view, at + 8), onlineMs: view.getUint32(at + 4, true) })
  }
  return {
    level,
    startSec,
    observedMs: view.getUint32(AT.observed, true),
    household: minedOf(view, AT.household),
    gauges: { poolHps: gaugeAt(0), peers: gaugeAt(1), shareDifficulty: gaugeAt(2), bitcoinDifficulty: gaugeAt(3) },
    workers
  }
}

function putMined(view: DataView, at: number, { accepted, rejected, workHashes, bestDifficulty }: Mined): void {
  view.setUint32(at, u32(accepted), true)
  view.setUint32(at + 4, u32(rejected), true)
  view.setFloat64(at + 8, workHashes, true)
  view.setFloat64(at + 16, bestDifficulty, true)
}

function minedOf(view: DataView, at: number): Mined {
  return {
    accepted: view.getUint32(at, true),
    rejected: view.getUint32(at + 4, true),
    workHashes: view.getFloat64(at + 8, true),
    bestDifficulty: view.getFloat64(at + 16, true)
  }
}

function putGauge(view: DataView, at: number, { sum, seenMs, min, max }: Gauge): void {
  view.setFloat64(at, sum, true)
  view.setUint32(at + 8, u32(seenMs), true)
  view.setFloat64(at + 12, min, true)
  view.setFloat64(at + 20, max, true)
}

function gaugeOf(view: DataView, at: number): Gauge {
  return {
    sum: view.getFloat64(at, true),
    seenMs: view.getUint32(at + 8, true),
    min: view.getFloat64(at + 12, true),
    max: view.getFloat64(at + 20, true)
  }
}

function u32(value: number): number {
  invariant(value >= 0, 'counts and times do not fall below zero')
  return Math.min(Math.round(value), U32_MAX)
}

/** u32 first, u32 last, then address and name: CompactSize length, UTF-8. */
export function seriesRow({ id, address, worker, firstSec, lastSec }: Series): HistoryRow {
  const writer = new ByteWriter().u8(VERSION).u32(firstSec).u32(lastSec)
  return sealed(seriesKey(id), writer.varBytes(utf8FromString(address)).varBytes(utf8FromString(worker)).finish())
}

/** @returns null for a row that is damaged, of another version or no series at all */
export function seriesOfRow({ key, value }: HistoryRow): Series | null {
  const content = unsealed(key, value)
  if (content === null || key[0] !== SERIES_PREFIX) return null
  try {
    const reader = new ByteReader(content)
    if (reader.u8() !== VERSION) return null
    const [firstSec, lastSec] = [reader.u32(), reader.u32()]
    const address = utf8ToString(reader.varBytes(MAX_NAME_BYTES))
    const worker = utf8ToString(reader.varBytes(MAX_NAME_BYTES))
    reader.expectEnd()
    return { id: viewOf(key).getUint32(1), address, worker, firstSec, lastSec }
  } catch (error) {
    if (error instanceof CodecError) return null
    throw error
  }
}

function sealed(key: Uint8Array, value: Uint8Array): HistoryRow {
  return { key, value: concatBytes(value, sealOf(key, value)) }
}

function unsealed(key: Uint8Array, value: Uint8Array): Uint8Array | null {
  if (key.length !== KEY_BYTES || value.length < SEAL_BYTES) return null
  const content = value.subarray(0, -SEAL_BYTES)
  return bytesEqual(value.subarray(-SEAL_BYTES), sealOf(key, content)) ? content : null
}

function sealOf(key: Uint8Array, value: Uint8Array): Uint8Array {
  return sha256d(concatBytes(key, value)).subarray(0, SEAL_BYTES)
}

function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
}
