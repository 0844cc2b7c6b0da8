import { z } from 'zod'
import { hashrates } from './chance.ts'
import { earningsSchema } from './earnings.ts'
import { statusSchema } from './status.ts'
import { count, unixSec } from './values.ts'
import { chainShare } from './window.ts'

/** What happened, for a person to read. */
export const timelineEntry = z.object({
  id: count.describe('Rises by one; begins at 1 when the node starts.'),
  time: unixSec.describe('When, unix seconds.'),
  kind: z
    .enum([
      'miner-joined',
      'miner-left',
      'miner-refused',
      'miner-warned',
      'share-found',
      'share-lost',
      'share-held',
      'reorg',
      'block-found',
      'block-seen',
      'block-result',
      'bitcoind',
      'work',
      'peer-joined',
      'peer-left',
      'network',
      'disk',
      'bug'
    ])
    .describe('Of what it speaks.'),
  level: z.enum(['info', 'good', 'warn', 'error']).describe('good: something to be glad of.'),
  text: z.string().describe('One sentence; texts from outside in it are made printable.'),
  subject: z.string().nullable().describe('Hash, worker id or peer id it is about; null if none.')
})

/** The query of `GET /v1/timeline`. */
export const timelineQuery = z.strictObject({
  after: z.coerce.number().int().min(0).default(0).describe('Only those with a higher id.'),
  limit: z.coerce.number().int().min(1).max(500).default(100).describe('The newest so many.')
})

/** The answer of `GET /v1/timeline`. */
export const timelineSchema = z.object({
  entries: z.array(timelineEntry).describe('The newest first; the node keeps 500 and begins anew when it starts.')
})

export type TimelineJson = z.input<typeof timelineSchema>

/** Numbers that change all the time. */
export const figuresSchema = z.object({
  time: unixSec.describe('Of these numbers.'),
  started: unixSec.describe('When the node started.'),
  hashrate: hashrates.describe('Of all miners of this node, hashes a second.'),
  poolHashrate: z
    .number()
    .nullable()
    .describe('Of the whole pool, hashes a second over up to an hour; null until it is known.'),
  accepted: count.describe('Submits accepted, restarts included.'),
  rejected: count.describe('Submits rejected, restarts included.'),
  blockEverySec: z
    .number()
    .nullable()
    .describe(
      'Seconds that a bitcoin block of these miners takes on average, at their rate of an hour; null without a rate.'
    ),
  bestDifficulty: z.number().describe('The best hash so far, restarts included, as the difficulty it reached.'),
  miners: count.describe('Authorised connections.'),
  lastShare: unixSec.nullable().describe('When a submit was accepted last; null: none yet.'),
  shareDifficulty: z.number().nullable().describe('Difficulty of the next share; null while none can be made.'),
  bitcoinDifficulty: z.number().describe("Bitcoin's."),
  peers: count.describe('Connected peers.'),
  confirmedHeight: count.describe('Of the share chain.')
})

export type FiguresJson = z.input<typeof figuresSchema>

/** Topics of `GET /v1/events`; each is the name of its events, and their data has the schema here. */
export const EVENT_SCHEMAS = {
  status: statusSchema,
  figures: figuresSchema,
  share: chainShare,
  timeline: timelineEntry,
  earnings: earningsSchema
} as const

export type EventTopic = keyof typeof EVENT_SCHEMAS
export const EVENT_TOPICS = Object.keys(EVENT_SCHEMAS) as [EventTopic, ...EventTopic[]]

/** The query of `GET /v1/events`. */
export const eventsQuery = z.strictObject({
  topics: z
    .string()
    .max(128)
    .transform(text => text.split(','))
    .pipe(z.array(z.enum(EVENT_TOPICS)).min(1))
    .default(['status'])
    .describe(`Which events, separated by commas: ${EVENT_TOPICS.join(', ')}.`)
})
