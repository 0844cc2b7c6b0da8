import { z } from 'zod'
import { carried, expectedWait, measuredHashrate, wait } from './chance.ts'
import { address, count, decimalText, hash, sats, unixSec } from './values.ts'

const part = z.number().min(0)

const payoutNow = z.object({
  sats: sats.describe('What a block found here now would pay these addresses together, in satoshis.'),
  minersSats: sats.describe(
    'What all miners of the window divide: the coinbase without donation and fee, in satoshis.'
  ),
  part: part.describe('Their part of the weight in the window, from 0 to 1.'),
  addresses: count.describe('Addresses in the window, everybody’s.'),
  outputs: z
    .array(
      z.object({
        address,
        sats: sats.describe('In satoshis.'),
        weight: decimalText.describe('Its weight in the window; decimal digits.'),
        rank: count.describe('1 for the heaviest address of the window; addresses of equal weight share a rank.'),
        output: count.describe('Which output of the coinbase it is, from 0.')
      })
    )
    .describe('One for each of these addresses that is paid, the heaviest first.')
})

/** A share of ours, or an uncle of ours, in the payout window. */
export const ownShare = z.object({
  hash: hash.describe('Of the share.'),
  address,
  time: unixSec.describe('By its maker’s clock.'),
  kind: z.enum(['share', 'uncle']).describe('A share of the chain, or an uncle that one of them names.'),
  weight: decimalText.describe(
    'All it brings: ten, or nine for an uncle, a unit of difficulty, and one for each uncle it names.'
  ),
  sharesAbove: count.describe('Shares of the chain above it.'),
  sharesUntilGone: count.describe('Shares of the chain that have to come until it leaves the window.'),
  leaves: wait.nullable().describe('Until it leaves; null while the pool stands still.')
})

const inWindow = z.object({
  shares: count.describe('Shares of these addresses in the payout window.'),
  uncles: count.describe('Their uncles in it.'),
  weight: decimalText.describe('Weight of both; decimal digits.'),
  strip: z.array(count).describe('Both by their place in the window, cut into 60 pieces, the newest first.'),
  firstLeaves: wait
    .nullable()
    .describe('Until the first of them leaves; null if there are none or the pool stands still.'),
  lastLeaves: wait.nullable().describe('Until the last of them leaves.')
})

const spell = z.object({
  sec: z.number().describe('How long nothing was found, in seconds.'),
  since: z
    .enum(['find', 'start'])
    .describe('find: since the last one; start: since this node began to watch, so it may be longer.'),
  expected: z.number().describe('How many finds the work done meanwhile gives on average.'),
  chance: z.number().describe('The chance of a spell as long or longer, from 0 to 1.'),
  verdict: z
    .enum(['unknown', 'usual', 'long', 'rare', 'very-rare', 'suspicious'])
    .describe(
      'unknown: too little was measured to tell; usual: one spell of four or more; long: of twenty; rare: of a hundred; very-rare: of a thousand; suspicious: less.'
    )
})

/** What follows from a hash rate, whatever is in the window now. */
export const longRun = z.object({
  hashrate: z.number().describe('Of ours, hashes a second.'),
  poolSharesPerSec: z.number().describe('Shares the whole pool finds a second.'),
  sharesPerSec: z.number().describe('Shares we find a second.'),
  blocksPerSec: z.number().describe('Bitcoin blocks the whole pool finds a second.'),
  windowSec: z
    .number()
    .nullable()
    .describe('How long a share stays in a full window, in seconds; null while the pool stands still.'),
  ownSharesInWindow: z.number().describe('Shares of ours in a full window, on average.'),
  satsPerShareAndBlock: z
    .number()
    .describe('What one share gets from each block that comes while it is in a full window, in satoshis.'),
  satsPerDay: z.number().describe('On average, in satoshis.'),
  payoutsPerYear: z.number().describe('Blocks a year that pay us, on average.'),
  satsPerPayout: z.number().nullable().describe('One payout on average, in satoshis; null if there are none.'),
  unpaidPart: part.describe('Of our shares, how many leave the window unpaid, from 0 to 1.'),
  spread30d: z
    .number()
    .nullable()
    .describe('Standard deviation of what 30 days bring, in units of its mean; null if nothing comes.'),
  spreadYear: z.number().nullable().describe('Standard deviation of what a year brings, in units of its mean.'),
  nextShare: wait.nullable().describe('Until our next share; null: never.'),
  nextPayout: wait.nullable().describe('Until our next payout, from a window that holds nothing of ours; null: never.')
})

