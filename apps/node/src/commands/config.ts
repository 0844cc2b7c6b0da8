import type { ConfigJson } from '@p2poolv2/api/schema'
import { type Sheet, shown } from '../cli/style.ts'
import { wrapped } from '../cli/text-table.ts'
import { ConfigError, type ConfigSources, loadConfig } from '../config.ts'
import { withoutGenesis } from '../data/chain-params.ts'
import { configAnswer } from '../wire/api-answers.ts'
import { configuredOptions } from '../wire/node-options.ts'

/** The configuration as a node would read it, and what is wrong with it. Passwords are left out. */
export interface CheckedConfig extends ConfigJson {
  readonly ok: boolean
  readonly mistakes: readonly string[]
}

/** Reads the configuration as a start would, without starting anything or making a file. */
export function checkedConfig(sources: ConfigSources): CheckedConfig {
  try {
    const { config, file } = loadConfig(sources)
    // Addresses belong to a chain; which ones is not the schema's to know.
    configuredOptions(config, withoutGenesis(config.chain))
    return { ok: true, mistakes: [], ...configAnswer(config, file) }
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error
    return { ok: false, mistakes: error.mistakes, file: sources.file, settings: [] }
  }
}

export function checkView({ ok, file, mistakes, settings }: CheckedConfig, { style }: Sheet): string[] {
  const what = file === null ? 'The configuration' : `The configuration ${file}`
  if (!ok) return [style.bad(`${what} cannot be used:`), ...mistakes.map(line => `  ${shown(line)}`)]
  const set = settings.filter(({ isSet }) => isSet).length
  const source = file === null ? 'there is no file: built-in values, environment and flags' : `${set} keys are set`
  return [style.good(`${what} can be used; ${source}.`)]
}

/** Of what is read in an editor, a mail or a pager as well. */
const MOST_COLUMNS = 100
const INDENT = '    '

/** Every key in force, its meaning below it; those that are set stand out. No wider where it goes into a file or another program. */
export function configView({ settings }: ConfigJson, { style, columns }: Sheet): string[] {
  const width = Math.min(columns ?? MOST_COLUMNS, MOST_COLUMNS)
  return settings.flatMap(({ key, value, isSet, meaning }) => {
    const [first = '', ...rest] = wrapped(
      shown(`${key} = ${value === null ? '–' : spaced(value)}`),
      width - INDENT.length
    )
    return [
      isSet ? style.bold(first) : first,
      ...rest.map(line => `${INDENT}${line}`),
      ...wrapped(shown(meaning), width - INDENT.length).map(line => style.dim(`${INDENT}${line}`))
    ]
  })
}

/** Lists with spaces, where lines may be broken. */
function spaced(value: unknown): string {
  return Array.isArray(value) ? `[${value.map(each => JSON.stringify(each)).join(', ')}]` : JSON.stringify(value)
}
