import { CONFIG_KEYS, type ConfigKey, defaultOf } from '../../apps/node/src/settings.ts'
import { code, grouped, type Page, pageText, table } from './page.ts'

/** Every key of the configuration. */
export function configPage(): Page {
  const sections = new Map<string, ConfigKey[]>()
  for (const key of CONFIG_KEYS) {
    const section = key.path.length > 1 ? (key.path[0] ?? '') : ''
    sections.set(section, [...(sections.get(section) ?? []), key])
  }
  return {
    path: 'docs/config.md',
    text: pageText({
      title: 'Configuration',
      source: 'apps/node/src/settings.ts',
      parts: [
        PREFACE,
        ...[...sections].flatMap(([section, keys]) => [
          ...(section === '' ? [] : [`## ${section === 'bitcoind' ? '[[bitcoind]]' : `[${section}]`}`]),
          ...(section === 'bitcoind' ? [BITCOIND] : []),
          table({ head: ['key', 'type', 'default', 'environment', 'meaning'], rows: keys.map(row) })
        ])
      ]
    })
  }
}

const PREFACE = `A node reads a TOML file, then the environment, then its flags; the later wins. The file is the one named by \`--config\` or
\`P2POOL_CONFIG\`, or \`p2poolv2.toml\` in the data directory; \`./p2poolv2 init --chain main\` writes one with every key explained. A flag is
\`--set section.key=value\`. Whatever is unknown or out of range is refused at the start with the key's name. A dash stands where there is
no default.`

const BITCOIND = `One section for each bitcoin node, the preferred one first. The environment and flags set the first. Each needs
\`url\` and either \`cookie_file\` or \`user\` and \`password\`.`

function row(key: ConfigKey): string[] {
  const value = defaultOf(key)
  return [
    code(key.path.at(-1) ?? ''),
    typeOf(key),
    value === undefined ? '–' : code(JSON.stringify(value)),
    code(environmentName(key)),
    key.description
  ]
}

/** The environment variable that sets a key. */
export function environmentName({ path }: ConfigKey): string {
  return `P2POOL_${path.join('__').toUpperCase()}`
}

function typeOf({ schema }: ConfigKey): string {
  const { type, enum: choices, format, pattern, minLength, ...bounds } = schema.toJSONSchema()
  if (choices !== undefined) return choices.map(choice => code(String(choice))).join(', ')
  if (type === 'array') return 'list of texts'
  if (type === 'boolean') return '`true`, `false`'
  if (type === 'string') {
    if (pattern !== undefined && format === undefined && pattern.includes('[0-9a-f]{2}'))
      return minLength === undefined ? 'hex' : `hex, ${minLength} digits`
    return format === 'uri' ? 'URL' : 'text'
  }
  return `${type === 'integer' ? 'whole number' : 'number'}${rangeOf(bounds)}`
}

/** zod states the range of safe integers where the schema states none. */
function rangeOf(bounds: Readonly<Record<string, unknown>>): string {
  const numberAt = (name: string): number | undefined => {
    const value = bounds[name]
    return typeof value === 'number' && Math.abs(value) !== Number.MAX_SAFE_INTEGER ? value : undefined
  }
  const above = numberAt('exclusiveMinimum')
  const least = numberAt('minimum')
  const most = numberAt('maximum')
  if (above !== undefined) return ` above ${grouped(above)}`
  if (least !== undefined && most !== undefined) return `, ${grouped(least)} to ${grouped(most)}`
  if (least !== undefined) return `, at least ${grouped(least)}`
  return most === undefined ? '' : `, at most ${grouped(most)}`
}
