import { z } from 'zod'

const port = z.number().int().min(0).max(65_535)
const bps = z.number().int().min(0).max(10_000)
const positive = z.number().positive()
const hex = z.string().regex(/^([0-9a-f]{2})+$/i, 'must be hex digits, two a byte')

/**
 * Every key of the configuration with its meaning. `describe` texts are what `p2poolv2 init` writes as comments, so a
 * key is explained in one place only.
 */
export const configSchema = z.strictObject({
  chain: z
    .enum(['main', 'testnet4', 'signet', 'regtest', 'devnet'])
    .default('devnet')
    .describe('The share chain to join. devnet is a private chain for trying things out.'),
  data_dir: z
    .string()
    .min(1)
    .default('.p2poolv2')
    .describe('Where the share chain, the wallet key and found blocks are kept.'),

  stratum: z
    .strictObject({
      hostname: z
        .string()
        .min(1)
        .default('0.0.0.0')
        .describe('Address to listen on; 0.0.0.0 lets miners on your LAN connect.'),
      port: port.default(3333).describe('TCP port for miners.'),
      start_difficulty: positive.optional().describe('First difficulty of a miner whose firmware is unknown.'),
      minimum_difficulty: positive.default(0.0001).describe('Never ask a miner for less.'),
      maximum_difficulty: positive.optional().describe('Never ask a miner for more.'),
      max_connections: z
        .number()
        .int()
        .min(1)
        .max(100_000)
        .default(1_000)
        .describe('Miners connected at once at most.'),
      miner_address: z
        .string()
        .optional()
        .describe(
          'Share-chain address credited for miners that name none with p2p= in their password; default: the node’s own.'
        ),
      donation_address: z.string().optional().describe('Paid first out of every block; set together with donation.'),
      donation: bps.optional().describe('Donation in hundredths of a percent, 0 to 10000.'),
      fee_address: z.string().optional().describe('Paid after the donation; set together with fee.'),
      fee: bps.optional().describe('Fee in hundredths of a percent, 0 to 10000.')
    })
    .prefault({}),

  bitcoind: z
    .array(
      z.strictObject({
        url: z.url({ protocol: /^https?$/ }).describe('RPC address, for example http://127.0.0.1:8332'),
        cookie_file: z.string().optional().describe('Path of bitcoind’s .cookie file; or use user and password.'),
        user: z.string().optional().describe('rpcuser or the name in rpcauth.'),
        password: z.string().optional().describe('rpcpassword.'),
        zmq_hashblock: z
          .string()
          .optional()
          .describe('The address of zmqpubhashblock, for example tcp://127.0.0.1:28332')
      })
    )
    .max(8)
    .default([])
    .describe('Your bitcoin nodes, the preferred one first. On devnet none means the embedded development chain.'),

  api: z
    .strictObject({
      hostname: z
        .string()
        .min(1)
        .default('127.0.0.1')
        .describe('Address of the page and the API; the default is this computer only.'),
      port: port.default(46_884).describe('Port of the page and the API.')
    })
    .prefault({}),

  logging: z
    .strictObject({
      level: z.enum(['error', 'warn', 'info', 'debug']).default('info').describe('How much to log.'),
      format: z.enum(['auto', 'human', 'json']).default('auto').describe('auto: human on a terminal, JSON otherwise.')
    })
    .prefault({}),

  devnet: z
    .strictObject({
      miners: z
        .number()
        .int()
        .min(0)
        .max(16)
        .default(2)
        .describe('Built-in CPU miners, each with its own payout address.'),
      miner_hashrate: z
        .number()
        .int()
        .min(0)
        .default(40_000)
        .describe('Hashes a second of each built-in miner; 0 for no limit.')
    })
    .prefault({}),

  genesis: z
    .strictObject({
      time: z
        .number()
        .int()
        .min(0)
        .max(0xffff_ffff)
        .optional()
        .describe('Share time of the genesis share, unix seconds.'),
      bitcoin_height: z
        .number()
        .int()
        .min(0)
        .max(499_999_999)
        .optional()
        .describe('Bitcoin height of the genesis share.'),
      bitcoin_header: hex.length(160).optional().describe('The 80-byte bitcoin header of the genesis share.'),
      bitcoin_coinbase: hex.optional().describe('The first transaction of that bitcoin block.')
    })
    .prefault({})
    .describe('Only where the genesis share is not built in (testnet4), or to join another’s devnet.')
})

/** The configuration after every default was filled in. */
export type Config = z.infer<typeof configSchema>
/** Raw values as read from TOML, environment and flags: nested plain objects. */
export type RawConfig = { [key: string]: unknown }
