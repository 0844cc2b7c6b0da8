import { hostname, networkInterfaces } from 'node:os'
import { fileURLToPath } from 'node:url'
import type { ConfigJson, ConnectJson } from '@p2poolv2/api/schema'
import type { BitcoinNetwork } from '@p2poolv2/bitcoin'
import { withoutCredentials } from '@p2poolv2/runtime'
import { CONFIG_KEYS, type Config, type ConfigKey, defaultOf } from '../settings.ts'

/** The built dashboard, where there is one. */
export const PAGE_DIRECTORY = fileURLToPath(new URL('../../../dashboard/dist', import.meta.url))

/** Nobody who may read the configuration needs these. */
const SECRET = /(^|\.)(password|auth_token|ntfy_token|webhook|ntfy)$/

/** The configuration in force, without passwords. */
export function configAnswer(config: Config, file: string | null): ConfigJson {
  return { file, settings: CONFIG_KEYS.flatMap(key => settingsOf(config, key)) }
}

/** One for each bitcoin node, where the key is of those. */
function settingsOf(config: Config, key: ConfigKey): ConfigJson['settings'] {
  const [section = '', name] = key.path
  if (section === 'bitcoind' && name !== undefined)
    return config.bitcoind.map((node, i) => setting(key, `bitcoind.${i}.${name}`, node[name as keyof typeof node]))
  const value = name === undefined ? config[section as keyof Config] : valueIn(config[section as keyof Config], name)
  return [setting(key, key.path.join('.'), value)]
}

function setting(key: ConfigKey, path: string, value: unknown): ConfigJson['settings'][number] {
  const fallback = defaultOf(key) ?? null
  const shown = value ?? null
  return {
    key: path,
    value: shown !== null && SECRET.test(path) ? '***' : typeof shown === 'string' ? withoutCredentials(shown) : shown,
    default: fallback,
    isSet: JSON.stringify(shown) !== JSON.stringify(fallback),
    meaning: key.description
  }
}

function valueIn(section: unknown, name: string): unknown {
  return typeof section === 'object' && section !== null ? (section as Record<string, unknown>)[name] : undefined
}

/** How bitcoin addresses of each network begin, the form to use first. */
export const ADDRESS_PREFIXES: Readonly<Record<BitcoinNetwork, readonly string[]>> = {
  main: ['bc1', '1', '3'],
  test: ['tb1', 'm', 'n', '2'],
  regtest: ['bcrt1', 'm', 'n', '2']
}

/** What to write into a miner that shall reach this node. */
export function connectAnswer(
  { stratum, api }: Config,
  ports: {
    readonly stratum: number
    readonly v2: { readonly port: number; readonly authorityText: string } | null
    readonly api: number
  },
  network: BitcoinNetwork
): ConnectJson {
  const hosts = hostsOf(stratum.hostname)
  const doors = [
    { port: ports.stratum, tls: false, startDifficulty: stratum.start_difficulty ?? null },
    ...(stratum.high_difficulty_port === undefined
      ? []
      : [{ port: stratum.high_difficulty_port, tls: false, startDifficulty: stratum.high_difficulty }]),
    ...(stratum.tls_port === undefined
      ? []
      : [{ port: stratum.tls_port, tls: true, startDifficulty: stratum.start_difficulty ?? null }])
  ]
  const { v2 } = ports
  const v1Ways = doors.flatMap(door =>
    hosts.map(host => ({
      url: `stratum+${door.tls ? 'ssl' : 'tcp'}://${inUrl(host)}:${door.port}`,
      host,
      protocol: 'v1' as const,
      ...door
    }))
  )
  const v2Ways = (v2 === null ? [] : hosts).map(host => ({
    url: `stratum2+tcp://${inUrl(host)}:${v2?.port}/${v2?.authorityText}`,
    host,
    protocol: 'v2' as const,
    port: v2?.port ?? 0,
    tls: false,
    startDifficulty: stratum.start_difficulty ?? null
  }))
  return {
    stratum: [...v1Ways, ...v2Ways],
    user: `${stratum.bare_name_address ?? 'YOUR_BITCOIN_ADDRESS'}.worker1`,
    password: 'x',
    addressPrefixes: [...ADDRESS_PREFIXES[network]],
    page: hostsOf(api.hostname).map(host => `http://${inUrl(host)}:${ports.api}`)
  }
}

/** Under which names others reach an address that is listened on: of all of them those of the LAN, and the name of this computer. */
function hostsOf(listening: string): string[] {
  if (listening !== '0.0.0.0' && listening !== '::') return [listening]
  const lan = Object.values(networkInterfaces())
    .flatMap(entries => entries ?? [])
    .filter(({ internal, family }) => !internal && family === 'IPv4')
    .map(({ address }) => address)
  const name = hostname().split('.')[0] ?? ''
  const local = /^[a-z0-9-]+$/i.test(name) ? [`${name.toLowerCase()}.local`] : []
  return lan.length === 0 ? ['127.0.0.1', ...local] : [...lan, ...local]
}

function inUrl(host: string): string {
  return host.includes(':') ? `[${host.replace(/^\[|\]$/g, '')}]` : host
}
