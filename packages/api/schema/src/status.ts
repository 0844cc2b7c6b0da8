import { z } from 'zod'
import { count, decimalText, hash, sats } from './values.ts'

const sharechain = z.object({
  confirmedHeight: count.describe('Height of the newest confirmed share.'),
  confirmedHash: hash.describe('Hash of that share.'),
  candidateHeight: count.describe('Height of the heaviest chain of headers known, confirmed or not.'),
  uncles: count.describe('Uncles on the confirmed chain, as far as it is in memory.'),
  scriptsUnchecked: count.describe(
    'Shares that are followed although they carry transactions whose scripts this node cannot check.'
  ),
  padding: z
    .object({
      form: z.enum(['A', 'B', 'C']).describe('Of the next share made here.'),
      demanded: z.boolean().describe('Whether the share chain demands it; else every known form is valid.')
    })
    .describe('Form of the padding in the bitcoin coinbase, which is read from the share chain.')
})

const windowEntry = z.object({
  address: z.string().describe('Bitcoin address that is paid.'),
  weight: decimalText.describe('Weight of its shares in the window; decimal digits, for it may exceed 2^53.'),
  percent: z.number().describe('That weight in percent of the whole window, to six decimals.'),
  payoutSats: sats.describe('What a block found now would pay it, in satoshis.')
})

const block = z.object({
  height: count.describe('Bitcoin height.'),
  hash: hash.describe('Bitcoin block hash.'),
  time: count.describe('Time in the block header, unix seconds.'),
  outputs: z
    .array(
      z.object({
        address: z.string().describe('Bitcoin address that is paid.'),
        sats: sats.describe('Amount in satoshis.')
      })
    )
    .describe('What the coinbase pays, in its order.'),
  result: z
    .string()
    .describe(
      'seen: another node of the pool found it and nothing was submitted from here; submitted: no bitcoin node has answered ' +
        'yet; else the best answer of our bitcoin nodes: accepted, duplicate, lost-race, rejected or failed, and the reason after a ' +
        'colon. orphaned: it was in the best chain and another block has its height now; lost-race: another was there first.'
    )
})

const miner = z.object({
  worker: z.string().describe('Name after the dot of its user name; empty when it gave none.'),
  address: z.string().describe('Bitcoin address it mines for.'),
  userAgent: z.string().describe('What its firmware calls itself.'),
  difficulty: z.number().describe("Difficulty it is asked for, relative to bitcoin's difficulty 1."),
  hashrate: z.number().describe('Hashes a second, estimated from its accepted work.'),
  accepted: count.describe('Submits accepted on this connection.'),
  rejected: count.describe('Submits rejected on this connection.'),
  work: z
    .enum(['pool', 'solo'])
    .describe(
      "solo: a block it finds pays it alone and it earns nothing else; the node mines solo, or its firmware cannot take the pool's coinbase."
    ),
  warnings: z.array(z.string()).describe('What is amiss with it, in words for its owner.')
})

const refusedMiner = z.object({
  host: z.string().describe('Address it comes from.'),
  user: z.string().describe('The user name it gave, unchecked.'),
  userAgent: z.string().describe('What its firmware calls itself.'),
  message: z.string().describe('Why it is refused, and what to put instead.'),
  tries: count.describe('How often it has tried.'),
  since: count.describe('When it tried first, unix seconds.'),
  last: count.describe('When it tried last, unix seconds.')
})

const bitcoind = z.object({
  url: z.string().describe('The bitcoin node whose work is used, without its password.'),
  state: z.enum(['starting', 'syncing', 'ready', 'unreachable', 'misconfigured']).describe('ready: it gives work.'),
  height: count.nullable().describe('Height of its best block; null until it has told.'),
  message: z
    .string()
    .nullable()
    .describe('What its operator should do, else what keeps jobs from becoming shares; null if all is well.')
})

