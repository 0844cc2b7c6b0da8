import { z } from 'zod'
import { hashrates, measuredHashrate } from './chance.ts'
import { address, count, unixSec } from './values.ts'

const counted = {
  hashrate: hashrates.describe('Hashes a second, from accepted work.'),
  accepted: count.describe('Submits accepted, over restarts of the node.'),
  rejected: count.describe('Submits rejected, over restarts of the node.'),
  workDifficulty: z.number().describe("Accepted work, over restarts of the node, in units of bitcoin's difficulty 1."),
  bestDifficulty: z.number().describe('The best hash, over restarts of the node, as the difficulty it reached.'),
  lastShare: unixSec.nullable().describe('When the newest submit was accepted, unix seconds; null: none was.')
}

const worker = z.object({
  id: z
    .string()
    .describe('Its address and name with a dot between: names it in `/v1/workers/{id}/history`, percent-encoded.'),
  name: z.string().describe('Name after the dot of its user name, unchecked; empty when it gave none.'),
  address,
  state: z
    .enum(['online', 'silent', 'offline'])
    .describe('silent: connected, and nothing was accepted for ten times as long as its submits are apart.'),
  connections: count.describe('Connections it has now.'),
  ...counted,
  measured: measuredHashrate.nullable().describe('Over the last hour, with its interval; null until it is known.'),
  firstSeen: unixSec
    .nullable()
    .describe('When this node heard of it first, across restarts; null: within this minute.'),
  lastSeen: unixSec.nullable().describe('When it was heard of last, to the hour if that was before this start.'),
  userAgent: z
    .string()
    .nullable()
    .describe('What its firmware calls itself, unchecked; null while it is not connected.'),
  difficulty: z.number().nullable().describe('What it is asked for; null while it is not connected.'),
  work: z
    .enum(['pool', 'solo'])
    .nullable()
    .describe('solo: its firmware cannot take the pool’s coinbase; null while it is not connected.'),
  warnings: z.array(z.string()).describe('What is amiss with it, in words for its owner.')
})

const household = z.object({
  ...counted,
  connections: count.describe('Authorised connections now.'),
  workers: count.describe('Workers that are connected.'),
  measured: measuredHashrate.nullable().describe('Over the last hour, with its interval; null until it is known.'),
  since: unixSec.describe('When the node started.'),
  rejects: z
    .array(
      z.object({
        code: z.int().describe('Stratum error code.'),
        reason: z.string().describe('As the miner was told.'),
        count: count.describe('Since the node started.')
      })
    )
    .describe('Why submits were rejected, the most frequent first.')
})

/** The answer of `GET /v1/workers`. */
export const workersSchema = z.object({
  household: household.describe('All miners of this node together.'),
  workers: z
    .array(worker)
    .describe('Connected ones first, then those known from before, the last heard first; at most 2,000.')
})

export type WorkersJson = z.input<typeof workersSchema>

/** What `hour`, `day`, … of a `range` are. */
export const RANGES_SEC = {
  '1h': 3_600,
  '6h': 21_600,
  '24h': 86_400,
  '7d': 604_800,
  '30d': 2_592_000,
  '1y': 31_622_400,
  all: 315_619_200
} as const

/** What is charted of the household and of the pool. */
export const HOUSEHOLD_SERIES = [
  'hashrate',
  'accepted',
  'rejected',
  'bestDifficulty',
  'poolHashrate',
  'peers',
  'shareDifficulty',
  'bitcoinDifficulty'
] as const

/** What is charted of one worker. */
export const WORKER_SERIES = ['hashrate', 'accepted', 'rejected', 'bestDifficulty', 'online'] as const

const range = z
  .enum(Object.keys(RANGES_SEC) as [keyof typeof RANGES_SEC, ...(keyof typeof RANGES_SEC)[]])
  .default('24h')
  .describe('How far back.')

const points = z.coerce.number().int().min(10).max(3_000).default(1_500).describe('Points at most.')

/** Names of series separated by commas; all of them if it is left out. */
const seriesOf = <T extends string>(names: readonly [T, ...T[]]) =>
  z
    .string()
    .max(256)
    .transform(text => text.split(','))
    .pipe(z.array(z.enum(names)).min(1))
    .default([...names])
    .describe(`Which, separated by commas: ${names.join(', ')}; default: all.`)

/** The query of `GET /v1/history`. */
export const historyQuery = z.strictObject({ series: seriesOf(HOUSEHOLD_SERIES), range, points })

/** The query of `GET /v1/workers/{id}/history`. */
export const workerHistoryQuery = z.strictObject({ series: seriesOf(WORKER_SERIES), range, points })

const column = z.array(z.number().nullable())

const chart = {
  level: z
    .enum(['minute', 'hour', 'day'])
    .describe('What a point is; the finest that reaches back so far in so many points.'),
  spanSec: count.describe('How long a point is, in seconds.'),
  from: unixSec.describe('First second asked for.'),
  to: unixSec.describe('Second after the last.'),
  time: z.array(unixSec).describe('When each point begins, rising; stretches in which nothing was kept are not there.'),
  observed: z.array(z.number()).describe('Part of each point in which the node was watching, from 0 to 1.')
}

const rates = {
  hashrate: column.describe('Hashes a second by accepted work; null where nothing was measured.'),
  accepted: column.describe('Submits accepted in the stretch.'),
  rejected: column.describe('Submits rejected in the stretch.'),
  bestDifficulty: column.describe('The record set in the stretch; 0 where none was.')
}

/** The answer of `GET /v1/history`: columns, each as long as `time`. */
export const historySchema = z.object({
  ...chart,
  series: z
    .object({
      ...rates,
      poolHashrate: column.describe('Of the whole pool, hashes a second.'),
      peers: column.describe('Connected peers.'),
      shareDifficulty: column.describe('Difficulty of a share.'),
      bitcoinDifficulty: column.describe('Difficulty of a bitcoin block.')
    })
    .partial()
    .describe('Those that were asked for; null is a gap, not a zero.')
})

export type HistoryJson = z.input<typeof historySchema>

/** The answer of `GET /v1/workers/{id}/history`. */
export const workerHistorySchema = z.object({
  id: z.string().describe('Of the worker.'),
  ...chart,
  series: z
    .object({ ...rates, online: column.describe('Part of the time in which it was connected, from 0 to 1.') })
    .partial()
    .describe('Those that were asked for; null is a gap, not a zero.')
})

export type WorkerHistoryJson = z.input<typeof workerHistorySchema>
