import { DEFAULT_POOL_SIGNATURE, MAX_POOL_SIGNATURE_BYTES } from '@p2poolv2/bitcoin'
import type { ChainName } from '@p2poolv2/consensus'
import { bytesToAscii } from '@p2poolv2/primitives'
import { z } from 'zod'
import { alertSettings } from './alert-settings.ts'

/** Every chain a node can be on. */
export const CHAINS = ['main', 'testnet4', 'signet', 'regtest', 'devnet'] as const satisfies readonly ChainName[]

/** bitcoind's own RPC port and cookie file, of the bitcoin chain that each share chain is mined on. */
export const BITCOIND: Readonly<Record<ChainName, { readonly rpcPort: number; readonly cookie: string }>> = {
  main: { rpcPort: 8332, cookie: '.cookie' },
  testnet4: { rpcPort: 48_332, cookie: 'testnet4/.cookie' },
  signet: { rpcPort: 38_332, cookie: 'signet/.cookie' },
  regtest: { rpcPort: 18_443, cookie: 'regtest/.cookie' },
  devnet: { rpcPort: 18_443, cookie: 'regtest/.cookie' }
}

/** Stands for the reader's own in examples, and is nobody's. */
export const EXAMPLE_HOME = '/home/YOU/'

/** What `./p2poolv2 init` writes for keys that have to be set; their lines are live on every chain that needs a bitcoin node. */
export const EXAMPLES = z.registry<{ readonly of: (chain: ChainName) => string }>()

const port = z.number().int().min(0).max(65_535)
const bps = z.number().int().min(0).max(10_000)
const positive = z.number().positive()
const hex = z.string().regex(/^([0-9a-f]{2})+$/i, 'must be hex digits, two a byte')

/**
 * Every key of the configuration: its type, bounds, default, meaning, and example where the default would not do. What `init`
 * writes, what `docs/config.md` says, and what the environment and flags may set is read from here.
 */