const horizons = <T extends z.ZodType>(of: T) =>
  z.object({
    d1: of.describe('Within a day.'),
    d7: of.describe('Within a week.'),
    d30: of.describe('Within 30 days.')
  })

const spending = z.object({
  address,
  kind: z.enum(['p2pkh', 'p2sh', 'p2wpkh', 'p2wsh', 'p2tr']).describe('Kind of its output.'),
  inputVbytes: z.number().describe('Virtual bytes of the input that spends it.'),
  costSats: sats.describe('What that costs at the present fee rate, in satoshis.'),
  partOfPayout: part.describe('Of the payout; above 1 it costs more than it brings.'),
  breakEvenSatPerVb: z.number().describe('The fee rate at which spending eats the whole payout.')
})

const sentence = (of: string): z.ZodString => z.string().describe(of)

const sentences = z.object({
  now: sentence('What a block found now would pay.'),
  nextShare: sentence('When the next share comes.'),
  nextPayout: sentence('When the next payout comes.'),
  blocks: sentence('How often the pool finds a block.'),
  blockSpell: sentence('Whether the time without a block is usual.'),
  shareSpell: sentence('Whether the time without a share of ours is usual.'),
  longRun: sentence('What it brings in the long run.'),
  variance: sentence('How unevenly it comes.'),
  spending: sentence('What a payout costs to spend.'),
  basis: sentence('What all of it rests on.')
})

const earnings = z.object({
  now: payoutNow.describe('If the pool found a block now.'),
  window: inWindow.describe('What of these addresses is in the payout window.'),
  nextShare: expectedWait.nullable().describe('Until the next share of ours; null: never.'),
  nextPayout: expectedWait.nullable().describe('Until the next payout; null: it cannot be foreseen.'),
  payoutChances: horizons(z.number()).describe('Chances of at least one payout, from 0 to 1.'),
  blockChances: horizons(carried).describe('Chances of at least one bitcoin block of the pool, from 0 to 1.'),
  blockSpell: spell.describe('The time since the pool’s last block.'),
  shareSpell: spell.describe('The time since our last share.'),
  satsPerDay: carried.describe('Long-run income, in satoshis a day.'),
  longRun: longRun.describe('What our hash rate gives in the long run.'),
  spending: z
    .array(spending)
    .describe('What the payouts of a block now would cost to spend; empty while fees are not known.'),
  poolHashrate: measuredHashrate.describe('Of the whole pool, read off the share chain.'),
  ownHashrate: measuredHashrate.describe('Of our miners, from their accepted work.'),
  sentences: sentences.describe('The same in plain English.')
})

/** The query of `GET /v1/earnings`. */
export const earningsQuery = z.strictObject({
  address: z
    .string()
    .max(1_024)
    .optional()
    .describe('Of these payout addresses alone, separated by commas; default: all this node mines for.'),
  hashrate: z.coerce
    .number()
    .min(0)
    .max(1e30)
    .optional()
    .describe('What if ours were so many hashes a second? Fills `whatIf`.')
})

/** The answer of `GET /v1/earnings`, and of every `earnings` event of `GET /v1/events`. */
export const earningsSchema = z.object({
  time: unixSec.describe('When it was computed.'),
  addresses: z.array(z.string()).describe('The payout addresses it speaks of.'),
  message: z.string().nullable().describe('Why there is nothing to say yet, and what to do; else null.'),
  earnings: earnings.nullable().describe('Null while there is a message.'),
  whatIf: longRun.nullable().describe('The long run with the hash rate asked for; null unless one was.')
})

export type EarningsJson = z.input<typeof earningsSchema>

/** The answer of `GET /v1/shares/mine`. */
export const ownSharesSchema = z.object({
  message: z.string().nullable().describe('Why there is nothing to say yet; else null.'),
  addresses: z.array(z.string()).describe('The payout addresses it speaks of.'),
  window: inWindow.nullable().describe('Counts of all of them; null while there is a message.'),
  shares: z.array(ownShare).describe('Newest first, at most 200; the counts cover the others.')
})

export type OwnSharesJson = z.input<typeof ownSharesSchema>
