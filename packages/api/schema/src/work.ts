import { z } from 'zod'
import { address, count, hash, sats, unixSec } from './values.ts'

/** The answer of `GET /v1/template`. */
export const templateSchema = z.object({
  message: z.string().nullable().describe('Why there is no work; else null.'),
  template: z
    .object({
      source: z.string().describe('The bitcoin node it is from, without its password.'),
      received: unixSec.nullable().describe('When it came; null if that is not known.'),
      height: count.describe('Bitcoin height of the block that is looked for.'),
      prev: hash.describe('The bitcoin block it builds on.'),
      version: z.int().describe('Of the block header.'),
      bits: z.string().describe('Compact target, eight hex digits.'),
      bitcoinDifficulty: z.number().describe("Bitcoin's difficulty."),
      time: unixSec.describe('Offered to miners, unix seconds.'),
      coinbaseSats: sats.describe('Subsidy and fees, in satoshis.'),
      feesSats: sats.describe('Fees alone, in satoshis.'),
      transactions: count.describe('Without the coinbase.'),
      weight: count.describe('Of these transactions, in weight units.'),
      droppedTransactions: count.nullable().describe('Left out to make room for payouts; null: that was not possible.')
    })
    .nullable()
    .describe('Null while there is a message.')
})

export type TemplateJson = z.input<typeof templateSchema>

/** The answer of `GET /v1/coinbase`. */
export const coinbaseSchema = z.object({
  message: z.string().nullable().describe('Why there is no work; else null.'),
  coinbase: z
    .object({
      height: count.describe('Bitcoin height of the block that is looked for.'),
      sats: sats.describe('What it pays in all, in satoshis.'),
      bytes: count.describe('Its length, which is a limit of some firmwares.'),
      signature: z.string().describe('Text in it that marks blocks found here.'),
      outputs: z
        .array(
          z.object({
            index: count.describe('Among the outputs of the coinbase, from 0.'),
            address,
            sats: sats.describe('In satoshis.'),
            kind: z.enum(['donation', 'fee', 'payout']).describe('payout: to a miner of the window.'),
            isOurs: z.boolean().describe('Whether this node mines for it.')
          })
        )
        .describe('What it pays, in its order, without those of value zero that carry commitments.'),
      firmwares: z
        .array(
          z.object({
            firmware: z.string().describe('Which machines.'),
            limitBytes: count.describe('The longest coinbase they are known to take.'),
            fits: z.boolean().describe('Whether this one is within it.')
          })
        )
        .describe('Which firmwares take it.'),
      shares: z.boolean().describe('Whether a solution of it can become a share.'),
      hex: z
        .string()
        .describe('The transaction without witness; the miner’s own bytes, commitment and extranonce, are zero.')
    })
    .nullable()
    .describe('Null while there is a message.')
})

export type CoinbaseJson = z.input<typeof coinbaseSchema>
