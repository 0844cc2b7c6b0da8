import type { ChainName } from '@p2poolv2/consensus'
import { CONFIG_KEYS, type ConfigKey, defaultOf, EXAMPLES } from './settings.ts'

/**
 * The commented configuration that `./p2poolv2 init` writes: every key with its meaning, commented out where the default
 * is right, so that a reader sees what there is and changes one line.
 * @param given values by dotted key, of which all others are commented out; null: examples where a node on this chain needs a value
 * @param dataDir beside examples: where the data directory is; null: the default
 */
export function configTemplate(
  chain: ChainName,
  given: ReadonlyMap<string, unknown> | null = null,
  dataDir: string | null = null
): string {
  const lines = [
    '# Configuration of a P2Poolv2 node. Every key can also be set as an environment variable,',
    '# P2POOL_<SECTION>__<KEY>, or by flag, --set section.key=value; flags win over the environment, it over this file.',
    ''
  ]
  let section = ''
  for (const key of CONFIG_KEYS) {
    const [first = '', name] = key.path
    if (name !== undefined && first !== section) {
      section = first
      if (first === 'bitcoind') lines.push('', '# One section for each bitcoin node, the preferred one first.')
      lines.push(first === 'bitcoind' ? `${given === null ? offUnlessNeeded(chain) : ''}[[bitcoind]]` : `\n[${first}]`)
    }
    const line = given === null ? settingLine(key, chain) : givenLine(key, given)
    const isDataDir = first === 'data_dir' && dataDir !== null
    lines.push(`# ${key.description}`, isDataDir ? `data_dir = ${JSON.stringify(dataDir)}` : line)
  }
  return `${lines.join('\n')}\n`
}

/** The line of one key: live where a node on this chain needs it, commented out otherwise. */
function settingLine(key: ConfigKey, chain: ChainName): string {
  const name = key.path.at(-1) ?? ''
  const example = EXAMPLES.get(key.schema)
  if (example !== undefined) {
    const off = key.path.length > 1 ? offUnlessNeeded(chain) : ''
    return `${off}${name} = ${JSON.stringify(example.of(chain))}`
  }
  const value = defaultOf(key)
  return `# ${name} = ${value === undefined ? '' : JSON.stringify(value)}`.trimEnd()
}

function givenLine(key: ConfigKey, given: ReadonlyMap<string, unknown>): string {
  const name = key.path.at(-1) ?? ''
  const value = given.get(key.path.join('.'))
  // Strings and lists of them as JSON writes them are those of TOML.
  if (value !== undefined) return `${name} = ${JSON.stringify(value)}`
  const fallback = defaultOf(key)
  return `# ${name} = ${fallback === undefined ? '' : JSON.stringify(fallback)}`.trimEnd()
}

/** A devnet runs on the embedded development chain: it needs no bitcoin node. */
function offUnlessNeeded(chain: ChainName): string {
  return chain === 'devnet' ? '# ' : ''
}
