import { z } from 'zod'
import { measuredHashrate } from './chance.ts'
import { address, count, decimalText, hash, sats, unixSec } from './values.ts'

const windowMiner = z.object({
  address,
  weight: decimalText.describe('Weight of its shares in the window; decimal digits.'),
  percent: z.number().describe('Of the whole window, to six decimals.'),
  sats: sats.describe('What a block found now would pay it, in satoshis.'),
  isOurs: z.boolean().describe('Whether this node mines for it.'),
  isGenesis: z
    .boolean()
    .describe('Whether it is only the key of the genesis share, which nobody has: what it is paid is lost.')
})

/** The answer of `GET /v1/window`. */
export const windowSchema = z.object({
  base: hash
    .nullable()
    .describe('The share the next one builds on, and the newest of the window; null until there is work.'),
  shares: count.describe('Shares of the chain in the window.'),
  uncles: count.nullable().describe('Uncles they name; null while the window cannot be walked.'),
  weight: decimalText.describe('Of all; decimal digits.'),
  fullWeight: decimalText.describe('At which the window is full; decimal digits.'),
  fill: z.number().describe('The first over the second, at most 1.'),
  maxShares: count.describe('Shares in it at most.'),
  spanSec: count.nullable().describe('From its oldest share to now, in seconds; null while it cannot be walked.'),
  uncleRate: z.number().nullable().describe('Uncles over shares and uncles, from 0 to 1.'),
  shareDifficulty: z.number().nullable().describe('Difficulty of the next share; null while none can be made.'),
  bitcoinDifficulty: z.number().describe("Bitcoin's."),
  poolHashrate: measuredHashrate.nullable().describe('Of the whole pool, read off the share chain.'),
  miners: z.array(windowMiner).describe('The heaviest first, at most 1,000.'),
  addresses: count.describe('How many there are.')
})

export type WindowJson = z.input<typeof windowSchema>

const chainShare = z.object({
  hash: hash.describe('Of the share.'),
  height: count.describe('In the share chain.'),
  prev: hash.describe('The share it builds on.'),
  uncles: z.array(hash).describe('Uncles it names.'),
  address,
  time: unixSec.describe('By its maker’s clock.'),
  difficulty: z.number().describe("Of its target, in units of bitcoin's difficulty 1."),
  status: z
    .enum(['confirmed', 'uncle', 'candidate', 'valid', 'pending', 'invalid'])
    .describe('uncle: named by a confirmed share; candidate: on the heaviest chain of headers, not confirmed yet.'),
  isOurs: z.boolean().describe('Whether this node mines for its address.')
})

/** The query of `GET /v1/shares`. */
export const sharesQuery = z.strictObject({
  to: z.coerce.number().int().min(0).optional().describe('Highest height; default: the newest.'),
  heights: z.coerce.number().int().min(1).max(200).default(50).describe('How many heights.')
})

/** The answer of `GET /v1/shares`: the share chain with its side branches. */
export const sharesSchema = z.object({
  from: count.describe('Lowest height given.'),
  to: count.describe('Highest height given.'),
  confirmedHeight: count.describe('Of the newest confirmed share.'),
  shares: z
    .array(chainShare)
    .describe('Every share known at these heights, the highest first, confirmed before others; at most 2,000.')
})

export type SharesJson = z.input<typeof sharesSchema>
export { chainShare }
