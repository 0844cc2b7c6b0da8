import type { NodeStatus } from '@p2poolv2/node'
import { blockHash } from '@p2poolv2/primitives'
import { expect, it } from 'vitest'
import { statusLine } from './status-line.ts'

const STATUS: NodeStatus = {
  totals: {
    accepted: 1_007,
    rejected: 12,
    rejectedByReason: { Stale: 1 },
    creditedDifficulty: 1,
    bestDifficulty: 3,
    blocksFound: 131,
    lastAcceptedAtMs: null,
    connections: 1,
    hashrates: { m1: 7, m5: 6, m15: 5, h1: 4, h6: 3, d1: 2, d7: 1 }
  },
  chain: 'devnet',
  mode: 'sharechain',
  fingerprint: 'f'.repeat(64),
  version: '0.1.0',
  sharechain: {
    confirmedHeight: 812,
    confirmedHash: 'a'.repeat(64),
    candidateHeight: 812,
    uncles: 3,
    scriptsUnchecked: 0,
    padding: { form: 'A', demanded: false }
  },
  window: [
    { address: 'bcrt1pa', weight: 10n, payoutSats: 1n },
    { address: 'bcrt1pb', weight: 10n, payoutSats: 1n }
  ],
  windowWeight: 20n,
  windowShares: 300,
  blocks: [
    {
      blockHash: blockHash('b'.repeat(64)),
      bitcoinHeight: 1,
      shareHash: null,
      timeSec: 1,
      outputs: [],
      result: 'accepted'
    }
  ],
  refusedMiners: [],
  miners: [
    {
      worker: 'w',
      payoutAddress: 'bcrt1pa',
      userAgent: 'x',
      difficulty: 1,
      hashrateHps: 1_234_567,
      accepted: 7,
      rejected: 1,
      work: 'pool',
      warnings: []
    }
  ],
  bitcoind: { url: 'http://127.0.0.1:1', state: 'unreachable', bitcoinHeight: null, message: null },
  clockDifferenceSec: null,
  ineligible: null,
  network: { state: 'alone', quiet: false, peers: 0, sync: null }
}

it('says in one line what the node is doing, with counts of the node and not of who is connected or remembered', () => {
  expect(statusLine(STATUS)).toBe(
    'share 812 | 3 uncles | window 300 shares, 2 addresses | 1 miner 1.23 MH/s | 1007 accepted, 12 rejected | 131 blocks found here | bitcoin node unreachable | no peers'
  )
})

it.each([
  ['current', 1, '1 peer'],
  ['current', 12, '12 peers'],
  ['syncing', 3, 'syncing with 3 peers'],
  ['alone', 0, 'no peers']
] as const)('says of a node that is %s with %d peers: %s', (state, peers, text) => {
  const line = statusLine({ ...STATUS, network: { state, quiet: false, peers, sync: null } })
  expect(line.split(' | ').at(-1)).toBe(text)
})

it.each([
  ['comparing', [900, 100_000, null, null], 'comparing headers 900 of 100,000'],
  ['fetching', [45_000, 100_000, 5_200, 11], 'headers 45,000 of 100,000, 5,200 a second, 11 s left'],
  ['checking', [12_000, 100_000, 380.4, 232], 'shares 12,000 of 100,000, 380 a second, 4 min left'],
  ['checking', [12_000, 1_200_000, 99.9, 11_892], 'shares 12,000 of 1,200,000, 100 a second, 3 h 18 min left'],
  ['checking', [0, 1_000_000, 4.06, 246_306], 'shares 0 of 1,000,000, 4.1 a second, 2 d 20 h left']
] as const)('says how far a sync is that is %s at %j', (phase, [done, total, rate, left], text) => {
  const sync = { phase, doneHeights: done, totalHeights: total, heightsPerSec: rate, secondsLeft: left }
  const line = statusLine({ ...STATUS, network: { state: 'syncing', quiet: false, peers: 3, sync } })
  expect(line.split(' | ').at(-1)).toBe(`syncing with 3 peers: ${text}`)
})
