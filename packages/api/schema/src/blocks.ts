import { z } from 'zod'
import { address, count, hash, sats, unixSec } from './values.ts'

const state = z
  .enum(['waiting', 'immature', 'mature', 'orphaned'])
  .describe(
    'waiting: our bitcoin node has not reached its height or cannot be asked; immature: in the best chain; mature: may be ' +
      'spent in the next block; orphaned: another block has its height, so it pays nobody.'
  )

const fate = {
  state,
  confirmations: count.describe('Blocks of the best chain from it on, itself counted; 0 unless it is in it.'),
  blocksToMaturity: count
    .nullable()
    .describe('Blocks until it may be spent; null for one that never will be or of which nothing is known.')
}

const paid = z.object({ address, sats: sats.describe('In satoshis.') })

const byState = <T extends z.ZodType>(of: T) =>
  z.object({
    waiting: of.describe('Not known yet.'),
    immature: of.describe('Not spendable yet.'),
    mature: of.describe('Spendable.'),
    orphaned: of.describe('Lost.')
  })

const block = z.object({
  height: count.describe('Bitcoin height.'),
  hash: hash.describe('Bitcoin block hash.'),
  time: unixSec.describe('In the block header, unix seconds.'),
  share: hash.nullable().describe('The share it is; null if it was none or is not known.'),
  ...fate,
  result: z
    .string()
    .describe(
      'seen: another node found it and nothing was submitted from here; else the best answer of our bitcoin nodes.'
    ),
  isSubmittedHere: z.boolean().describe('Whether it was submitted from here.'),
  payees: count.describe('Outputs of its coinbase with an address.'),
  sats: sats.describe('What its coinbase pays in all, in satoshis.'),
  ours: z.array(paid).describe('Its outputs to addresses this node mines for.'),
  ourSats: sats.describe('Their sum.')
})

/** The query of `GET /v1/blocks`. */
export const blocksQuery = z.strictObject({
  limit: z.coerce.number().int().min(1).max(1_000).default(100).describe('At most so many.'),
  before: z.coerce.number().int().min(0).max(0xffff_ffff).optional().describe('Only those below this bitcoin height.'),
  cursor: z
    .string()
    .regex(/^\d{1,10}\.[0-9a-f]{64}$/, 'must be what `next` of an earlier answer says')
    .optional()
    .describe('Goes on where an earlier answer ended: its `next`.')
})

/** The answer of `GET /v1/blocks`. */
export const blocksSchema = z.object({
  blocks: z.array(block).describe('Of the whole pool as far as this node knows, highest first.'),
  next: z.string().nullable().describe('The `cursor` that goes on from here; null at the end.'),
  total: count.describe('How many are on record, back to the beginning.'),
  counts: byState(count).describe('How many of the newest 1,000 on record are in which state.'),
  tipHeight: count.nullable().describe('Height of our bitcoin node; null until it has told.')
})

export type BlocksJson = z.input<typeof blocksSchema>

const payout = z.object({
  height: count.describe('Bitcoin height of the block.'),
  block: hash.describe('Bitcoin block hash.'),
  time: unixSec.describe('In the block header, unix seconds.'),
  ...paid.shape,
  ...fate,
  result: z.string().describe('As in `/v1/blocks`.')
})

/** The answer of `GET /v1/payouts`. */
export const payoutsSchema = z.object({
  payouts: z
    .array(payout)
    .describe('A block’s outputs to addresses this node mines or mined for, the highest block first.'),
  sats: byState(sats).describe('What they sum up to, by state, in satoshis.'),
  addresses: z.array(z.string()).describe('The addresses looked for.')
})

export type PayoutsJson = z.input<typeof payoutsSchema>
