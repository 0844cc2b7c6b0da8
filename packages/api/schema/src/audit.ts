import { z } from 'zod'
import { address, count, decimalText, hash, sats } from './values.ts'

const cut = z
  .object({ address, bps: count.describe('Hundredths of a percent.'), sats: sats.describe('In satoshis.') })
  .nullable()

const output = z.object({
  address,
  kind: z
    .enum(['donation', 'fee', 'payout', 'not-due'])
    .describe('not-due: the coinbase pays it, and the window does not call for it.'),
  weight: decimalText.nullable().describe('Of its shares in the window; null for a cut and for what is not due.'),
  shares: count.describe('Shares of the chain it has in the window.'),
  uncles: count.describe('Uncles it has there.'),
  nephewWeight: decimalText.describe('Of its weight the part earned by naming uncles; decimal digits.'),
  dueSats: sats.nullable().describe('What the shares call for, in satoshis; null: nothing.'),
  paidSats: sats.nullable().describe('What the coinbase pays at this place, in satoshis; null: nothing.'),
  matches: z.boolean().describe('Whether both are the same.')
})

/** The parameter of `GET /v1/audit/{id}`. */
export const auditParams = z.strictObject({
  id: z
    .string()
    .regex(/^(job|\d{1,9}|[0-9a-f]{64})$/, 'give a bitcoin height, the hash of a block or of a share, or: job')
    .describe('Height or hash of a bitcoin block of the pool, hash of a share, or `job`: what miners have now.')
})

/** The answer of `GET /v1/audit/{id}`: a payout worked out once more, from stored shares alone. */
export const auditSchema = z.object({
  verdict: z
    .enum(['matches', 'differs', 'unknown'])
    .describe('unknown: something that is needed is not stored; the message says what.'),
  message: z.string().describe('The verdict in one sentence.'),
  subject: z
    .object({
      kind: z.enum(['block', 'share', 'job']).describe('What is audited.'),
      bitcoinHeight: count.describe('Of the bitcoin block it is or would be.'),
      block: hash.nullable().describe('Hash of its bitcoin header; null for a job.'),
      share: hash.nullable().describe('Its share; null for a job.'),
      result: z.string().nullable().describe('As in `/v1/blocks`; null where it is no block on record.')
    })
    .describe('What is audited.'),
  coinbase: z
    .object({
      from: z
        .enum(['share', 'record', 'job'])
        .describe(
          'share: the stored coinbase of the share; record: outputs noted when the block was found; job: the work given out.'
        ),
      txid: hash.nullable().describe('Of the coinbase; null where only its outputs are known, and for a job.'),
      inHeader: z
        .boolean()
        .nullable()
        .describe(
          'Whether it hashes, with the stored branch, to the merkle root of the bitcoin header; null if that cannot be told.'
        ),
      sats: sats.describe('What it pays in all, in satoshis: what is divided.')
    })
    .nullable()
    .describe('What really is paid; null if it is not stored.'),
  window: z
    .object({
      newest: hash.describe('The share it ends with.'),
      newestHeight: count.describe('Its height.'),
      oldest: hash.describe('The share it begins with.'),
      oldestHeight: count.describe('Its height.'),
      shares: count.describe('Shares of the chain in it.'),
      uncles: count.describe('Uncles they name.'),
      weight: decimalText.describe('Of all; decimal digits.'),
      fullWeight: decimalText.describe('At which it is full; decimal digits.'),
      end: z
        .enum(['full', 'cap', 'genesis'])
        .describe(
          'full: the oldest share fills it; cap: it has as many shares as it may; genesis: the chain begins there.'
        )
    })
    .nullable()
    .describe('The payout window as it was walked; null if a share of it is not stored.'),
  rules: z
    .object({
      share: count.describe('Weight of a share for each unit of its difficulty.'),
      uncle: count.describe('Weight of an uncle.'),
      nephew: count.describe('Weight a share gets for each unit of the difficulty of an uncle it names.'),
      multiplier: count.describe('The window is full at ten times the difficulty of bitcoin times this.'),
      maxShares: count.describe('Shares in a window at most.')
    })
    .describe('What was applied.'),
  donation: cut.describe('First cut; null: none.'),
  fee: cut.describe('Second cut, of what is left; null: none.'),
  minersSats: sats.nullable().describe('What is divided by weight, in satoshis.'),
  outputs: z
    .array(output)
    .describe('In the order of the coinbase; those of value zero that carry commitments are left out.'),
  method: z.string().describe('What the proof rests on, and what it has in common with the code that makes jobs.')
})

export type AuditJson = z.input<typeof auditSchema>
