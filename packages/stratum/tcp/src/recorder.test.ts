import { mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type Moment, steadyMs, unixMs } from '@p2poolv2/primitives'
import { createLog } from '@p2poolv2/runtime'
import { DEFAULT_START_PROFILES, DEFAULT_VARDIFF, parseRecordings } from '@p2poolv2/stratum'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { Recorder } from './recorder.ts'

const DOOR = {}
const NOTIFY = '{"id":null,"method":"mining.notify","params":["j"]}\n'

let folder = ''
let log: string[] = []

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'recorder-'))
  log = []
})
afterEach(() => rm(folder, { recursive: true, force: true }))

let nowMs = 1_000

function recorder(into: string = folder): Recorder {
  return new Recorder(
    {
      folder: into,
      redact: 'redact',
      settings: { versionMask: 0x1fffe000, vardiff: DEFAULT_VARDIFF, startProfiles: DEFAULT_START_PROFILES },
      version: '0.0.0'
    },
    {
      log: createLog({ level: 'info', format: 'json', sink: { write: line => void log.push(line) } }),
      limits: () => ({ shareDifficulty: 0.5, bitcoinDifficulty: 1 })
    }
  )
}

const now = (): Moment => ({ steadyMs: steadyMs(nowMs), wallMs: unixMs(1_700_000_000_000 + nowMs) })

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text)

describe('Recorder', () => {
  it('writes a file for each connection, that nobody else may read', async () => {
    const writer = recorder()
    await writer.start()
    writer.connected(1, DOOR, now())
    writer.connected(2, { startDifficulty: 5 }, now())
    nowMs += 10
    writer.received(1, [bytes('{"id":1,"method":"mining.subscribe","params":[]}'), bytes('\u00e9')], now())
    writer.sent(1, '{"id":1,"result":true,"error":null}\n', now())
    writer.sent(1, NOTIFY, now())
    writer.closed(1, 'asked', now())
    await writer.stop()
    const names = (await readdir(folder)).sort()
    expect(names).toHaveLength(2)
    const [first, second] = await Promise.all(names.map(async name => readFile(join(folder, name), 'ascii')))
    expect(parseRecordings(String(first))[0]?.entries.map(({ at: _, miner, ...what }) => ({ miner, ...what }))).toEqual(
      [
        { miner: 1, open: {} },
        { miner: 1, in: ['{"id":1,"method":"mining.subscribe","params":[]}', '\u00c3\u00a9'] },
        { miner: 1, out: ['{"id":1,"result":true,"error":null}'] },
        { miner: 1, limits: { shareDifficulty: 0.5, bitcoinDifficulty: 1 } },
        { miner: 1, out: [NOTIFY.trim()] },
        { miner: 1, close: 'asked' },
        { miner: 1, gone: 'closed' }
      ]
    )
    expect(parseRecordings(String(second))[0]?.entries).toEqual([
      { at: 0, miner: 2, open: { startDifficulty: 5 } },
      { at: 0, miner: 2, gone: 'stopped' }
    ])
    expect((await stat(join(folder, names[0] ?? ''))).mode & 0o077).toBe(0)
  })

  it('goes on in a next file when one is full, which can be replayed alone', async () => {
    const writer = recorder()
    await writer.start()
    writer.connected(1, DOOR, now())
    writer.received(1, [bytes('{"id":1,"method":"mining.subscribe","params":[]}')], now())
    writer.sent(1, '{"id":1,"result":true,"error":null}\n', now())
    for (let i = 0; i < 1_300; i++) writer.sent(1, NOTIFY.replace('"j"', `"${String(i).padStart(1_000, '0')}"`), now())
    await writer.stop()
    const names = (await readdir(folder)).sort()
    expect(names).toHaveLength(2)
    const [, second] = await Promise.all(names.map(async name => readFile(join(folder, name), 'ascii')))
    const entries = parseRecordings(String(second))[0]?.entries ?? []
    const begins = entries.findIndex(entry => 'begins' in entry)
    expect(entries.slice(0, begins)).toMatchObject([
      { open: { carried: { difficulty: null } } },
      { limits: { shareDifficulty: 0.5 } },
      { in: ['{"id":1,"method":"mining.subscribe","params":[]}'] },
      { out: ['{"id":1,"result":true,"error":null}', ...Array(8).fill(expect.stringContaining('mining.notify'))] }
    ])
    expect(begins).toBeGreaterThan(0)
  })

  it('keeps 256 files, the newest, and touches nothing that is not its own', async () => {
    for (let i = 0; i < 300; i++) await writeFile(join(folder, `20200101T000000Z-${1_000 + i}-1.stratum.jsonl`), '')
    await writeFile(join(folder, 'notes.txt'), 'mine')
    const writer = recorder()
    await writer.start()
    writer.connected(1, DOOR, now())
    await writer.stop()
    const names = await readdir(folder)
    expect(names).toContain('notes.txt')
    expect(names.filter(name => name.startsWith('2020')).sort()[0]).toContain('-1045-')
    expect(names.filter(name => name.endsWith('.stratum.jsonl'))).toHaveLength(256)
  })

  it('records a hundred connections at a time, and says so', async () => {
    const writer = recorder()
    await writer.start()
    for (let miner = 1; miner <= 102; miner++) writer.connected(miner, DOOR, now())
    writer.received(101, [bytes('{}')], now())
    await writer.stop()
    expect(await readdir(folder)).toHaveLength(100)
    expect(log).toHaveLength(1)
    expect(log[0]).toContain('not recorded')
  })

  it('gives up recordings that the disk does not take, with one line in the log, and stops all the same', async () => {
    const writer = recorder()
    await writer.start()
    await rm(folder, { recursive: true })
    for (const miner of [1, 2]) {
      writer.connected(miner, DOOR, now())
      writer.received(miner, [bytes('{}')], now())
    }
    await writer.stop()
    expect(log).toHaveLength(1)
    expect(log[0]).toContain('the disk does not take it')
  })

  it('ends recordings when too much waits for the disk, and takes new ones', async () => {
    const writer = recorder()
    await writer.start()
    writer.connected(1, DOOR, now())
    const line = bytes(`{"id":1,"x":"${'y'.repeat(8_000)}"}`)
    for (let i = 0; i < 1_100; i++) writer.received(1, [line], now())
    expect(log.join()).toContain('too slowly')
    writer.connected(2, DOOR, now())
    await writer.stop()
    const names = await readdir(folder)
    expect(names.some(name => name.includes('-000002-'))).toBe(true)
  })
})
