import type { AuditJson, DoctorJson, StatusJson, WorkersJson } from '@p2poolv2/api/schema'
import { describe, expect, it } from 'vitest'
import { COLOURED, PLAIN, type Sheet } from '../style.ts'
import { clipped, type Watched, watchFrame } from '../watch/frame.ts'
import { auditView } from './audit-view.ts'
import { connectView } from './connect-view.ts'
import { doctorView } from './doctor-view.ts'
import { blockResult, statusView } from './status-view.ts'
import { allWorkersView, workersView } from './workers-view.ts'

const sheet: Sheet = { style: PLAIN, columns: null, nowSec: 1_800_000_000 }
const HASH = 'ab'.repeat(32)

const STATUS: StatusJson = {
  chain: 'signet',
  fingerprint: HASH,
  version: '0.2.0',
  sharechain: {
    confirmedHeight: 1_234,
    confirmedHash: HASH,
    candidateHeight: 1_240,
    uncles: 1,
    scriptsUnchecked: 0,
    padding: { form: 'A', demanded: true }
  },
  window: [{ address: 'tb1qa', weight: '10', percent: 100, payoutSats: 5 }],
  windowShares: 1,
  blocks: [],
  miners: [
    {
      worker: 'attic\u001b[2J',
      address: 'tb1qa',
      userAgent: 'bitaxe',
      difficulty: 1_000,
      hashrate: 1.2e12,
      accepted: 10,
      rejected: 3,
      work: 'pool',
      warnings: ['its password asks for a difficulty that is too high']
    }
  ],
  bitcoind: { url: 'http://127.0.0.1:38332', state: 'unreachable', height: null, message: 'see that bitcoind runs' },
  network: {
    state: 'syncing',
    message: 'Shares of others are being fetched.',
    peers: 0,
    sync: { phase: 'checking', doneHeights: 1_200, totalHeights: 5_000, heightsPerSecond: 390, secondsLeft: 10 }
  },
  refusedMiners: [
    { host: '10.0.0.9', user: 'nobody', userAgent: 'x', message: 'put your tb1 address', tries: 2, since: 1, last: 2 }
  ],
  mode: 'sharechain',
  totals: {
    accepted: 1_000,
    rejected: 10,
    rejects: [{ reason: 'Stale', count: 10 }],
    bestDifficulty: 1.5e9,
    blocksFound: 0,
    hashrates: { m1: 0, m5: 1.2e12, m15: 0, h1: 1.1e12, h6: 0, d1: 0, d7: 0 }
  }
}

describe('the status', () => {
  it('has its numbers, and below them what needs a hand', () => {
    const text = statusView(STATUS, sheet).join('\n')
    for (const part of [
      '0.2.0 on signet',
      'unreachable',
      'shares 1,200 of 5,000, 390 a second, 10 s left',
      'syncing at height 1,234 of 1,240, 1 uncle',
      '1 connection, 1.2 TH/s (5 min), 1.1 TH/s (1 h)',
      '1,000 accepted, 10 rejected (0.99 %), best 1.5 G',
      'Stale 10',
      'see that bitcoind runs',
      'refused: 10.0.0.9 as "nobody" (2 tries): put your tb1 address',
      'attic?[2J: its password asks'
    ])
      expect(text).toContain(part)
  })

  it('speaks of no share chain where there is none', () => {
    const text = statusView({ ...STATUS, mode: 'solo' }, sheet).join('\n')
    expect(text).toContain('mode solo')
    expect(text).not.toMatch(/Share chain|Window|Peers/)
  })
})

