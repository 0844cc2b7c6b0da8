import { existsSync, readFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { parseAddress } from '@p2poolv2/gossip'
import { withoutCredentials } from '@p2poolv2/runtime'
import { parse as parseToml, TomlError } from 'smol-toml'
import { closestKey, issueLines } from './config-mistakes.ts'
import { fileReason } from './data/file-trouble.ts'
import { CONFIG_KEYS, type Config, configSchema, EXAMPLE_HOME, type RawConfig, valueFromText } from './settings.ts'

/** A configuration nobody can run; the message names the key and what to write instead. */
export class ConfigError extends Error {
  readonly code = 'config-invalid'
  /** One for each thing that is wrong. */
  readonly mistakes: readonly string[]

  constructor(message: string, options: ErrorOptions & { readonly mistakes?: readonly string[] } = {}) {
    super(message, options)
    this.mistakes = options.mistakes ?? [message]
  }
}

export interface ConfigSources {
  /** Path given by flag or `P2POOL_CONFIG`; null looks for `p2poolv2.toml` in the data directory. */
  readonly file: string | null
  readonly env: Readonly<Record<string, string | undefined>>
  /** Values given by flags, by dotted key, strongest of all. */
  readonly flags: Readonly<Record<string, string>>
}

export interface LoadedConfig {
  readonly config: Config
  /** The file read, or null when everything came from defaults, environment and flags. */
  readonly file: string | null
}

const ENV_PREFIX = 'P2POOL_'
/** Names with the prefix that are not configuration keys. */
const ENV_OTHER = new Set(['P2POOL_CONFIG'])
export const CONFIG_FILE_NAME = 'p2poolv2.toml'

/**
 * Reads the configuration: file, then environment (`P2POOL_<SECTION>__<KEY>`), then flags, the later the stronger.
 * @throws ConfigError naming every wrong key at once, each with what to write instead
 */
export function loadConfig(sources: ConfigSources): LoadedConfig {
  const loaded = loadSettings(sources)
  checkTogether(loaded.config)
  return loaded
}

/**
 * The same without what has to be set for a node to run: for what reads one key, such as where the data directory is.
 * @throws ConfigError naming every wrong key at once, each with what to write instead
 */
export function loadSettings(sources: ConfigSources): LoadedConfig {
  const fromEnv = environmentValues(sources.env)
  const fromFlags = flagValues(sources.flags)
  const file = namedFile(sources) ?? fileIn(dataDirBeside(fromEnv, fromFlags))
  const fromFile = file === null ? {} : readToml(file)
  const config = checked(listeningApart(merged(merged(fromFile, fromEnv), fromFlags)), file)
  return { config: { ...config, data_dir: resolve(config.data_dir) }, file }
}

/** @throws ConfigError naming every wrong key at once */
function checked(raw: RawConfig, file: string | null): Config {
  const parsed = configSchema.safeParse(raw)
  if (parsed.success) return parsed.data
  const lines = parsed.error.issues.flatMap(issue => issueLines(issue, raw))
  throw new ConfigError(
    `The configuration${file === null ? '' : ` ${file}`} has ${lines.length === 1 ? 'a mistake' : 'mistakes'}:\n${lines.map(line => `  ${line}`).join('\n')}`,
    { mistakes: lines }
  )
}

/**
 * Where the data directory is, by the same rules: for what asks the node that runs there. Variables with our prefix may be another
 * program's, and what the file in the data directory says of other things is for the node to read.
 * @throws ConfigError for a file that is named and cannot be read or has mistakes, a variable that may be meant to say where, or a
 * wrong flag: any of them would have another node answer than the one that is meant
 */
export function dataDirOf({ file, env, flags }: ConfigSources): string {
  refuseMistypedPlaces(env)
  const fromEnv = environmentValues(Object.fromEntries(Object.entries(env).filter(([name]) => isKnown(name))))
  const fromFlags = flagValues(flags)
  const named = namedFile({ file, env })
  if (named !== null) {
    const fromFile = readToml(named)
    checked(listeningApart(merged(merged(fromFile, fromEnv), fromFlags)), named)
    return dataDirBeside(fromFile, fromEnv, fromFlags)
  }
  const found = fileIn(dataDirBeside(fromEnv, fromFlags))
  return dataDirBeside(found === null ? {} : dataDirIn(found), fromEnv, fromFlags)
}

/** Where things are by flags and environment alone: for what writes the file. Null: nobody says. @throws ConfigError */
export function namedPlaces({ file, env, flags }: ConfigSources): {
  readonly file: string | null
  readonly dataDir: string | null
} {
  refuseMistypedPlaces(env)
  const said = (path: string | null | undefined): string | null => (path === undefined || path === '' ? null : path)
  const [, fromEnv] =
    Object.entries(env).find(([name]) => name.startsWith(ENV_PREFIX) && dottedOf(name) === 'data_dir') ?? []
  return { file: said(namedFile({ file, env })), dataDir: said(flags['data_dir']) ?? said(fromEnv) }
}

/** @throws ConfigError for a variable that may be meant to say where things are, and would not be heard */
function refuseMistypedPlaces(env: ConfigSources['env']): void {
  const mistyped = Object.keys(env).find(isMistypedPlace)
  if (mistyped !== undefined)
    throw new ConfigError(
      `environment variable ${mistyped} is not read; did you mean P2POOL_DATA_DIR or P2POOL_CONFIG?`
    )
}

/** Of the file nobody named: the node that runs was started before somebody made a mistake in it. */
function dataDirIn(file: string): RawConfig {
  try {
    return { data_dir: readToml(file)['data_dir'] }
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error
    return {}
  }
}

function isKnown(variable: string): boolean {
  const dotted = dottedOf(variable)
  return variable.startsWith(ENV_PREFIX) && CONFIG_KEYS.some(({ path }) => path.join('.') === dotted)
}

/** Whether a variable that is none of ours is like one that says where the node is. */
function isMistypedPlace(variable: string): boolean {
  if (!variable.startsWith(ENV_PREFIX) || ENV_OTHER.has(variable) || isKnown(variable)) return false
  const dotted = dottedOf(variable)
  return dotted.startsWith('config') || closestKey(dotted, ['data_dir', 'config']) !== null
}

/** The file that a flag or the environment names. */
export function namedFile({ file, env }: Pick<ConfigSources, 'file' | 'env'>): string | null {
  return file ?? env['P2POOL_CONFIG'] ?? null
}

/** Of what is said in several places, the later the stronger. @throws ConfigError for an empty one: it would be where one stands */
function dataDirBeside(...sources: readonly RawConfig[]): string {
  const said = String(sources.findLast(source => source['data_dir'] !== undefined)?.['data_dir'] ?? '.p2poolv2')
  if (said === '') throw new ConfigError('data_dir is "": must not be empty; leave P2POOL_DATA_DIR or --data-dir out')
  return resolve(said)
}

function fileIn(dataDir: string): string | null {
  const file = join(dataDir, CONFIG_FILE_NAME)
  return existsSync(file) ? file : null
}

/** Who wants nothing to go in the clear is not dialled in the clear either, unless he says where. */
function listeningApart(raw: RawConfig): RawConfig {
  const { only_proxy, hostname } = asRaw(raw['p2p'])
  return only_proxy === true && hostname === undefined ? merged(raw, { p2p: { hostname: '127.0.0.1' } }) : raw
}

function readToml(file: string): RawConfig {
  let text: string
  try {
    text = readFileSync(file, 'utf8')
  } catch (cause) {
    throw new ConfigError(
      `The configuration file ${file} cannot be read: ${fileReason(cause as Error)}. Make one with: ./p2poolv2 init --chain main`,
      { cause }
    )
  }
  try {
    return parseToml(text) as RawConfig
  } catch (cause) {
    throw new ConfigError(`The configuration file ${file} is not TOML: ${tomlReason(cause)}`, { cause })
  }
}

/** Where and what, but not the lines around it, which the parser quotes: a password may stand there. */
function tomlReason(cause: unknown): string {
  const message = cause instanceof Error ? cause.message : String(cause)
  const [what = ''] = message.split('\n')
  return cause instanceof TomlError ? `${what}, in line ${cause.line} at column ${cause.column}` : what
}

function environmentValues(env: ConfigSources['env']): RawConfig {
  let values: RawConfig = {}
  for (const [name, text] of Object.entries(env)) {
    if (text === undefined || !name.startsWith(ENV_PREFIX) || ENV_OTHER.has(name)) continue
    const dotted = dottedOf(name)
    values = merged(values, valueAt(dotted, text, `environment variable ${name}`))
  }
  return values
}

function dottedOf(variable: string): string {
  return variable.slice(ENV_PREFIX.length).replace(/^_/, '').toLowerCase().split('__').join('.')
}

function flagValues(flags: ConfigSources['flags']): RawConfig {
  return Object.entries(flags).reduce<RawConfig>(
    (values, [dotted, text]) => merged(values, valueAt(dotted, text, `--set ${dotted}`)),
    {}
  )
}

function valueAt(dotted: string, text: string, where: string): RawConfig {
  const key = CONFIG_KEYS.find(candidate => candidate.path.join('.') === dotted)
  if (key === undefined) {
    const near = closestKey(
      dotted,
      CONFIG_KEYS.map(candidate => candidate.path.join('.'))
    )
    throw new ConfigError(`${where} names no known key "${dotted}"${near === null ? '' : `; did you mean "${near}"?`}`)
  }
  const [section, name] = key.path
  const value = valueFromText(key, text)
  if (section === undefined) return {}
  if (name === undefined) return { [section]: value }
  // The environment and flags speak of one bitcoin node, the preferred one.
  return section === 'bitcoind' ? { bitcoind: [{ [name]: value }] } : { [section]: { [name]: value } }
}

function merged(base: RawConfig, over: RawConfig): RawConfig {
  const result: RawConfig = { ...base }
  for (const [key, value] of Object.entries(over)) {
    const below = result[key]
    if (Array.isArray(value) && Array.isArray(below))
      result[key] = [merged(asRaw(below[0]), asRaw(value[0])), ...below.slice(1)]
    else if (isRaw(value) && isRaw(below)) result[key] = merged(below, value)
    else result[key] = value
  }
  return result
}

function isRaw(value: unknown): value is RawConfig {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function asRaw(value: unknown): RawConfig {
  return isRaw(value) ? value : {}
}

/** Rules that concern more than one key. */
function checkTogether(config: Config): void {
  const { stratum, bitcoind, chain } = config
  for (const kind of ['donation', 'fee'] as const) {
    if ((stratum[`${kind}_address`] === undefined) !== (stratum[kind] === undefined)) {
      throw new ConfigError(`stratum.${kind}_address and stratum.${kind} belong together: set both or neither`)
    }
  }
  const { minimum_difficulty: least, maximum_difficulty: highest } = stratum
  if (least !== undefined && highest !== undefined && highest < least) {
    throw new ConfigError(
      'stratum.maximum_difficulty is below stratum.minimum_difficulty: raise the one or lower the other'
    )
  }
  const tls = [stratum.tls_port, stratum.tls_certificate, stratum.tls_key]
  if (new Set(tls.map(key => key === undefined)).size > 1)
    throw new ConfigError(
      'stratum.tls_port, stratum.tls_certificate and stratum.tls_key belong together: set all three or none'
    )
  const { start_difficulty: start, maximum_difficulty: most } = stratum
  if (start !== undefined && most !== undefined && start > most)
    throw new ConfigError(
      'stratum.start_difficulty is above stratum.maximum_difficulty: lower the one or raise the other'
    )
  if (config.mode !== 'sharechain' && stratum.miner_address !== undefined)
    throw new ConfigError(
      `stratum.miner_address is for the share chain, and mode = "${config.mode}" has none: remove one of them`
    )
  if ((config.api.auth_user === undefined) !== (config.api.auth_token === undefined))
    throw new ConfigError('api.auth_user and api.auth_token belong together: set both or neither')
  const { external_address } = config.p2p
  if (external_address !== undefined && parseAddress(external_address) === null)
    throw new ConfigError(
      `p2p.external_address is "${external_address}": write it like /ip4/192.0.2.1/tcp/6884, with this node's public IP address`
    )
  if (config.p2p.only_proxy && config.p2p.socks5 === undefined)
    throw new ConfigError('p2p.only_proxy needs a proxy: set p2p.socks5, for example "127.0.0.1:9050"')
  if (chain === 'testnet4' && config.mode === 'sharechain') checkGenesis(config)
  if (chain !== 'devnet' && bitcoind.length === 0) {
    throw new ConfigError(
      `chain "${chain}" needs a bitcoin node: add a [[bitcoind]] section with url and cookie_file (./p2poolv2 init --chain ${chain} writes one)`
    )
  }
  for (const [i, node] of bitcoind.entries()) {
    if (node.zmq_hashblock !== undefined && !/^(tcp|ipc):\/\/./.test(node.zmq_hashblock)) {
      throw new ConfigError(
        `bitcoind.${i}.zmq_hashblock is "${node.zmq_hashblock}": give what bitcoind has as zmqpubhashblock, for example tcp://127.0.0.1:28332`
      )
    }
    if (node.cookie_file?.startsWith(EXAMPLE_HOME) === true)
      throw new ConfigError(
        `bitcoind.${i}.cookie_file is "${node.cookie_file}", which is the example: write the path of your bitcoind's .cookie file, with your own user's name for YOU`
      )
    if (node.cookie_file === undefined && (node.user === undefined || node.password === undefined)) {
      throw new ConfigError(
        `bitcoind entry ${i + 1} (${withoutCredentials(node.url)}) has no way to log in: set cookie_file, or user and password`
      )
    }
  }
}

/** No genesis of this chain is built in: all of it has to be told, in one message. */
function checkGenesis({ genesis, chain }: Config): void {
  const missing = Object.entries({
    time: genesis.time,
    bitcoin_height: genesis.bitcoin_height,
    bitcoin_header: genesis.bitcoin_header,
    bitcoin_coinbase: genesis.bitcoin_coinbase
  })
    .filter(([, value]) => value === undefined)
    .map(([name]) => name)
  if (missing.length > 0)
    throw new ConfigError(
      `chain "${chain}" has no genesis share built in: set ${missing.join(', ')} in [genesis] to what the others on it use`
    )
}
