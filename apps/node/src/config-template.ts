import { CONFIG_KEYS, type ConfigKey } from './config-keys.ts'
import { type Config, configSchema } from './config-schema.ts'

/**
 * The commented configuration that `p2poolv2 init` writes: every key with its meaning, commented out where the default
 * is right, so that a reader sees what there is and changes one line.
 */
export function configTemplate(chain: Config['chain']): string {
  const defaults = configSchema.parse({ chain: 'devnet' })
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
      lines.push(
        '',
        first === 'bitcoind' ? '# One section for each bitcoin node, the preferred one first.' : '',
        sectionHeader(first, chain)
      )
    }
    lines.push(`# ${key.description}`, settingLine(key, chain, defaults))
  }
  return `${lines.join('\n').replace(/\n{3,}/g, '\n\n')}\n`
}

function sectionHeader(section: string, chain: Config['chain']): string {
  if (section !== 'bitcoind') return `[${section}]`
  return chain === 'devnet' ? '# [[bitcoind]]' : '[[bitcoind]]'
}

const RPC_PORT: Readonly<Record<Config['chain'], number>> = {
  main: 8332,
  testnet4: 48_332,
  signet: 38_332,
  regtest: 18_443,
  devnet: 18_443
}
const COOKIE_FOLDER: Readonly<Record<Config['chain'], string>> = {
  main: '',
  testnet4: 'testnet4/',
  signet: 'signet/',
  regtest: 'regtest/',
  devnet: 'regtest/'
}

/** The line of one key: live where a node on this chain needs it, commented out otherwise. */
function settingLine(key: ConfigKey, chain: Config['chain'], defaults: Config): string {
  const dotted = key.path.join('.')
  const name = key.path.at(-1) ?? ''
  const off = chain === 'devnet' ? '# ' : ''
  if (dotted === 'chain') return `chain = "${chain}"`
  if (dotted === 'bitcoind.url') return `${off}url = "http://127.0.0.1:${RPC_PORT[chain]}"`
  if (dotted === 'bitcoind.cookie_file')
    return `${off}cookie_file = "/home/YOU/.bitcoin/${COOKIE_FOLDER[chain]}.cookie"`
  if (dotted === 'bitcoind.zmq_hashblock') return `${off}zmq_hashblock = "tcp://127.0.0.1:28332"`
  const value = key.path.reduce<unknown>(
    (at, part) => (typeof at === 'object' && at !== null ? (at as Record<string, unknown>)[part] : undefined),
    defaults
  )
  return `# ${name} = ${value === undefined ? '' : JSON.stringify(value)}`.trimEnd()
}