describe('the full screen', () => {
  const WATCHED: Watched = {
    url: 'http://127.0.0.1:46884',
    problem: null,
    status: STATUS,
    figures: null,
    earnings: null,
    timeline: [{ id: 1, time: 1_800_000_000, kind: 'block-found', level: 'good', text: 'BLOCK', subject: null }]
  }
  const screen = { style: COLOURED, nowSec: 1_800_000_000 }

  it.each([
    [24, 80],
    [5, 20],
    [60, 200],
    [1, 1]
  ])('has %i lines of at most %i characters whatever there is to show', (rows, columns) => {
    for (const watched of [WATCHED, { ...WATCHED, status: null, problem: 'the node does not run any more' }]) {
      const frame = watchFrame(watched, { ...screen, rows, columns })
      expect(frame).toHaveLength(rows)
      for (const line of frame) {
        // biome-ignore lint/suspicious/noControlCharactersInRegex: looks take no room
        expect([...line.replace(/\u001b\[\d+m/g, '')].length).toBeLessThanOrEqual(columns)
      }
    }
  })

  it('shows miners, what happened, and what keeps it from hearing more', () => {
    const text = watchFrame({ ...WATCHED, problem: 'waiting for it' }, { ...screen, rows: 60, columns: 120 }).join('\n')
    for (const part of ['attic?[2J', '1.2 TH/s', 'BLOCK', 'waiting for it', 'q ends it']) expect(text).toContain(part)
  })

  it('cuts a coloured line without leaving its colour on', () => {
    expect(clipped(COLOURED.bad('abcdef'), 4)).toBe('\u001b[31mabc…\u001b[0m')
    expect(clipped('abcdef', 4)).toBe('abc…')
    expect(clipped(COLOURED.bad('abc'), 3)).toBe(COLOURED.bad('abc'))
  })
})

it('the doctor says fix and cost of what is not well, and counts', () => {
  const check = { id: 'x', group: 'computer', title: 'Disk', fix: null, cost: null } as const
  const answer: DoctorJson = {
    time: 0,
    state: 'fail',
    checks: [
      { ...check, state: 'ok', message: 'fine' },
      { ...check, state: 'fail', title: 'Disk space', message: 'full', fix: 'free some', cost: 'the node stops' }
    ]
  }
  expect(doctorView(answer, sheet)).toEqual([
    '✓ Disk        fine',
    '✗ Disk space  full',
    '              fix:  free some',
    '              cost: the node stops',
    '',
    '2 checks: 1 failed, 0 to look at, 0 could not be told'
  ])
})

it('a reader at a terminal is sent to commands, and not to paths of the API', () => {
  const fix = 'Give yours the address of this computer: the view Miners of the page has it, and /v1/connect.'
  const check = { id: 'miners', group: 'miners', title: 'Miners', message: 'None.', cost: null } as const
  const answer: DoctorJson = { time: 1, state: 'warn', checks: [{ ...check, state: 'warn', fix }] }
  expect(doctorView(answer, sheet).join('\n')).toContain(' and ./p2poolv2 connect.')
  const nobody = { household: {}, workers: [] } as unknown as WorkersJson
  expect(workersView(nobody, sheet).join('\n')).toContain('./p2poolv2 connect,')
})

describe('the workers', () => {
  const rates = { m1: 0, m5: 0, h1: 0, d1: 0 }
  const forgotten: WorkersJson['workers'][number] = {
    id: 'tb1qa.cellar',
    name: 'cellar',
    address: 'tb1qa',
    state: 'offline',
    connections: 0,
    hashrate: rates,
    accepted: 0,
    rejected: 0,
    workDifficulty: 0,
    bestDifficulty: 0,
    lastShare: null,
    measured: null,
    firstSeen: 1,
    lastSeen: sheet.nowSec - 30 * 86_400,
    userAgent: null,
    difficulty: null,
    work: null,
    warnings: []
  }
  const household = {
    hashrate: rates,
    accepted: 7,
    rejected: 0,
    workDifficulty: 0,
    bestDifficulty: 0,
    lastShare: null,
    connections: 1,
    workers: 1,
    measured: null,
    since: 1,
    rejects: []
  }
  const attic = { ...forgotten, id: 'tb1qa.attic', name: 'attic', state: 'online', accepted: 7 } as const
  const roof = { ...forgotten, id: 'tb1qa.roof', name: 'roof', accepted: 5, lastShare: sheet.nowSec - 3_600 }
  const left = { ...roof, lastSeen: roof.lastShare }

  it('that have been gone for more than a day are counted, and not listed among the living', () => {
    const text = workersView({ household, workers: [attic, left, forgotten] }, sheet)
    expect(text.some(line => line.startsWith('cellar'))).toBe(false)
    expect(text.find(line => line.startsWith('roof'))).toMatch(/gone .* 5 .* 60 min ago/)
    expect(text.at(-1)).toBe('1 worker gone for more than a day, the last seen 30 days ago: --all lists them')
  })

  it('that are listed all have no noughts of one whose figures are forgotten, but when it was seen', () => {
    const row = allWorkersView({ household, workers: [attic, forgotten] }, sheet).find(line =>
      line.startsWith('cellar')
    )
    expect(row?.split(/ {2,}/).slice(1, 10)).toEqual(['gone', '–', '–', '–', '–', '–', '–', 'seen 30 days ago', '–'])
  })

  it('of a household whose miners are all long gone are no table of them', () => {
    expect(workersView({ household, workers: [forgotten] }, sheet)[0]).toContain('No miner is connected')
  })
})

it('an audit marks the lines that differ', () => {
  const line = { kind: 'payout', weight: '10', shares: 1, uncles: 0, nephewWeight: '0' } as const
  const answer: AuditJson = {
    verdict: 'differs',
    message: 'What is paid is not what the stored shares call for.',
    subject: { kind: 'block', bitcoinHeight: 7, block: HASH, share: HASH, result: 'accepted' },
    coinbase: { from: 'share', txid: HASH, inHeader: true, sats: 100 },
    window: {
      newest: HASH,
      newestHeight: 6,
      oldest: HASH,
      oldestHeight: 0,
      shares: 7,
      uncles: 2,
      weight: '20',
      fullWeight: '100',
      end: 'genesis'
    },
    rules: { share: 10, uncle: 9, nephew: 1, multiplier: 1, maxShares: 120_960 },
    donation: { address: 'bc1qd', bps: 150, sats: 1 },
    fee: null,
    minersSats: 99,
    outputs: [
      { ...line, address: 'bc1qa', dueSats: 50, paidSats: 50, matches: true },
      { ...line, address: 'bc1qb', dueSats: 49, paidSats: 48, matches: false }
    ],
    method: 'by hand'
  }
  const text = auditView(answer, sheet)
  expect(text.filter(row => row.startsWith('≠'))).toEqual([expect.stringMatching(/bc1qb.* 49 +48$/)])
  expect(text.filter(row => row.startsWith('='))).toHaveLength(1)
  expect(text.join('\n')).toContain('1.5 % to bc1qd')
  expect(text.at(-1)).toBe(answer.message)
})

describe('connect', () => {
  it('shows whole addresses of both protocols, which are copied from there, and who to be', () => {
    const key = '9bXiEd8boQVhq7WddEcERUL5tyyJVFYdU8th3HfbNXK3Yw6GRXh'
    const door = { host: '192.0.2.7', tls: false, startDifficulty: null } as const
    const text = connectView(
      {
        stratum: [
          {
            ...door,
            url: 'stratum+ssl://192.0.2.7:3443',
            protocol: 'v1',
            port: 3443,
            tls: true,
            startDifficulty: 65_536
          },
          { ...door, url: `stratum2+tcp://192.0.2.7:3336/${key}`, protocol: 'v2', port: 3336 }
        ],
        user: 'YOUR_BITCOIN_ADDRESS.worker1',
        password: 'x',
        addressPrefixes: ['bc1'],
        page: ['http://192.0.2.7:46884']
      },
      { ...sheet, columns: 60 }
    ).join('\n')
    expect(text).toContain(`stratum2+tcp://192.0.2.7:3336/${key}`)
    expect(text).toMatch(/stratum\+ssl:\S+ +Stratum V1, TLS +starts at 65,536/)
    expect(text).toContain('YOUR_BITCOIN_ADDRESS.worker1')
  })

  it('has no column of difficulties where no door has one of its own', () => {
    const door = {
      url: 'stratum+tcp://192.0.2.7:3333',
      host: '192.0.2.7',
      port: 3333,
      tls: false,
      protocol: 'v1',
      startDifficulty: null
    }
    const login = { user: 'ADDRESS', password: 'x', addressPrefixes: ['bc1'], page: [] }
    const [titles] = connectView({ stratum: [{ ...door, protocol: 'v1' }], ...login }, sheet)
    expect(titles?.trim().split(/ {2,}/)).toEqual(['pool address', 'speaks'])
  })
})

it('a block that the bitcoin node had already is no bad news', () => {
  expect([blockResult('duplicate', PLAIN), blockResult('rejected: high-hash', PLAIN)]).toEqual([
    'known already',
    'rejected: high-hash'
  ])
})
