#!/usr/bin/env node
import '@p2poolv2/runtime/with-resolvers'
import { join } from 'node:path'
import { Command, InvalidArgumentError, Option } from 'commander'
import { address } from './commands/address.ts'
import { init } from './commands/init.ts'
import { start } from './commands/start.ts'
import { CONFIG_FILE_NAME, type ConfigSources } from './config.ts'
import { fileTrouble } from './data/data-dir.ts'
import { CHAINS, type Config, DEFAULTS } from './settings.ts'
import { VERSION } from './version.ts'

interface CommonFlags {
  readonly config?: string
  readonly dataDir?: string
  readonly chain?: string
  readonly stratumPort?: string
  readonly stratumHost?: string
  readonly apiPort?: string
  readonly apiHost?: string
  readonly p2pPort?: string
  readonly p2pHost?: string
  readonly miners?: string
  readonly logLevel?: string
  readonly set?: readonly string[]
}

/** Which key each named flag sets. */
const FLAG_KEYS = {
  dataDir: 'data_dir',
  chain: 'chain',
  stratumPort: 'stratum.port',
  stratumHost: 'stratum.hostname',
  apiPort: 'api.port',
  apiHost: 'api.hostname',
  p2pPort: 'p2p.port',
  p2pHost: 'p2p.hostname',
  miners: 'devnet.miners',
  logLevel: 'logging.level'
} as const satisfies Partial<Record<keyof CommonFlags, string>>

function assignment(text: string, earlier: readonly string[] = []): readonly string[] {
  if (!/^[a-z_.]+=/.test(text)) throw new InvalidArgumentError('give section.key=value, for example stratum.port=3334')
  return [...earlier, text]
}

function sourcesOf(flags: CommonFlags): ConfigSources {
  const values: Record<string, string> = {}
  for (const text of flags.set ?? []) {
    const equals = text.indexOf('=')
    values[text.slice(0, equals)] = text.slice(equals + 1)
  }
  for (const [flag, key] of Object.entries(FLAG_KEYS)) {
    const value = flags[flag as keyof typeof FLAG_KEYS]
    if (value !== undefined) values[key] = value
  }
  return { file: flags.config ?? null, env: process.env, flags: values }
}

function withConfigFlags(command: Command): Command {
  return command
    .option(
      '--config <file>',
      `configuration file (default: ${CONFIG_FILE_NAME} in the data directory, if there is one)`
    )
    .option('--data-dir <folder>', `where shares, wallet key and found blocks are kept (default: ${DEFAULTS.data_dir})`)
    .option('--chain <chain>', CHAINS.join(', '))
    .option('--set <section.key=value>', 'set any configuration key; may be repeated', assignment)
}

const program = new Command('p2poolv2')
  .description('A peer-to-peer bitcoin mining node: P2Poolv2 in TypeScript.')
  .version(VERSION)

withConfigFlags(program.command('start', { isDefault: true }))
  .description('run the node; without a configuration it runs a development chain with two built-in miners')
  .option('--stratum-port <port>', `port for miners (default: ${DEFAULTS.stratum.port})`)
  .option('--stratum-host <address>', `address for miners (default: ${DEFAULTS.stratum.hostname})`)
  .option('--api-port <port>', `port of the page and the API (default: ${DEFAULTS.api.port})`)
  .option('--api-host <address>', `address of the page and the API (default: ${DEFAULTS.api.hostname})`)
  .option('--p2p-port <port>', `port for other nodes, 0 for any free one (default: ${DEFAULTS.p2p.port})`)
  .option('--p2p-host <address>', `address for other nodes (default: ${DEFAULTS.p2p.hostname})`)
  .option('--miners <n>', `built-in CPU miners on devnet (default: ${DEFAULTS.devnet.miners})`)
  .option('--log-level <level>', 'error, warn, info or debug')
  .action((flags: CommonFlags) => start(sourcesOf(flags)))

program
  .command('init')
  .description('write a commented configuration file')
  .option(
    '--config <file>',
    `file to write (default: ${CONFIG_FILE_NAME} in the data directory, where start looks for it)`
  )
  .option('--data-dir <folder>', `the data directory (default: ${DEFAULTS.data_dir})`)
  .addOption(new Option('--chain <chain>', 'the chain to join').choices(CHAINS).default('signet'))
  .action((flags: { config?: string; dataDir?: string; chain: Config['chain'] }) => {
    const place = join(flags.dataDir ?? DEFAULTS.data_dir, CONFIG_FILE_NAME)
    const file = init(flags.config ?? place, flags.chain)
    const isFound = flags.config === undefined && flags.dataDir === undefined
    process.stdout.write(`Wrote ${file}. Edit it, then run: npm start${isFound ? '' : ` -- --config ${file}`}\n`)
  })

withConfigFlags(program.command('address'))
  .description("show the node's own share-chain address (the wallet key is made if there is none)")
  .action((flags: CommonFlags) => {
    process.stdout.write(`${address(sourcesOf(flags))}\n`)
  })

/** What to say of an error that a person can act on: its message says how, and a stack would only hide it. */
function adviceOf(error: unknown): string | null {
  const isOurs =
    error instanceof Error && 'code' in error && typeof error.code === 'string' && /^[a-z]+(-[a-z]+)+$/.test(error.code)
  return isOurs ? error.message : fileTrouble(error)
}

try {
  await program.parseAsync()
} catch (error) {
  const advice = adviceOf(error)
  if (advice === null) throw error
  process.stderr.write(`p2poolv2: ${advice}\n`)
  process.exit(1)
}