export const configSchema = z.strictObject({
  chain: z
    .enum(CHAINS)
    .register(EXAMPLES, { of: chain => chain })
    .default('devnet')
    .describe('The share chain to join. devnet is a private chain for trying things out.'),
  data_dir: z
    .string()
    .min(1)
    .default('.p2poolv2')
    .describe('Where the share chain, the wallet key and found blocks are kept.'),

  mode: z
    .enum(['sharechain', 'solo', 'hydrapool'])
    .default('sharechain')
    .describe(
      'Whom blocks pay. sharechain: all miners of the share chain; solo: whoever finds one; hydrapool: the miners of this node, by an accounting of its own. The last two have no peers.'
    ),

  stratum: z
    .strictObject({
      hostname: z
        .string()
        .min(1)
        .default('::')
        .describe(
          'Address to listen on; :: is all of this computer, IPv4 as well, so that miners on your LAN can connect.'
        ),
      port: port.default(3333).describe('TCP port for miners.'),
      v2_port: port
        .optional()
        .describe(
          'TCP port for miners that speak Stratum V2, which is encrypted; 0: none. Default: three above port, so 3336, and none where another program has that or port is 0.'
        ),
      high_difficulty_port: port
        .optional()
        .describe(
          'A second TCP port, for rented machines and farms behind one connection: they start at high_difficulty.'
        ),
      high_difficulty: positive.default(1_000_000).describe('First difficulty at high_difficulty_port.'),
      tls_port: port
        .optional()
        .describe('A TCP port where miners speak TLS; set together with tls_certificate and tls_key.'),
      tls_certificate: z
        .string()
        .min(1)
        .optional()
        .describe('File with the certificate and its chain, PEM. A renewed one is taken up without a restart.'),
      tls_key: z.string().min(1).optional().describe('File with its key, PEM.'),
      trusted_ranges: z
        .array(z.string().min(1))
        .max(256)
        .default([])
        .describe(
          'Addresses or ranges, like 203.0.113.0/24, behind which many miners are: a farm, a container bridge, a rental service. No limit counts by these.'
        ),
      proxy_ranges: z
        .array(z.string().min(1))
        .max(256)
        .default([])
        .describe(
          'Addresses or ranges of fronts that are believed when they say in the PROXY protocol for whom they speak.'
        ),
      start_difficulty: positive.optional().describe('First difficulty of a miner whose firmware is unknown.'),
      minimum_difficulty: positive
        .optional()
        .describe(
          'Never ask a miner for less, even where shares of the share chain are lost by it; default: 0.0001, and less where that would be so.'
        ),
      maximum_difficulty: positive.optional().describe('Never ask a miner for more.'),
      max_connections: z
        .number()
        .int()
        .min(1)
        .max(100_000)
        .default(2_000)
        .describe('Miners connected at once at most.'),
      max_connections_per_address: z
        .number()
        .int()
        .min(1)
        .optional()
        .describe(
          'Of them those of one address, unless it is private or in trusted_ranges; default: half of max_connections.'
        ),
      bare_name_address: z
        .string()
        .optional()
        .describe(
          'Bitcoin address that is paid for miners whose user name is a bare name like worker1; default: they are refused.'
        ),
      too_large: z
        .enum(['solo', 'refuse', 'send'])
        .default('solo')
        .describe(
          'What miners get whose firmware cannot take the pool’s coinbase: work that pays them alone, nothing, or all of it.'
        ),
      empty_first: z
        .boolean()
        .default(true)
        .describe(
          'On a new bitcoin block give miners work without transactions at once where the template takes longer than a few milliseconds; the full work follows.'
        ),
      record: z
        .string()
        .min(1)
        .optional()
        .describe(
          'Folder to write down what miners of Stratum V1 say and what they are told, for ./p2poolv2 replay; default: nothing is written down.'
        ),
      record_redact: z
        .boolean()
        .default(true)
        .describe('Leave passwords and addresses out of what is written down; the coinbases of jobs stay.'),
      miner_address: z
        .string()
        .optional()
        .describe(
          'Share-chain address credited for miners that name none with p2p= in their password; default: the node’s own.'
        ),
      donation_address: z.string().optional().describe('Paid first out of every block; set together with donation.'),
      donation: bps.optional().describe('Donation in hundredths of a percent, 0 to 10000.'),
      fee_address: z.string().optional().describe('Paid after the donation; set together with fee.'),
      fee: bps.optional().describe('Fee in hundredths of a percent, 0 to 10000.'),
      pool_signature: z
        .string()
        .refine(text => /^[ -~]*$/.test(text), 'must be plain ASCII text')
        .max(MAX_POOL_SIGNATURE_BYTES, `must have at most ${MAX_POOL_SIGNATURE_BYTES} characters`)
        .default(bytesToAscii(DEFAULT_POOL_SIGNATURE))
        .describe(
          `Text that marks the bitcoin blocks found here, at most ${MAX_POOL_SIGNATURE_BYTES} characters; may be empty. Nodes need not agree on it.`
        )
    })
    .prefault({}),

  bitcoind: z
    .array(
      z.strictObject({
        url: z
          .url({ protocol: /^https?$/ })
          .describe('RPC address, for example http://127.0.0.1:8332')
          .register(EXAMPLES, { of: chain => `http://127.0.0.1:${BITCOIND[chain].rpcPort}` }),
        cookie_file: z
          .string()
          .register(EXAMPLES, { of: chain => `${EXAMPLE_HOME}.bitcoin/${BITCOIND[chain].cookie}` })
          .optional()
          .describe('Path of bitcoind’s .cookie file; or use user and password.'),
        user: z.string().optional().describe('rpcuser or the name in rpcauth.'),
        password: z.string().optional().describe('rpcpassword.'),
        zmq_hashblock: z
          .string()
          .register(EXAMPLES, { of: () => 'tcp://127.0.0.1:28332' })
          .optional()
          .describe('The address of zmqpubhashblock, for example tcp://127.0.0.1:28332')
      })
    )
    .max(8)
    .default([])
    .describe('Your bitcoin nodes, the preferred one first. On devnet none means the embedded development chain.'),

  p2p: z
    .strictObject({
      hostname: z.string().min(1).default('0.0.0.0').describe('Address to listen on for others; see only_proxy.'),
      port: port.default(6884).describe('TCP port for other nodes; 0 takes any free one.'),
      dial_peers: z
        .array(z.string().min(1))
        .max(64)
        .default([])
        .describe('Nodes to stay connected to: invites, or addresses like /ip4/192.0.2.1/tcp/6884'),
      external_address: z
        .string()
        .optional()
        .describe(
          'Where others reach this node, for example /ip4/192.0.2.1/tcp/6884, if it is known; told to peers as it is.'
        ),
      max_inbound: z.number().int().min(0).max(500).default(50).describe('Peers at most that dialled this node.'),
      outbound: z.number().int().min(1).max(50).default(8).describe('Peers this node looks for by itself.'),
      map_port: z.boolean().default(true).describe('Ask the router to open the port (UPnP, NAT-PMP).'),
      mdns: z.boolean().default(true).describe('Find nodes of the same share chain on the local network.'),
      topics: z
        .boolean()
        .default(true)
        .describe(
          'Share what is new in topics among nodes of this kind; false: only by the requests that every node speaks, each peer for itself.'
        ),
      fresh_identity: z.boolean().default(false).describe('Use a new peer id at every start.'),
      socks5: z
        .string()
        .regex(/^[^\s:]+:\d{1,5}$|^\[[0-9a-f:]+\]:\d{1,5}$/i, 'must be host:port')
        .optional()
        .describe('SOCKS5 proxy for outbound connections, for example Tor at 127.0.0.1:9050'),
      only_proxy: z
        .boolean()
        .default(false)
        .describe(
          'Dial by the proxy alone, listen on 127.0.0.1 unless hostname is given, ask no router or LAN; needs socks5.'
        ),
      private_fork: z
        .boolean()
        .default(false)
        .describe('Mine although every peer follows other rules: what is found then counts for nobody else.')
    })
    .prefault({}),

  api: z
    .strictObject({
      hostname: z
        .string()
        .min(1)
        .default('127.0.0.1')
        .describe('Address of the page and the API; the default is this computer only.'),
      port: port.default(46_884).describe('Port of the page and the API.'),
      auth_user: z
        .string()
        .min(1)
        .max(128)
        .regex(/^[^:]*$/, 'must have no colon')
        .optional()
        .describe('Who reads the page and the API must log in by this name; set together with auth_token.'),
      auth_token: z
        .string()
        .regex(/^[^$]+\$[0-9a-f]{64}$/, 'must be salt$hmac: the salt and the HMAC-SHA256 of the password in hex')
        .optional()
        .describe('salt$hmac: HMAC-SHA256 of the password, keyed by the salt.'),
      lan_reads: z
        .boolean()
        .default(false)
        .describe(
          'Whoever is on the local network may read without the login. Not behind a proxy: it is on that network.'
        ),
      host_names: z
        .array(z.string().min(1).max(253))
        .max(16)
        .default([])
        .describe("Names by which the page is reached, beside addresses, localhost and this computer's own."),
      cors_allowed: z.boolean().default(false).describe('Let pages of every other site read the API.')
    })
    .prefault({}),

  alerts: alertSettings,

  hydrapool: z
    .strictObject({
      window: z
        .number()
        .positive()
        .max(1_000)
        .default(1)
        .describe(
          'With mode hydrapool: how much of the newest work a block pays for, in blocks; 1 is what a block takes on average.'
        )
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

/** The configuration of a node that was told nothing. */
export const DEFAULTS: Config = configSchema.parse({})

/** One settable key: its dotted path, its schema and its meaning. */
export interface ConfigKey {
  readonly path: readonly string[]
  readonly schema: z.ZodType
  readonly description: string
}

/** Every key of the configuration, in the order of the schema. `bitcoind` keys are those of one entry. */
export const CONFIG_KEYS: readonly ConfigKey[] = keysOf(configSchema, [], '')

function keysOf(schema: z.ZodType, path: readonly string[], description: string): ConfigKey[] {
  const bare = unwrapped(schema)
  if (bare instanceof z.ZodObject) {
    return Object.entries(bare.shape).flatMap(([key, child]) => {
      const childSchema = child as z.ZodType
      return keysOf(childSchema, [...path, key], childSchema.description ?? '')
    })
  }
  if (bare instanceof z.ZodArray && bare.element instanceof z.ZodObject) return keysOf(bare.element, path, description)
  return [{ path, schema: bare, description }]
}

function unwrapped(schema: z.ZodType): z.ZodType {
  if (schema instanceof z.ZodDefault || schema instanceof z.ZodPrefault || schema instanceof z.ZodOptional) {
    return unwrapped(schema.unwrap() as z.ZodType)
  }
  return schema
}

/** What the configuration is where a key is not set; undefined where there is no default. */
export function defaultOf({ path }: ConfigKey): unknown {
  return path.reduce<unknown>(
    (at, part) => (typeof at === 'object' && at !== null ? (at as Record<string, unknown>)[part] : undefined),
    DEFAULTS
  )
}

/** Turns the text of an environment variable or flag into what the key's schema expects. */
export function valueFromText(key: ConfigKey, text: string): unknown {
  if (key.schema instanceof z.ZodNumber) {
    const value = Number(text)
    return text.trim() === '' || Number.isNaN(value) ? text : value
  }
  if (key.schema instanceof z.ZodBoolean) return text === 'true' ? true : text === 'false' ? false : text
  if (key.schema instanceof z.ZodArray) return text.split(',').filter(part => part !== '')
  return text
}