const sync = z.object({
  phase: z
    .enum(['comparing', 'fetching', 'checking'])
    .describe(
      'comparing: headers of a peer are followed to see whether its chain is heavier; fetching: they are taken; checking: shares are fetched and judged.'
    ),
  doneHeights: count.describe('Heights behind us in this phase.'),
  totalHeights: count.describe(
    'Heights in all: of headers by the time of the newest one, an estimate; of shares those whose headers are known.'
  ),
  heightsPerSecond: z.number().nullable().describe('Since the phase began; null in its first moments.'),
  secondsLeft: count.nullable().describe('Of this phase, at that rate.')
})

const network = z.object({
  state: z
    .enum(['alone', 'syncing', 'current'])
    .describe('alone: no peer; syncing: shares of others are being fetched; current: nothing is known to be missing.'),
  message: z.string().describe('What that means for whoever mines here, one sentence.'),
  peers: count.describe('Peers connected.'),
  sync: sync.nullable().describe('How far it is, while it catches up with much; else null.')
})

const totals = z.object({
  accepted: count.describe('Submits accepted.'),
  rejected: count.describe('Submits rejected.'),
  rejects: z
    .array(
      z.object({
        reason: z.string().describe('As the miner was told.'),
        count: count.describe('How often.')
      })
    )
    .describe('Why submits were rejected, the most frequent first.'),
  bestDifficulty: z.number().describe('Of the best hash, as the difficulty it reached.'),
  blocksFound: count.describe('Hashes that met the target of bitcoin.'),
  hashrates: z
    .object({
      m1: z.number().describe('Of a minute.'),
      m5: z.number().describe('Of five minutes.'),
      m15: z.number().describe('Of a quarter of an hour.'),
      h1: z.number().describe('Of an hour.'),
      h6: z.number().describe('Of six hours.'),
      d1: z.number().describe('Of a day.'),
      d7: z.number().describe('Of a week.')
    })
    .describe('Hashes a second by accepted work, as fading averages.')
})

/**
 * The answer of `GET /v1/status`, and of every `status` event of `GET /v1/events`. Decoded, amounts and weights are bigint;
 * encoded, they are what JSON can hold. Fields are added; one that was published keeps its meaning.
 */
export const statusSchema = z.object({
  chain: z.enum(['main', 'testnet4', 'signet', 'regtest', 'devnet']).describe('The share chain this node is on.'),
  fingerprint: hash.describe('Hash of every consensus value: nodes with another are on another chain.'),
  version: z.string().describe('Version of this program.'),
  sharechain: sharechain.describe('Where the share chain stands.'),
  window: z
    .array(windowEntry)
    .describe('The payout window by address, heaviest first; empty until there is work, and with mode solo.'),
  windowShares: count.describe('Shares in the payout window; with mode hydrapool accepted submits.'),
  blocks: z
    .array(block)
    .describe('Blocks of the whole pool as far as this node knows, highest bitcoin height first, a bounded number.'),
  miners: z.array(miner).describe('Authorised connections, in the order in which they connected.'),
  bitcoind: bitcoind.describe('The bitcoin node that gives work.'),
  network: network.describe('How this node stands among the others; miners have work in every state.'),
  refusedMiners: z.array(refusedMiner).describe('Miners that tried of late and were not let in, the last one first.'),
  mode: z
    .enum(['sharechain', 'solo', 'hydrapool'])
    .describe(
      'Whom blocks pay: all miners of the share chain, whoever finds one, or the miners of this node by its own accounting.'
    ),
  totals: totals.describe('What all miners of this node have done, over its restarts.')
})

/** The decoded answer: amounts and weights are bigint. */
export type Status = z.output<typeof statusSchema>

/** The same as JSON has it. */
export type StatusJson = z.input<typeof statusSchema>

/** What every refusal says. */
export const errorSchema = z.object({ error: z.string().describe('What is wrong and what to do, for a person.') })

export type ErrorJson = z.infer<typeof errorSchema>
