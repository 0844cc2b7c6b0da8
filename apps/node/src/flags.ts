import { type Command, InvalidArgumentError } from 'commander'
import { WrongUsage } from './cli/outcome.ts'
import type { NodeAt } from './commands/running-node.ts'
import { CONFIG_FILE_NAME, ConfigError, type ConfigSources, dataDirOf } from './config.ts'
import { CHAINS, DEFAULTS } from './settings.ts'
import { typedPath } from './typed-path.ts'

/** What the commands that read the configuration have in common. */
export interface CommonFlags {
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
  readonly iKnowThisIsAPrivateFork?: boolean
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
  if (!/^[a-z0-9_.]+=/.test(text))
    throw new InvalidArgumentError('give section.key=value, for example stratum.port=3334')
  return [...earlier, text]
}

export function sourcesOf(flags: CommonFlags): ConfigSources {
  const values: Record<string, string> = {}
  for (const text of flags.set ?? []) {
    const equals = text.indexOf('=')
    values[text.slice(0, equals)] = text.slice(equals + 1)
  }
  for (const [flag, key] of Object.entries(FLAG_KEYS)) {
    const value = flags[flag as keyof typeof FLAG_KEYS]
    if (value !== undefined) values[key] = value
  }
  if (flags.iKnowThisIsAPrivateFork === true) values['p2p.private_fork'] = 'true'
  if (values['data_dir'] !== undefined && values['data_dir'] !== '') values['data_dir'] = typedPath(values['data_dir'])
  return { file: flags.config === undefined ? null : typedPath(flags.config), env: typedEnvironment(), flags: values }
}

function typedEnvironment(): ConfigSources['env'] {
  const paths = ['P2POOL_CONFIG', 'P2POOL_DATA_DIR'].flatMap(name => {
    const path = process.env[name]
    return path === undefined || path === '' ? [] : [[name, typedPath(path)] as const]
  })
  return { ...process.env, ...Object.fromEntries(paths) }
}

export function withConfigFlags(command: Command): Command {
  return command
    .option(
      '--config <file>',
      `configuration file (default: ${CONFIG_FILE_NAME} in the data directory, if there is one)`
    )
    .option('--data-dir <folder>', `where shares, wallet key and found blocks are kept (default: ${DEFAULTS.data_dir})`)
    .option('--chain <chain>', CHAINS.join(', '))
    .option('--set <section.key=value>', 'set any configuration key; may be repeated', assignment)
}

/** How a command finds the node that runs. */
export interface RunningFlags {
  readonly config?: string
  readonly dataDir?: string
  readonly apiPort?: string
}

export function withRunningNode(command: Command): Command {
  return command
    .option('--config <file>', "the running node's configuration file, which says where its data directory is")
    .option('--data-dir <folder>', `the running node's data directory (default: ${DEFAULTS.data_dir})`)
    .option('--api-port <port>', "the running node's page, instead of what its data directory says")
}

/**
 * @throws WrongUsage for what is no port
 * @throws ConfigError for a configuration file that cannot be read
 */
export function nodeAt(flags: RunningFlags): NodeAt {
  if (flags.apiPort !== undefined && !/^\d{1,5}$/.test(flags.apiPort))
    throw new WrongUsage(`--api-port is "${flags.apiPort}": give the port of the page, like ${DEFAULTS.api.port}`)
  return { dataDir: dataDirOf(sourcesOf(flags)), apiPort: flags.apiPort ?? null }
}

/** The same for what tells of a broken configuration itself. @throws WrongUsage for what is no port */
export function nodeAtDespiteConfig(flags: RunningFlags): NodeAt {
  try {
    return nodeAt(flags)
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error
    const { config: _, ...others } = flags
    return { dataDir: dataDirOf({ ...sourcesOf(others), env: {} }), apiPort: flags.apiPort ?? null }
  }
}
