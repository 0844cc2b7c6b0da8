import { existsSync, readFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { withoutCredentials } from '@p2poolv2/runtime'
import { parse as parseToml, TomlError } from 'smol-toml'
import type { z } from 'zod'
import { CONFIG_KEYS, type Config, configSchema, type RawConfig, valueFromText } from './settings.ts'

/** A configuration nobody can run; the message names the key and what to write instead. */
export class ConfigError extends Error {
  readonly code = 'config-invalid'
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
  const fromEnv = environmentValues(sources.env)
  const fromFlags = flagValues(sources.flags)
  const dataDir = resolve(String(fromFlags['data_dir'] ?? fromEnv['data_dir'] ?? '.p2poolv2'))
  const path = sources.file ?? sources.env['P2POOL_CONFIG'] ?? null
  const file = path ?? (existsSync(join(dataDir, CONFIG_FILE_NAME)) ? join(dataDir, CONFIG_FILE_NAME) : null)
  const fromFile = file === null ? {} : readToml(file)
  const raw = merged(merged(fromFile, fromEnv), fromFlags)
  const parsed = configSchema.safeParse(raw)
  if (!parsed.success) {
    const lines = parsed.error.issues.flatMap(issue => issueLines(issue))
    throw new ConfigError(
      `The configuration${file === null ? '' : ` ${file}`} has ${lines.length === 1 ? 'a mistake' : 'mistakes'}:\n${lines.map(line => `  ${line}`).join('\n')}`
    )
  }
  checkTogether(parsed.data)
  return { config: { ...parsed.data, data_dir: resolve(parsed.data.data_dir) }, file }
}

function readToml(file: string): RawConfig {
  let text: string
  try {
    text = readFileSync(file, 'utf8')
  } catch (cause) {
    throw new ConfigError(
      `The configuration file ${file} cannot be read: ${(cause as Error).message}. Make one with: p2poolv2 init`,
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
    const dotted = name.slice(ENV_PREFIX.length).replace(/^_/, '').toLowerCase().split('__').join('.')
    values = merged(values, valueAt(dotted, text, `environment variable ${name}`))
  }
  return values
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

function issueLines(issue: z.core.$ZodIssue): string[] {
  const path = issue.path.map(String)
  const dotted = path.join('.')
  if (issue.code === 'unrecognized_keys') {
    const schemaPath = path.filter(part => !/^\d+$/.test(part))
    const siblings = CONFIG_KEYS.filter(key => schemaPath.every((part, i) => key.path[i] === part)).map(
      key => key.path[schemaPath.length] ?? ''
    )
    return issue.keys.map(key => {
      const near = closestKey(key, [...new Set(siblings)])
      const name = [...path, key].join('.')
      return `unknown key "${name}"${near === null ? '' : `; did you mean "${[...path, near].join('.')}"?`}`
    })
  }
  return [`${dotted}: ${issue.message}`]
}

/** The known key most like a mistyped one, or null when nothing is close. */
export function closestKey(wrong: string, known: readonly string[]): string | null {
  const [best] = known
    .map(key => ({ key, distance: editDistance(wrong.toLowerCase(), key.toLowerCase()) }))
    .sort((a, b) => a.distance - b.distance)
  if (best === undefined || best.distance > Math.max(2, Math.floor(wrong.length / 3))) return null
  return best.key
}

/** Levenshtein distance. */
function editDistance(a: string, b: string): number {
  let previous = Array.from({ length: b.length + 1 }, (_, i) => i)
  for (let i = 1; i <= a.length; i++) {
    const row = [i]
    for (let j = 1; j <= b.length; j++) {
      const substitution = (previous[j - 1] ?? 0) + (a[i - 1] === b[j - 1] ? 0 : 1)
      row.push(Math.min(substitution, (previous[j] ?? 0) + 1, (row[j - 1] ?? 0) + 1))
    }
    previous = row
  }
  return previous[b.length] ?? 0
}

/** Rules that concern more than one key. */
function checkTogether(config: Config): void {
  const { stratum, bitcoind, chain } = config
  for (const kind of ['donation', 'fee'] as const) {
    if ((stratum[`${kind}_address`] === undefined) !== (stratum[kind] === undefined)) {
      throw new ConfigError(`stratum.${kind}_address and stratum.${kind} belong together: set both or neither`)
    }
  }
  if (stratum.maximum_difficulty !== undefined && stratum.maximum_difficulty < stratum.minimum_difficulty) {
    throw new ConfigError(
      'stratum.maximum_difficulty is below stratum.minimum_difficulty: raise the one or lower the other'
    )
  }
  if (chain !== 'devnet' && bitcoind.length === 0) {
    throw new ConfigError(
      `chain "${chain}" needs a bitcoin node: add a [[bitcoind]] section with url and cookie_file (p2poolv2 init writes one)`
    )
  }
  for (const [i, node] of bitcoind.entries()) {
    if (node.cookie_file === undefined && (node.user === undefined || node.password === undefined)) {
      throw new ConfigError(
        `bitcoind entry ${i + 1} (${withoutCredentials(node.url)}) has no way to log in: set cookie_file, or user and password`
      )
    }
  }
}
