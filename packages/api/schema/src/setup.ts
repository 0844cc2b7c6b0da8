import { z } from 'zod'
import { count } from './values.ts'

const CHAINS = ['main', 'testnet4', 'signet', 'regtest'] as const

/** The answer of `GET /v1/setup`: what a first configuration begins from. */
export const setupSchema = z.object({
  file: z.string().describe('The file that would be written.'),
  exists: z.boolean().describe('Whether it is there: then it is replaced, and kept beside under another name.'),
  mayWrite: z
    .boolean()
    .describe('Whether whoever asks may have it written: he has the login, or came by the link of ./p2poolv2 link.'),
  chains: z
    .array(
      z.object({
        chain: z.enum(CHAINS).describe('Its name.'),
        purpose: z.string().describe('What it is for and what it needs, one or two sentences.'),
        rpcUrl: z.string().describe('Where its bitcoin node listens by default.'),
        cookieFile: z.string().describe('Where its cookie file is by default.'),
        cookieFound: z.boolean().describe('Whether that file is there.'),
        addressPrefixes: z.array(z.string()).describe('How its bitcoin addresses begin.')
      })
    )
    .describe('The chains a configuration can be written for.')
})

export type SetupJson = z.input<typeof setupSchema>

/** What somebody answers who takes a node to a real chain; the body of `POST /v1/setup` and `POST /v1/setup/check`. */
export const setupAnswersSchema = z.strictObject({
  chain: z.enum(CHAINS).describe('The share chain to join.'),
  payoutAddress: z
    .string()
    .trim()
    .max(128)
    .describe(
      'Bitcoin address that is paid for miners that give a name only; empty: such miners are refused, and on main nothing is written.'
    ),
  rpcUrl: z.string().trim().max(512).describe('RPC address of the bitcoin node.'),
  cookieFile: z.string().trim().max(1_024).describe('Its cookie file; empty if it is asked with user and password.'),
  rpcUser: z.string().max(256).describe('rpcuser, or the name in rpcauth; empty with a cookie file.'),
  rpcPassword: z.string().max(512).describe('rpcpassword; empty with a cookie file.'),
  zmqHashblock: z
    .string()
    .trim()
    .max(512)
    .describe('What the bitcoin node has as zmqpubhashblock; empty: it is asked every few seconds.'),
  isPageOnLan: z.boolean().describe('Whether the page may be read from the local network.')
})

export type SetupAnswers = z.output<typeof setupAnswersSchema>

/** The answer of `POST /v1/setup/check`. */
export const setupCheckSchema = z.object({
  problems: z
    .array(
      z.object({
        field: setupAnswersSchema.keyof().describe('The answer it is about.'),
        message: z.string().describe('What is wrong and what to put instead.')
      })
    )
    .describe('What keeps the configuration from being written; none if it can be.'),
  bitcoind: z
    .object({
      state: z.enum(['ready', 'waiting', 'unusable']).describe('ready: it gives work. waiting: it will by itself.'),
      height: count.nullable().describe('Of its best block; null if it did not tell.'),
      findings: z
        .array(
          z.object({
            severity: z.enum(['fatal', 'wait', 'warning']).describe('fatal: something has to be changed.'),
            message: z.string().describe('What was seen and what to change.')
          })
        )
        .describe('What it was found to lack, the worst first.')
    })
    .describe('What the bitcoin node answered.')
})

export type SetupCheckJson = z.input<typeof setupCheckSchema>

/** The answer of `POST /v1/setup`. */
export const setupDoneSchema = z.object({
  file: z.string().describe('The file that was written.'),
  kept: z.string().nullable().describe('Where the one before is kept; null if there was none.'),
  restarts: z.boolean().describe('Whether the node starts again with it by itself, in a second or two.'),
  next: z.string().describe('What happens now, or what to do.')
})

export type SetupDoneJson = z.input<typeof setupDoneSchema>
